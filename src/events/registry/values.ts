/** Values as producers write them, put into the one form in which they are stored. */

/** The span of times that every store can keep, in epoch milliseconds UTC: years 1900 to 2299. */
export const EARLIEST_TIME = Date.UTC(1900, 0, 1);
export const LATEST_TIME = Date.UTC(2300, 0, 1) - 1;

/** Up to here a number counts seconds (year 2603), beyond it milliseconds (from August 1970 on). */
const LAST_SECOND = 2e10;
const NUMERIC = /^[+-]?\d+(?:\.\d+)?$/;

/**
 * Epoch milliseconds UTC of ISO 8601 text (no zone means UTC; a date alone means its midnight), of epoch seconds or
 * milliseconds as number or as numeric text. Digits beyond milliseconds are cut off. Null for anything else and for
 * what lies outside the years 1900 to 2299.
 */
export function readTime(value: unknown): number | null {
  let time = Number.NaN;
  if (typeof value === "number") time = fromEpoch(value);
  else if (typeof value === "string") {
    if (value[4] === "-") time = fromIso(value);
    else if (NUMERIC.test(value)) time = fromEpoch(Number(value));
  }
  return time >= EARLIEST_TIME && time <= LATEST_TIME ? time : null;
}

function fromEpoch(value: number): number {
  return Math.round(Math.abs(value) <= LAST_SECOND ? value * 1000 : value) + 0;
}

/** By hand: `Date.parse` takes the 30th of February for the 1st of March and local time for a missing zone. */
function fromIso(text: string): number {
  const day = midnight(text);
  if (text.length === 10) return day;
  const separator = text[10];
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  if ((separator !== "T" && separator !== " " && separator !== "t") || text[13] !== ":") return Number.NaN;
  if (!(hour <= 23 && minute <= 59)) return Number.NaN;
  let at = 16;
  let seconds = 0;
  if (text[at] === ":") {
    seconds = digits(text, 17, 2);
    // A leap second stands at the end of an hour and is stored as the first moment of the next.
    if (!(seconds <= (minute === 59 ? 60 : 59))) return Number.NaN;
    at = 19;
    if (text[at] === "." || text[at] === ",") {
      const end = endOfDigits(text, at + 1);
      if (end === at + 1) return Number.NaN;
      seconds += Number(`0.${text.slice(at + 1, Math.min(end, at + 4))}`);
      at = end;
    }
  }
  return day + hour * 3_600_000 + minute * 60_000 + Math.round(seconds * 1000) - zoneOffset(text, at);
}

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function midnight(text: string): number {
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  if (text[4] !== "-" || text[7] !== "-" || !(day >= 1)) return Number.NaN;
  const leapDay = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0;
  const last = (DAYS_IN_MONTH[month - 1] ?? 0) + leapDay;
  // Years before 100 would be read as 19xx; they are out of range anyway.
  return day <= last && year >= 100 ? Date.UTC(year, month - 1, day) : Number.NaN;
}

/** Milliseconds that the zone is ahead of UTC: `Z`, `+01:00`, `+0100`, `+01`, or nothing for UTC. */
function zoneOffset(text: string, at: number): number {
  const sign = text[at];
  if (sign === undefined) return 0;
  if (sign === "Z" || sign === "z") return text.length === at + 1 ? 0 : Number.NaN;
  if (sign !== "+" && sign !== "-") return Number.NaN;
  const hours = digits(text, at + 1, 2);
  const rest = at + (text[at + 3] === ":" ? 4 : 3);
  const minutes = text.length === at + 3 ? 0 : digits(text, rest, 2);
  const end = text.length === at + 3 ? at + 3 : rest + 2;
  if (!(hours <= 23 && minutes <= 59) || text.length !== end) return Number.NaN;
  return (sign === "-" ? -1 : 1) * (hours * 3_600_000 + minutes * 60_000);
}

/** The number that `count` digits from `from` on make; NaN when one of them is no digit. */
function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let i = from; i < from + count; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function endOfDigits(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) at++;
  return at;
}

/** What the amount column holds: digits before and after the point. */
export const AMOUNT_DIGITS = { before: 14, after: 4 } as const;
/** Longer text than this is no amount, however many zeros it has. */
const LONGEST_AMOUNT = 64;

const SIMPLE_AMOUNT = /^-?\d{1,14}(?:\.\d{1,4})?$/;
const ANY_AMOUNT = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/**
 * Canonical decimal text of an amount given as text or number: no plus, no leading or trailing zeros, no exponent,
 * never `-0`. Text is never turned into a float; a number counts as its shortest text. Null for what is no decimal
 * number or has more than 14 digits before or 4 after the point.
 */
export function readAmount(value: unknown): string | null {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || text.length > LONGEST_AMOUNT) return null;
  return SIMPLE_AMOUNT.test(text) ? trimZeros(text) : fromScientific(text);
}

function trimZeros(text: string): string {
  const negative = text.startsWith("-");
  const point = text.indexOf(".");
  let start = negative ? 1 : 0;
  let end = text.length;
  if (point !== -1) {
    while (text[end - 1] === "0") end--;
    if (end === point + 1) end = point;
  }
  const lastBeforePoint = (point === -1 ? text.length : point) - 1;
  while (start < lastBeforePoint && text[start] === "0") start++;
  const trimmed = text.slice(start, end);
  return negative && trimmed !== "0" ? `-${trimmed}` : trimmed;
}

function fromScientific(text: string): string | null {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = ANY_AMOUNT.exec(text) ?? [];
  const all = (whole + fraction).replace(/0+$/, "");
  const figures = all.replace(/^0+/, "");
  if (figures === "") return whole + fraction === "" ? null : "0";
  const trailing = (whole + fraction).length - all.length;
  /** Digits after the point (negative: zeros to append) once the figures are written as a whole number. */
  const after = fraction.length - trailing - Number(exponent);
  const before = figures.length - after;
  if (after > AMOUNT_DIGITS.after || before > AMOUNT_DIGITS.before) return null;
  const minus = sign === "-" ? "-" : "";
  if (after <= 0) return minus + figures + "0".repeat(-after);
  const padded = figures.padStart(after + 1, "0");
  return `${minus}${padded.slice(0, -after)}.${padded.slice(-after)}`;
}

/** Whether a decimal number, given as text or number, has at most so many digits before and after the point. */
export function fitsDecimal(value: unknown, before: number, after: number): boolean {
  const amount = readAmount(value);
  if (amount === null) return false;
  const point = amount.indexOf(".");
  const whole = (point === -1 ? amount.length : point) - (amount.startsWith("-") ? 1 : 0);
  return whole <= before && (point === -1 || amount.length - point - 1 <= after);
}

/** Text without lone surrogates: those become U+FFFD, which every store can keep. */
export function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}

/** Name of a JSON type: `array`, `null`, `object` … */
export function nameOfType(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
