// The figures of the gateway's REST bodies, worked out from the CSV files alone.
// Left out: generated_at, cached, warnings and period, which say nothing about the fleet.
import { componentHealth, fleetHealth, heatmap, topIssues } from "./conditions.js";
import { costAvoidance, isApproved, monthlyCosts, payouts } from "./costs.js";
import { byText, calendarYears, DAY, HOUR, MINUTE, monthStart, percentage, round, roundedMean } from "./numbers.js";
import type { Severity } from "./records.js";
import { completed, isOpen, isSevere, type Options, type Scope, scopeOf, within } from "./scope.js";

export type { Options } from "./scope.js";
export type Figures = ReturnType<typeof recompute>;

export function recompute(options: Options) {
  const scope = scopeOf(options);
  return {
    fleetDashboard: fleetDashboard(scope),
    executiveDashboard: executiveDashboard(scope),
    fleetHealth: fleetHealth(scope),
    costAvoidance: costAvoidance(scope),
    uptime: uptime(scope),
    alertStats: alertStats(scope),
    warrantyStats: warrantyStats(scope),
  };
}

function fleetDashboard(scope: Scope) {
  const health = fleetHealth(scope);
  const severities = countSeverities(alertsOfPeriod(scope));
  return {
    fleet_summary: {
      total_vehicles: scope.vehicles.length,
      active_vehicles: scope.vehicles.filter((vehicle) => vehicle.status === "ACTIVE").length,
      in_maintenance: scope.vehicles.filter((vehicle) => vehicle.status === "IN_MAINTENANCE").length,
      critical_alerts: criticalAlerts(scope),
      average_health_score: health.average_health_score,
    },
    health_distribution: health.distribution,
    cost_metrics: monthlyCosts(scope, monthStart(scope.end)),
    top_issues: topIssues(scope),
    recent_alerts: alertsOfPeriod(scope)
      .sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || byText(a.alert_id, b.alert_id))
      .slice(0, 10),
    heatmap: heatmap(scope),
    component_health: componentHealth(scope),
    upcoming_maintenance: upcomingMaintenance(scope),
    alert_summary: {
      info: severities.INFO,
      warning: severities.WARNING,
      critical: severities.CRITICAL,
      emergency: severities.EMERGENCY,
    },
    technician_utilization: technicianUtilization(scope),
    health_trend: health.trend,
  };
}

function executiveDashboard(scope: Scope) {
  const health = fleetHealth(scope);
  const cost = costAvoidance(scope);
  const warranty = warrantyStats(scope);
  return {
    fleet_health: { average_health_score: health.average_health_score, trend: health.trend.direction },
    uptime_pct: uptime(scope).uptime_pct,
    cost: {
      cost_avoidance: cost.cost_avoidance,
      maintenance_spend: cost.total_maintenance_spend,
      avg_cost_per_vehicle: cost.avg_cost_per_vehicle,
      warranty_savings: cost.warranty_savings,
    },
    warranty: {
      approval_rate_pct: warranty.approval_rate_pct,
      total_payouts: warranty.total_payouts,
      fraud_detection_rate_pct: warranty.fraud_detection_rate_pct,
    },
    alerts: { total: alertsOfPeriod(scope).length, critical: criticalAlerts(scope) },
  };
}

function upcomingMaintenance(scope: Scope) {
  return scope.appointments
    .filter(({ status }) => ["SCHEDULED", "CONFIRMED"].includes(status))
    .filter(({ scheduled_at }) => within(scheduled_at, scope.now, scope.now + 30 * DAY))
    .sort((a, b) => byText(a.scheduled_at, b.scheduled_at) || byText(a.appointment_id, b.appointment_id))
    .map(({ appointment_id, vehicle_id, scheduled_at, type, technician_id }) => ({
      appointment_id,
      vehicle_id,
      scheduled_at,
      type,
      technician_id,
    }));
}

function technicianUtilization(scope: Scope) {
  const booked = scope.appointments.filter(
    ({ status, scheduled_at }) =>
      !["CANCELLED", "NO_SHOW"].includes(status) && within(scheduled_at, scope.start, scope.end),
  );
  return scope.technicians
    .map(({ id, name, hours_per_day }) => {
      const hours = booked
        .filter((appointment) => appointment.technician_id === id)
        .reduce((sum, appointment) => sum + appointment.estimated_duration_hours, 0);
      const available = hours_per_day * ((scope.end - scope.start) / DAY);
      return {
        technician_id: id,
        name,
        booked_hours: round(hours, 2),
        available_hours: round(available, 2),
        utilization_pct: percentage(hours, available),
      };
    })
    .sort((a, b) => byText(a.technician_id, b.technician_id));
}

function uptime(scope: Scope) {
  const total = scope.vehicles.length;
  const operational = scope.vehicles.filter((vehicle) => vehicle.status === "ACTIVE").length;
  const ages = scope.vehicles
    .map((vehicle) => Date.parse(vehicle.in_service_since))
    .filter((since) => since <= scope.end)
    .map((since) => calendarYears(since, scope.end));
  const services = completed(scope.appointments, scope.start, scope.end).length;
  return {
    uptime_pct: percentage(operational, total),
    operational_vehicles: operational,
    total_vehicles: total,
    in_maintenance: scope.vehicles.filter((vehicle) => vehicle.status === "IN_MAINTENANCE").length,
    average_vehicle_age_years: roundedMean(ages, 2),
    average_mileage_km: roundedMean(
      scope.vehicles.map((vehicle) => vehicle.odometer_km),
      2,
    ),
    service_frequency_per_vehicle_year:
      services === 0 ? 0 : round(services / total / calendarYears(scope.start, scope.end), 2),
  };
}

function alertStats(scope: Scope) {
  const alerts = alertsOfPeriod(scope);
  const minutesTo = (field: "acknowledged_at" | "resolved_at") =>
    roundedMean(
      alerts.flatMap((alert) => {
        const done = alert[field];
        return done === null ? [] : [(Date.parse(done) - Date.parse(alert.created_at)) / MINUTE];
      }),
      2,
    );
  const acknowledged = alerts.filter((alert) => alert.acknowledged_at !== null).length;
  return {
    total_alerts: alerts.length,
    by_severity: countSeverities(alerts),
    avg_acknowledgment_minutes: minutesTo("acknowledged_at"),
    avg_resolution_minutes: minutesTo("resolved_at"),
    acknowledged_pct: percentage(acknowledged, alerts.length),
    open: alerts.filter(isOpen).length,
    alert_fatigue_score: fatigue(alerts, scope.vehicles.length),
  };
}

/** Three alerts per vehicle in the busiest clock hour are the worst that the alert service lets through. */
function fatigue(alerts: readonly { created_at: string }[], vehicles: number): number {
  const perHour = new Map<number, number>();
  for (const { created_at } of alerts) {
    const hour = Math.floor(Date.parse(created_at) / HOUR);
    perHour.set(hour, (perHour.get(hour) ?? 0) + 1);
  }
  return alerts.length === 0 ? 0 : round(Math.min(1, Math.max(...perHour.values()) / vehicles / 3), 4);
}

function warrantyStats(scope: Scope) {
  const claims = scope.claims.filter((claim) => within(claim.submitted_at, scope.start, scope.end));
  const approved = claims.filter(isApproved).length;
  const rejected = claims.filter((claim) => claim.status === "REJECTED").length;
  const flagged = claims.filter((claim) => claim.fraud_score > 0.7).length;
  const hours = claims.flatMap(({ decided_at, submitted_at }) =>
    decided_at === null ? [] : [(Date.parse(decided_at) - Date.parse(submitted_at)) / HOUR],
  );
  return {
    total_claims: claims.length,
    approved,
    rejected,
    pending: claims.length - approved - rejected,
    approval_rate_pct: percentage(approved, approved + rejected),
    avg_processing_hours: roundedMean(hours, 2),
    fraud_flagged: flagged,
    fraud_detection_rate_pct: percentage(flagged, claims.length) ?? 0,
    total_payouts: payouts(claims),
  };
}

function alertsOfPeriod(scope: Scope) {
  return scope.alerts.filter((alert) => within(alert.created_at, scope.start, scope.end));
}

/** Open ones of any age: an alert from before the period still needs an answer. */
function criticalAlerts(scope: Scope): number {
  return scope.alerts.filter((alert) => isOpen(alert) && isSevere(alert)).length;
}

function countSeverities(alerts: readonly { severity: Severity }[]): Record<Severity, number> {
  const count = (severity: Severity) => alerts.filter((alert) => alert.severity === severity).length;
  return {
    INFO: count("INFO"),
    WARNING: count("WARNING"),
    CRITICAL: count("CRITICAL"),
    EMERGENCY: count("EMERGENCY"),
  };
}
