import { compareText, groupBy } from "../../base/groups.js";
import { mean, round, roundOrNull } from "../../base/numbers.js";
import { isCritical } from "./alerts.js";
import { averageScore, needsAttention, scoreOf } from "./health.js";
import type { Alert, Appointment, Health, Vehicle } from "./records.js";

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
  healths: readonly Health[],
  openAlerts: readonly Alert[],
  preventiveCosts: ReadonlyMap<string, number> | null,
  only: string | null,
): TopIssue[] {
  const affected = new Map<string, Set<string>>();
  const mark = (component: string, vehicleId: string): void => {
    if (only !== null && component !== only) return;
    const vehicles = affected.get(component);
    if (vehicles) vehicles.add(vehicleId);
    else affected.set(component, new Set([vehicleId]));
  };
  const byVehicle = new Map<string, Health>();
  for (const health of healths) {
    byVehicle.set(health.vehicleId, health);
    for (const { type, score } of health.components) if (needsAttention(score)) mark(type, health.vehicleId);
  }
  for (const alert of openAlerts) {
    if (alert.component !== null && alert.severity !== "INFO") mark(alert.component, alert.vehicleId);
  }
  return [...affected]
    .map(([component, vehicles]) => {
      const rulOf = (id: string) => byVehicle.get(id)?.components.find((part) => part.type === component)?.rulKm ?? [];
      const rul = [...vehicles].flatMap(rulOf);
      const cost = preventiveCosts?.get(component);
      return {
        component,
        affectedVehicles: vehicles.size,
        averageRulKm: roundOrNull(mean(rul), 2),
        estimatedTotalCost: cost === undefined ? null : round(cost * vehicles.size, 2),
      };
    })
    .sort((a, b) => b.affectedVehicles - a.affectedVehicles || compareText(a.component, b.component));
}

/** Vehicles that score below 0.4 or have an open CRITICAL or EMERGENCY alert, by id. */
export function attentionVehicleIds(
  healths: readonly Health[],
  openAlerts: readonly Alert[],
  component: string | null,
): string[] {
  const ids = new Set(openAlerts.filter(isCritical).map((alert) => alert.vehicleId));
  for (const health of healths) {
    const score = scoreOf(health, component);
    if (score !== null && needsAttention(score)) ids.add(health.vehicleId);
  }
  return [...ids].sort(compareText);
}

export interface HeatmapCell {
  readonly region: string | null;
  readonly latitude: number;
  readonly longitude: number;
  readonly vehicles: number;
  readonly averageHealthScore: number | null;
}

/** Vehicles and mean score by place: the region's name where there is one, else a grid of a tenth of a degree. */
export function heatmap(vehicles: readonly Vehicle[], scores: ReadonlyMap<string, number>): HeatmapCell[] {
  const placed = vehicles.flatMap((vehicle) =>
    vehicle.position ? [{ id: vehicle.id, position: vehicle.position }] : [],
  );
  const cells = groupBy(placed, ({ position: p }) => p.region ?? `${round(p.latitude, 1)}|${round(p.longitude, 1)}`);
  return [...cells.values()]
    .map((cell) => ({
      region: cell[0]?.position.region ?? null,
      latitude: round(mean(cell.map((v) => v.position.latitude)) ?? 0, 4),
      longitude: round(mean(cell.map((v) => v.position.longitude)) ?? 0, 4),
      vehicles: cell.length,
      averageHealthScore: averageScore(cell.flatMap((v) => scores.get(v.id) ?? [])),
    }))
    .sort((a, b) => b.vehicles - a.vehicles || compareText(a.region ?? "", b.region ?? ""));
}

/** Still to come: booked and not yet begun, soonest first. */
export function upcoming(appointments: readonly Appointment[], from: number, to: number): Appointment[] {
  return appointments
    .filter(
      (a) => (a.status === "SCHEDULED" || a.status === "CONFIRMED") && a.scheduledAt >= from && a.scheduledAt < to,
    )
    .sort((a, b) => a.scheduledAt - b.scheduledAt || compareText(a.id, b.id));
}
