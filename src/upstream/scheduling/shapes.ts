import { z } from "zod";
import type { Appointment, Slot, Technician } from "../../domain/fleet/records.js";
import { finite, id, instant, listOf, optional, text, tolerantEnum } from "../shapes.js";

const part = z
  .object({ name: text, quantity: optional(finite), in_stock: optional(z.boolean()) })
  .transform((p) => ({ name: p.name, quantity: p.quantity ?? 1, inStock: p.in_stock ?? null }));

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
      technicianId: a.technician_id ?? null,
      type: a.type,
      serviceType: a.service_type ?? null,
      component: a.component ?? a.service_type?.split("_")[0] ?? null,
      status: a.status,
      scheduledAt: a.scheduled_at,
      estimatedCompletion: a.estimated_completion ?? null,
      startedAt: a.started_at ?? null,
      completedAt: a.completed_at ?? null,
      serviceBay: a.service_bay ?? null,
      estimatedDurationHours: a.estimated_duration_hours ?? null,
      parts: a.parts ?? [],
      cost: a.cost ?? null,
      autoBooked: a.auto_booked ?? null,
      alertId: a.alert_id ?? null,
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
      specialization: t.specialization ?? null,
      rating: t.rating ?? null,
      skills: t.skills ?? [],
      hoursPerDay: t.hours_per_day ?? null,
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
      serviceBay: s.service_bay ?? null,
      partsAvailable: s.parts_available ?? null,
      estimatedCompletion: s.estimated_completion ?? null,
      confidence: s.confidence_score ?? null,
    }),
  );

export const slotsShape = z.object({ recommended_slots: z.array(slot) }).transform((body) => body.recommended_slots);
