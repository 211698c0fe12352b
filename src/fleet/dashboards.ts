import { DAY, MINUTE } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import { groupBy } from "../base/groups.js";
import { round } from "../base/numbers.js";
import { requestedRange, startOfUtcDay, type TimeRange } from "../base/time-range.js";
import { alertStatus, newestFirst, worstFirst } from "../domain/fleet/alerts.js";
import { isFinished } from "../domain/fleet/cost.js";
import { bandOf, needsAttention } from "../domain/fleet/health.js";
import { upcoming } from "../domain/fleet/overview.js";
import type { Alert, Appointment, Health, Vehicle } from "../domain/fleet/records.js";
import { isKept, partsNeeded, technicianPerformance } from "../domain/fleet/technicians.js";
import type { Entry, ServiceName } from "../upstream/index.js";
import { type AggregateArgs, figuresFor, provenance } from "./aggregate.js";
import { FleetData, WHOLE_FLEET } from "./fleet-data.js";
import { Ledger } from "./ledger.js";
import type { Viewer } from "./viewer.js";

/** The few figures that executives look at; no single vehicle in it. */
export async function executiveDashboard(viewer: Viewer, args: AggregateArgs) {
  const figures = figuresFor(viewer, args);
  const [summary, trend, uptime, avoided, spend, savings, warranty, alerts] = await Promise.all([
    figures.summary(),
    figures.trend(),
    figures.uptime(),
    figures.costAvoidance(),
    figures.maintenanceSpend(),
    figures.warrantySavings(),
    figures.warrantyFigures(),
    figures.alertFigures(),
  ]);
  const vehicles = summary.totalVehicles;
  return {
    ...(await provenance(figures, () => figures.healthCoverage())),
    fleetHealth: { averageHealthScore: summary.averageHealthScore, trend: trend?.direction ?? null },
    uptimePct: uptime?.uptimePct ?? null,
    cost: {
      costAvoidance: avoided?.costAvoidance ?? null,
      maintenanceSpend: spend,
      avgCostPerVehicle: spend === null || !vehicles ? null : round(spend / vehicles, 2),
      warrantySavings: savings,
      currency: viewer.settings.currency,
    },
    warranty: warranty && {
      approvalRatePct: warranty.approvalRatePct,
      totalPayouts: warranty.totalPayouts,
      fraudDetectionRatePct: warranty.fraudDetectionRatePct,
    },
    alerts: { total: alerts?.totalAlerts ?? null, critical: summary.criticalAlerts },
  };
}

/** A read of several sources, each of which may fail on its own with a warning. */
class Sources {
  readonly ledger: Ledger;
  constructor(readonly viewer: Viewer) {
    this.ledger = new Ledger(viewer.ledger);
  }

  async read<T>(service: ServiceName, entry: Promise<Entry<T>>): Promise<T | null> {
    try {
      const found = await entry;
      this.ledger.note(found);
      return found.value;
    } catch (error) {
      this.ledger.fail(service, error);
      return null;
    }
  }

  provenance() {
    this.ledger.assertSomething();
    return {
      ...this.viewer.freshnessOf(this.ledger),
      warnings: this.ledger.warnings,
    };
  }
}

/** The vehicles of one owner with everything an owner wants to know about each. */
export async function ownerDashboard(viewer: Viewer, userId: string, refresh?: boolean | null) {
  const data = new FleetData(viewer, viewer.reader(refresh), WHOLE_FLEET);
  const visible = await data.scopeVehicles();
  data.ledger.assertSomething();
  // An owner's own token names the vehicles; everybody else finds them by the owner that the vehicle is registered to.
  const isSelf = viewer.principal.userId === userId && viewer.principal.role === "VEHICLE_OWNER";
  const namesVehicles = isSelf && !viewer.principal.vehicleIds.includes("*");
  const own = visible?.filter((vehicle) => namesVehicles || vehicle.ownerId === userId) ?? [];
  if (own.length === 0 && !isSelf && visible)
    throw new PublicError("NOT_FOUND", `There is no owner "${userId}"`, { id: userId });
  const sources = new Sources(viewer);
  for (const { source, error } of data.ledger.warnings) sources.ledger.warn(source, error);
  const vehicles = await Promise.all(own.map((vehicle) => ownerVehicle(sources, vehicle, refresh)));
  return { ...sources.provenance(), userId, vehicles, actions: { bookAppointmentUrl: "/api/v1/appointments" } };
}

async function ownerVehicle(sources: Sources, vehicle: Vehicle, refresh?: boolean | null) {
  const { viewer } = sources;
  const reader = viewer.reader(refresh);
  const [health, alerts, appointments, coverage] = await Promise.all([
    sources.read("health", reader.health.load(vehicle.id)),
    sources.read("alert", reader.alertsOf.load(vehicle.id)),
    sources.read("scheduling", reader.appointmentsOf.load(vehicle.id)),
    sources.read("warranty", reader.coverageOf.load(vehicle.id)),
  ]);
  const now = viewer.now();
  return {
    vehicleId: vehicle.id,
    vehicle,
    overallHealthScore: health?.score ?? null,
    status: health ? bandOf(health.score) : null,
    components: health?.components ?? null,
    upcomingMaintenance: appointments && upcoming(appointments, now, Number.POSITIVE_INFINITY),
    serviceHistory: appointments && serviceHistory(appointments),
    activeAlerts: alerts?.filter((alert) => alertStatus(alert) !== "RESOLVED").sort(newestFirst) ?? null,
    warranty: coverage,
  };
}

function serviceHistory(appointments: readonly Appointment[]) {
  return appointments
    .filter(isFinished)
    .map((a) => ({
      date: a.completedAt ?? a.scheduledAt,
      type: a.type,
      description: (a.serviceType ?? "").replaceAll("_", " "),
      cost: a.cost,
    }))
    .sort((a, b) => b.date - a.date);
}

/** Days around today for which a technician's schedule is read: performance looks back, nothing looks far ahead. */
const SCHEDULE_DAYS_AHEAD = 1;

/** One technician's day: schedule, vehicles and their issues, parts, progress; and the period's performance. */
export async function technicianDashboard(viewer: Viewer, technicianId: string, args: AggregateArgs) {
  const now = viewer.now();
  const range = requestedRange(args.start, args.end, Math.ceil(now / MINUTE) * MINUTE);
  const today = { start: startOfUtcDay(now), end: startOfUtcDay(now) + DAY };
  const reader = viewer.reader(args.refresh);
  const sources = new Sources(viewer);
  // Workshops serve several fleets and tenants: of a technician's jobs only those of vehicles that the viewer may see.
  const visible = async (wanted: TimeRange) => {
    const entry = await reader.schedule(technicianId, wanted);
    return { ...entry, value: entry.value && (await viewer.visible(entry.value)) };
  };
  const [schedule, performed] = await Promise.all([
    sources.read("scheduling", visible({ start: today.start - DAY, end: today.end + SCHEDULE_DAYS_AHEAD * DAY })),
    sources.read("scheduling", visible({ start: range.start - DAY, end: range.end + DAY })),
  ]);
  sources.ledger.assertSomething();
  if (schedule === null && sources.ledger.warnings.length === 0) {
    throw new PublicError("NOT_FOUND", `There is no technician "${technicianId}"`, { id: technicianId });
  }
  const jobs = (schedule ?? [])
    .filter((a) => a.scheduledAt >= today.start && a.scheduledAt < today.end && isKept(a))
    .sort((a, b) => a.scheduledAt - b.scheduledAt);
  const vehicleIds = [...new Set(jobs.map((job) => job.vehicleId))];
  const completed = jobs.filter(isFinished).length;
  const assignedVehicles = await Promise.all(
    vehicleIds.map(async (vehicleId) => {
      const [health, alerts] = await Promise.all([
        sources.read("health", reader.health.load(vehicleId)),
        sources.read("alert", reader.alertsOf.load(vehicleId)),
      ]);
      return { vehicleId, issues: vehicleIssues(health, alerts) };
    }),
  );
  return {
    ...sources.provenance(),
    technicianId,
    date: today.start,
    schedule: schedule && jobs,
    assignedVehicles: schedule && assignedVehicles,
    partsNeeded: schedule && partsNeeded(jobs),
    jobs: schedule && { completed, pending: jobs.length - completed, total: jobs.length },
    performance: performed && technicianPerformance(performed, range),
  };
}

/** What is wrong with a vehicle, one entry per component: its worst unresolved alert, or a score below 0.4. */
function vehicleIssues(health: Health | null, alerts: readonly Alert[] | null) {
  const unresolved = (alerts ?? []).filter((alert) => alertStatus(alert) !== "RESOLVED");
  const byComponent = groupBy(unresolved, (alert) => alert.component ?? "unknown");
  const weak = new Map((health?.components ?? []).filter((c) => needsAttention(c.score)).map((c) => [c.type, c]));
  return [...new Set([...byComponent.keys(), ...weak.keys()])].sort().map((component) => {
    const own = byComponent.get(component) ?? [];
    const worst = own.toSorted(worstFirst)[0];
    const advice = own.flatMap((alert) => alert.metadata.recommended_action ?? []).filter((a) => typeof a === "string");
    const actions = health?.components.find((c) => c.type === component)?.recommendedActions ?? [];
    return {
      component,
      severity: worst?.severity ?? (weak.has(component) ? ("WARNING" as const) : null),
      recommendedActions: [...new Set([...actions, ...advice])],
    };
  });
}
