import { describe, expect, it } from "vitest";
import { parseShape as fitted } from "../shapes.js";
import { healthShape, historyPointShape } from "./shapes.js";

const RECORD = {
  vehicle_id: "V001",
  overall_health_score: 0.72,
  components: [
    {
      type: "engine",
      health_score: 0.65,
      status: "GOOD",
      rul_km: 8500,
      rul_days: 180,
      confidence: 0.85,
      risk_factors: ["High temperature operating conditions"],
      recommended_actions: ["Schedule oil change within 1000km"],
    },
    { type: "brakes", health_score: 0.89, status: "EXCELLENT", rul_km: 15000, rul_days: 320 },
  ],
  last_computed_at: "2026-01-28T22:15:00Z",
};

describe("health of a vehicle", () => {
  it("is read with components, of which some tell less", () => {
    expect(fitted("health", healthShape, RECORD)).toEqual({
      vehicleId: "V001",
      score: 0.72,
      computedAt: Date.parse("2026-01-28T22:15:00Z"),
      components: [
        {
          vehicleId: "V001",
          type: "engine",
          score: 0.65,
          rulKm: 8500,
          rulDays: 180,
          confidence: 0.85,
          riskFactors: ["High temperature operating conditions"],
          recommendedActions: ["Schedule oil change within 1000km"],
        },
        {
          vehicleId: "V001",
          type: "brakes",
          score: 0.89,
          rulKm: 15000,
          rulDays: 320,
          confidence: null,
          riskFactors: [],
          recommendedActions: [],
        },
      ],
    });
  });

  it("takes either name of the overall score and prefers overall_health_score", () => {
    const scoreOf = (scores: object) => fitted("health", healthShape, { vehicle_id: "V001", ...scores }).score;
    expect(scoreOf({ health_score: 0.5 })).toBe(0.5);
    expect(scoreOf({ overall_health_score: 0.7, health_score: 0.5 })).toBe(0.7);
    expect(scoreOf({ overall_health_score: null, health_score: 0.5 })).toBe(0.5);
    expect(scoreOf({ overall_health_score: 0 })).toBe(0);
  });

  it("is refused without any score, and with a percentage for one, by field", () => {
    const read = (change: object) => () => fitted("health", healthShape, { ...RECORD, ...change });
    expect(read({ overall_health_score: null })).toThrow("health-service: field overall_health_score: ");
    expect(read({ overall_health_score: 72 })).toThrow("health-service: field overall_health_score: ");
    expect(read({ components: [{ type: "engine", health_score: 65 }] })).toThrow("field components.0.health_score: ");
  });
});

describe("a point of history", () => {
  it("is read with the components' scores, and without any", () => {
    const base = { computed_at: "2026-01-28T22:15:00Z", overall_health_score: 0.7 };
    const computedAt = Date.parse(base.computed_at);
    expect(
      fitted("health", historyPointShape, { ...base, components: [{ type: "engine", health_score: 0.3 }] }),
    ).toEqual({
      computedAt,
      score: 0.7,
      components: new Map([["engine", 0.3]]),
    });
    expect(fitted("health", historyPointShape, { computed_at: base.computed_at, health_score: 0.6 })).toEqual({
      computedAt,
      score: 0.6,
      components: new Map(),
    });
  });
});
