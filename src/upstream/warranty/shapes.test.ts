import { describe, expect, it } from "vitest";
import { parseShape as fitted } from "../shapes.js";
import { claimShape, coverageShape } from "./shapes.js";

const CLAIM = {
  claim_id: "claim_abc123",
  vehicle_id: "V001",
  vin: "1HGBH41JXMN109186",
  component: "engine",
  failure_description: "...",
  failure_date: "2026-01-28",
  repair_cost_estimate: 3500,
  status: "UNDER_REVIEW",
  preliminary_decision: "LIKELY_APPROVED",
  confidence: 0.87,
  fraud_score: 0.12,
  estimated_coverage: 3200,
  estimated_deductible: 300,
  evidence_pack_url: "https://storage.carvrooom.ai/evidence/claim_abc123.pdf",
  next_steps: "...",
};

describe("a claim", () => {
  it("is read as documented; what the source never tells is null", () => {
    expect(fitted("warranty", claimShape, CLAIM)).toEqual({
      id: "claim_abc123",
      vehicleId: "V001",
      component: "engine",
      failureDescription: "...",
      failureDate: "2026-01-28",
      status: "UNDER_REVIEW",
      preliminaryDecision: "LIKELY_APPROVED",
      confidence: 0.87,
      repairCostEstimate: 3500,
      estimatedCoverage: 3200,
      estimatedDeductible: 300,
      payoutAmount: null,
      fraudScore: 0.12,
      submittedAt: null,
      decidedAt: null,
      evidencePackUrl: "https://storage.carvrooom.ai/evidence/claim_abc123.pdf",
    });
  });

  it.each([
    ["under-review", "UNDER_REVIEW"],
    ["paid", "PAID"],
    ["escalated", "UNKNOWN"],
    [undefined, "UNKNOWN"],
  ])("has the status %s as %s", (status, expected) => {
    expect(fitted("warranty", claimShape, { ...CLAIM, status }).status).toBe(expected);
  });

  it("reads the times and the payout where they are told", () => {
    const told = { submitted_at: "2026-01-28T10:00:00Z", decided_at: "2026-01-29T10:00:00Z", payout_amount: 3100.5 };
    expect(fitted("warranty", claimShape, { ...CLAIM, ...told })).toMatchObject({
      submittedAt: Date.parse(told.submitted_at),
      decidedAt: Date.parse(told.decided_at),
      payoutAmount: 3100.5,
    });
  });

  it("is refused over an amount as text, by field", () => {
    const attempt = () => fitted("warranty", claimShape, { ...CLAIM, payout_amount: "3100" });
    expect(attempt).toThrow("warranty-service: field payout_amount: ");
  });
});

describe("coverage", () => {
  it("is read with a limit, without one, and for a vehicle that has none", () => {
    const eligible = {
      is_eligible: true,
      coverage_type: "Powertrain",
      expiry_date: "2028-01-15",
      mileage_limit: 100000,
    };
    expect(fitted("warranty", coverageShape, { ...eligible, current_mileage: 45000, days_remaining: 730 })).toEqual({
      isEligible: true,
      coverageType: "Powertrain",
      expiryDate: "2028-01-15",
      mileageLimitKm: 100000,
      currentMileageKm: 45000,
      daysRemaining: 730,
    });
    expect(fitted("warranty", coverageShape, { ...eligible, mileage_limit: null }).mileageLimitKm).toBeNull();
    expect(fitted("warranty", coverageShape, { is_eligible: false })).toMatchObject({
      isEligible: false,
      coverageType: null,
    });
  });

  it("is refused when it does not say whether there is any", () => {
    expect(() => fitted("warranty", coverageShape, {})).toThrow("warranty-service: field is_eligible: ");
  });
});
