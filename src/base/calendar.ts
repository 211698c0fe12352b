import { DAY, HOUR } from "./clock.js";

/** Lengths of calendar buckets. Weeks are ISO weeks: they begin on Monday. */
export const GRANULARITIES = ["hour", "day", "week", "month", "quarter", "year"] as const;
export type Granularity = (typeof GRANULARITIES)[number];

/** From this instant on (up to the next piece) local time is UTC plus `offset`, both in milliseconds. */
export interface OffsetPiece {
  readonly from: number;
  readonly offset: number;
}

const formats = new Map<string, Intl.DateTimeFormat | null>();

/** Whether the name is one of the IANA time zone database, or `UTC`. Offsets such as `+01:00` are none: they know no summer. */
export function isZone(name: string): boolean {
  return /^[A-Za-z]/.test(name) && formatOf(name) !== null;
}

function formatOf(zone: string): Intl.DateTimeFormat | null {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  let format: Intl.DateTimeFormat | null = null;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "iso8601",
      hourCycle: "h23",
      ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" },
    });
  } catch {
    // Not a zone. Remembered only for a while: anybody may ask for any name.
  }
  if (formats.size > 1000) formats.clear();
  formats.set(zone, format);
  return format;
}

/** Milliseconds that local time is ahead of UTC at an instant. @throws RangeError for a name that is no zone */
export function offsetAt(instant: number, zone: string): number {
  if (zone === "UTC") return 0;
  const format = formatOf(zone);
  if (!format) throw new RangeError(`There is no time zone ${zone}`);
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(instant)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
}

/** No zone has changed its clocks back and forth within so short a time. */
const PROBE = 7 * DAY;
const pieces = new Map<string, readonly OffsetPiece[]>();

/** How local time runs during [from, to): the first piece begins at or before `from`. */
export function offsetPieces(zone: string, from: number, to: number): readonly OffsetPiece[] {
  if (zone === "UTC") return [{ from, offset: 0 }];
  const key = `${zone} ${from} ${to}`;
  const known = pieces.get(key);
  if (known) return known;
  const found: OffsetPiece[] = [{ from, offset: offsetAt(from, zone) }];
  for (let at = from; at < to; at += PROBE) {
    const until = Math.min(at + PROBE, to);
    const before = found.at(-1)?.offset ?? 0;
    const after = offsetAt(until, zone);
    if (before !== after) found.push({ from: changeBetween(zone, at, until, before), offset: after });
  }
  if (pieces.size > 1000) pieces.clear();
  pieces.set(key, found);
  return found;
}

function changeBetween(zone: string, from: number, to: number, before: number): number {
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle, zone) === before) low = middle;
    else high = middle;
  }
  return high;
}

/** Days since 1970-01-01 of the local date. */
export function localDay(instant: number, zone: string): number {
  return Math.floor((instant + offsetAt(instant, zone)) / DAY);
}

/** The first instant of a local date. Where clocks go forward at midnight that is not 00:00. */
export function startOfLocalDay(day: number, zone: string): number {
  const midnight = day * DAY;
  // Of the offsets around, the one under which this is the first instant of that date.
  const candidates = [midnight - offsetAt(midnight - DAY, zone), midnight - offsetAt(midnight + DAY, zone)];
  const exact = candidates.filter((instant) => instant + offsetAt(instant, zone) === midnight);
  if (exact.length > 0) return Math.min(...exact);
  const [low = 0, high = 0] = candidates.sort((a, b) => a - b);
  return changeBetween(zone, low - 1, high, offsetAt(low - 1, zone));
}

/**
 * The number of the bucket that an instant lies in. Hours are numbered through, days from 1970-01-01, weeks from that of
 * 1969-12-29, months, quarters and years from January 1970: neighbours differ by one, whatever their length.
 */
export function bucketOf(instant: number, granularity: Granularity, zone: string): number {
  if (granularity === "hour") return Math.floor((instant + hourPhase(offsetAt(instant, zone))) / HOUR);
  return bucketOfDay(localDay(instant, zone), granularity);
}

/** What local clocks are ahead of UTC within the hour: 30 minutes in India. Hours begin when local clocks say so. */
export function hourPhase(offset: number): number {
  return ((offset % HOUR) + HOUR) % HOUR;
}

export function bucketOfDay(day: number, granularity: Exclude<Granularity, "hour">): number {
  if (granularity === "day") return day;
  if (granularity === "week") return Math.floor((day + 3) / 7);
  const date = new Date(day * DAY);
  const months = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
  return Math.floor(months / MONTHS[granularity]);
}

const MONTHS = { month: 1, quarter: 3, year: 12 } as const;

/** The local date that a bucket begins with, as days since 1970-01-01. */
export function firstDayOf(bucket: number, granularity: Exclude<Granularity, "hour">): number {
  if (granularity === "day") return bucket;
  if (granularity === "week") return bucket * 7 - 3;
  return Date.UTC(1970, bucket * MONTHS[granularity], 1) / DAY;
}

/** The first instant of a bucket. For hours `near` is any instant of the bucket's day, whose offset then holds. */
export function startOfBucket(bucket: number, granularity: Granularity, zone: string): number {
  if (granularity !== "hour") return startOfLocalDay(firstDayOf(bucket, granularity), zone);
  const start = bucket * HOUR;
  return start - hourPhase(offsetAt(start, zone));
}

/** Buckets that overlap [start, end), ascending. */
export function bucketsIn(start: number, end: number, granularity: Granularity, zone: string): number[] {
  const first = bucketOf(start, granularity, zone);
  const last = bucketOf(end - 1, granularity, zone);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}

/** `YYYY-MM-DD` of days since 1970-01-01. */
export function dayText(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10);
}

/** `2024-W05`: the ISO year and week of a week's bucket. */
export function isoWeekText(week: number): string {
  const thursday = new Date(week * 7 * DAY);
  const year = thursday.getUTCFullYear();
  const number = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY)) + 1;
  return `${year}-W${String(number).padStart(2, "0")}`;
}

/** How people write a bucket: `2026-01-05 14:00`, `2026-01-05`, `2026-W02`, `2026-01`, `2026-Q1`, `2026`. */
export function bucketText(bucket: number, granularity: Granularity, zone: string): string {
  switch (granularity) {
    case "hour": {
      const start = startOfBucket(bucket, "hour", zone);
      return new Date(start + offsetAt(start, zone)).toISOString().slice(0, 16).replace("T", " ");
    }
    case "day":
      return dayText(bucket);
    case "week":
      return isoWeekText(bucket);
    case "month":
      return dayText(firstDayOf(bucket, "month")).slice(0, 7);
    case "quarter":
      return `${Math.floor(bucket / 4) + 1970}-Q${(((bucket % 4) + 4) % 4) + 1}`;
    case "year":
      return String(bucket + 1970);
  }
}
