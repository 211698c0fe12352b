import { type Component, FACTS } from "./components.js";
import type { Entry } from "./ledger.js";
import { type Random, round } from "./random.js";
import { HOUR, MINUTE, timestamp, timestampOnce, wholeSecond } from "./time.js";
import type { Vehicle } from "./vehicles.js";

export type Severity = "INFO" | "WARNING" | "CRITICAL" | "EMERGENCY";
export type AlertStatus = "open" | "acknowledged" | "resolved";

/** `at` is the moment of creation. The two later moments are planned ahead; null means that they never come. */
export interface Alert extends Entry {
  readonly severity: Severity;
  readonly component: Component;
  readonly title: string;
  readonly message: string;
  acknowledgedAt: number | null;
  resolvedAt: number | null;
  readonly healthScore: number | null;
  readonly decisionId: string | null;
  readonly recommendedAction: string;
  readonly pushFailed: boolean;
}

const CHANNELS: Readonly<Record<Severity, readonly string[]>> = {
  INFO: ["email"],
  WARNING: ["email", "in_app"],
  CRITICAL: ["email", "sms", "push"],
  EMERGENCY: ["email", "sms", "push", "in_app", "webhook"],
};
/** Delay until somebody acknowledges, in minutes: the usual range, and the slow one. */
const PROMPT: Readonly<Record<Severity, readonly [number, number]>> = {
  INFO: [30, 1_200],
  WARNING: [10, 480],
  CRITICAL: [3, 110],
  EMERGENCY: [1, 14],
};
const SLOW_FACTOR = 4;

function acknowledgedAfter(severity: Severity, random: Random): number {
  const delay = random.between(...PROMPT[severity]) * MINUTE;
  return wholeSecond(random.chance(0.85) ? delay : delay * SLOW_FACTOR);
}

export interface AlertPlan {
  readonly id: string;
  readonly vehicle: Vehicle;
  readonly component: Component;
  readonly severity: Severity;
  readonly at: number;
  /** When the cause is gone, or null if it is left at that. */
  readonly resolvedAt: number | null;
  readonly healthScore: number | null;
  readonly decisionId: string | null;
}

function wording({ component, severity, vehicle }: AlertPlan): { title: string; message: string; action: string } {
  const { symptom, failure, action, urgentAction } = FACTS[component];
  const name = `${vehicle.make} ${vehicle.model} ${vehicle.id}`;
  switch (severity) {
    case "INFO":
      return { title: `Service due: ${component}`, message: `${name}: ${component} service is due soon.`, action };
    case "WARNING":
      return { title: symptom, message: `${name}: ${symptom.toLowerCase()}, keep an eye on it.`, action };
    case "CRITICAL":
      return { title: `${symptom}, failure likely`, message: `${name}: ${component} is close to failure.`, action };
    case "EMERGENCY":
      return { title: failure, message: `${name}: ${failure.toLowerCase()}.`, action: urgentAction };
  }
}

/** Completes a planned alert with its wording and with when it will be acknowledged. */
export function makeAlert(plan: AlertPlan, random: Random): Alert {
  const { title, message, action } = wording(plan);
  const acknowledgedAt = plan.at + acknowledgedAfter(plan.severity, random);
  // An alert that resolves first is never acknowledged; one that nobody resolves is never looked at.
  const overlooked = plan.resolvedAt === null || acknowledgedAt >= plan.resolvedAt;
  return {
    id: plan.id,
    vehicle: plan.vehicle,
    at: plan.at,
    knownFrom: plan.at,
    severity: plan.severity,
    component: plan.component,
    title,
    message,
    acknowledgedAt: overlooked ? null : acknowledgedAt,
    resolvedAt: plan.resolvedAt,
    healthScore: plan.healthScore,
    decisionId: plan.decisionId,
    recommendedAction: action,
    pushFailed: random.chance(0.06),
  };
}

/** An alert without a workshop job behind it: a reading out of range, which mostly settles within two days. */
export function makeStrayAlert(plan: Omit<AlertPlan, "severity" | "resolvedAt">, random: Random): Alert {
  const severity = random.chance(0.6) ? "INFO" : "WARNING";
  const resolvedAt = random.chance(0.03) ? null : wholeSecond(plan.at + random.between(1, 48) * HOUR);
  return makeAlert({ ...plan, severity, resolvedAt }, random);
}

/** Status at `now`; the alert service has no such field, it follows from the two moments. */
export function alertStatus({ acknowledgedAt, resolvedAt }: Alert, now: number): AlertStatus {
  if (resolvedAt !== null && resolvedAt <= now) return "resolved";
  return acknowledgedAt !== null && acknowledgedAt <= now ? "acknowledged" : "open";
}

/** The alert as the alert service shows it at `now`. */
export function alertJson(alert: Alert, now: number) {
  const channels = CHANNELS[alert.severity];
  const delivery = channels.map((channel): [string, string] => {
    if (channel === "email") return [channel, "sent"];
    return [channel, channel === "push" && alert.pushFailed ? "failed" : "delivered"];
  });
  return {
    alert_id: alert.id,
    vehicle_id: alert.vehicle.id,
    severity: alert.severity,
    title: alert.title,
    message: alert.message,
    created_at: timestamp(alert.at),
    acknowledged_at: timestampOnce(alert.acknowledgedAt, now),
    resolved_at: timestampOnce(alert.resolvedAt, now),
    recipients: [{ user_id: alert.vehicle.ownerId, channels, delivery_status: Object.fromEntries(delivery) }],
    metadata: {
      component: alert.component,
      ...(alert.healthScore === null ? {} : { health_score: alert.healthScore }),
      ...(alert.decisionId === null ? {} : { decision_id: alert.decisionId }),
      recommended_action: alert.recommendedAction,
    },
  };
}

/** The mean of spans of time in minutes, or null if there are none. */
function meanMinutes(spans: readonly number[]): number | null {
  if (spans.length === 0) return null;
  return round(spans.reduce((sum, span) => sum + span, 0) / spans.length / MINUTE, 2);
}

/** Counts and mean delays (minutes) of the given alerts at `now`. */
export function alertStatsJson(alerts: readonly Alert[], now: number) {
  const severities: Record<Severity, number> = { INFO: 0, WARNING: 0, CRITICAL: 0, EMERGENCY: 0 };
  const statuses: Record<AlertStatus, number> = { open: 0, acknowledged: 0, resolved: 0 };
  const acknowledgments: number[] = [];
  const resolutions: number[] = [];
  for (const alert of alerts) {
    severities[alert.severity] += 1;
    statuses[alertStatus(alert, now)] += 1;
    const { at, acknowledgedAt, resolvedAt } = alert;
    if (acknowledgedAt !== null && acknowledgedAt <= now) acknowledgments.push(acknowledgedAt - at);
    if (resolvedAt !== null && resolvedAt <= now) resolutions.push(resolvedAt - at);
  }
  return {
    total: alerts.length,
    by_severity: severities,
    ...statuses,
    avg_acknowledgment_minutes: meanMinutes(acknowledgments),
    avg_resolution_minutes: meanMinutes(resolutions),
  };
}
