import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  averageScore,
  bandOf,
  componentBreakdown,
  distribution,
  distributionPercent,
  known,
  needsAttention,
  scoresOf,
} from "./health.js";
import { healthTable } from "./health-table.js";
import type { Health } from "./records.js";

function health(vehicleId: string, score: number, components: Record<string, number> = {}): Health {
  const unknown = { rulKm: null, rulDays: null, confidence: null, riskFactors: [], recommendedActions: [] };
  return {
    vehicleId,
    score,
    computedAt: null,
    components: Object.entries(components).map(([type, value]) => ({ vehicleId, type, score: value, ...unknown })),
  };
}

describe("bands", () => {
  it.each([
    [1, "EXCELLENT"],
    [0.8, "EXCELLENT"],
    [0.7999, "GOOD"],
    [0.6, "GOOD"],
    [0.5999, "FAIR"],
    [0.4, "FAIR"],
    [0.3999, "POOR"],
    [0.2, "POOR"],
    [0.1999, "CRITICAL"],
    [0, "CRITICAL"],
  ])("takes a score of %d as %s: bounds belong to the better band", (score, band) => {
    expect(bandOf(score)).toBe(band);
  });

  it("calls for attention below FAIR only", () => {
    expect([0.3999, 0.4].map(needsAttention)).toEqual([true, false]);
  });
});

describe("distribution", () => {
  it("counts scores per band and is all zero without any", () => {
    expect(distribution([0.8, 1, 0.6, 0.4, 0.2, 0])).toEqual({ excellent: 2, good: 1, fair: 1, poor: 1, critical: 1 });
    const zeros = { excellent: 0, good: 0, fair: 0, poor: 0, critical: 0 };
    expect(distribution([])).toEqual(zeros);
    expect(distributionPercent(zeros)).toEqual(zeros);
  });

  it("sums to the number of scores, and in percent to a hundred but for rounding", () => {
    const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(scores, (list) => {
        const counts = distribution(list);
        const sum = (values: object): number => Object.values(values).reduce((a, b) => a + b, 0);
        expect(sum(counts)).toBe(list.length);
        expect(Math.abs(sum(distributionPercent(counts)) - 100)).toBeLessThanOrEqual(0.025 + 1e-9);
      }),
    );
  });
});

describe("scores", () => {
  it("average to two decimals, and to nothing without any", () => {
    expect(averageScore([0.72, 0.8, 0.755])).toBe(0.76);
    expect(averageScore([])).toBeNull();
  });

  it("are those of the vehicle unless a component is named; a vehicle without it has none", () => {
    const table = healthTable([health("V1", 0.7, { engine: 0.3 }), health("V2", 0.8)]);
    const scores = [null, "engine", "brakes"].map((component) => [...known(scoresOf(table, component))]);
    expect(scores).toEqual([[0.7, 0.8], [0.3], []]);
  });
});

describe("component breakdown", () => {
  const fleet = healthTable([
    health("V1", 0.7, { engine: 0.3, brakes: 0.9 }),
    health("V2", 0.7, { engine: 0.8 }),
    health("V3", 1),
  ]);

  it("averages and counts each component type over the vehicles that have it, by name", () => {
    expect(componentBreakdown(fleet, null)).toEqual([
      {
        component: "brakes",
        averageHealthScore: 0.9,
        distribution: { excellent: 1, good: 0, fair: 0, poor: 0, critical: 0 },
      },
      {
        component: "engine",
        averageHealthScore: 0.55,
        distribution: { excellent: 1, good: 0, fair: 0, poor: 1, critical: 0 },
      },
    ]);
  });

  it("narrows to one component", () => {
    expect(componentBreakdown(fleet, "brakes").map((entry) => entry.component)).toEqual(["brakes"]);
    expect(componentBreakdown(fleet, "battery")).toEqual([]);
  });
});
