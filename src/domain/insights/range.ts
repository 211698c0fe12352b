import { isZone, localDay, offsetPieces, startOfLocalDay } from "../../base/calendar.js";
import { DAY, MINUTE } from "../../base/clock.js";
import { PublicError } from "../../base/errors.js";
import { DEFAULT_RANGE_DAYS, isDateOrInstant, type TimeRange } from "../../base/time-range.js";
import type { Selection } from "./plan.js";

const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** Longer ranges are mistakes, and would be cut into very many buckets. */
const LONGEST_DAYS = 40 * 366;

/** A period in a zone. Half-open: `end` is excluded. */
export interface LocalRange extends TimeRange {
  readonly zone: string;
}

/** @throws PublicError BAD_USER_INPUT for a name that is no zone */
export function checkedZone(zone: string | null | undefined): string {
  const name = zone ?? "UTC";
  if (isZone(name)) return name;
  throw new PublicError(
    "BAD_USER_INPUT",
    `There is no time zone "${name}": expected one of the IANA database, such as Europe/Berlin or UTC`,
    {
      field: "zone",
    },
  );
}

/**
 * The period that a caller asked for. A date as start is its first instant by local clocks, a date as end includes all of
 * that day; moments count as they are, the end excluded. Without an end it goes up to the minute that has begun; without
 * a start it is 30 days long.
 * @throws PublicError BAD_USER_INPUT
 */
export function localRange(
  {
    start,
    end,
    zone,
  }: {
    readonly start?: string | null | undefined;
    readonly end?: string | null | undefined;
    readonly zone?: string | null | undefined;
  },
  now: number,
): LocalRange {
  const checked = checkedZone(zone);
  // Up to a whole minute, so that everybody who asks within it asks the same.
  const endAt = end ? bound(end, "end", checked, 1) : (Math.floor(now / MINUTE) + 1) * MINUTE;
  const startAt = start
    ? bound(start, "start", checked, 0)
    : startOfLocalDay(localDay(endAt - 1, checked) - DEFAULT_RANGE_DAYS + 1, checked);
  if (startAt >= endAt) {
    throw new PublicError(
      "BAD_USER_INPUT",
      `The period is empty: ${new Date(startAt).toISOString()} is not before ${new Date(endAt).toISOString()}`,
      { field: "start" },
    );
  }
  if (endAt - startAt > LONGEST_DAYS * DAY)
    throw new PublicError("BAD_USER_INPUT", "A period is at most 40 years long", { field: "start" });
  return { start: startAt, end: endAt, zone: checked };
}

function bound(text: string, field: string, zone: string, days: number): number {
  if (!isDateOrInstant(text)) {
    throw new PublicError("BAD_USER_INPUT", `${field} must be YYYY-MM-DD or RFC 3339 with an offset, got "${text}"`, {
      field,
    });
  }
  return DATE.test(text)
    ? startOfLocalDay(Date.parse(`${text}T00:00:00Z`) / DAY + days, zone)
    : Date.parse(text.replace(" ", "T"));
}

/** How local clocks run over a range, and a while around it. */
export function clockOf({ start, end, zone }: LocalRange): Selection["clock"] {
  // Rounded, so that the same pieces serve ranges that differ by minutes.
  const [from, to] = [Math.floor(start / (400 * DAY)) * 400 * DAY, Math.ceil(end / (400 * DAY)) * 400 * DAY];
  return offsetPieces(zone, from - 400 * DAY, to + 400 * DAY);
}

/** The period of the same length before. Where it is one of whole local days, so is the other. */
export function previousPeriod({ start, end, zone }: LocalRange): LocalRange {
  const [first, last] = [localDay(start, zone), localDay(end, zone)];
  const isDays = startOfLocalDay(first, zone) === start && startOfLocalDay(last, zone) === end;
  return isDays
    ? { start: startOfLocalDay(first - (last - first), zone), end: start, zone }
    : { start: start - (end - start), end: start, zone };
}

/** The same period a year ago, by local clocks; 29 February becomes the 28th. */
export function previousYear({ start, end, zone }: LocalRange): LocalRange {
  return { start: yearBefore(start, zone), end: yearBefore(end, zone), zone };
}

function yearBefore(instant: number, zone: string): number {
  const day = localDay(instant, zone);
  const date = new Date(day * DAY);
  const [year, month] = [date.getUTCFullYear() - 1, date.getUTCMonth()];
  const lastOfMonth = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const before = Date.UTC(year, month, Math.min(date.getUTCDate(), lastOfMonth)) / DAY;
  return startOfLocalDay(before, zone) + (instant - startOfLocalDay(day, zone));
}
