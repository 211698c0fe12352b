/** What clients do with appointments: find a slot, book, reschedule, cancel. */
import {
  APPOINTMENT_TYPES,
  type Appointment,
  type AppointmentType,
  appointmentStatus,
  bookedTimeline,
  cancel,
  isPending,
} from "./appointments.js";
import { componentOf, FACTS } from "./components.js";
import type { Fields } from "./fields.js";
import type { Fleet } from "./fleet.js";
import { conflict, invalid, notFound } from "./problem.js";
import { BOOKINGS_PER_DAY, bayOf, TECHNICIANS, type Technician } from "./technicians.js";
import { DAY, dayOf, HOUR, MINUTE, timestamp } from "./time.js";
import { diverted } from "./timeline.js";
import type { Vehicle } from "./vehicles.js";

const BUFFER = 30 * MINUTE;
const SLOTS = 5;
const SEARCH_DAYS = 21;
const BOOKABLE_DAYS = 365;
const OPENING_HOUR = 8;
const CLOSING_HOUR = 18;
const URGENCIES = ["LOW", "MEDIUM", "HIGH", "CRITICAL"] as const;

/** True if a technician has no other pending appointment in [at, at + hours) and room for one more on that UTC day. */
function isFree(pending: readonly Appointment[], technician: Technician, at: number, hours: number): boolean {
  const own = pending.filter((appointment) => appointment.technician === technician);
  const sameDay = own.filter((appointment) => dayOf(appointment.at) === dayOf(at));
  const clash = own.some((other) => other.at < at + hours * HOUR && at < other.at + other.hours * HOUR);
  return !clash && sameDay.length < BOOKINGS_PER_DAY;
}

/** Appointments that hold somebody's time at `now`; none of those that began over two days ago still does. */
const pendingAt = (fleet: Fleet, now: number, except?: Appointment): Appointment[] =>
  fleet.appointments.select(now, { from: now - 2 * DAY, to: Infinity }, (appointment) => {
    return appointment !== except && isPending(appointment, now);
  });

/** Technicians with the skill that a service needs, best rated first; all of them if it needs none in particular. */
function suitable(serviceType: string): Technician[] {
  const component = componentOf(serviceType);
  const skilled = TECHNICIANS.filter(({ skills }) => component === undefined || skills.includes(component));
  return skilled.sort((a, b) => b.rating - a.rating);
}

function vehicleIn(fleet: Fleet, fields: Fields): Vehicle {
  const vehicle = fleet.vehicle(fields.text("vehicle_id"));
  if (vehicle === undefined) throw invalid("vehicle_id: no such vehicle");
  return vehicle;
}

function technicianIn(fleet: Fleet, fields: Fields): Technician | undefined {
  const id = fields.optionalText("technician_id");
  if (id === undefined) return undefined;
  const technician = fleet.technician(id);
  if (technician === undefined) throw invalid("technician_id: no such technician");
  return technician;
}

/** The time asked for: `scheduled_at`, or `datetime` as a recommended slot calls it. */
function timeIn(fields: Fields, now: number): number | undefined {
  const at = fields.optionalMoment("scheduled_at") ?? fields.optionalMoment("datetime");
  if (at === undefined) return undefined;
  if (at <= now) throw invalid("scheduled_at: must be in the future");
  if (at > now + BOOKABLE_DAYS * DAY) throw invalid(`scheduled_at: must be within ${BOOKABLE_DAYS} days`);
  return at;
}

const hoursIn = (fields: Fields): number | undefined => fields.optionalNumber("estimated_duration_hours", 0.25, 12);

/** Free slots for a service, best first: at most five, at full hours UTC of the opening time. */
export function findSlots(fleet: Fleet, fields: Fields, now: number) {
  vehicleIn(fleet, fields);
  const technicians = suitable(fields.text("service_type"));
  const urgent = ["HIGH", "CRITICAL"].includes(fields.optionalChoice("urgency", URGENCIES) ?? "MEDIUM");
  const hours = hoursIn(fields) ?? 2;
  const first = Math.max(fields.optionalDate("preferred_date") ?? 0, dayOf(now) * DAY);
  const pending = pendingAt(fleet, now);
  const slots = [];
  for (let day = first; day < first + SEARCH_DAYS * DAY && slots.length < SLOTS; day += DAY) {
    // Urgent work takes whatever the first day offers; otherwise each day contributes its best technicians only.
    for (const technician of technicians.slice(0, urgent ? technicians.length : 2)) {
      for (let hour = OPENING_HOUR; hour + hours <= CLOSING_HOUR; hour += 1) {
        const at = day + hour * HOUR;
        if (at <= now || !isFree(pending, technician, at - BUFFER, hours + (2 * BUFFER) / HOUR)) continue;
        slots.push(slotJson(technician, at, hours, slots.length));
        break;
      }
    }
  }
  return { recommended_slots: slots.slice(0, SLOTS) };
}

function slotJson(technician: Technician, at: number, hours: number, rank: number) {
  const { id, name, specialization, rating } = technician;
  return {
    datetime: timestamp(at),
    technician: { id, name, specialization, rating },
    service_bay: bayOf(technician),
    parts_available: true,
    estimated_completion: timestamp(at + hours * HOUR),
    confidence_score: Math.max(0.5, Number((0.95 - 0.05 * rank).toFixed(2))),
  };
}

function typeFor(serviceType: string): AppointmentType {
  if (/repair|replacement/.test(serviceType)) return "COMPONENT_REPAIR";
  return serviceType.includes("diagnostic") ? "DIAGNOSTIC" : "ROUTINE_MAINTENANCE";
}

function chooseTechnician(asked: Technician | undefined, serviceType: string, isOpen: (t: Technician) => boolean) {
  if (asked !== undefined && !isOpen(asked)) throw conflict(`technician ${asked.id} is not available at that time`);
  const technician = asked ?? suitable(serviceType).find(isOpen);
  if (technician === undefined) throw conflict("no suitable technician is available at that time");
  return technician;
}

/** Books an appointment. 409 if the technician or the vehicle is taken at that time. */
export function book(fleet: Fleet, fields: Fields, now: number): Appointment {
  const vehicle = vehicleIn(fleet, fields);
  const serviceType = fields.text("service_type");
  const at = timeIn(fields, now);
  if (at === undefined) throw invalid("scheduled_at: field required");
  const hours = hoursIn(fields) ?? 2;
  const alertId = fields.optionalText("alert_id") ?? null;
  if (alertId !== null && fleet.alerts.find(alertId, now)?.vehicle !== vehicle) {
    throw invalid("alert_id: no such alert of this vehicle");
  }
  const asked = technicianIn(fleet, fields);
  const type = fields.optionalChoice("type", APPOINTMENT_TYPES) ?? typeFor(serviceType);
  if (vehicle.idle === "RETIRED") throw conflict(`vehicle ${vehicle.id} is retired`);
  const pending = pendingAt(fleet, now);
  const own = pending.filter((other) => other.vehicle === vehicle);
  if (own.some((other) => other.at < at + hours * HOUR && at < other.at + other.hours * HOUR)) {
    throw conflict(`vehicle ${vehicle.id} already has an appointment at that time`);
  }
  const technician = chooseTechnician(asked, serviceType, (candidate) => isFree(pending, candidate, at, hours));
  const component = componentOf(serviceType) ?? null;
  const appointment: Appointment = {
    id: fleet.newId("appt"),
    vehicle,
    at,
    knownFrom: now,
    technician,
    type,
    serviceType,
    component,
    timeline: bookedTimeline(now, at, hours),
    hours,
    bay: bayOf(technician),
    parts: component === null ? [] : FACTS[component].parts.slice(0, 1).map((name) => ({ name, in_stock: true })),
    cost: Math.round(90 * hours + (component === null ? 0 : FACTS[component].serviceCost[0])),
    billedAfterwards: type === "DIAGNOSTIC" || type === "EMERGENCY",
    autoBooked: false,
    alertId,
  };
  fleet.book(appointment, now);
  return appointment;
}

/** An appointment that has not begun; 404 if there is none, 409 if it is too late to change it. */
function changeable(fleet: Fleet, id: string, verb: string, now: number): Appointment {
  const appointment = fleet.appointments.find(id, now);
  if (appointment === undefined) throw notFound("appointment");
  const status = appointmentStatus(appointment, now);
  if (status !== "SCHEDULED" && status !== "CONFIRMED")
    throw conflict(`cannot ${verb} an appointment that is ${status}`);
  return appointment;
}

/** Moves an appointment to another time, technician or length; what the body does not mention stays. */
export function reschedule(fleet: Fleet, id: string, fields: Fields, now: number): Appointment {
  const appointment = changeable(fleet, id, "reschedule", now);
  if (!fields.hasAny(["scheduled_at", "datetime", "technician_id", "estimated_duration_hours"])) {
    throw invalid("body: nothing to change");
  }
  const at = timeIn(fields, now) ?? appointment.at;
  const hours = hoursIn(fields) ?? appointment.hours;
  const technician = technicianIn(fleet, fields) ?? appointment.technician;
  const pending = pendingAt(fleet, now, appointment);
  const own = pending.filter((other) => other.vehicle === appointment.vehicle);
  if (own.some((other) => other.at < at + hours * HOUR && at < other.at + other.hours * HOUR)) {
    throw conflict(`vehicle ${appointment.vehicle.id} already has an appointment at that time`);
  }
  chooseTechnician(technician, appointment.serviceType, (candidate) => isFree(pending, candidate, at, hours));
  const [, ...steps] = bookedTimeline(now, at, hours);
  const [booked, ...rest] = diverted(appointment.timeline, "SCHEDULED", now);
  Object.assign(appointment, { at, hours, technician, bay: bayOf(technician) });
  appointment.timeline = [booked, ...rest, ...steps];
  fleet.place(appointment, now);
  return appointment;
}

/** Cancels an appointment. */
export function cancelAppointment(fleet: Fleet, id: string, now: number): Appointment {
  const appointment = changeable(fleet, id, "cancel", now);
  cancel(appointment, now);
  fleet.place(appointment, now);
  return appointment;
}
