import type { Condition, Field, Step } from "./plan.js";

/**
 * What statistics go on counting of events that are deleted because of their age. Just before, the store works it out
 * and keeps it in rows that look like events: plans whose selection says `sealed` count them too. So statistics equal a
 * recomputation from the events that are there and what was sealed of older ones.
 */
export interface Sealing {
  /** Sums by UTC day, type, subject and currency: of amounts and of one field of the payload. */
  readonly sums: readonly { readonly of: Step; readonly field: Field; readonly path: readonly string[] }[];
  /** Events that say what something is, and nothing about a person: kept as they are, without their user. */
  readonly states: Step | null;
  /** Each user's first of these events is remembered as one of this type, with its subject and with nothing to sum. */
  readonly firsts: readonly { readonly of: Step; readonly as: string; readonly properties: string }[];
  /** Users of each UTC day from which something is deleted, as they are known at that time: amounts of events of this type. */
  readonly daily: readonly { readonly of: Step; readonly as: string }[];
}

/** The first event of each user that is of no other area than the product's. */
export const SEALED_USER = "sealed.user";
/** Users of a day with such events. */
export const SEALED_DAILY_USERS = "sealed.daily_users";

/** What is no event of another area: product events may have any type. @param others names of the types of all other areas */
export function ofProduct(others: readonly string[]): Condition {
  return { not: { field: { column: "type" }, in: others } };
}
