import type { Asker, CountedUser, Freshness } from "../../analytics/index.js";
import type { Granularity } from "../../base/calendar.js";
import type { LocalRange } from "../../domain/insights/range.js";
import { type PageArgs, pageOf } from "../connection.js";
import type { Context } from "../context.js";
import type { Granularity as GranularityInput } from "../generated.js";

/** How the schema writes what the domain calls by lower case. */
export function lowered(granularity: GranularityInput | null | undefined): Granularity | null {
  return granularity ? (granularity.toLowerCase() as Granularity) : null;
}

export function asker(
  { services, viewer }: Context,
  manner: { refresh?: boolean | null | undefined; sample?: number | null | undefined },
): Promise<Asker> {
  return services.analytics.asker(viewer, manner);
}

export function freshnessOf(freshness: Freshness, approximate = false) {
  return { ...freshness, approximate };
}

export function periodOf({ start, end, zone }: LocalRange) {
  return { start, end, zone };
}

/** A page of users; `load` gets how many and behind whom. */
export async function userPage(args: PageArgs, load: (limit: number, after: string | null) => Promise<CountedUser[]>) {
  const page = pageOf(args);
  const users = await load(page.first + 1, page.after?.[1] ?? null);
  return page.connect(users, ({ userId }) => [null, userId]);
}
