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
      component: c.component,
      failureDescription: c.failure_description,
      failureDate: c.failure_date,
      status: c.status,
      preliminaryDecision: c.preliminary_decision,
      confidence: c.confidence,
      repairCostEstimate: c.repair_cost_estimate,
      estimatedCoverage: c.estimated_coverage,
      estimatedDeductible: c.estimated_deductible,
      payoutAmount: c.payout_amount,
      fraudScore: c.fraud_score,
      submittedAt: c.submitted_at,
      decidedAt: c.decided_at,
      evidencePackUrl: c.evidence_pack_url,
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
      coverageType: c.coverage_type,
      expiryDate: c.expiry_date,
      mileageLimitKm: c.mileage_limit,
      currentMileageKm: c.current_mileage,
      daysRemaining: c.days_remaining,
    }),
  );
