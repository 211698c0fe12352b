import type { AggregatePlan, Plan, PlanRow } from "../../domain/insights/plan.js";
import type { Sealing } from "../../domain/insights/sealing.js";
import type { StoredEvent } from "../event.js";
import type { Basis, Touch } from "./data-versions.js";

export type { Basis, Touch } from "./data-versions.js";

/** A request that came with an `Idempotency-Key`: repeating it gives the same reply, another body under it is refused. */
export interface KeyedBatch {
  readonly tenant: string;
  readonly key: string;
  /** SHA-256 of the body, hexadecimal. */
  readonly hash: string;
  readonly events: number;
  /** Epoch milliseconds UTC. */
  readonly received: number;
}

export interface Appended {
  readonly stored: number;
  /** Events that were there already, by (tenant, id), or came twice in what was appended. */
  readonly duplicates: number;
}

/** Which events; half-open in event time. All conditions hold together. */
export interface EventFilter {
  readonly tenant: string;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly types?: readonly string[] | undefined;
  readonly user?: string | undefined;
  readonly subject?: string | undefined;
  /** Nothing but events of these types about one of these subjects: what else there is must not be seen. */
  readonly only?: { readonly types: readonly string[]; readonly subjects: readonly string[] } | undefined;
}

export const GRANULARITIES = ["all", "hour", "day"] as const;
export type Granularity = (typeof GRANULARITIES)[number];

/** Counts of one bucket (UTC). */
export interface EventCount {
  /** Start of the bucket, epoch milliseconds; null for `all`. */
  readonly start: number | null;
  readonly events: number;
  /** Distinct user ids. */
  readonly users: number;
  /** Exact sum of amounts as decimal text; null when no event has one. Currencies are not told apart. */
  readonly amount: string | null;
}

/** A stored event as it is read back. */
export type EventRow = StoredEvent;

/** Where reading goes on: behind the event with this time and id. */
export interface EventCursor {
  readonly time: number;
  readonly id: string;
}

/** SQL with named parameters. */
export interface Query {
  readonly sql: string;
  readonly parameters: Readonly<Record<string, Value>>;
}

/** Events of a tenant that have been kept long enough: received before a moment (epoch milliseconds), of these types or of all but these. */
export interface Outdated {
  readonly tenant: string;
  readonly types: { readonly only: readonly string[] } | { readonly except: readonly string[] };
  readonly before: number;
}

export type Value = string | number | bigint | boolean | null | readonly string[] | readonly number[];

/**
 * The columnar store of events. One interface, one contract suite, two engines. Every method but `append` may run
 * while `append` does and sees either all or nothing of an appended batch.
 */
export interface EventStore {
  readonly dialect: "duckdb" | "clickhouse";
  /** For logs and health: never with a password. */
  readonly description: string;
  /**
   * Moves spool segments into the store: exactly once per (tenant, id) whatever was appended before, all or nothing,
   * durable when it resolves. Lines without `type` are the spool's own; those with `batch` hold a KeyedBatch. `touches`
   * tells what versions change; without it all do.
   * @throws StoreUnavailable when the store cannot be reached: try again later, the same call
   */
  append(segments: readonly string[], touches?: readonly Touch[]): Promise<Appended>;
  /** Counts per bucket, ascending; empty buckets are left out. */
  counts(filter: EventFilter, granularity: Granularity): Promise<EventCount[]>;
  /** Events, newest first (time, then id, both descending). */
  events(filter: EventFilter, limit: number, after?: EventCursor): Promise<EventRow[]>;
  /** Answers a question; what the rows hold is said beside each kind of plan. */
  answer(plan: Plan): Promise<PlanRow[]>;
  /**
   * The same, however many rows there are: batch by batch, as fast as they are taken, without holding them in memory.
   * What cannot be answered throws before the first batch.
   */
  stream(plan: AggregatePlan): AsyncIterable<readonly PlanRow[]>;
  /** A text that is another one once anything that an answer rests on was added or deleted. */
  version(basis: Basis): Promise<string>;
  /** The batch that came with this key, if it has been appended. */
  keyedBatch(tenant: string, key: string): Promise<KeyedBatch | null>;
  /**
   * Rows of one SELECT in the store's dialect, with named parameters (`$name` in DuckDB, `{name:Type}` in ClickHouse).
   * Only for SQL made by this program. Decimals and 64-bit integers arrive as text.
   */
  query<Row extends object>(sql: string, parameters?: Readonly<Record<string, Value>>): Promise<Row[]>;
  /** Deletes events received before a moment, of these types or of all but these, once what is to stay of them is sealed. @returns how many */
  deleteReceivedBefore(tenant: string, types: Outdated["types"], before: number, sealing?: Sealing): Promise<number>;
  /** Deletes every event of a user, what was sealed with its name, and the user from the dictionary. @returns how many events */
  eraseUser(tenant: string, user: string): Promise<number>;
  /** The tenants that have events. */
  tenants(): Promise<string[]>;
  /** Makes the views with the contracts' table names for a tenant; the schema (DuckDB) or database (ClickHouse) they are in. */
  tenantViews(tenant: string): Promise<string>;
  /** @throws StoreUnavailable */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The store cannot be reached or has no room: what was asked may be asked again. */
export class StoreUnavailable extends Error {
  override name = "StoreUnavailable";
}
