import { DAY } from "./clock.js";
import { PublicError } from "./errors.js";

/** Half-open interval [start, end) in epoch milliseconds UTC. */
export interface TimeRange {
  readonly start: number;
  readonly end: number;
}

export const DEFAULT_RANGE_DAYS = 30;

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})$/;

/** True for `YYYY-MM-DD` naming a day that exists, or an RFC 3339 instant with an offset. */
export function isDateOrInstant(text: string): boolean {
  if (!DATE.test(text) && !INSTANT.test(text)) return false;
  const day = text.slice(0, 10);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // Date.parse rolls 30 February over into March, which would answer another question than the one asked.
  return (
    !Number.isNaN(midnight) &&
    new Date(midnight).toISOString().startsWith(day) &&
    !Number.isNaN(Date.parse(text.replace(" ", "T")))
  );
}

/**
 * The period a caller asked for. A date-only start is that UTC day's first instant, a date-only end includes that whole
 * UTC day; RFC 3339 instants count as they are (the end excluded). Default: the 30 days up to `now`, or up to the end.
 * @throws PublicError BAD_USER_INPUT when start is not before end
 */
export function requestedRange(
  start: string | null | undefined,
  end: string | null | undefined,
  now: number,
): TimeRange {
  const endAt = end ? parseBound(end, "end_date") + (DATE.test(end) ? DAY : 0) : now;
  const startAt = start ? parseBound(start, "start_date") : endAt - DEFAULT_RANGE_DAYS * DAY;
  if (startAt >= endAt) {
    const told = `start ${new Date(startAt).toISOString()} is not before end ${new Date(endAt).toISOString()}`;
    throw new PublicError("BAD_USER_INPUT", `The period is empty: ${told}`, { field: "start_date" });
  }
  return { start: startAt, end: endAt };
}

function parseBound(text: string, field: string): number {
  if (!isDateOrInstant(text)) {
    throw new PublicError("BAD_USER_INPUT", `${field} must be YYYY-MM-DD or RFC 3339 with an offset, got "${text}"`, {
      field,
    });
  }
  return Date.parse(DATE.test(text) ? `${text}T00:00:00Z` : text.replace(" ", "T"));
}

export function contains(range: TimeRange, instant: number | null): instant is number {
  return instant !== null && instant >= range.start && instant < range.end;
}

export function startOfUtcDay(instant: number): number {
  return Math.floor(instant / DAY) * DAY;
}

/** `range` widened to whole UTC days: a key that stays the same all day while "now" moves on. */
export function wholeDays(range: TimeRange): TimeRange {
  return { start: startOfUtcDay(range.start), end: startOfUtcDay(range.end - 1) + DAY };
}

/** From the first instant of the UTC calendar month that holds the last instant of `range`, to the range's end. */
export function monthToDate(range: TimeRange): TimeRange {
  const last = new Date(range.end - 1);
  return { start: Date.UTC(last.getUTCFullYear(), last.getUTCMonth(), 1), end: range.end };
}

/** The `days` days up to the range's end. */
export function trailing(range: TimeRange, days: number): TimeRange {
  return { start: range.end - days * DAY, end: range.end };
}

/** The smallest interval that holds all of `ranges`. */
export function hull(...ranges: TimeRange[]): TimeRange {
  return { start: Math.min(...ranges.map((r) => r.start)), end: Math.max(...ranges.map((r) => r.end)) };
}

/** `range` with one more day on either side. */
export function dayWider(range: TimeRange): TimeRange {
  return { start: range.start - DAY, end: range.end + DAY };
}

/**
 * Calendar years from one instant to another: whole anniversaries plus the elapsed share of the year then running.
 * 1 January to 1 January is exactly 1, leap year or not.
 */
export function calendarYears(from: number, to: number): number {
  const anniversary = (years: number): number => {
    const d = new Date(from);
    return d.setUTCFullYear(d.getUTCFullYear() + years);
  };
  let whole = new Date(to).getUTCFullYear() - new Date(from).getUTCFullYear();
  if (anniversary(whole) > to) whole -= 1;
  const last = anniversary(whole);
  return whole + (to - last) / (anniversary(whole + 1) - last);
}

/** The same moments are written again and again: those of records that the cache holds. */
const written = new Map<number, string>();
const MOST_WRITTEN = 20_000;

/** RFC 3339 in UTC, without a fraction when there is none: `2026-01-28T22:00:00Z`. */
export function formatInstant(instant: number): string {
  let text = written.get(instant);
  if (text === undefined) {
    text = new Date(instant).toISOString().replace(".000Z", "Z");
    if (written.size >= MOST_WRITTEN) written.clear();
    written.set(instant, text);
  }
  return text;
}

/** `YYYY-MM-DD` of the UTC day. */
export function formatDate(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}
