import { EARLIEST_TIME, LATEST_TIME, readTime } from "../events/index.js";
import { UsageError } from "./errors.js";
import { compileFormat } from "./strptime.js";
import { zoneOf } from "./zones.js";

/** Epoch milliseconds UTC of a value as a file has it; null when it is no time in the expected form. */
export type TimeReader = (value: unknown) => number | null;

/** Units of numbers that count from 1970, by the name that `--time-format` takes: in milliseconds. */
const UNITS: Readonly<Record<string, number>> = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 };

const HAS_ZONE = /(?:[zZ]|[+-]\d{2}(?::?\d{2})?)$/;

/**
 * @param format null: ISO 8601, or epoch seconds or milliseconds; else a unit or a pattern of `strptime`
 * @param zone of times that do not say theirs, an IANA name
 * @throws UsageError
 */
export function timeReader(format: string | null, zone: string): TimeReader {
  const toUtc = zoneOf(zone);
  if (format === null) return (value) => readIsoOrEpoch(value, toUtc);
  const unit = UNITS[format];
  if (unit !== undefined) return (value) => readCount(value, unit);
  if (!format.includes("%")) {
    throw new UsageError(`--time-format ${format}: expected ${Object.keys(UNITS).join(", ")} or a pattern with %`);
  }
  const parse = compileFormat(format);
  return (value) => {
    const parsed = typeof value === "string" || typeof value === "number" ? parse(String(value).trim()) : null;
    if (parsed === null) return null;
    return inRange(parsed.offset === null ? toUtc(parsed.wall) : parsed.wall - parsed.offset);
  };
}

function readIsoOrEpoch(value: unknown, toUtc: (wall: number) => number): number | null {
  if (typeof value !== "string") return readTime(value);
  const text = value.trim();
  const time = readTime(text);
  if (time === null || text[4] !== "-" || HAS_ZONE.test(text.slice(11))) return time;
  return inRange(toUtc(time));
}

function readCount(value: unknown, unit: number): number | null {
  const isNumber = typeof value === "number" || (typeof value === "string" && /^\s*-?\d+(?:\.\d+)?\s*$/.test(value));
  return isNumber ? inRange(Math.floor(Number(value) * unit)) : null;
}

function inRange(time: number): number | null {
  return time >= EARLIEST_TIME && time <= LATEST_TIME ? time : null;
}
