import { z } from "zod";
import type { Claim, WarrantyCoverage } from "../../domain/fleet/records.js";
import { finite, id, instant, optional, text, tolerantEnum } from "../shapes.js";

export const claimShape = z
  .object({
    claim_id: id,
    vehicle_id: id,
    component: optional(text),
    failure_description: optional(text),
    failure_date: optional(text),
    status: tolerantEnum(["SUBMITTED", "UNDER_REVIEW", "APPROVED", "REJECTED", "FLAGGED", "PAID"]),
    preliminary_decision: optional(text),
    confidence: optional(finite),
    repair_cost_estimate: optional(finite),
    estimated_coverage: optional(finite),
    estimated_deductible: optional(finite),
    payout_amount: optional(finite),
    fraud_score: optional(finite),
    submitted_at: optional(instant),
    decided_at: optional(instant),
    evidence_pack_url: optional(text),
  })
  .transform(
    (c): Claim => ({
      id: c.claim_id,
      vehicleId: c.vehicle_id,
      component: c.component ?? null,
      failureDescription: c.failure_description ?? null,
      failureDate: c.failure_date ?? null,
      status: c.status,
      preliminaryDecision: c.preliminary_decision ?? null,
      confidence: c.confidence ?? null,
      repairCostEstimate: c.repair_cost_estimate ?? null,
      estimatedCoverage: c.estimated_coverage ?? null,
      estimatedDeductible: c.estimated_deductible ?? null,
      payoutAmount: c.payout_amount ?? null,
      fraudScore: c.fraud_score ?? null,
      submittedAt: c.submitted_at ?? null,
      decidedAt: c.decided_at ?? null,
      evidencePackUrl: c.evidence_pack_url ?? null,
    }),
  );

/** The check answers without repeating the vehicle id; the caller adds it. */
export const coverageShape = z
  .object({
    is_eligible: z.boolean(),
    coverage_type: optional(text),
    expiry_date: optional(text),
    mileage_limit: optional(finite),
    current_mileage: optional(finite),
    days_remaining: optional(finite),
  })
  .transform(
    (c): Omit<WarrantyCoverage, "vehicleId"> => ({
      isEligible: c.is_eligible,
      coverageType: c.coverage_type ?? null,
      expiryDate: c.expiry_date ?? null,
      mileageLimitKm: c.mileage_limit ?? null,
      currentMileageKm: c.current_mileage ?? null,
      daysRemaining: c.days_remaining ?? null,
    }),
  );
