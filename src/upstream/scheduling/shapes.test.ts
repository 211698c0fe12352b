import { describe, expect, it } from "vitest";
import { parseShape as fitted } from "../shapes.js";
import { appointmentShape, slotsShape, technicianShape } from "./shapes.js";

const APPOINTMENT = {
  appointment_id: "appt_001",
  vehicle_id: "V001",
  technician_id: "tech_001",
  type: "COMPONENT_REPAIR",
  service_type: "engine_repair",
  status: "SCHEDULED",
  scheduled_at: "2026-02-01T09:00:00Z",
  estimated_completion: "2026-02-01T12:00:00Z",
  started_at: null,
  completed_at: null,
  service_bay: "Bay 3",
  estimated_duration_hours: 3,
  parts: [{ name: "Thermostat", in_stock: true }],
  cost: 450,
  auto_booked: true,
  alert_id: "alert_xyz789",
};

describe("an appointment", () => {
  it("is read as documented, its component out of the service type", () => {
    expect(fitted("scheduling", appointmentShape, APPOINTMENT)).toEqual({
      id: "appt_001",
      vehicleId: "V001",
      technicianId: "tech_001",
      type: "COMPONENT_REPAIR",
      serviceType: "engine_repair",
      component: "engine",
      status: "SCHEDULED",
      scheduledAt: Date.parse("2026-02-01T09:00:00Z"),
      estimatedCompletion: Date.parse("2026-02-01T12:00:00Z"),
      startedAt: null,
      completedAt: null,
      serviceBay: "Bay 3",
      estimatedDurationHours: 3,
      parts: [{ name: "Thermostat", quantity: 1, inStock: true }],
      cost: 450,
      autoBooked: true,
      alertId: "alert_xyz789",
    });
  });

  it("prefers the service's own component", () => {
    expect(fitted("scheduling", appointmentShape, { ...APPOINTMENT, component: "battery" }).component).toBe("battery");
  });

  it.each([
    ["in-progress", "IN_PROGRESS"],
    ["no show", "NO_SHOW"],
    ["completed", "COMPLETED"],
    ["pending", "UNKNOWN"],
    [null, "UNKNOWN"],
  ])("has the status %s as %s", (status, expected) => {
    expect(fitted("scheduling", appointmentShape, { ...APPOINTMENT, status }).status).toBe(expected);
  });

  it("reads the labels of the types, and does without most else", () => {
    const least = {
      appointment_id: "a",
      vehicle_id: "V1",
      scheduled_at: "2026-02-01T09:00:00Z",
      type: "Routine Maintenance",
    };
    const read = fitted("scheduling", appointmentShape, least);
    expect(read).toMatchObject({
      type: "ROUTINE_MAINTENANCE",
      component: null,
      parts: [],
      cost: null,
      technicianId: null,
    });
  });

  it("is refused without the time it is for", () => {
    const attempt = () => fitted("scheduling", appointmentShape, { ...APPOINTMENT, scheduled_at: null });
    expect(attempt).toThrow("scheduling-service: field scheduled_at: ");
  });
});

describe("technicians and slots", () => {
  const technician = { id: "tech_001", name: "Mike Johnson", specialization: "Engine Specialist", rating: 4.8 };

  it("reads a technician with and without skills and hours", () => {
    expect(fitted("scheduling", technicianShape, technician)).toMatchObject({
      rating: 4.8,
      skills: [],
      hoursPerDay: null,
    });
    const full = fitted("scheduling", technicianShape, { ...technician, skills: ["engine"], hours_per_day: 8 });
    expect(full).toMatchObject({ skills: ["engine"], hoursPerDay: 8 });
  });

  it("refuses a working day without hours, which nothing could be divided by", () => {
    const attempt = () => fitted("scheduling", technicianShape, { ...technician, hours_per_day: 0 });
    expect(attempt).toThrow("scheduling-service: field hours_per_day: ");
  });

  it("reads the slots that are recommended", () => {
    const slot = { datetime: "2026-02-01T09:00:00Z", technician, service_bay: "Bay 3", parts_available: true };
    const body = {
      recommended_slots: [{ ...slot, estimated_completion: "2026-02-01T12:00:00Z", confidence_score: 0.95 }],
    };
    expect(fitted("scheduling", slotsShape, body)).toEqual([
      {
        startsAt: Date.parse("2026-02-01T09:00:00Z"),
        technician: {
          id: "tech_001",
          name: "Mike Johnson",
          specialization: "Engine Specialist",
          rating: 4.8,
          skills: [],
          hoursPerDay: null,
        },
        serviceBay: "Bay 3",
        partsAvailable: true,
        estimatedCompletion: Date.parse("2026-02-01T12:00:00Z"),
        confidence: 0.95,
      },
    ]);
    expect(() => fitted("scheduling", slotsShape, {})).toThrow("scheduling-service: field recommended_slots: ");
  });
});
