/**
 * What the six upstream services know, in the shape the rest of the gateway works with. Instants are epoch
 * milliseconds UTC; scores 0 to 1; distances km; money in the fleet's currency; null means "not told".
 */

export const VEHICLE_STATUSES = ["ACTIVE", "IN_MAINTENANCE", "INACTIVE", "RETIRED", "UNKNOWN"] as const;
export type VehicleStatus = (typeof VEHICLE_STATUSES)[number];

export interface Position {
  readonly latitude: number;
  readonly longitude: number;
  readonly region: string | null;
}

export interface Vehicle {
  readonly id: string;
  readonly vin: string | null;
  readonly make: string | null;
  readonly model: string | null;
  readonly year: number | null;
  readonly fleetId: string | null;
  readonly ownerId: string | null;
  readonly status: VehicleStatus;
  readonly odometerKm: number | null;
  readonly inServiceSince: number | null;
  readonly lastSeenAt: number | null;
  readonly position: Position | null;
}

export interface Telemetry {
  readonly vehicleId: string;
  readonly recordedAt: number;
  readonly protocol: string | null;
  readonly rpm: number | null;
  readonly engineTemperatureC: number | null;
  readonly speedKmh: number | null;
  readonly odometerKm: number | null;
  readonly position: Position | null;
}

export const BANDS = ["EXCELLENT", "GOOD", "FAIR", "POOR", "CRITICAL"] as const;
export type Band = (typeof BANDS)[number];

export interface ComponentHealth {
  readonly vehicleId: string;
  readonly type: string;
  readonly score: number;
  readonly rulKm: number | null;
  readonly rulDays: number | null;
  readonly confidence: number | null;
  readonly riskFactors: readonly string[];
  readonly recommendedActions: readonly string[];
}

export interface Health {
  readonly vehicleId: string;
  readonly score: number;
  readonly components: readonly ComponentHealth[];
  readonly computedAt: number | null;
}

export interface HealthHistoryPoint {
  readonly computedAt: number;
  readonly score: number;
  readonly components: ReadonlyMap<string, number>;
}

export const SEVERITIES = ["INFO", "WARNING", "CRITICAL", "EMERGENCY"] as const;
export type Severity = (typeof SEVERITIES)[number];

export const ALERT_STATUSES = ["OPEN", "ACKNOWLEDGED", "RESOLVED"] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

export interface AlertRecipient {
  readonly userId: string;
  readonly channels: readonly string[];
  readonly deliveryStatus: Readonly<Record<string, string>>;
}

export interface Alert {
  readonly id: string;
  readonly vehicleId: string;
  readonly severity: Severity;
  readonly title: string;
  readonly message: string | null;
  readonly createdAt: number;
  readonly acknowledgedAt: number | null;
  readonly resolvedAt: number | null;
  readonly component: string | null;
  readonly recipients: readonly AlertRecipient[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

export const APPOINTMENT_STATUSES = [
  "SCHEDULED",
  "CONFIRMED",
  "IN_PROGRESS",
  "COMPLETED",
  "CANCELLED",
  "NO_SHOW",
  "UNKNOWN",
] as const;
export type AppointmentStatus = (typeof APPOINTMENT_STATUSES)[number];

export const APPOINTMENT_TYPES = [
  "ROUTINE_MAINTENANCE",
  "DIAGNOSTIC",
  "COMPONENT_REPAIR",
  "EMERGENCY",
  "UNKNOWN",
] as const;
export type AppointmentType = (typeof APPOINTMENT_TYPES)[number];

export interface Part {
  readonly name: string;
  readonly quantity: number;
  readonly inStock: boolean | null;
}

export interface Appointment {
  readonly id: string;
  readonly vehicleId: string;
  readonly technicianId: string | null;
  readonly type: AppointmentType;
  readonly serviceType: string | null;
  /** The service's own `component`, else the start of `service_type` ("engine_repair" is about the engine). */
  readonly component: string | null;
  readonly status: AppointmentStatus;
  readonly scheduledAt: number;
  readonly estimatedCompletion: number | null;
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  readonly serviceBay: string | null;
  readonly estimatedDurationHours: number | null;
  readonly parts: readonly Part[];
  readonly cost: number | null;
  readonly autoBooked: boolean | null;
  readonly alertId: string | null;
}

export interface Technician {
  readonly id: string;
  readonly name: string;
  readonly specialization: string | null;
  readonly rating: number | null;
  readonly skills: readonly string[];
  readonly hoursPerDay: number | null;
}

export interface Slot {
  readonly startsAt: number;
  readonly technician: Technician;
  readonly serviceBay: string | null;
  readonly partsAvailable: boolean | null;
  readonly estimatedCompletion: number | null;
  readonly confidence: number | null;
}

export const CLAIM_STATUSES = [
  "SUBMITTED",
  "UNDER_REVIEW",
  "APPROVED",
  "REJECTED",
  "FLAGGED",
  "PAID",
  "UNKNOWN",
] as const;
export type ClaimStatus = (typeof CLAIM_STATUSES)[number];

export interface Claim {
  readonly id: string;
  readonly vehicleId: string;
  readonly component: string | null;
  readonly failureDescription: string | null;
  readonly failureDate: string | null;
  readonly status: ClaimStatus;
  readonly preliminaryDecision: string | null;
  readonly confidence: number | null;
  readonly repairCostEstimate: number | null;
  readonly estimatedCoverage: number | null;
  readonly estimatedDeductible: number | null;
  readonly payoutAmount: number | null;
  readonly fraudScore: number | null;
  readonly submittedAt: number | null;
  readonly decidedAt: number | null;
  readonly evidencePackUrl: string | null;
}

export interface WarrantyCoverage {
  readonly vehicleId: string;
  readonly isEligible: boolean;
  readonly coverageType: string | null;
  readonly expiryDate: string | null;
  readonly mileageLimitKm: number | null;
  readonly currentMileageKm: number | null;
  readonly daysRemaining: number | null;
}

export interface CostRange {
  readonly minimum: number;
  readonly maximum: number;
}

export interface Decision {
  readonly id: string;
  readonly vehicleId: string;
  readonly agent: string | null;
  readonly decision: string;
  readonly severity: string | null;
  readonly confidence: number | null;
  readonly reasoning: string | null;
  readonly recommendedActions: readonly string[];
  readonly estimatedCostText: string | null;
  readonly estimatedCost: CostRange | null;
  readonly urgency: string | null;
  readonly model: string | null;
  readonly createdAt: number | null;
}
