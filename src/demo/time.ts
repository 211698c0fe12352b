/** Units of time in milliseconds, and the demo's clock. Every moment in the demo is epoch milliseconds, UTC. */

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export type Clock = () => number;

/** A clock that shows `start` (epoch ms) now and runs on at the speed of real time. */
export function clockFrom(start: number): Clock {
  const origin = performance.now();
  return () => start + Math.floor(performance.now() - origin);
}

/** Number of the UTC day that holds `at`, counted from 1970-01-01. */
export const dayOf = (at: number): number => Math.floor(at / DAY);

/** `at` cut to whole seconds, which is as fine as the services' timestamps go. */
export const wholeSecond = (at: number): number => Math.floor(at / SECOND) * SECOND;

/** RFC 3339 timestamp in UTC without milliseconds, such as `2026-01-28T22:00:00Z`. */
export const timestamp = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

/** `timestamp`, or null when the moment never comes or lies after `now`. */
export const timestampOnce = (at: number | null, now: number): string | null =>
  at !== null && at <= now ? timestamp(at) : null;

/** Calendar date in UTC, such as `2026-01-28`. */
export const isoDate = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Midnight UTC on the same calendar day `years` later; 29 February becomes 1 March in a common year. */
export function addYears(at: number, years: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear() + years, date.getUTCMonth(), date.getUTCDate());
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

/** Epoch ms of an ISO date (midnight UTC), or undefined if it is not a real calendar date. */
export function parseDate(text: string): number | undefined {
  const at = DATE.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(at) || isoDate(at) !== text ? undefined : at;
}

/** Epoch ms of an ISO date or of a date-time with an explicit zone; undefined for anything else. */
export function parseMoment(text: string): number | undefined {
  const day = parseDate(text.slice(0, 10));
  if (day === undefined || text.length === 10) return day;
  const at = DATE_TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
