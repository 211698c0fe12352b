import { HOUR } from "../../base/clock.js";
import { mean, percent, roundOrNull, sumMoney } from "../../base/numbers.js";
import { coveredAmount, isApproved } from "./cost.js";
import type { Claim } from "./records.js";

/** Above this score a claim is flagged as possible fraud. */
export const FRAUD_SCORE = 0.7;

export interface WarrantyFigures {
  readonly totalClaims: number;
  readonly approved: number;
  readonly rejected: number;
  /** Neither approved nor rejected yet. */
  readonly pending: number;
  readonly approvalRatePct: number | null;
  readonly avgProcessingHours: number | null;
  readonly fraudFlagged: number;
  readonly fraudDetectionRatePct: number;
  readonly totalPayouts: number;
}

/** Figures over the claims submitted in a period. Undecided claims do not count into the approval rate. */
export function warrantyFigures(claims: readonly Claim[]): WarrantyFigures {
  const approved = claims.filter(isApproved);
  const rejected = claims.filter((c) => c.status === "REJECTED").length;
  const flagged = claims.filter((c) => (c.fraudScore ?? 0) > FRAUD_SCORE).length;
  const hours = claims.flatMap((c) =>
    c.decidedAt === null || c.submittedAt === null ? [] : [(c.decidedAt - c.submittedAt) / HOUR],
  );
  return {
    totalClaims: claims.length,
    approved: approved.length,
    rejected,
    pending: claims.length - approved.length - rejected,
    approvalRatePct: percent(approved.length, approved.length + rejected),
    avgProcessingHours: roundOrNull(mean(hours), 2),
    fraudFlagged: flagged,
    fraudDetectionRatePct: percent(flagged, claims.length) ?? 0,
    totalPayouts: sumMoney(approved.map(coveredAmount)),
  };
}
