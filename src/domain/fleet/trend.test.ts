import { describe, expect, it } from "vitest";
import { DAY, HOUR } from "../../base/clock.js";
import { historiesOf } from "./history-columns.js";
import type { HealthHistoryPoint } from "./records.js";
import { healthTrend } from "./trend.js";

const START = Date.parse("2026-01-01T00:00:00Z");
const RANGE = { start: START, end: START + 60 * DAY };

function point(at: number, score: number, components: Record<string, number> = {}): HealthHistoryPoint {
  return { computedAt: at, score, components: new Map(Object.entries(components)) };
}

/** One vehicle's history: one record at noon of each day. */
function daily(...scores: number[]): HealthHistoryPoint[] {
  return scores.map((score, day) => point(START + day * DAY + 12 * HOUR, score));
}

describe("health trend", () => {
  it("is stable without a change when nothing or a single day is recorded", () => {
    expect(healthTrend(historiesOf([]), RANGE, null)).toEqual({ direction: "STABLE", delta: null, points: [] });
    expect(healthTrend(historiesOf([daily(0.7)]), RANGE, null)).toEqual({
      direction: "STABLE",
      delta: null,
      points: [{ date: "2026-01-01", averageHealthScore: 0.7 }],
    });
  });

  it("compares the later half of the days with the earlier one", () => {
    expect(healthTrend(historiesOf([daily(0.5, 0.6, 0.7, 0.8)]), RANGE, null)).toMatchObject({
      direction: "IMPROVING",
      delta: 0.2,
    });
    expect(healthTrend(historiesOf([daily(0.8, 0.7, 0.6, 0.5)]), RANGE, null)).toMatchObject({
      direction: "DEGRADING",
      delta: -0.2,
    });
  });

  it("leaves the oldest day out of both halves when their number is odd", () => {
    expect(healthTrend(historiesOf([daily(0, 0.5, 0.6)]), RANGE, null).delta).toBe(0.1);
  });

  it.each([
    [0.75, 0.76, "STABLE"],
    [0.76, 0.75, "STABLE"],
    [0.5, 0.5101, "IMPROVING"],
    [0.5101, 0.5, "DEGRADING"],
  ])("takes a move from %d to %d as %s: a hundredth is not yet a trend", (before, after, direction) => {
    expect(healthTrend(historiesOf([daily(before, after)]), RANGE, null).direction).toBe(direction);
  });

  it("lets the last record of a vehicle's UTC day speak for that day, in whatever order records come", () => {
    const history = [point(START + 23 * HOUR, 0.9), point(START + HOUR, 0.1), point(START + 24 * HOUR, 0.5)];
    expect(healthTrend(historiesOf([history]), RANGE, null).points).toEqual([
      { date: "2026-01-01", averageHealthScore: 0.9 },
      { date: "2026-01-02", averageHealthScore: 0.5 },
    ]);
  });

  it("weighs vehicles alike, however often one reports", () => {
    const often = [0.2, 0.2, 0.2, 0.4].map((score, hour) => point(START + hour * HOUR, score));
    expect(healthTrend(historiesOf([often, daily(0.8)]), RANGE, null).points).toEqual([
      { date: "2026-01-01", averageHealthScore: 0.6 },
    ]);
  });

  it("uses the last 30 recorded days only", () => {
    const { points, delta } = healthTrend(
      historiesOf([daily(...Array<number>(10).fill(0), ...Array<number>(30).fill(0.5))]),
      RANGE,
      null,
    );
    expect(points).toHaveLength(30);
    expect(points[0]?.date).toBe("2026-01-11");
    expect(delta).toBe(0);
  });

  it("leaves out what lies outside the range: its end is excluded", () => {
    const history = [point(START - 1, 0.1), point(START, 0.5), point(RANGE.end - 1, 0.6), point(RANGE.end, 0.9)];
    expect(healthTrend(historiesOf([history]), RANGE, null).points.map((p) => p.averageHealthScore)).toEqual([
      0.5, 0.6,
    ]);
  });

  it("follows one component, over the records that tell it", () => {
    const history = [
      point(START, 0.9, { engine: 0.2 }),
      point(START + DAY, 0.9),
      point(START + 2 * DAY, 0.9, { engine: 0.4 }),
    ];
    expect(healthTrend(historiesOf([history]), RANGE, "engine")).toEqual({
      direction: "IMPROVING",
      delta: 0.2,
      points: [
        { date: "2026-01-01", averageHealthScore: 0.2 },
        { date: "2026-01-03", averageHealthScore: 0.4 },
      ],
    });
  });
});
