import { z } from "zod";
import type { Appointment, Slot, Technician } from "../../domain/fleet/records.js";
import { finite, id, instant, listOf, optional, text, tolerantEnum } from "../shapes.js";

const part = z
  .object({ name: text, quantity: optional(finite), in_stock: optional(z.boolean()) })
  .transform((p) => ({ name: p.name, quantity: p.quantity ?? 1, inStock: p.in_stock }));

export const appointmentShape = z
  .object({
    appointment_id: id,
    vehicle_id: id,
    technician_id: optional(id),
    type: tolerantEnum(["ROUTINE_MAINTENANCE", "DIAGNOSTIC", "COMPONENT_REPAIR", "EMERGENCY"]),
    service_type: optional(text),
    component: optional(text),
    status: tolerantEnum(["SCHEDULED", "CONFIRMED", "IN_PROGRESS", "COMPLETED", "CANCELLED", "NO_SHOW"]),
    scheduled_at: instant,
    estimated_completion: optional(instant),
    started_at: optional(instant),
    completed_at: optional(instant),
    service_bay: optional(text),
    estimated_duration_hours: optional(finite),
    parts: listOf(part),
    cost: optional(finite),
    auto_booked: optional(z.boolean()),
    alert_id: optional(id),
  })
  .transform(
    (a): Appointment => ({
      id: a.appointment_id,
      vehicleId: a.vehicle_id,
      technicianId: a.technician_id,
      type: a.type,
      serviceType: a.service_type,
      component: a.component ?? a.service_type?.split("_")[0] ?? null,
      status: a.status,
      scheduledAt: a.scheduled_at,
      estimatedCompletion: a.estimated_completion,
      startedAt: a.started_at,
      completedAt: a.completed_at,
      serviceBay: a.service_bay,
      estimatedDurationHours: a.estimated_duration_hours,
      parts: a.parts,
      cost: a.cost,
      autoBooked: a.auto_booked,
      alertId: a.alert_id,
    }),
  );

export const technicianShape = z
  .object({
    id,
    name: text,
    specialization: optional(text),
    rating: optional(finite),
    skills: listOf(text),
    hours_per_day: optional(finite.positive()),
  })
  .transform(
    (t): Technician => ({
      id: t.id,
      name: t.name,
      specialization: t.specialization,
      rating: t.rating,
      skills: t.skills,
      hoursPerDay: t.hours_per_day,
    }),
  );

const slot = z
  .object({
    datetime: instant,
    technician: technicianShape,
    service_bay: optional(text),
    parts_available: optional(z.boolean()),
    estimated_completion: optional(instant),
    confidence_score: optional(finite),
  })
  .transform(
    (s): Slot => ({
      startsAt: s.datetime,
      technician: s.technician,
      serviceBay: s.service_bay,
      partsAvailable: s.parts_available,
      estimatedCompletion: s.estimated_completion,
      confidence: s.confidence_score,
    }),
  );

export const slotsShape = z.object({ recommended_slots: z.array(slot) }).transform((body) => body.recommended_slots);
