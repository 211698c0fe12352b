/** What a route is, and what the handlers of all services need: paging, filters, 404. */
import { queryInteger } from "./fields.js";
import type { Fleet } from "./fleet.js";
import type { Entry } from "./ledger.js";
import { notFound } from "./problem.js";
import type { Vehicle } from "./vehicles.js";

/** A request as a handler sees it; `id` is the first path parameter and `now` the moment it came. */
export interface Call {
  readonly fleet: Fleet;
  readonly now: number;
  readonly query: URLSearchParams;
  readonly id: string;
  readonly second: string;
  readonly body: unknown;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path with `:name` for parameters; of two that match, the first in the table counts. */
  readonly path: string;
  readonly status: number;
  readonly handle: (call: Call) => unknown;
}

type Handle = Route["handle"];
export const get = (path: string, handle: Handle): Route => ({ method: "GET", path, status: 200, handle });
export const post = (path: string, handle: Handle, status = 200): Route => ({ method: "POST", path, status, handle });
export const put = (path: string, handle: Handle): Route => ({ method: "PUT", path, status: 200, handle });
export const remove = (path: string, handle: Handle): Route => ({ method: "DELETE", path, status: 200, handle });

/** Most rows on a page, and most vehicles in one bulk request. */
export const MAX_LIMIT = 1_000;

/** One page of rows: `limit` 100 by default and 1000 at most, `offset` 0 by default. */
export function page<T>(rows: readonly T[], query: URLSearchParams, render: (row: T) => unknown) {
  const limit = queryInteger(query, "limit", 100, 1, MAX_LIMIT);
  const offset = queryInteger(query, "offset", 0, 0, Number.MAX_SAFE_INTEGER);
  return { items: rows.slice(offset, offset + limit).map(render), total: rows.length, limit, offset };
}

/** A test that a row passes if it agrees with every filter that the query sets; undefined if it sets none. */
export function filterOf<T extends Entry>(
  query: URLSearchParams,
  filters: Readonly<Record<string, (row: T) => string | null>>,
) {
  const set = Object.entries(filters).flatMap(([name, value]) => {
    const wanted = query.get(name);
    return wanted ? [(row: T): boolean => value(row) === wanted] : [];
  });
  return set.length === 0 ? undefined : (row: T): boolean => set.every((test) => test(row));
}

/** The value, or a 404 that says what there is none of. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw notFound(what);
  return value;
}

/** The vehicle that the path names. */
export const vehicleOf = ({ fleet, id }: Call): Vehicle => found(fleet.vehicle(id), "vehicle");
