// Rounding, means and calendar arithmetic for the figures of recompute.ts.
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The services write no milliseconds when there are none. */
export function instant(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** Half away from zero; the tiny growth lifts 0.615 (held as 0.61499…) over its edge. Never gives -0. */
export function round(value: number, digits: number): number {
  return Number((value * (1 + 1e-12)).toFixed(digits)) + 0;
}

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function roundedMean(values: readonly number[], digits: number): number | null {
  const average = mean(values);
  return average === null ? null : round(average, digits);
}

export function percentage(part: number, whole: number): number | null {
  return whole === 0 ? null : round((part / whole) * 100, 2);
}

/** Money is added up in whole cents, so that no order of addition changes a sum. */
export function cents(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + Math.round(amount * 100), 0);
}

export function money(centsValue: number): number {
  return round(centsValue / 100, 2);
}

export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whole anniversaries, then the share of the year that has begun: 365 days are a year except in a leap year. */
export function calendarYears(from: number, to: number): number {
  const years = new Date(to).getUTCFullYear() - new Date(from).getUTCFullYear();
  const whole = anniversary(from, years) <= to ? years : years - 1;
  const last = anniversary(from, whole);
  return whole + (to - last) / (anniversary(from, whole + 1) - last);
}

/** Born on 29 February: the anniversary of a common year is 28 February. */
function anniversary(from: number, years: number): number {
  const date = new Date(from);
  const [year, month] = [date.getUTCFullYear() + years, date.getUTCMonth()];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const timeOfDay = from - Date.UTC(date.getUTCFullYear(), month, date.getUTCDate());
  return Date.UTC(year, month, Math.min(date.getUTCDate(), lastDay)) + timeOfDay;
}

/** The first instant of the UTC month in which the last instant before `end` lies. */
export function monthStart(end: number): number {
  const date = new Date(end - 1);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}
