// Money: what breakdowns cost, what prevention saved, what warranty paid.
import { byText, cents, DAY, mean, money } from "./numbers.js";
import type { Appointment, Claim } from "./records.js";
import { completed, type Scope, within } from "./scope.js";

export function costAvoidance(scope: Scope) {
  const avoidance = avoidanceOver(scope, scope.start, scope.end);
  const spend = spendOf(completed(scope.appointments, scope.start, scope.end));
  return {
    ...avoidance,
    total_maintenance_spend: money(spend),
    avg_cost_per_vehicle: scope.vehicles.length === 0 ? null : money(spend / scope.vehicles.length),
    warranty_savings: coveredRepairs(scope, scope.start, scope.end),
    currency: "USD",
  };
}

/** The dashboard's block on the month that holds the last instant of the period. */
export function monthlyCosts(scope: Scope, from: number) {
  const { cost_avoidance } = avoidanceOver(scope, from, scope.end);
  const covered = coveredRepairs(scope, from, scope.end);
  return {
    total_cost_avoidance_this_month: cost_avoidance === null ? null : money(100 * (cost_avoidance + covered)),
    preventive_maintenance_savings: cost_avoidance,
    warranty_covered_repairs: covered,
  };
}

function avoidanceOver(scope: Scope, from: number, to: number) {
  const events = completed(scope.appointments, from, to).filter((appointment) => appointment.type !== "EMERGENCY");
  const components = [...new Set(events.map((event) => event.component))].map((component) => {
    const own = events.filter((event) => event.component === component);
    const breakdown = meanCost(scope, component, true);
    const repair = breakdown === null ? 0 : breakdown * own.length;
    return { component, events: own.length, known: breakdown !== null, repair, preventive: spendOf(own) };
  });
  const known = components.filter((entry) => entry.known);
  const repair = known.reduce((sum, entry) => sum + entry.repair, 0);
  const preventive = known.reduce((sum, entry) => sum + entry.preventive, 0);
  return {
    cost_avoidance: events.length > 0 && known.length === 0 ? null : money(repair - preventive),
    breakdown_repair_cost: money(repair),
    preventive_maintenance_cost: money(preventive),
    by_component: components
      .map((entry) => ({
        component: entry.component,
        cost_avoidance: entry.known ? money(entry.repair - entry.preventive) : null,
        events: entry.events,
      }))
      .sort(
        (a, b) =>
          (b.cost_avoidance ?? Number.NEGATIVE_INFINITY) - (a.cost_avoidance ?? Number.NEGATIVE_INFINITY) ||
          byText(a.component, b.component),
      ),
  };
}

/** In cents, unrounded, over the whole fleet's last 365 days: breakdowns, or everything but breakdowns. */
export function meanCost(scope: Scope, component: string, breakdowns: boolean): number | null {
  const comparable = completed(scope.fleet.appointments, scope.end - 365 * DAY, scope.end).filter(
    (appointment) => appointment.component === component && (appointment.type === "EMERGENCY") === breakdowns,
  );
  return mean(comparable.flatMap(({ cost }) => (cost === null ? [] : [cents([cost])])));
}

export function isApproved(claim: Claim): boolean {
  return claim.status === "APPROVED" || claim.status === "PAID";
}

export function payouts(claims: readonly Claim[]): number {
  return money(cents(claims.filter(isApproved).map((claim) => claim.payout_amount ?? claim.estimated_coverage)));
}

function coveredRepairs(scope: Scope, from: number, to: number): number {
  return payouts(scope.claims.filter((claim) => within(claim.submitted_at, from, to)));
}

function spendOf(appointments: readonly Appointment[]): number {
  return cents(appointments.map((appointment) => appointment.cost ?? 0));
}
