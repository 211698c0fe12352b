import { DAY, HOUR } from "../../base/clock.js";
import { compareText, groupBy } from "../../base/groups.js";
import { mean, percent, round, roundOrNull } from "../../base/numbers.js";
import { contains, type TimeRange } from "../../base/time-range.js";
import { finishedIn } from "./cost.js";
import type { Appointment, Part, Technician } from "./records.js";

/** The scheduling service books at most this many a day; the yardstick where a technician's hours are not known. */
const BOOKINGS_PER_DAY = 6;

export interface TechnicianUtilization {
  readonly technicianId: string;
  readonly name: string;
  readonly bookedHours: number;
  /** Null when the technician's working hours are not known; then utilisation is bookings over 6 a day. */
  readonly availableHours: number | null;
  readonly utilizationPct: number | null;
}

/** Booked over available hours per technician, by id. Counts what is scheduled in the range and not called off. */
export function technicianUtilization(
  technicians: readonly Technician[],
  appointments: readonly Appointment[],
  range: TimeRange,
): TechnicianUtilization[] {
  const days = (range.end - range.start) / DAY;
  const booked = groupBy(
    appointments.filter((a) => contains(range, a.scheduledAt) && isKept(a)),
    (a) => a.technicianId,
  );
  return [...technicians]
    .sort((a, b) => compareText(a.id, b.id))
    .map((technician) => {
      const own = booked.get(technician.id) ?? [];
      const hours = round(
        own.reduce((sum, a) => sum + plannedHours(a), 0),
        2,
      );
      const available = technician.hoursPerDay === null ? null : round(technician.hoursPerDay * days, 2);
      const utilization = available === null ? percent(own.length, BOOKINGS_PER_DAY * days) : percent(hours, available);
      return {
        technicianId: technician.id,
        name: technician.name,
        bookedHours: hours,
        availableHours: available,
        utilizationPct: utilization,
      };
    });
}

/** Neither cancelled nor missed. */
export function isKept(appointment: Appointment): boolean {
  return appointment.status !== "CANCELLED" && appointment.status !== "NO_SHOW";
}

function plannedHours(appointment: Appointment): number {
  if (appointment.estimatedDurationHours !== null) return appointment.estimatedDurationHours;
  const end = appointment.estimatedCompletion;
  return end === null ? 0 : (end - appointment.scheduledAt) / HOUR;
}

export interface TechnicianPerformance {
  readonly jobsCompletedPeriod: number;
  /** Mean of completion minus start, hours, two decimals; null when no finished job tells both. */
  readonly avgRepairTimeHours: number | null;
}

export function technicianPerformance(appointments: readonly Appointment[], range: TimeRange): TechnicianPerformance {
  const done = finishedIn(appointments, range);
  const hours = done.flatMap((a) =>
    a.startedAt === null || a.completedAt === null ? [] : [(a.completedAt - a.startedAt) / HOUR],
  );
  return { jobsCompletedPeriod: done.length, avgRepairTimeHours: roundOrNull(mean(hours), 2) };
}

/** Parts of the appointments still to be done, added up by name; in stock only if every one of them is. */
export function partsNeeded(appointments: readonly Appointment[]): Part[] {
  const open = appointments.filter((a) => isKept(a) && a.status !== "COMPLETED").flatMap((a) => a.parts);
  return [...groupBy(open, (part) => part.name)]
    .map(([name, parts]) => ({
      name,
      quantity: parts.reduce((sum, part) => sum + part.quantity, 0),
      inStock: parts.some((part) => part.inStock === false) ? false : parts.every((part) => part.inStock) || null,
    }))
    .sort((a, b) => compareText(a.name, b.name));
}
