import { ACCOUNT_RULES } from "./account-rules.js";
import { ANALYSTS, ANALYTICS_RULES } from "./analytics-rules.js";
import { AREA_RULES } from "./area-rules.js";
import { hasPermission, isLimited } from "./can.js";
import { EVENT_RULES } from "./event-rules.js";
import { ROLES } from "./roles.js";
import {
  ADMINISTRATORS,
  ALERT_HANDLING,
  ALL_BUT_COST,
  ANYBODY,
  BOOKING,
  COST,
  connection,
  FIGURE_READERS,
  type Fields,
  FLEET_STAFF,
  fields,
  granted,
  masked,
  OPERATORS,
  type Rule,
  SIGNED_IN,
  VEHICLE_READERS,
} from "./rule.js";
import { DEFAULT_TENANT, type Principal } from "./scope.js";

export type { Rule } from "./rule.js";

const FLEET = ["view_fleet", "view_fleet_readonly"] as const;
const USER_MANAGERS = granted(ADMINISTRATORS, "manage_users");
const AUDITORS: Rule = { ...granted(ADMINISTRATORS, "view_audit"), wholeTenant: true };
const EVENT_KEEPERS: Rule = { ...granted(ADMINISTRATORS, "manage_events"), wholeTenant: true };
const PROVENANCE = ["period", "coverage", "asOf", "generatedAt", "cached", "stale", "warnings"];

/**
 * The one table of roles and fields. REST endpoints are stored documents over these fields, so it is also the table of
 * roles and endpoints. A field that is missing here cannot be read, and fails the build.
 */
export const ACCESS_RULES: Readonly<Record<string, Fields>> = {
  Query: {
    ...fields(ANYBODY, "version"),
    fleet: granted(FLEET_STAFF, ...FLEET),
    ...fields(
      granted(VEHICLE_READERS, ...FLEET, "view_own_vehicles", "view_assigned_jobs"),
      ...["vehicles", "vehicle", "component", "appointment"],
    ),
    ...fields(BOOKING, "slots"),
    ownerDashboard: { ...granted(FLEET_STAFF, ...FLEET), self: "userId", selfRoles: ["VEHICLE_OWNER"] },
    technicianDashboard: {
      ...granted({ roles: ["FLEET_MANAGER", "ADMIN"] }, "view_fleet", "manage_appointments"),
      ...{ self: "id", selfRoles: ["TECHNICIAN"] },
    },
    executiveDashboard: granted({ roles: ["ADMIN", "EXECUTIVE"] }, "view_executive"),
    ...fields(
      granted(ALL_BUT_COST, ...FLEET, "view_analytics", "view_executive", "view_alerts"),
      ...["fleetHealth", "alertMetrics"],
    ),
    ...fields(
      granted(FIGURE_READERS, "view_fleet", "view_analytics", "view_executive", "view_cost_reports"),
      ...["costMetrics", "uptimeMetrics", "warrantyMetrics"],
    ),
    ...fields(SIGNED_IN, "me", "memberships", "sessions", "apiKeys", "tenant", "roles"),
    userPermissions: { ...USER_MANAGERS, self: "id" },
    ...fields(USER_MANAGERS, "users", "user"),
    ...fields(granted(ADMINISTRATORS, "manage_tenant"), "fleets"),
    tenants: OPERATORS,
    auditLog: AUDITORS,
    userActivity: { ...AUDITORS, self: "userId" },
    eventTypes: SIGNED_IN,
    events: granted(ADMINISTRATORS, "view_events"),
    ...fields(EVENT_KEEPERS, "deadLetters", "deadLetter", "erasure"),
    metricCatalogue: SIGNED_IN,
    ...fields(ANALYSTS, "eventCounts", "metrics", "metricTable", "insights", "rides", "documents"),
    bookings: granted(ADMINISTRATORS, "view_analytics"),
    product: SIGNED_IN,
  },
  Mutation: {
    ...fields(ANYBODY, "login", "tokenRefresh"),
    ...fields(SIGNED_IN, "logout", "passwordChange", "apiKeyCreate", "apiKeyRevoke", "sessionRevoke"),
    ...fields(USER_MANAGERS, "userCreate", "userInvite", "userUpdate", "userRemove"),
    ...fields(USER_MANAGERS, "roleCreate", "roleUpdate", "roleDelete"),
    tenantUpdate: granted(ADMINISTRATORS, "manage_tenant"),
    ...fields(OPERATORS, "tenantCreate", "tenantDisable", "fleetAssign", "fleetRelease"),
    ...fields(BOOKING, "appointmentBook", "appointmentReschedule", "appointmentCancel"),
    ...fields(ALERT_HANDLING, "alertAcknowledge", "alertResolve"),
    eventsIngest: SIGNED_IN,
    analyticsCacheClear: granted(ADMINISTRATORS, "view_analytics"),
    ...fields(EVENT_KEEPERS, "deadLettersReplay", "deadLettersPurge", "subjectErase"),
  },
  ...ACCOUNT_RULES,
  PageInfo: fields(SIGNED_IN, "hasNextPage", "hasPreviousPage", "startCursor", "endCursor"),
  UserError: fields(SIGNED_IN, "code", "message", "field"),
  Period: fields(SIGNED_IN, "start", "end"),
  Coverage: fields(SIGNED_IN, "vehiclesKnown", "vehiclesWithData"),
  Warning: fields(SIGNED_IN, "source", "error"),

  Vehicle: {
    ...fields(SIGNED_IN, "id", "make", "model", "year", "fleetId", "status", "odometerKm"),
    vin: masked("vin"),
    ownerId: masked("id"),
    ...fields(SIGNED_IN, "inServiceSince", "lastSeenAt", "position", "health", "component", "telemetry", "alerts"),
    ...fields(SIGNED_IN, "appointments", "claims", "warranty", "decisions"),
  },
  Position: fields(SIGNED_IN, "latitude", "longitude", "region"),
  VehicleHealth: fields(SIGNED_IN, "score", "status", "components", "computedAt"),
  Component: {
    ...fields(SIGNED_IN, "type", "score", "status", "rulKm", "rulDays", "confidence", "riskFactors"),
    ...fields(SIGNED_IN, "recommendedActions", "alerts", "appointments", "claims"),
  },
  Telemetry: {
    ...fields(SIGNED_IN, "recordedAt", "protocol", "rpm", "engineTemperatureC", "speedKmh", "odometerKm", "position"),
  },
  Alert: {
    ...fields(SIGNED_IN, "id", "vehicleId", "severity", "status", "title", "message", "component", "createdAt"),
    ...fields(SIGNED_IN, "acknowledgedAt", "resolvedAt", "recipients", "metadata"),
    ...fields(VEHICLE_READERS, "vehicle"),
  },
  AlertRecipient: { ...fields(SIGNED_IN, "channels", "deliveryStatus"), userId: masked("id") },
  Appointment: {
    ...fields(SIGNED_IN, "id", "vehicleId", "technicianId", "technician", "type", "serviceType", "component", "status"),
    ...fields(SIGNED_IN, "scheduledAt", "estimatedCompletion", "startedAt", "completedAt", "serviceBay"),
    ...fields(SIGNED_IN, "estimatedDurationHours", "parts", "autoBooked", "alertId"),
    ...fields(VEHICLE_READERS, "vehicle"),
    ...fields(COST, "cost"),
  },
  Part: fields(SIGNED_IN, "name", "quantity", "inStock"),
  Technician: fields(SIGNED_IN, "id", "name", "specialization", "rating", "skills", "hoursPerDay"),
  Slot: {
    ...fields(SIGNED_IN, "startsAt", "technician", "serviceBay", "partsAvailable", "estimatedCompletion", "confidence"),
  },
  Claim: {
    ...fields(SIGNED_IN, "id", "vehicleId", "component", "failureDescription", "failureDate", "status"),
    ...fields(
      SIGNED_IN,
      "preliminaryDecision",
      "confidence",
      "fraudScore",
      "submittedAt",
      "decidedAt",
      "evidencePackUrl",
    ),
    ...fields(VEHICLE_READERS, "vehicle"),
    ...fields(COST, "repairCostEstimate", "estimatedCoverage", "estimatedDeductible", "payoutAmount"),
  },
  WarrantyCoverage: {
    ...fields(
      SIGNED_IN,
      "isEligible",
      "coverageType",
      "expiryDate",
      "mileageLimitKm",
      "currentMileageKm",
      "daysRemaining",
    ),
  },
  CostRange: fields(COST, "minimum", "maximum", "midpoint"),
  Decision: {
    ...fields(SIGNED_IN, "id", "vehicleId", "agent", "decision", "severity", "confidence", "reasoning"),
    ...fields(SIGNED_IN, "recommendedActions", "urgency", "model", "createdAt"),
    ...fields(COST, "estimatedCostText", "estimatedCost"),
  },
  ...connection("Vehicle"),
  ...connection("Alert"),
  ...connection("Appointment"),
  ...connection("Claim"),
  ...connection("Decision"),

  Fleet: {
    ...fields(
      SIGNED_IN,
      "id",
      ...PROVENANCE,
      "summary",
      "healthDistribution",
      "componentHealth",
      "heatmap",
      "topIssues",
    ),
    ...fields(SIGNED_IN, "upcomingMaintenance", "alertSummary", "technicianUtilization", "healthTrend", "recentAlerts"),
    ...fields(COST, "cost"),
  },
  FleetSummary: {
    ...fields(SIGNED_IN, "totalVehicles", "activeVehicles", "inMaintenance", "criticalAlerts", "averageHealthScore"),
  },
  HealthDistribution: fields(SIGNED_IN, "excellent", "good", "fair", "poor", "critical"),
  HealthDistributionPercent: fields(SIGNED_IN, "excellent", "good", "fair", "poor", "critical"),
  ComponentHealth: fields(SIGNED_IN, "component", "averageHealthScore", "distribution"),
  HeatmapCell: fields(SIGNED_IN, "latitude", "longitude", "region", "vehicles", "averageHealthScore"),
  TopIssue: {
    ...fields(SIGNED_IN, "component", "affectedVehicles", "averageRulKm"),
    ...fields(COST, "estimatedTotalCost"),
  },
  MonthlyCost: fields(COST, "totalCostAvoidance", "preventiveMaintenanceSavings", "warrantyCoveredRepairs"),
  SeverityCounts: fields(SIGNED_IN, "info", "warning", "critical", "emergency"),
  TechnicianUtilization: {
    ...fields(SIGNED_IN, "technicianId", "name", "bookedHours", "availableHours", "utilizationPct"),
  },
  HealthTrend: fields(SIGNED_IN, "direction", "delta", "points"),
  HealthTrendPoint: fields(SIGNED_IN, "date", "averageHealthScore"),
  FleetHealth: {
    ...fields(SIGNED_IN, ...PROVENANCE, "averageHealthScore", "totalVehicles", "vehiclesWithData", "distribution"),
    ...fields(SIGNED_IN, "distributionPct", "vehiclesRequiringAttention", "attentionVehicleIds", "trend"),
  },
  CostMetrics: {
    ...fields(COST, ...PROVENANCE, "costAvoidance", "breakdownRepairCost", "preventiveMaintenanceCost"),
    ...fields(COST, "preventiveEvents", "pricedEvents", "totalMaintenanceSpend", "avgCostPerVehicle"),
    ...fields(COST, "warrantySavings", "byComponent", "currency"),
  },
  ComponentCostAvoidance: fields(COST, "component", "costAvoidance", "events"),
  UptimeMetrics: {
    ...fields(SIGNED_IN, ...PROVENANCE, "uptimePct", "operationalVehicles", "totalVehicles", "inMaintenance"),
    ...fields(SIGNED_IN, "averageVehicleAgeYears", "averageMileageKm", "serviceFrequencyPerVehicleYear"),
  },
  AlertMetrics: {
    ...fields(
      SIGNED_IN,
      ...PROVENANCE,
      "totalAlerts",
      "bySeverity",
      "avgAcknowledgmentMinutes",
      "avgResolutionMinutes",
    ),
    ...fields(SIGNED_IN, "acknowledged", "resolved", "acknowledgedPct", "open", "alertFatigueScore"),
  },
  WarrantyMetrics: {
    ...fields(SIGNED_IN, ...PROVENANCE, "totalClaims", "approved", "rejected", "pending", "approvalRatePct"),
    ...fields(SIGNED_IN, "avgProcessingHours", "fraudFlagged", "fraudDetectionRatePct"),
    ...fields(COST, "totalPayouts"),
  },

  OwnerDashboard: fields(
    SIGNED_IN,
    "userId",
    "vehicles",
    "actions",
    "asOf",
    "generatedAt",
    "cached",
    "stale",
    "warnings",
  ),
  OwnerVehicle: {
    ...fields(SIGNED_IN, "vehicleId", "vehicle", "overallHealthScore", "status", "components", "upcomingMaintenance"),
    ...fields(SIGNED_IN, "serviceHistory", "activeAlerts", "warranty"),
  },
  ServiceRecord: { ...fields(SIGNED_IN, "date", "type", "description"), ...fields(COST, "cost") },
  OwnerActions: fields(SIGNED_IN, "bookAppointmentUrl"),
  TechnicianDashboard: {
    ...fields(SIGNED_IN, "technicianId", "date", "schedule", "assignedVehicles", "partsNeeded", "jobs", "performance"),
    ...fields(SIGNED_IN, "asOf", "generatedAt", "cached", "stale", "warnings"),
  },
  AssignedVehicle: fields(SIGNED_IN, "vehicleId", "issues"),
  VehicleIssue: fields(SIGNED_IN, "component", "severity", "recommendedActions"),
  JobCounts: fields(SIGNED_IN, "completed", "pending", "total"),
  TechnicianPerformance: fields(SIGNED_IN, "avgRepairTimeHours", "jobsCompletedPeriod"),
  ExecutiveDashboard: fields(FIGURE_READERS, ...PROVENANCE, "fleetHealth", "uptimePct", "cost", "warranty", "alerts"),
  ExecutiveHealth: fields(FIGURE_READERS, "averageHealthScore", "trend"),
  ExecutiveCost: {
    ...fields(FIGURE_READERS, "costAvoidance", "maintenanceSpend", "avgCostPerVehicle", "warrantySavings", "currency"),
  },
  ExecutiveWarranty: fields(FIGURE_READERS, "approvalRatePct", "totalPayouts", "fraudDetectionRatePct"),
  ExecutiveAlerts: fields(FIGURE_READERS, "total", "critical"),

  AppointmentPayload: fields(SIGNED_IN, "appointment", "errors"),
  AlertPayload: fields(SIGNED_IN, "alert", "errors"),

  AuditPage: fields(ADMINISTRATORS, "items", "total", "limit", "offset"),
  AuditEntry: {
    ...fields(SIGNED_IN, "id", "sequence", "timestamp", "actor", "action", "resource", "method", "status", "ip"),
    ...fields(SIGNED_IN, "userAgent", "details", "eventType", "eventId", "prevHash", "hash"),
  },
  AuditActor: fields(SIGNED_IN, "userId", "role"),
  UserActivity: fields(SIGNED_IN, "userId", "summary", "items"),
  UserActivitySummary: fields(SIGNED_IN, "totalActions", "lastActionAt", "byAction"),
  ...EVENT_RULES,
  ...ANALYTICS_RULES,
  ...AREA_RULES,
};

/** Null: allowed. Else why not. A field without a rule is refused to everybody. */
export function refusal(
  rule: Rule | undefined,
  principal: Principal | null,
  args: Readonly<Record<string, unknown>>,
): "UNAUTHENTICATED" | "FORBIDDEN" | null {
  if (rule?.public) return null;
  if (!principal) return "UNAUTHENTICATED";
  if (!rule || (rule.operators && principal.tenantId !== DEFAULT_TENANT)) return "FORBIDDEN";
  if (
    rule.self !== undefined &&
    args[rule.self] === principal.userId &&
    (rule.selfRoles ?? ROLES).includes(principal.role)
  )
    return null;
  if (rule.wholeTenant && isLimited(principal)) return "FORBIDDEN";
  const allowed =
    rule.roles.includes(principal.role) && (!rule.permissions || hasPermission(principal, rule.permissions));
  return allowed ? null : "FORBIDDEN";
}

/** Whether every signed-in role may read the field as it is, so that nothing needs to be asked per object. */
export function isOpenToAll(rule: Rule | undefined): boolean {
  return rule !== undefined && !rule.permissions && !rule.mask && ROLES.every((role) => rule.roles.includes(role));
}
