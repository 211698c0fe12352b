import { UsageError } from "./errors.js";

/** What a text says, as a wall clock shows it. */
export interface Reading {
  /** Epoch milliseconds, as if the clock stood in UTC. */
  readonly wall: number;
  /** Milliseconds that it is ahead of UTC, where the text says so. */
  readonly offset: number | null;
}

type Part = "Y" | "y" | "m" | "d" | "H" | "I" | "M" | "S" | "f" | "p" | "z" | "b" | "j";

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WORD = "[A-Za-z]+\\.?";

/** Regular expression of each directive, and which part of the time it tells. */
const DIRECTIVES: Readonly<Record<string, readonly [pattern: string, part: Part | null]>> = {
  Y: ["\\d{4}", "Y"],
  y: ["\\d{2}", "y"],
  m: ["\\d{1,2}", "m"],
  d: ["\\d{1,2}", "d"],
  e: ["\\s?\\d{1,2}", "d"],
  H: ["\\d{1,2}", "H"],
  I: ["\\d{1,2}", "I"],
  M: ["\\d{1,2}", "M"],
  S: ["\\d{1,2}", "S"],
  f: ["\\d{1,9}", "f"],
  p: ["[AaPp]\\.?[Mm]\\.?", "p"],
  z: ["[Zz]|[+-]\\d{2}(?::?\\d{2})?", "z"],
  b: [WORD, "b"],
  B: [WORD, "b"],
  h: [WORD, "b"],
  a: [WORD, null],
  A: [WORD, null],
  j: ["\\d{1,3}", "j"],
};
const SHORTHANDS: Readonly<Record<string, string>> = {
  F: "%Y-%m-%d",
  D: "%m/%d/%y",
  T: "%H:%M:%S",
  R: "%H:%M",
};

/**
 * A parser of texts in the notation of `strptime`. Two-digit years are those of 1969 to 2068; what stands between the
 * directives stands for itself, a space for any run of them.
 * @throws UsageError naming the directives that there are
 */
export function compileFormat(format: string): (text: string) => Reading | null {
  const parts: Part[] = [];
  const long = format.replace(/%([FDTR])/g, (_, name: string) => SHORTHANDS[name] as string);
  const pattern = long.replace(/%-?(.?)|\s+|[^%\s]+/g, (token, name: string | undefined) => {
    if (!token.startsWith("%")) return /^\s/.test(token) ? "\\s+" : literal(token);
    if (name === "%") return "%";
    const [expression, part] = DIRECTIVES[name ?? ""] ?? unknown(format, token);
    if (part === null) return `(?:${expression})`;
    parts.push(part);
    return `(${expression})`;
  });
  const repeated = parts.find((part, index) => parts.indexOf(part) !== index);
  if (repeated) throw new UsageError(`--time-format ${format}: %${repeated} stands in it twice`);
  if (!parts.includes("Y") && !parts.includes("y")) {
    throw new UsageError(`--time-format ${format}: it has no year (%Y, or %y of two digits)`);
  }
  const expression = new RegExp(`^${pattern}$`);
  return (text) => {
    const match = expression.exec(text);
    if (!match) return null;
    const found: Partial<Record<Part, string>> = {};
    parts.forEach((part, index) => {
      found[part] = match[index + 1] as string;
    });
    return readingOf(found);
  };
}

function unknown(format: string, token: string): never {
  const known = [...Object.keys(DIRECTIVES), ...Object.keys(SHORTHANDS), "%"].map((name) => `%${name}`).join(" ");
  throw new UsageError(`--time-format ${format}: ${token} is not known. There are: ${known}`);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}

function readingOf(found: Partial<Record<Part, string>>): Reading | null {
  const number = (part: Part, fallback: number): number => (found[part] === undefined ? fallback : Number(found[part]));
  const shortYear = number("y", 0);
  const year = number("Y", shortYear < 69 ? 2000 + shortYear : 1900 + shortYear);
  const month = found.b === undefined ? number("m", 1) : MONTHS.indexOf(found.b.slice(0, 3).toLowerCase()) + 1;
  const hour = hourOf(found.p, found.I === undefined ? number("H", 0) : number("I", 0));
  const [minute, second] = [number("M", 0), number("S", 0)];
  // `Date.UTC` takes the years before 100 for those of the last century.
  if (year < 100 || Number.isNaN(hour) || hour > 23 || minute > 59 || second > 59) return null;
  const day = found.j === undefined ? dayOf(year, month, number("d", 1)) : dayOfYear(year, number("j", 1));
  if (day === null) return null;
  const milliseconds = Math.floor(Number(`0.${found.f ?? 0}`) * 1000 + 1e-6);
  const wall = day + ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds;
  return { wall, offset: found.z === undefined ? null : offsetOf(found.z) };
}

function hourOf(half: string | undefined, hour: number): number {
  if (half === undefined) return hour;
  if (hour < 1 || hour > 12) return Number.NaN;
  return (hour % 12) + (/^p/i.test(half) ? 12 : 0);
}

function dayOf(year: number, month: number, day: number): number | null {
  const time = Date.UTC(year, month - 1, day);
  // A 30th of February would be the 1st of March.
  return new Date(time).getUTCMonth() === month - 1 && day >= 1 ? time : null;
}

function dayOfYear(year: number, day: number): number | null {
  const time = Date.UTC(year, 0, day);
  return day >= 1 && new Date(time).getUTCFullYear() === year ? time : null;
}

function offsetOf(zone: string): number {
  if (/^z$/i.test(zone)) return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(":", ""))];
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
