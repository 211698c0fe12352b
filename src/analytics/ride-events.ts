import { DAY } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import { formatDate, type TimeRange } from "../base/time-range.js";
import type { Measure, Step } from "../domain/insights/plan.js";

/** Events of the rides contract, in its corrected reading. Days, weeks and months are UTC. */

export const BOOKINGS = ["booking.created", "booking.confirmed", "booking.cancelled", "booking.completed"];
export const PAYMENTS = ["payment.initiated", "payment.success", "payment.failed", "payment.refunded"];
export const TRIPS = ["trip.started", "trip.completed", "trip.cancelled"];
export const USERS: Measure = { name: "users", figure: "distinct", of: { column: "user" } };
export const COUNT: Measure = { name: "events", figure: "count" };
export const text = (...property: string[]) => ({ property, type: "text" }) as const;
export const number = (...property: string[]) => ({ property, type: "number" }) as const;
export const ofType = (...types: string[]): Step => ({ types });

export interface RidePeriod extends TimeRange {
  /** Moment up to which active users are looked at: the end as it was asked for. */
  readonly until: number;
}

/** Whole UTC days from the start's to the end's, both included. */
export function ridePeriod(start: number, end: number): RidePeriod {
  const [first, last] = [Math.floor(start / DAY) * DAY, Math.floor(end / DAY) * DAY];
  if (first > last) throw new PublicError("BAD_USER_INPUT", "end_date is before start_date", { field: "end_date" });
  return { start: first, end: last + DAY, until: end };
}

export function dateRange({ start, end }: TimeRange): string {
  return `${formatDate(start)} to ${formatDate(end - 1)}`;
}
