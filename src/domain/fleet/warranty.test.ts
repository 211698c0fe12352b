import { describe, expect, it } from "vitest";
import { HOUR } from "../../base/clock.js";
import type { Claim } from "./records.js";
import { warrantyFigures } from "./warranty.js";

function claim(change: Partial<Claim>): Claim {
  const untold = { component: null, failureDescription: null, failureDate: null, preliminaryDecision: null };
  const figures = { confidence: null, repairCostEstimate: null, estimatedCoverage: null, estimatedDeductible: null };
  const rest = { payoutAmount: null, fraudScore: null, decidedAt: null, evidencePackUrl: null };
  return { id: "C", vehicleId: "V1", status: "SUBMITTED", submittedAt: 0, ...untold, ...figures, ...rest, ...change };
}

describe("warranty figures", () => {
  it("have no rate and no mean without claims, but zero counts and payouts", () => {
    expect(warrantyFigures([])).toEqual({
      totalClaims: 0,
      approved: 0,
      rejected: 0,
      pending: 0,
      approvalRatePct: null,
      avgProcessingHours: null,
      fraudFlagged: 0,
      fraudDetectionRatePct: 0,
      totalPayouts: 0,
    });
  });

  it("leave undecided claims out of the approval rate", () => {
    const statuses = ["APPROVED", "PAID", "REJECTED", "SUBMITTED", "UNDER_REVIEW", "FLAGGED", "UNKNOWN"] as const;
    expect(warrantyFigures(statuses.map((status) => claim({ status })))).toMatchObject({
      totalClaims: 7,
      approved: 2,
      rejected: 1,
      pending: 4,
      approvalRatePct: 66.67,
    });
    expect(warrantyFigures([claim({})]).approvalRatePct).toBeNull();
  });

  it("flag a fraud score above 0.70, not at it", () => {
    const claims = [0.7, 0.7001, null, 0.1].map((fraudScore) => claim({ fraudScore }));
    expect(warrantyFigures(claims)).toMatchObject({ fraudFlagged: 1, fraudDetectionRatePct: 25 });
  });

  it("pay out what was paid, else the estimated coverage, of approved claims", () => {
    const claims = [
      claim({ status: "APPROVED", payoutAmount: 3000.1, estimatedCoverage: 3200 }),
      claim({ status: "PAID", estimatedCoverage: 0.2 }),
      claim({ status: "APPROVED" }),
      claim({ status: "REJECTED", estimatedCoverage: 500 }),
    ];
    expect(warrantyFigures(claims).totalPayouts).toBe(3000.3);
  });

  it("average the time from submission to decision over claims that tell both", () => {
    const claims = [
      claim({ submittedAt: 0, decidedAt: 10 * HOUR }),
      claim({ submittedAt: HOUR, decidedAt: 2 * HOUR }),
      claim({ submittedAt: null, decidedAt: HOUR }),
    ];
    expect(warrantyFigures(claims).avgProcessingHours).toBe(5.5);
  });
});
