import { compareText, groupBy } from "../../base/groups.js";
import { mean, round, roundOrNull } from "../../base/numbers.js";
import { once } from "../../base/once.js";
import { isCritical } from "./alerts.js";
import { averageScore, known, needsAttention, scoresOf } from "./health.js";
import type { HealthTable } from "./health-table.js";
import type { Alert, Appointment, Vehicle } from "./records.js";

export interface TopIssue {
  readonly component: string;
  /** Vehicles whose component scores below 0.4 or has an open alert of WARNING or worse. */
  readonly affectedVehicles: number;
  readonly averageRulKm: number | null;
  /** Affected vehicles times the mean cost of preventive work on the component; null when that is not known. */
  readonly estimatedTotalCost: number | null;
}

/** The components that trouble most vehicles now, most first. */
export function topIssues(
  table: HealthTable,
  openAlerts: readonly Alert[],
  preventiveCosts: ReadonlyMap<string, number> | null,
  only: string | null,
): TopIssue[] {
  const affected = new Map<string, Marks>();
  for (const [component, { scores }] of table.components) affected.set(component, new Marks(table.ids, scores));
  for (const { component, severity, vehicleId } of openAlerts) {
    if (component === null || severity === "INFO") continue;
    const marks = affected.get(component) ?? new Marks(table.ids);
    affected.set(component, marks);
    marks.add(vehicleId);
  }
  return [...affected]
    .filter(([component, { size }]) => size > 0 && (only === null || component === only))
    .map(([component, marks]) => {
      const rulKm = table.components.get(component)?.rulKm;
      const cost = preventiveCosts?.get(component);
      return {
        component,
        affectedVehicles: marks.size,
        averageRulKm: rulKm ? roundOrNull(mean(known(rulKm.filter((_, place) => marks.at(place)))), 2) : null,
        estimatedTotalCost: cost === undefined ? null : round(cost * marks.size, 2),
      };
    })
    .sort((a, b) => b.affectedVehicles - a.affectedVehicles || compareText(a.component, b.component));
}

/** Vehicles that score below 0.4 or have an open CRITICAL or EMERGENCY alert, by id. */
export function attentionVehicleIds(
  table: HealthTable,
  openAlerts: readonly Alert[],
  component: string | null,
): string[] {
  const marks = new Marks(table.ids, scoresOf(table, component));
  for (const alert of openAlerts) if (isCritical(alert)) marks.add(alert.vehicleId);
  return marks.ids().sort(compareText);
}

/** Vehicles of a list that something is the matter with, and others of which only the id is known. */
class Marks {
  readonly #places: Uint8Array;
  readonly #others = new Set<string>();
  size = 0;

  /** At first those whose scores call for attention. */
  constructor(
    readonly list: readonly string[],
    scores: Float64Array = new Float64Array(),
  ) {
    this.#places = new Uint8Array(list.length);
    scores.forEach((score, place) => {
      if (needsAttention(score)) this.#mark(place);
    });
  }

  add(id: string): void {
    const place = placesOf(this.list).get(id);
    if (place !== undefined) this.#mark(place);
    else if (!this.#others.has(id)) {
      this.#others.add(id);
      this.size += 1;
    }
  }

  at(place: number): boolean {
    return this.#places[place] === 1;
  }

  ids(): string[] {
    return [...this.list.filter((_, place) => this.at(place)), ...this.#others];
  }

  #mark(place: number): void {
    if (this.at(place)) return;
    this.#places[place] = 1;
    this.size += 1;
  }
}

function placesOf(ids: readonly string[]): ReadonlyMap<string, number> {
  return once(ids, "places", () => new Map(ids.map((id, place) => [id, place])));
}

export interface HeatmapCell {
  readonly region: string | null;
  readonly latitude: number;
  readonly longitude: number;
  readonly vehicles: number;
  readonly averageHealthScore: number | null;
}

/**
 * Vehicles and mean score by place: the region's name where there is one, else a grid of a tenth of a degree.
 * `scores` in the order of the vehicles, NaN where there is none.
 */
export function heatmap(vehicles: readonly Vehicle[], scores: Float64Array): HeatmapCell[] {
  return once(vehicles, "places", () => placed(vehicles))
    .map(({ cell, places }) => ({
      ...cell,
      averageHealthScore: averageScore(known(Float64Array.from(places, (place) => scores[place] ?? Number.NaN))),
    }))
    .sort((a, b) => b.vehicles - a.vehicles || compareText(a.region ?? "", b.region ?? ""));
}

function placed(vehicles: readonly Vehicle[]) {
  const known = vehicles.flatMap(({ position }, place) => (position ? [{ position, place }] : []));
  const cells = groupBy(known, ({ position: p }) => p.region ?? `${round(p.latitude, 1)}|${round(p.longitude, 1)}`);
  return [...cells.values()].map((own) => ({
    places: Uint32Array.from(own, ({ place }) => place),
    cell: {
      region: own[0]?.position.region ?? null,
      latitude: round(mean(own.map((v) => v.position.latitude)) ?? 0, 4),
      longitude: round(mean(own.map((v) => v.position.longitude)) ?? 0, 4),
      vehicles: own.length,
    },
  }));
}

/** Still to come: booked and not yet begun, soonest first. */
export function upcoming(appointments: readonly Appointment[], from: number, to: number): Appointment[] {
  return appointments
    .filter(
      (a) => (a.status === "SCHEDULED" || a.status === "CONFIRMED") && a.scheduledAt >= from && a.scheduledAt < to,
    )
    .sort((a, b) => a.scheduledAt - b.scheduledAt || compareText(a.id, b.id));
}
