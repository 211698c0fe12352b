import { DAY } from "../base/clock.js";
import { sumMoney } from "../base/numbers.js";
import { once, onceOf } from "../base/once.js";
import { hull, monthToDate, type TimeRange, trailing } from "../base/time-range.js";
import {
  alertFatigue,
  alertFigures,
  countBySeverity,
  isCritical,
  newestFirst,
  type SeverityCounts,
} from "../domain/fleet/alerts.js";
import {
  COST_BASIS_DAYS,
  type CostAvoidance,
  type CostBasis,
  costAvoidance,
  costBasis,
  maintenanceSpend,
  warrantySavings,
} from "../domain/fleet/cost.js";
import {
  averageScore,
  type ComponentBreakdown,
  componentBreakdown,
  type Distribution,
  distribution,
  known,
  scoresOf,
} from "../domain/fleet/health.js";
import {
  attentionVehicleIds,
  type HeatmapCell,
  heatmap,
  type TopIssue,
  topIssues,
  upcoming,
} from "../domain/fleet/overview.js";
import type { Alert, Appointment, VehicleStatus } from "../domain/fleet/records.js";
import { type TechnicianUtilization, technicianUtilization } from "../domain/fleet/technicians.js";
import { type HealthTrend, healthTrend } from "../domain/fleet/trend.js";
import { countStatus, serviceFrequency, uptimeFigures } from "../domain/fleet/uptime.js";
import { type WarrantyFigures, warrantyFigures } from "../domain/fleet/warranty.js";
import type { FleetData } from "./fleet-data.js";

/** How far ahead "upcoming" looks. */
const UPCOMING_DAYS = 30;
const RECENT_ALERTS = 10;

export interface Coverage {
  readonly vehiclesKnown: number | null;
  readonly vehiclesWithData: number | null;
}

/** Every figure of the fleet area over one part of the fleet and one period: loads, then computes with `domain/fleet`. */
export class FleetFigures {
  #costBasis: Promise<CostBasis | null> | undefined;

  constructor(
    readonly data: FleetData,
    readonly range: TimeRange,
  ) {}

  async summary() {
    const [vehicles, averageHealthScore, open] = await Promise.all([
      this.data.vehicles(),
      this.averageHealthScore(),
      this.data.openAlerts(),
    ]);
    const count = (status: VehicleStatus) => vehicles && once(vehicles, status, () => countStatus(vehicles, status));
    return {
      totalVehicles: vehicles?.length ?? null,
      activeVehicles: count("ACTIVE"),
      inMaintenance: count("IN_MAINTENANCE"),
      criticalAlerts: open && once(open, "critical", () => open.filter(isCritical).length),
      averageHealthScore,
    };
  }

  async distribution(): Promise<Distribution | null> {
    const scores = await this.#scores();
    return scores && once(scores, "distribution", () => distribution(scores));
  }

  async averageHealthScore(): Promise<number | null> {
    const scores = await this.#scores();
    return scores && once(scores, "average", () => averageScore(scores));
  }

  /** Vehicles with a score of vehicles known: what averages and bands of health rest on. */
  async healthCoverage(): Promise<Coverage> {
    const [vehicles, scores] = await Promise.all([this.data.vehicles(), this.#scores()]);
    return { vehiclesKnown: vehicles?.length ?? null, vehiclesWithData: scores?.length ?? null };
  }

  /** Vehicles whose records were all there of vehicles known: what counts and sums rest on. */
  async recordCoverage(): Promise<Coverage> {
    const vehicles = await this.data.vehicles();
    const known = vehicles?.length ?? null;
    return { vehiclesKnown: known, vehiclesWithData: known === null ? null : known - this.data.unanswered.size };
  }

  async componentHealth(): Promise<ComponentBreakdown[] | null> {
    const table = await this.data.health();
    const { component } = this.data.filter;
    return table && once(table, `components|${component}`, () => componentBreakdown(table, component));
  }

  async heatmap(): Promise<HeatmapCell[] | null> {
    const [vehicles, table] = await Promise.all([this.data.vehicles(), this.data.health()]);
    if (!vehicles) return null;
    if (!table) return heatmap(vehicles, new Float64Array(vehicles.length).fill(Number.NaN));
    const { component } = this.data.filter;
    return once(table, `heatmap|${component}`, () => heatmap(vehicles, scoresOf(table, component)));
  }

  async topIssues(): Promise<TopIssue[] | null> {
    const [table, open, basis] = await Promise.all([this.data.health(), this.data.openAlerts(), this.costBasis()]);
    const { component } = this.data.filter;
    return (
      table &&
      open &&
      onceOf([table, open, basis ?? table], `issues|${component}`, () =>
        topIssues(table, open, basis?.preventive ?? null, component),
      )
    );
  }

  async attention(): Promise<string[] | null> {
    const [table, open] = await Promise.all([this.data.health(), this.data.openAlerts()]);
    const { component } = this.data.filter;
    return (
      table &&
      open &&
      onceOf([table, open], `attention|${component}`, () => attentionVehicleIds(table, open, component))
    );
  }

  /** The scores that there are, of the vehicles or of the filter's component. */
  async #scores(): Promise<Float64Array | null> {
    const table = await this.data.health();
    return table && known(scoresOf(table, this.data.filter.component));
  }

  async recentAlerts(): Promise<Alert[] | null> {
    const alerts = await this.data.alerts(this.range);
    return alerts && once(alerts, "recent", () => alerts.toSorted(newestFirst).slice(0, RECENT_ALERTS));
  }

  async alertSummary(): Promise<SeverityCounts | null> {
    const alerts = await this.data.alerts(this.range);
    return alerts && once(alerts, "bySeverity", () => countBySeverity(alerts));
  }

  async alertFigures() {
    const [alerts, vehicles] = await Promise.all([this.data.alerts(this.range), this.data.vehicles()]);
    return alerts && { ...alertFigures(alerts), alertFatigueScore: alertFatigue(alerts, vehicles?.length ?? null) };
  }

  async upcomingMaintenance(): Promise<Appointment[] | null> {
    const now = this.data.viewer.now();
    const ahead = { start: now, end: now + UPCOMING_DAYS * DAY };
    const appointments = await this.data.appointments(ahead);
    return appointments && upcoming(appointments, ahead.start, ahead.end);
  }

  async technicianUtilization(): Promise<TechnicianUtilization[] | null> {
    const [technicians, appointments] = await Promise.all([this.data.technicians(), this.#pastAppointments()]);
    return (
      technicians &&
      appointments &&
      onceOf([technicians, appointments], `utilization|${this.#key}`, () =>
        technicianUtilization(technicians, appointments, this.range),
      )
    );
  }

  /** The dashboard's "this month": the UTC month of the period's end, up to that end. */
  async monthCost() {
    const month = monthToDate(this.range);
    const [avoided, claims] = await Promise.all([this.costAvoidance(month), this.data.claims(month)]);
    const savings = avoided?.costAvoidance ?? null;
    const covered = claims && warrantySavings(claims, month);
    return {
      preventiveMaintenanceSavings: savings,
      warrantyCoveredRepairs: covered,
      totalCostAvoidance: savings === null || covered === null ? null : sumMoney([savings, covered]),
    };
  }

  async costAvoidance(range: TimeRange = this.range): Promise<CostAvoidance | null> {
    const [appointments, basis] = await Promise.all([this.#pastAppointments(), this.costBasis()]);
    if (!appointments || !basis) return null;
    const avoided = once(appointments, `avoided|${this.#key}|${range.start}|${range.end}`, () =>
      costAvoidance(appointments, range, basis),
    );
    for (const component of avoided.unpriced) {
      this.data.ledger.warn(
        "crowsnest",
        `no breakdown cost is known for ${component}: its events are left out; set BREAKDOWN_COSTS=${component}=<amount>`,
      );
    }
    return avoided;
  }

  async maintenanceSpend(): Promise<number | null> {
    const appointments = await this.#pastAppointments();
    return appointments && once(appointments, `spend|${this.#key}`, () => maintenanceSpend(appointments, this.range));
  }

  async warrantySavings(): Promise<number | null> {
    const claims = await this.data.claims(this.range);
    return claims && warrantySavings(claims, this.range);
  }

  async warrantyFigures(): Promise<WarrantyFigures | null> {
    const claims = await this.data.claims(this.range);
    return claims && warrantyFigures(claims);
  }

  async uptime() {
    const vehicles = await this.data.vehicles();
    return vehicles && once(vehicles, `uptime|${this.range.end}`, () => uptimeFigures(vehicles, this.range.end));
  }

  async serviceFrequency(): Promise<number | null> {
    const [vehicles, appointments] = await Promise.all([this.data.vehicles(), this.#pastAppointments()]);
    return (
      vehicles &&
      appointments &&
      onceOf([vehicles, appointments], `frequency|${this.#key}`, () =>
        serviceFrequency(appointments, vehicles.length, this.range),
      )
    );
  }

  /**
   * Needs one call per vehicle: on a cold cache the answer goes without (null and a warning) once patience is over,
   * while the calls go on and fill the cache for the next one.
   */
  async trend(): Promise<HealthTrend | null> {
    const { settings } = this.data.viewer;
    const histories = await withPatience(this.data.histories(), settings.trendPatienceMs);
    if (histories === PENDING) {
      this.data.ledger.holdsForNow();
      this.data.ledger.warn("health-service", "the trend is still being computed; ask again shortly");
      return null;
    }
    const { component } = this.data.filter;
    return histories && once(histories, `trend|${this.#key}`, () => healthTrend(histories, this.range, component));
  }

  /** Over everything the viewer may see, never narrowed: see `costBasis`. */
  costBasis(): Promise<CostBasis | null> {
    this.#costBasis ??= this.#learnCostBasis();
    return this.#costBasis;
  }

  async #learnCostBasis(): Promise<CostBasis | null> {
    const appointments = await this.data.scopeAppointments(this.#pastRange());
    const { breakdownCosts } = this.data.viewer.settings;
    return (
      appointments &&
      once(appointments, `basis|${this.#key}`, () => costBasis(appointments, this.range, breakdownCosts))
    );
  }

  /** What tells one question about the same records from another. */
  get #key(): string {
    return `${this.range.start}|${this.range.end}|${this.data.filter.component}`;
  }

  #pastAppointments(): Promise<Appointment[] | null> {
    return this.data.appointments(this.#pastRange());
  }

  /** One list serves period, month and cost basis alike. */
  #pastRange(): TimeRange {
    return hull(this.range, monthToDate(this.range), trailing(this.range, COST_BASIS_DAYS));
  }
}

const PENDING = Symbol("pending");

async function withPatience<T>(work: Promise<T>, milliseconds: number): Promise<T | typeof PENDING> {
  if (milliseconds === Number.POSITIVE_INFINITY) return work;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<typeof PENDING>((resolve) => {
    timer = setTimeout(() => resolve(PENDING), milliseconds);
  });
  try {
    return await Promise.race([work, patience]);
  } finally {
    clearTimeout(timer);
  }
}
