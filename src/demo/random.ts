/**
 * Repeatable randomness. A value is a pure function of its key (seed, stream, vehicle, day …), so any record can be
 * worked out on its own, in any order, by any process.
 */

/** Keeps the draws for different purposes independent although they share a seed, a vehicle and a day. */
export const STREAM = {
  vehicle: 1,
  motion: 2,
  wear: 3,
  outcome: 4,
  noise: 5,
  overhaul: 6,
  plan: 7,
  record: 8,
  telemetry: 9,
  health: 10,
  claim: 11,
} as const;

function stir(state: number, part: number): number {
  let h = Math.imul(state ^ part, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Unsigned 32-bit hash of up to five integers (fixed arity: this is the hot path). */
export function hash(seed: number, stream: number, a = 0, b = 0, c = 0): number {
  return stir(stir(stir(stir(stir(0x9e3779b9, seed), stream), a), b), c) >>> 0;
}

/** Number in [0, 1) for a key. */
export const unit = (seed: number, stream: number, a = 0, b = 0, c = 0): number =>
  hash(seed, stream, a, b, c) / 0x1_0000_0000;

/** A sequence of draws (mulberry32) that starts from a key. */
export class Random {
  private state: number;

  constructor(seed: number, stream: number, a = 0, b = 0, c = 0) {
    this.state = hash(seed, stream, a, b, c);
  }

  /** Number in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** Number in [low, high). */
  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** Integer from low to high, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined) throw new RangeError("cannot pick from an empty list");
    return item;
  }
}

/** `value` rounded to `digits` decimals. */
export function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
