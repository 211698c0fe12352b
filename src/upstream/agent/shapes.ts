import { z } from "zod";
import type { CostRange, Decision } from "../../domain/fleet/records.js";
import { finite, id, instant, listOf, optional, text } from "../shapes.js";

/** `$150-300`, `$1,000 - $5,000`, `€200`: costs arrive as text. Null when no amount can be read from it. */
export function parseCostRange(value: string): CostRange | null {
  const amounts =
    value
      .replaceAll(/(?<=\d),(?=\d{3})/g, "")
      .match(/\d+(\.\d+)?/g)
      ?.map(Number) ?? [];
  const [minimum, maximum = minimum] = amounts;
  return minimum === undefined || maximum === undefined || maximum < minimum ? null : { minimum, maximum };
}

export const decisionShape = z
  .object({
    decision_id: id,
    vehicle_id: id,
    agent_used: optional(text),
    decision: text,
    severity: optional(text),
    confidence: optional(finite),
    reasoning: optional(text),
    recommended_actions: listOf(text),
    estimated_cost: z
      .union([text, finite])
      .nullish()
      .transform((cost) => (cost === null || cost === undefined ? null : String(cost))),
    urgency: optional(text),
    llm_model_used: optional(text),
    created_at: optional(instant),
  })
  .transform(
    (d): Decision => ({
      id: d.decision_id,
      vehicleId: d.vehicle_id,
      agent: d.agent_used ?? null,
      decision: d.decision,
      severity: d.severity?.toUpperCase() ?? null,
      confidence: d.confidence ?? null,
      reasoning: d.reasoning ?? null,
      recommendedActions: d.recommended_actions ?? [],
      estimatedCostText: d.estimated_cost,
      estimatedCost: d.estimated_cost === null ? null : parseCostRange(d.estimated_cost),
      urgency: d.urgency ?? null,
      model: d.llm_model_used ?? null,
      createdAt: d.created_at ?? null,
    }),
  );
