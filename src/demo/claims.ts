import { type Component, FACTS } from "./components.js";
import type { Entry } from "./ledger.js";
import { type Random, round } from "./random.js";
import { DAY, HOUR, isoDate, timestamp, timestampOnce, wholeSecond } from "./time.js";
import { reachedAt, type Step, stepAt, type Timeline } from "./timeline.js";
import { odometerAt, type Vehicle } from "./vehicles.js";
import { type Eligibility, eligibilityOf } from "./warranty.js";

const CLAIM_STATUSES = ["SUBMITTED", "UNDER_REVIEW", "APPROVED", "REJECTED", "FLAGGED", "PAID"] as const;
export type ClaimStatus = (typeof CLAIM_STATUSES)[number];

/** Above this fraud score a claim is set aside. */
const FRAUD_LIMIT = 0.7;
const AUTO_APPROVAL = { fraudBelow: 0.3, confidenceAbove: 0.9 };

export interface ClaimRequest {
  readonly vehicle: Vehicle;
  readonly component: Component;
  readonly description: string;
  readonly failedAt: number;
  readonly mileage: number;
  readonly estimate: number;
  readonly documents: readonly string[];
}

/** `at` is the moment of submission. */
export interface Claim extends Entry, ClaimRequest {
  readonly eligibility: Eligibility;
  readonly confidence: number;
  readonly fraudScore: number;
  readonly warnings: number;
  readonly deductible: number;
  readonly timeline: Timeline<ClaimStatus>;
}

/** The request that a workshop files after a repair that ended at `repairedAt`. */
export function workshopClaim(vehicle: Vehicle, component: Component, repairedAt: number, cost: number): ClaimRequest {
  return {
    vehicle,
    component,
    description: `${FACTS[component].failure}; repaired by the workshop`,
    failedAt: repairedAt,
    mileage: odometerAt(vehicle, repairedAt),
    estimate: cost,
    documents: ["mechanic_report.pdf", "photos.zip"],
  };
}

function fraudScore(random: Random): number {
  const draw = random.next();
  if (draw < 0.05) return round(random.between(0.71, 0.96), 2);
  return round(draw < 0.25 ? random.between(0.3, 0.65) : random.between(0.02, 0.29), 2);
}

/** What happens to a claim after submission; `random` decides how long people take. */
function course(at: number, eligible: boolean, fraud: number, confidence: number, random: Random): Step<ClaimStatus>[] {
  const later = (from: number, low: number, high: number): number =>
    wholeSecond(from + random.between(low, high) * DAY);
  const paid = (from: number): Step<ClaimStatus>[] =>
    random.chance(0.6) ? [{ at: later(from, 6, 30), status: "PAID" }] : [];
  if (eligible && fraud < AUTO_APPROVAL.fraudBelow && confidence > AUTO_APPROVAL.confidenceAbove) {
    return [{ at, status: "APPROVED" }, ...paid(at)];
  }
  const reviewAt = wholeSecond(at + random.between(1, 10) * HOUR);
  if (fraud > FRAUD_LIMIT) {
    const end: Step<ClaimStatus>[] = random.chance(0.6) ? [{ at: later(reviewAt, 10, 40), status: "REJECTED" }] : [];
    return [{ at: reviewAt, status: "FLAGGED" }, ...end];
  }
  const decidedAt = later(reviewAt, 2, 7);
  const approved = eligible && random.chance(0.92);
  const review: Step<ClaimStatus> = { at: reviewAt, status: "UNDER_REVIEW" };
  if (!approved) return [review, { at: decidedAt, status: "REJECTED" }];
  return [review, { at: decidedAt, status: "APPROVED" }, ...paid(decidedAt)];
}

/** Assesses a claim submitted at `at`; `clean` forces one that passes without review. */
export function makeClaim(id: string, request: ClaimRequest, at: number, random: Random, clean = false): Claim {
  const eligibility = eligibilityOf(request.vehicle, request.failedAt, request.component);
  const fraud = clean ? round(random.between(0.02, 0.2), 2) : fraudScore(random);
  const confidence = round(clean ? random.between(0.91, 0.98) : random.between(0.7, 0.97), 2);
  const deductible = Math.min(request.estimate, random.pick([50, 100, 150]));
  return {
    id,
    vehicle: request.vehicle,
    at,
    knownFrom: at,
    component: request.component,
    description: request.description,
    failedAt: request.failedAt,
    mileage: request.mileage,
    estimate: request.estimate,
    documents: request.documents,
    eligibility,
    confidence,
    fraudScore: fraud,
    warnings: random.integer(0, 4),
    deductible: eligibility.is_eligible ? deductible : request.estimate,
    timeline: [{ at, status: "SUBMITTED" }, ...course(at, eligibility.is_eligible, fraud, confidence, random)],
  };
}

export const claimStatus = (claim: Claim, now: number): ClaimStatus => stepAt(claim.timeline, now).status;

const evidenceUrl = (id: string): string => `https://storage.carvrooom.ai/evidence/${id}.pdf`;
const NEXT_STEPS: Readonly<Record<ClaimStatus, string>> = {
  SUBMITTED: "Review starts within one working day",
  UNDER_REVIEW: "Decision expected within seven days",
  APPROVED: "Payout is being prepared",
  REJECTED: "Objection possible within 30 days",
  FLAGGED: "Additional evidence requested",
  PAID: "None",
};

/** The claim as the warranty service shows it at `now`: the request and the result together. */
export function claimJson(claim: Claim, now: number) {
  const { vehicle, component, failedAt, estimate, eligibility, fraudScore: fraud, deductible, timeline } = claim;
  const status = claimStatus(claim, now);
  const settled = status === "APPROVED" || status === "PAID";
  const likely = eligibility.is_eligible ? "LIKELY_APPROVED" : "LIKELY_REJECTED";
  const lastWarning = Math.min(claim.at, failedAt) - 2 * claim.warnings * DAY;
  return {
    claim_id: claim.id,
    vehicle_id: vehicle.id,
    vin: vehicle.vin,
    component,
    failure_description: claim.description,
    failure_date: isoDate(failedAt),
    mileage_at_failure: claim.mileage,
    repair_cost_estimate: estimate,
    supporting_documents: claim.documents,
    status,
    preliminary_decision: fraud > FRAUD_LIMIT ? "NEEDS_REVIEW" : likely,
    confidence: claim.confidence,
    eligibility,
    telemetry_correlation: {
      ...(component === "engine" ? { oil_pressure_drops_detected: claim.warnings > 1 } : {}),
      warnings_issued: claim.warnings,
      ...(claim.warnings > 0 ? { last_warning_date: isoDate(lastWarning) } : {}),
      pattern_matches_failure: fraud < 0.5,
    },
    fraud_score: fraud,
    estimated_coverage: estimate - deductible,
    estimated_deductible: deductible,
    evidence_pack_url: evidenceUrl(claim.id),
    next_steps: NEXT_STEPS[status],
    submitted_at: timestamp(claim.at),
    decided_at: timestampOnce(reachedAt(timeline, ["APPROVED", "REJECTED"], now), now),
    payout_amount: settled ? estimate - deductible : null,
  };
}

/** The fraud analysis of a claim. */
export const fraudJson = (claim: Claim) => ({
  claim_id: claim.id,
  fraud_score: claim.fraudScore,
  flagged: claim.fraudScore > FRAUD_LIMIT,
  patterns: claim.fraudScore > FRAUD_LIMIT ? ["cost_above_peer_median", "no_matching_telemetry"] : [],
});

/** Where the evidence pack of a claim lies. */
export const evidenceJson = (claim: Claim) => ({ evidence_pack_url: evidenceUrl(claim.id) });

/** Counts by status and sums of money over the given claims at `now`. */
export function claimStatsJson(claims: readonly Claim[], now: number) {
  const rows = claims.map((claim) => claimJson(claim, now));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    total: rows.length,
    by_status: Object.fromEntries(
      CLAIM_STATUSES.map((status) => [status, rows.filter((row) => row.status === status).length]),
    ),
    total_repair_cost_estimate: sum(rows.map((row) => row.repair_cost_estimate)),
    total_payout_amount: sum(rows.map((row) => row.payout_amount ?? 0)),
    avg_fraud_score: rows.length === 0 ? null : round(sum(rows.map((row) => row.fraud_score)) / rows.length, 3),
  };
}
