import type { PropertyType } from "../../../domain/insights/plan.js";
import type { Value } from "../store.js";

export type AggregateFigure = "count" | "sum" | "min" | "max" | "average" | "distinct" | "approximate";

/** What the two databases write differently. Texts are SQL expressions unless said otherwise. */
export interface Dialect {
  readonly name: "duckdb" | "clickhouse";
  /** The placeholder of a named parameter that holds this value. */
  placeholder(name: string, value: Value): string;
  literal(text: string): string;
  /** Text of a payload field, null when it is absent or null. */
  property(path: readonly string[]): string;
  /** From text to a type, null when it is none of it: numbers to decimals with six places, times to epoch milliseconds. */
  cast(text: string, type: PropertyType): string;
  /** A whole number or double as the driver gives back as a number. */
  number(value: string): string;
  text(value: string): string;
  /** Of a column of the stored events: epoch milliseconds. */
  milliseconds(moment: string): string;
  /** A moment, to be compared with columns of the stored events, of epoch milliseconds. */
  moment(milliseconds: string): string;
  /** Whole quotient of numbers that are not negative. */
  quotient(a: string, b: string): string;
  /** Months since January 1970 of days since 1970-01-01. */
  months(days: string): string;
  contains(text: string, part: string): string;
  startsWith(text: string, part: string): string;
  /** A number between 0 and 9,999 that is the same for the same user everywhere. */
  userHash(tenant: string, user: string): string;
  /** A figure over those rows of a group for which the condition holds (all when null). */
  aggregate(figure: AggregateFigure, of: string | null, condition: string | null): string;
  /** Nearest-rank percentile; null of nothing. */
  percentile(of: string, at: number, condition: string | null): string;
  /** Value of a column in the neighbouring row of a window; null where there is none. */
  neighbour(which: "before" | "behind", of: string, partition: string, order: string): string;
  /** A value of the earliest event of a group; of several at that moment, of the one with the least id. */
  valueAtFirst(of: string): string;
  /** Adds what the dialect needs at the end of a SELECT. */
  readonly settings: string;
}
