import { compareText, groupBy } from "../../base/groups.js";
import { round, sumMoney } from "../../base/numbers.js";
import { contains, type TimeRange, trailing } from "../../base/time-range.js";
import type { Appointment, Claim } from "./records.js";

/** What a breakdown or a planned service of a component costs is learnt from this many days up to the period's end. */
export const COST_BASIS_DAYS = 365;

export function isFinished(appointment: Appointment): boolean {
  return appointment.status === "COMPLETED";
}

/** Preventive: finished work of any type but EMERGENCY. */
export function isPreventive(appointment: Appointment): boolean {
  return isFinished(appointment) && appointment.type !== "EMERGENCY";
}

export function finishedIn(appointments: readonly Appointment[], range: TimeRange): Appointment[] {
  return appointments.filter((a) => isFinished(a) && contains(range, a.completedAt));
}

interface Total {
  sum: number;
  count: number;
}

export interface CostBasis {
  /** Mean cost of a component's finished EMERGENCY work; else the configured amount; absent when neither is known. */
  readonly breakdown: ReadonlyMap<string, number>;
  /** Mean cost of a component's finished preventive work. */
  readonly preventive: ReadonlyMap<string, number>;
}

/**
 * Costs per component over the 365 days up to `range.end`, from all appointments the caller may see: never narrowed to
 * one vehicle, so that the vehicles' avoided costs add up to the fleet's.
 */
export function costBasis(
  appointments: readonly Appointment[],
  range: TimeRange,
  configured: ReadonlyMap<string, number>,
): CostBasis {
  const { start, end } = trailing(range, COST_BASIS_DAYS);
  const breakdowns = new Map<string, Total>();
  const preventives = new Map<string, Total>();
  // One pass without copies: this runs over a year of appointments for every dashboard.
  for (const { status, completedAt, component, cost, type } of appointments) {
    if (status !== "COMPLETED" || component === null || cost === null) continue;
    if (completedAt === null || completedAt < start || completedAt >= end) continue;
    const totals = type === "EMERGENCY" ? breakdowns : preventives;
    const known = totals.get(component);
    if (known) {
      known.sum += cost;
      known.count += 1;
    } else totals.set(component, { sum: cost, count: 1 });
  }
  const means = (totals: Map<string, Total>) =>
    [...totals].map(([name, { sum, count }]) => [name, sum / count] as const);
  return { breakdown: new Map([...configured, ...means(breakdowns)]), preventive: new Map(means(preventives)) };
}

export interface ComponentAvoidance {
  readonly component: string;
  /** Preventive events finished in the period. */
  readonly events: number;
  /** Null when the component's breakdown cost is unknown. */
  readonly costAvoidance: number | null;
}

export interface CostAvoidance {
  /** Breakdown repair cost minus preventive maintenance cost; may be negative; null when no event can be priced. */
  readonly costAvoidance: number | null;
  readonly breakdownRepairCost: number | null;
  readonly preventiveMaintenanceCost: number | null;
  readonly events: number;
  /** Events whose breakdown cost and own cost are known; the sums are over these. */
  readonly pricedEvents: number;
  readonly byComponent: readonly ComponentAvoidance[];
  /** Components left out of the sums because no breakdown cost is known for them. */
  readonly unpriced: readonly string[];
}

/** What preventive work finished in the range saved, compared with waiting for the breakdown. 0 without events. */
export function costAvoidance(appointments: readonly Appointment[], range: TimeRange, basis: CostBasis): CostAvoidance {
  const events = finishedIn(appointments, range).filter(isPreventive);
  const parts = [...groupBy(events, (a) => a.component ?? "unknown")].map(([component, own]) => {
    const breakdown = basis.breakdown.get(component);
    const costs = breakdown === undefined ? [] : own.flatMap((a) => (a.cost === null ? [] : [a.cost]));
    const saved = (breakdown ?? 0) * costs.length;
    return { component, events: own.length, priced: costs.length, breakdown: saved, preventive: sumMoney(costs) };
  });
  const priced = parts.filter((part) => part.priced > 0);
  const known = events.length === 0 || priced.length > 0;
  const breakdown = round(
    priced.reduce((sum, part) => sum + part.breakdown, 0),
    2,
  );
  const preventive = sumMoney(priced.map((part) => part.preventive));
  return {
    costAvoidance: known ? round(breakdown - preventive, 2) : null,
    breakdownRepairCost: known ? breakdown : null,
    preventiveMaintenanceCost: known ? preventive : null,
    events: events.length,
    pricedEvents: priced.reduce((sum, part) => sum + part.priced, 0),
    byComponent: parts
      .map(({ component, events: count, priced: n, breakdown: b, preventive: p }) => ({
        component,
        events: count,
        costAvoidance: n > 0 ? round(b - p, 2) : null,
      }))
      .sort(bySavings),
    unpriced: parts
      .filter((part) => part.priced < part.events)
      .map((part) => part.component)
      .sort(),
  };
}

function bySavings(a: ComponentAvoidance, b: ComponentAvoidance): number {
  return (b.costAvoidance ?? -Infinity) - (a.costAvoidance ?? -Infinity) || compareText(a.component, b.component);
}

/** Cost of all work finished in the range. 0 without any. */
export function maintenanceSpend(appointments: readonly Appointment[], range: TimeRange): number {
  return sumMoney(finishedIn(appointments, range).map((a) => a.cost ?? 0));
}

/** What the manufacturer covered: payouts (or estimated coverage) of approved claims submitted in the range. */
export function warrantySavings(claims: readonly Claim[], range: TimeRange): number {
  return sumMoney(claims.filter((c) => isApproved(c) && contains(range, c.submittedAt)).map(coveredAmount));
}

export function isApproved(claim: Claim): boolean {
  return claim.status === "APPROVED" || claim.status === "PAID";
}

export function coveredAmount(claim: Claim): number {
  return claim.payoutAmount ?? claim.estimatedCoverage ?? 0;
}
