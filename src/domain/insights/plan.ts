import type { Granularity, OffsetPiece } from "../../base/calendar.js";

/**
 * Questions over events as plain data, independent of the database that answers them. `events/store/sql` turns a plan
 * into SQL, once per kind of plan, for both dialects; the planners beside this file make plans of parameters and results
 * of rows.
 */

/** Columns that hold text. */
export const TEXT_COLUMNS = [
  ...["type", "user", "session", "subject", "country", "region", "city", "currency", "origin"],
] as const as readonly TextColumn[];
export type TextColumn =
  | "type"
  | "user"
  | "session"
  | "subject"
  | "country"
  | "region"
  | "city"
  | "currency"
  | "origin";

/** What a property is read as. Numbers are decimals with six places, exact in sums. */
export type PropertyType = "text" | "number" | "boolean" | "time";

/** Something that an event has, or has not. */
export type Field =
  | { readonly column: TextColumn }
  | { readonly column: "amount" | "latitude" | "longitude" }
  /** A field of the payload; several names lead into nested objects. */
  | { readonly property: readonly string[]; readonly type: PropertyType }
  /** The first that is there and not empty, else the text given; read as text unless a type is named. */
  | { readonly firstOf: readonly Field[]; readonly otherwise?: string; readonly type?: PropertyType }
  /** By local clocks: days since 1970-01-01, hour of the day (0 to 23), day of the week (1, Monday, to 7). */
  | { readonly part: "day" | "hour" | "weekday" };

/** Something that is true or false of an event; a comparison with what it has not is false. */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | { readonly field: Field; readonly in: readonly string[] }
  | { readonly field: Field; readonly isSet: true }
  | { readonly field: Field; readonly matches: "contains" | "startsWith"; readonly text: string }
  /** It happened before this moment, epoch milliseconds. */
  | { readonly before: number }
  /** Numbers as decimal text, moments as epoch milliseconds. */
  | { readonly field: Field; readonly is: ">" | ">=" | "<" | "<="; readonly than: string };

/** Which events a plan looks at. All of it holds together; the range is half-open in event time. */
export interface Selection {
  readonly tenant: string;
  readonly from: number | null;
  readonly to: number | null;
  /** How local clocks run meanwhile: days and hours are theirs. */
  readonly clock: readonly OffsetPiece[];
  /** Null: of every type. */
  readonly types: readonly string[] | null;
  readonly where?: Condition;
  /** Nothing but events of these types about one of these subjects: what else there is must not be seen. */
  readonly only?: { readonly types: readonly string[]; readonly subjects: readonly string[] };
  /** Only this share of the users (0 to 1), always the same ones; events of nobody are left out. */
  readonly sample?: number;
  /** Only events received before this moment, epoch milliseconds. */
  readonly receivedBefore?: number;
  /** Count what was sealed of deleted events as well. */
  readonly sealed?: true;
}

/** Back to the first event that there is: what a user did first can only be told from all. */
export type SelectionOfAllBefore = Selection & { readonly from: null };

/** A kind of event: of these types, and such that the condition holds. */
export interface Step {
  /** Null: of every type. */
  readonly types: readonly string[] | null;
  readonly where?: Condition;
}

/** A figure over the events of a group for which `where` holds. Without any such event it is null; counts are 0. */
export type Measure = { readonly name: string; readonly where?: Step } & (
  | { readonly figure: "count" }
  /** Exact count of different values; `approximate` allows for some percent of error. */
  | { readonly figure: "distinct"; readonly of: Field; readonly approximate?: boolean }
  | { readonly figure: "sum" | "min" | "max" | "average"; readonly of: Field }
  /** Nearest-rank percentile, `at` from 0 to 1. */
  | { readonly figure: "percentile"; readonly of: Field; readonly at: number }
  /** Time of the first or last event, epoch milliseconds. */
  | { readonly figure: "first" | "last" }
);

/** Figures by bucket and dimensions. Rows: `bucket`, each dimension by name, each measure by name. */
export interface AggregatePlan {
  readonly kind: "aggregate";
  readonly selection: Selection;
  readonly bucket: Granularity | null;
  readonly by: readonly { readonly name: string; readonly field: Field }[];
  readonly measures: readonly Measure[];
  /** Else by bucket and dimensions, ascending. */
  readonly order?: { readonly by: string; readonly descending: boolean };
  readonly limit?: number;
  /** Only rows behind this one, in the order of bucket and dimensions; only without `order`. */
  readonly after?: { readonly bucket: number | null; readonly dimensions: readonly (string | null)[] };
}

/**
 * On which days users were active, and how long until the next. Rows: `day`, `next` (at most `window` days later),
 * `users`. From that follows how many were active within the last n days of each day, for any n up to `window`.
 */
export interface ActiveUsersPlan {
  readonly kind: "activeUsers";
  /** From the first day's window on. */
  readonly selection: Selection;
  readonly window: number;
}

/** Where a user stands in a funnel, period, cohort … and what cells there are. */
export type UsersPlan = FunnelPlan | CohortsPlan | LifecyclePlan;

export interface FunnelStep extends Step {
  /** The steps after it may be reached without it. Never the first; none where the order is strict. */
  readonly optional: boolean;
}

/** Rows: `step` (from 1), `value` of the breakdown, `users`, `total` and `median` time from the start in milliseconds. */
export interface FunnelPlan {
  readonly kind: "funnel";
  readonly selection: Selection;
  readonly steps: readonly FunnelStep[];
  readonly order: "ordered" | "strict" | "unordered";
  /** Longest time from the first step to any other, milliseconds. */
  readonly windowMs: number;
  /** What must not happen between the first step and the one that counts. */
  readonly exclude: readonly Step[];
  /** Users by the value at their first first step. */
  readonly breakdown: Field | null;
  /** Whether rows tell times; without, `total` and `median` are null. */
  readonly times: boolean;
}

/**
 * Users by when they came first and when they came again. Rows: `cohort`, `period` (how many since), `users`.
 * Period 0 holds the cohort itself, whether or not it came again in its own period.
 */
export interface CohortsPlan {
  readonly kind: "cohorts";
  /** Up to the last event that may count. */
  readonly selection: SelectionOfAllBefore;
  /** The event that makes a user one of a cohort: the first one ever. */
  readonly start: Step;
  /** Only users whose first one lies in [from, to). */
  readonly from: number;
  readonly to: number;
  readonly returning: Step;
  /** Cohorts by period, by a value of the first event, or all as one. */
  readonly cohortBy: { readonly period: Granularity } | { readonly field: Field } | null;
  readonly period: Granularity;
  /** `exact`: in that period; `onOrAfter`: in that one or a later one, of which the rows tell the last; `brackets`: within these periods. */
  readonly mode: "exact" | "onOrAfter" | "brackets";
  /** First period of each bracket, ascending; the last one ends with `maxPeriod`. Rows tell the bracket by it. */
  readonly brackets: readonly number[];
  /** Only periods up to this one. */
  readonly maxPeriod: number;
  /** `from` and `to` are where periods begin, and cohorts are periods or all: then the periods of users tell everything. */
  readonly whole: boolean;
}

/** Rows: `bucket`, `state` (new, returning, resurrecting), `gone` (1: not active in the next bucket), `users`. */
export interface LifecyclePlan {
  readonly kind: "lifecycle";
  /** Up to the last period's end. */
  readonly selection: SelectionOfAllBefore;
  readonly bucket: Granularity;
  readonly firstBucket: number;
  readonly lastBucket: number;
}

/** One row: `sessions`, `users`, `events`, `bounces`, `duration` in milliseconds; with a bucket one row for each that a session begins in. */
export interface SessionsPlan {
  readonly kind: "sessions";
  readonly selection: Selection;
  readonly bucket: Granularity | null;
  /** A longer gap between two events of a user begins a new session, milliseconds. */
  readonly gapMs: number;
}

/** What follows what within sessions. Rows: `step` (from 1), `source`, `target`, `ended` (1: nothing followed), `sessions`. */
export interface PathsPlan {
  readonly kind: "paths";
  readonly selection: Selection;
  readonly gapMs: number;
  readonly node: Field;
  /** Only the first so many events of a session. */
  readonly steps: number;
  /** Only the most frequent so many rows. */
  readonly limit: number;
}

/**
 * What runs at the same time. Each event is an interval that begins at its time and is `length` long. Rows: `bucket`,
 * `peak`, `busy` (sum of how long each ran within the bucket, milliseconds), `length` of the bucket, and `started`.
 */
export interface ConcurrencyPlan {
  readonly kind: "concurrency";
  /** Of intervals that begin early enough to reach into the range. */
  readonly selection: Selection;
  readonly bucket: Granularity;
  readonly length: Field;
  /** Milliseconds that one of `length` is. */
  readonly unitMs: number;
  /** Where the buckets begin, ascending, and where the last one ends: epoch milliseconds. */
  readonly bounds: readonly number[];
}

/** How values of a number are spread. Rows: `bin`, `events`; the bins begin at bin × width. */
export interface DistributionPlan {
  readonly kind: "distribution";
  readonly selection: Selection;
  readonly of: Field;
  /** Decimal text, positive. */
  readonly width: string;
}

/** One cell of a plan, taken apart into the users that it counts. Rows: `id`, ascending. */
export interface DrillPlan {
  readonly kind: "drill";
  readonly into: UsersPlan;
  readonly cell: Readonly<Record<string, string | number | null>>;
  readonly after: string | null;
  readonly limit: number;
}

export type Plan =
  | AggregatePlan
  | ActiveUsersPlan
  | FunnelPlan
  | CohortsPlan
  | LifecyclePlan
  | SessionsPlan
  | PathsPlan
  | ConcurrencyPlan
  | DistributionPlan
  | DrillPlan;

/** What a row holds: counts as numbers, decimals as text, moments as epoch milliseconds. */
export type PlanRow = Readonly<Record<string, string | number | null>>;
