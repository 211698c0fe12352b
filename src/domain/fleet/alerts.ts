import { HOUR, MINUTE } from "../../base/clock.js";
import { compareText } from "../../base/groups.js";
import { mean, percent, round, roundOrNull } from "../../base/numbers.js";
import { type Alert, type AlertStatus, SEVERITIES, type Severity } from "./records.js";

/** Upstream suppresses more than three alerts per vehicle and hour: the natural ceiling of alert fatigue. */
const HOURLY_CAP = 3;

/** Alerts carry no status of their own; it follows from what happened to them. */
export function alertStatus(alert: Alert): AlertStatus {
  if (alert.resolvedAt !== null) return "RESOLVED";
  return alert.acknowledgedAt !== null ? "ACKNOWLEDGED" : "OPEN";
}

/** CRITICAL and EMERGENCY: the severities that call for action now. */
export function isCritical(alert: Alert): boolean {
  return alert.severity === "CRITICAL" || alert.severity === "EMERGENCY";
}

/** Newest first; alerts of the same instant by id, so that pages never overlap. */
export function newestFirst(a: Alert, b: Alert): number {
  return b.createdAt - a.createdAt || compareText(a.id, b.id);
}

/** Most severe first, then newest. */
export function worstFirst(a: Alert, b: Alert): number {
  return SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || newestFirst(a, b);
}

export interface SeverityCounts {
  readonly info: number;
  readonly warning: number;
  readonly critical: number;
  readonly emergency: number;
}

export function countBySeverity(alerts: readonly Alert[]): SeverityCounts {
  const counts = { info: 0, warning: 0, critical: 0, emergency: 0 };
  for (const alert of alerts) counts[alert.severity.toLowerCase() as Lowercase<Severity>] += 1;
  return counts;
}

export interface AlertFigures {
  readonly totalAlerts: number;
  readonly bySeverity: SeverityCounts;
  readonly open: number;
  readonly acknowledged: number;
  readonly resolved: number;
  readonly acknowledgedPct: number | null;
  readonly avgAcknowledgmentMinutes: number | null;
  readonly avgResolutionMinutes: number | null;
}

/** Figures over the alerts created in a period. Means are over those acknowledged (resolved) only; null without any. */
export function alertFigures(alerts: readonly Alert[]): AlertFigures {
  const minutesTo = (instants: (alert: Alert) => number | null): number[] =>
    alerts.flatMap((alert) => {
      const at = instants(alert);
      return at === null ? [] : [(at - alert.createdAt) / MINUTE];
    });
  const toAcknowledge = minutesTo((alert) => alert.acknowledgedAt);
  const toResolve = minutesTo((alert) => alert.resolvedAt);
  return {
    totalAlerts: alerts.length,
    bySeverity: countBySeverity(alerts),
    open: alerts.filter((alert) => alertStatus(alert) === "OPEN").length,
    acknowledged: toAcknowledge.length,
    resolved: toResolve.length,
    acknowledgedPct: percent(toAcknowledge.length, alerts.length),
    avgAcknowledgmentMinutes: roundOrNull(mean(toAcknowledge), 2),
    avgResolutionMinutes: roundOrNull(mean(toResolve), 2),
  };
}

/**
 * min(1, alerts per vehicle in the busiest UTC clock hour / 3), four decimals; higher is worse. 0 without alerts, null
 * when the number of vehicles is unknown or 0.
 */
export function alertFatigue(alerts: readonly Alert[], vehicles: number | null): number | null {
  if (alerts.length === 0) return 0;
  if (!vehicles) return null;
  const hours = new Map<number, number>();
  let peak = 0;
  for (const alert of alerts) {
    const hour = Math.floor(alert.createdAt / HOUR);
    const count = (hours.get(hour) ?? 0) + 1;
    hours.set(hour, count);
    peak = Math.max(peak, count);
  }
  return round(Math.min(1, peak / vehicles / HOURLY_CAP), 4);
}
