import { describe, expect, it } from "vitest";
import { parseShape as fitted } from "../shapes.js";
import { decisionShape, parseCostRange } from "./shapes.js";

const DECISION = {
  decision_id: "dec_abc123",
  vehicle_id: "V001",
  agent_used: "Engine Agent",
  decision: "Immediate service required",
  severity: "high",
  confidence: 0.92,
  reasoning: "...",
  recommended_actions: ["..."],
  estimated_cost: "$150-300",
  urgency: "Within 48 hours",
  llm_model_used: "gemini-1.5-pro",
};

describe("cost ranges as text", () => {
  it.each([
    ["$150-300", 150, 300],
    ["$1,000 - $5,000", 1000, 5000],
    ["$1,234,567.50", 1_234_567.5, 1_234_567.5],
    ["€200", 200, 200],
    ["150 – 300 USD", 150, 300],
    ["0", 0, 0],
  ])("reads %s", (value, minimum, maximum) => {
    expect(parseCostRange(value)).toEqual({ minimum, maximum });
  });

  it.each(["", "unknown", "$300-150"])("reads nothing from %j", (value) => {
    expect(parseCostRange(value)).toBeNull();
  });
});

describe("a decision", () => {
  it("is read as documented, with the cost as told and as a range", () => {
    expect(fitted("agent", decisionShape, DECISION)).toEqual({
      id: "dec_abc123",
      vehicleId: "V001",
      agent: "Engine Agent",
      decision: "Immediate service required",
      severity: "HIGH",
      confidence: 0.92,
      reasoning: "...",
      recommendedActions: ["..."],
      estimatedCostText: "$150-300",
      estimatedCost: { minimum: 150, maximum: 300 },
      urgency: "Within 48 hours",
      model: "gemini-1.5-pro",
      createdAt: null,
    });
  });

  it("takes a plain number for the cost, and none at all", () => {
    const read = (estimated_cost: unknown) => fitted("agent", decisionShape, { ...DECISION, estimated_cost });
    expect(read(250)).toMatchObject({ estimatedCostText: "250", estimatedCost: { minimum: 250, maximum: 250 } });
    expect(read(null)).toMatchObject({ estimatedCostText: null, estimatedCost: null });
    expect(read(undefined)).toMatchObject({ estimatedCostText: null, estimatedCost: null });
  });

  it("needs id, vehicle and the decision itself", () => {
    const least = { decision_id: "d", vehicle_id: "V001", decision: "wait" };
    expect(fitted("agent", decisionShape, least)).toMatchObject({ id: "d", severity: null, recommendedActions: [] });
    expect(() => fitted("agent", decisionShape, { ...least, decision: null })).toThrow(
      "agent-service: field decision: ",
    );
  });
});
