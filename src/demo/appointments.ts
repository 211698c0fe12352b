import { FACTS, type Range } from "./components.js";
import type { Entry } from "./ledger.js";
import type { Random } from "./random.js";
import { bayOf, type Technician } from "./technicians.js";
import { DAY, HOUR, MINUTE, timestamp, timestampOnce, wholeSecond } from "./time.js";
import { diverted, reachedAt, type Step, stepAt, type Timeline } from "./timeline.js";
import type { PlannedJob } from "./workshop.js";

export const APPOINTMENT_TYPES = ["ROUTINE_MAINTENANCE", "DIAGNOSTIC", "COMPONENT_REPAIR", "EMERGENCY"] as const;
export type AppointmentType = (typeof APPOINTMENT_TYPES)[number];
export type AppointmentStatus = "SCHEDULED" | "CONFIRMED" | "IN_PROGRESS" | "COMPLETED" | "CANCELLED" | "NO_SHOW";

export interface Part {
  readonly name: string;
  readonly in_stock: boolean;
}

/** `at` is the scheduled moment. The fields that a rescheduling or a cancellation changes are mutable. */
export interface Appointment extends Entry {
  technician: Technician;
  readonly type: AppointmentType;
  readonly serviceType: string;
  readonly component: string | null;
  timeline: Timeline<AppointmentStatus>;
  /** Estimated labour in hours. */
  hours: number;
  bay: string;
  readonly parts: readonly Part[];
  readonly cost: number | null;
  /** True if the price is only known once the work is done. */
  readonly billedAfterwards: boolean;
  readonly autoBooked: boolean;
  readonly alertId: string | null;
}

const TYPES: Readonly<Record<PlannedJob["purpose"], readonly [type: AppointmentType, work: string]>> = {
  check: ["DIAGNOSTIC", "diagnostic"],
  service: ["ROUTINE_MAINTENANCE", "service"],
  preventive: ["ROUTINE_MAINTENANCE", "service"],
  repair: ["COMPONENT_REPAIR", "repair"],
  defect: ["COMPONENT_REPAIR", "repair"],
  emergency: ["EMERGENCY", "repair"],
  breakdown: ["EMERGENCY", "repair"],
};

function priceOf(job: PlannedJob, random: Random): number {
  const { serviceCost, repairCost, emergencyCost } = FACTS[job.component];
  const within = ([low, high]: Range): number => Math.round(random.between(low, high));
  if (job.purpose === "emergency" || job.purpose === "breakdown") return within(emergencyCost);
  if (job.purpose === "check") return within([70, 160]);
  if (job.purpose === "repair" || job.purpose === "defect") return within(repairCost);
  // A planned replacement needs the parts of a repair, but no tow, no diagnosis and no express delivery.
  return Math.round(job.replacement ? within(repairCost) * 0.6 : within(serviceCost));
}

function partsFor(job: PlannedJob, random: Random): Part[] {
  const { parts } = FACTS[job.component];
  const from = random.integer(0, parts.length - 1);
  const count = job.purpose === "check" ? 1 : random.integer(1, 3);
  return Array.from({ length: count }, (_, i) => parts[(from + i) % parts.length] ?? "Service kit").map((name) => ({
    name,
    in_stock: random.chance(0.92),
  }));
}

interface Booking {
  readonly id: string;
  readonly bookedAt: number;
  readonly alertId: string | null;
}

/** One literal for all appointments: objects of one shape keep scans over tens of thousands of them fast. */
function appointmentFor(
  job: PlannedJob,
  booking: Booking,
  timeline: Timeline<AppointmentStatus>,
  random: Random,
): Appointment {
  const [type, work] = job.replacement ? (["COMPONENT_REPAIR", "replacement"] as const) : TYPES[job.purpose];
  return {
    id: booking.id,
    vehicle: job.vehicle,
    at: job.scheduledAt,
    knownFrom: booking.bookedAt,
    technician: job.technician,
    type,
    serviceType: `${job.component}_${work}`,
    component: job.component,
    timeline,
    hours: job.hours,
    bay: bayOf(job.technician),
    parts: partsFor(job, random),
    cost: priceOf(job, random),
    billedAfterwards: type === "DIAGNOSTIC" || type === "EMERGENCY",
    autoBooked: booking.alertId !== null,
    alertId: booking.alertId,
  };
}

/** The appointment of a job that is carried out. */
export function carriedOut(job: PlannedJob, booking: Booking, random: Random): Appointment {
  const confirmed: Step<AppointmentStatus>[] =
    // Every third booking is confirmed by its owner on the day before.
    job.place % 3 === 2 ? [{ at: Math.max(booking.bookedAt, job.startsAt - DAY), status: "CONFIRMED" }] : [];
  const timeline: Timeline<AppointmentStatus> = [
    { at: booking.bookedAt, status: "SCHEDULED" },
    ...confirmed,
    { at: job.startsAt, status: "IN_PROGRESS" },
    { at: job.endsAt, status: "COMPLETED" },
  ];
  return appointmentFor(job, booking, timeline, random);
}

/** The appointment of a job that never happens: called off beforehand, or nobody came. */
export function calledOff(job: PlannedJob, booking: Booking, random: Random): Appointment {
  const noShow = random.chance(0.4);
  const lead = job.startsAt - booking.bookedAt;
  const at = noShow ? job.startsAt + 30 * MINUTE : wholeSecond(booking.bookedAt + random.between(0.1, 0.9) * lead);
  const timeline: Timeline<AppointmentStatus> = [
    { at: booking.bookedAt, status: "SCHEDULED" },
    { at, status: noShow ? "NO_SHOW" : "CANCELLED" },
  ];
  return appointmentFor(job, booking, timeline, random);
}

export const appointmentStatus = (appointment: Appointment, now: number): AppointmentStatus =>
  stepAt(appointment.timeline, now).status;

/** True while the appointment holds its technician's time: not called off and not finished. */
export const isPending = (appointment: Appointment, now: number): boolean =>
  ["SCHEDULED", "CONFIRMED", "IN_PROGRESS"].includes(appointmentStatus(appointment, now));

/** Ends the appointment at `now` without the work being done. */
export function cancel(appointment: Appointment, now: number): void {
  appointment.timeline = diverted(appointment.timeline, "CANCELLED", now);
}

/** Steps of an appointment that is booked at `now` for `at` and takes as long as estimated. */
export const bookedTimeline = (now: number, at: number, hours: number): Timeline<AppointmentStatus> => [
  { at: now, status: "SCHEDULED" },
  { at, status: "IN_PROGRESS" },
  { at: at + hours * HOUR, status: "COMPLETED" },
];

function visibleCost(appointment: Appointment, status: AppointmentStatus): number | null {
  if (status === "CANCELLED" || status === "NO_SHOW") return null;
  return appointment.billedAfterwards && status !== "COMPLETED" ? null : appointment.cost;
}

/** The appointment as the scheduling service shows it at `now`. */
export function appointmentJson(appointment: Appointment, now: number) {
  const { timeline, at, hours } = appointment;
  const status = appointmentStatus(appointment, now);
  return {
    appointment_id: appointment.id,
    vehicle_id: appointment.vehicle.id,
    technician_id: appointment.technician.id,
    type: appointment.type,
    service_type: appointment.serviceType,
    component: appointment.component,
    status,
    scheduled_at: timestamp(at),
    estimated_completion: timestamp(at + hours * HOUR),
    started_at: timestampOnce(reachedAt(timeline, ["IN_PROGRESS"], now), now),
    completed_at: timestampOnce(reachedAt(timeline, ["COMPLETED"], now), now),
    service_bay: appointment.bay,
    estimated_duration_hours: hours,
    parts: appointment.parts,
    cost: visibleCost(appointment, status),
    auto_booked: appointment.autoBooked,
    alert_id: appointment.alertId,
  };
}
