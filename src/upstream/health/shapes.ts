import { z } from "zod";
import type { Health, HealthHistoryPoint } from "../../domain/fleet/records.js";
import { finite, id, instant, listOf, optional, score, text } from "../shapes.js";

const component = z.object({
  type: text.min(1),
  health_score: score,
  rul_km: optional(finite),
  rul_days: optional(finite),
  confidence: optional(finite),
  risk_factors: listOf(text),
  recommended_actions: listOf(text),
});

/** The overall score has two documented names; `overall_health_score` wins. */
const overall = { overall_health_score: optional(score), health_score: optional(score) };

function overallOf(
  record: { overall_health_score?: number | null | undefined; health_score?: number | null | undefined },
  context: z.RefinementCtx,
): number {
  const value = record.overall_health_score ?? record.health_score;
  if (typeof value === "number") return value;
  context.addIssue({
    code: "custom",
    path: ["overall_health_score"],
    message: "expected a score from 0 to 1, got none",
  });
  return Number.NaN;
}

export const healthShape = z
  .object({ vehicle_id: id, ...overall, components: listOf(component), last_computed_at: optional(instant) })
  .transform(
    (h, context): Health => ({
      vehicleId: h.vehicle_id,
      score: overallOf(h, context),
      computedAt: h.last_computed_at ?? null,
      components: (h.components ?? []).map((c) => ({
        vehicleId: h.vehicle_id,
        type: c.type,
        score: c.health_score ?? null,
        rulKm: c.rul_km ?? null,
        rulDays: c.rul_days ?? null,
        confidence: c.confidence ?? null,
        riskFactors: c.risk_factors ?? [],
        recommendedActions: c.recommended_actions ?? [],
      })),
    }),
  );

export const historyPointShape = z
  .object({
    computed_at: instant,
    ...overall,
    components: listOf(z.object({ type: text, health_score: score })),
  })
  .transform(
    (p, context): HealthHistoryPoint => ({
      computedAt: p.computed_at,
      score: overallOf(p, context),
      components: new Map((p.components ?? []).map((c) => [c.type, c.health_score])),
    }),
  );
