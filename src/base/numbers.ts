/**
 * Rounds half away from zero to `digits` decimals. The tiny nudge undoes binary noise, so that 1.005 gives 1.01 as a
 * reader of the decimal number expects.
 */
export function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  const scaled = Math.abs(value) * factor;
  return (Math.sign(value) * Math.round(scaled * (1 + Number.EPSILON * 4))) / factor || 0;
}

/** Arithmetic mean; null when there is nothing to average, never NaN. */
export function mean(values: Iterable<number>): number | null {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    sum += value;
    count += 1;
  }
  return count === 0 ? null : sum / count;
}

/** `round` of a value that may be missing. */
export function roundOrNull(value: number | null, digits: number): number | null {
  return value === null ? null : round(value, digits);
}

/** part / whole in percent, two decimals; null when the whole is empty. */
export function percent(part: number, whole: number): number | null {
  return whole === 0 ? null : round((part / whole) * 100, 2);
}

/** Sums amounts of money in whole cents, so that a thousand times 0.1 is exactly 100. */
export function sumMoney(amounts: Iterable<number>): number {
  let cents = 0;
  for (const amount of amounts) cents += Math.round(round(amount, 2) * 100);
  return cents / 100;
}
