import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mean, percent, round, roundOrNull, sumMoney } from "./numbers.js";

describe("rounding", () => {
  it.each([
    [1.005, 2, 1.01],
    [-1.005, 2, -1.01],
    [2.5, 0, 3],
    [-2.5, 0, -3],
    [0.615, 2, 0.62],
    [8.345, 2, 8.35],
    [1.0049, 2, 1],
    [123456.785, 2, 123456.79],
    [0.12344, 4, 0.1234],
  ])("takes %d to %d decimals as %d, halves away from zero", (value, digits, expected) => {
    expect(round(value, digits)).toBe(expected);
  });

  it("gives no negative zero", () => {
    expect(Object.is(round(-0.001, 2), 0)).toBe(true);
    expect(Object.is(round(-0, 2), 0)).toBe(true);
  });

  it("rounds every amount of cents and a half up, however it is held in binary", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000_000 }), (cents) => {
        expect(round(Number(`${cents}.5`) / 100, 2)).toBe((cents + 1) / 100);
        expect(round(-cents / 100, 2)).toBe(cents === 0 ? 0 : -cents / 100);
      }),
    );
  });

  it("keeps what is missing missing", () => {
    expect(roundOrNull(null, 2)).toBeNull();
    expect(roundOrNull(0.125, 2)).toBe(0.13);
  });
});

describe("sums and shares", () => {
  it("adds money without binary noise", () => {
    expect(sumMoney(Array<number>(1000).fill(0.1))).toBe(100);
    expect(sumMoney([0.1, 0.2, -0.3])).toBe(0);
    expect(sumMoney([])).toBe(0);
  });

  it("adds money to the same sum in any order", () => {
    const amounts = fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }).map((cents) => cents / 100));
    fc.assert(fc.property(amounts, (list) => sumMoney([...list].reverse()) === sumMoney(list)));
  });

  it("takes half a cent up like every other rounding here", () => {
    expect(sumMoney([1.005])).toBe(1.01);
    expect(sumMoney([-1.005])).toBe(-1.01);
  });

  it("has no mean and no percentage of nothing", () => {
    expect(mean([])).toBeNull();
    expect(percent(0, 0)).toBeNull();
  });

  it("averages and takes percent to two decimals", () => {
    expect(mean([1, 2, 6])).toBe(3);
    expect(percent(1, 3)).toBe(33.33);
    expect(percent(950, 1000)).toBe(95);
  });
});
