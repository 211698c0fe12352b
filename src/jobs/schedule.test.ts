import { describe, expect, it } from "vitest";
import { DAY, HOUR, MINUTE } from "../base/clock.js";
import { pauseAfter } from "./backoff.js";
import { dailyAt, nextDue } from "./schedule.js";

const at = (text: string): number => Date.parse(`${text}Z`);

describe("a schedule", () => {
  it.each([
    ["2026-07-14T12:00:00.001", "2026-07-14T12:10:00"],
    ["2026-07-14T12:09:59.999", "2026-07-14T12:10:00"],
    ["2026-07-14T12:10:00", "2026-07-14T12:20:00"],
  ])("of an interval is due at whole intervals: after %s at %s", (after, due) => {
    expect(nextDue(10 * MINUTE, at(after))).toBe(at(due));
  });

  it.each([
    ["2026-07-14T02:59:59.999", "2026-07-14T03:30:00"],
    ["2026-07-14T03:30:00", "2026-07-15T03:30:00"],
    ["2026-12-31T23:00:00", "2027-01-01T03:30:00"],
  ])("of a day is due at the same time of every day, UTC: after %s at %s", (after, due) => {
    expect(nextDue(dailyAt(3, 30), at(after))).toBe(at(due));
  });

  it("is due strictly later and nowhere else, whenever it is asked", () => {
    for (let i = 0; i < 500; i++) {
      const after = at("2026-01-01T00:00:00") + i * 37 * MINUTE;
      const due = nextDue(dailyAt(3), after);
      expect(due).toBeGreaterThan(after);
      expect(due - after).toBeLessThanOrEqual(DAY);
      expect(due % DAY).toBe(3 * HOUR);
    }
  });

  it("that gives no later time is refused rather than run for ever", () => {
    expect(() => nextDue((after) => after, at("2026-07-14T12:00:00"))).toThrow(
      "A schedule must give a time after 2026-07-14T12:00:00.000Z, got 2026-07-14T12:00:00.000Z",
    );
    expect(() => nextDue(() => new Date(Number.NaN), 0)).toThrow("got none");
    expect(() => nextDue(0, 0)).toThrow("got none");
    expect(() => nextDue(-5, 0)).toThrow("A schedule must give a time after");
  });
});

describe("the pause before another attempt", () => {
  const backoff = { firstMs: 1000, longestMs: 10_000 };

  it("doubles up to the longest", () => {
    expect([1, 2, 3, 4, 5, 1000].map((failures) => pauseAfter(backoff, failures, () => 1))).toEqual([
      1000, 2000, 4000, 8000, 10_000, 10_000,
    ]);
  });

  it("is spread over its second half", () => {
    expect([0, 0.5, 1].map((random) => pauseAfter(backoff, 1, () => random))).toEqual([500, 750, 1000]);
  });
});
