import { describe, expect, it } from "vitest";
import { DAY, HOUR } from "../../base/clock.js";
import type { Appointment, Part, Technician } from "./records.js";
import { partsNeeded, technicianPerformance, technicianUtilization } from "./technicians.js";

const START = Date.parse("2026-02-02T00:00:00Z");
const WEEK = { start: START, end: START + 5 * DAY };

const technician = (id: string, hoursPerDay: number | null): Technician => ({
  id,
  name: `Name of ${id}`,
  specialization: null,
  rating: null,
  skills: [],
  hoursPerDay,
});

function job(change: Partial<Appointment> = {}): Appointment {
  const untold = { serviceType: null, component: null, serviceBay: null, cost: null, autoBooked: null, alertId: null };
  const times = { scheduledAt: START, estimatedCompletion: null, startedAt: null, completedAt: null };
  const rest = { technicianId: "T1", type: "DIAGNOSTIC" as const, status: "SCHEDULED" as const, parts: [] };
  return { id: "J", vehicleId: "V1", estimatedDurationHours: 3, ...untold, ...times, ...rest, ...change };
}

describe("technician utilisation", () => {
  it("is booked over available hours, for everybody on the list, by id", () => {
    const jobs = [
      job(),
      job({ estimatedDurationHours: null, estimatedCompletion: START + 4.5 * HOUR }),
      job({ technicianId: null }),
    ];
    expect(technicianUtilization([technician("T2", 8), technician("T1", 8)], jobs, WEEK)).toEqual([
      { technicianId: "T1", name: "Name of T1", bookedHours: 7.5, availableHours: 40, utilizationPct: 18.75 },
      { technicianId: "T2", name: "Name of T2", bookedHours: 0, availableHours: 40, utilizationPct: 0 },
    ]);
  });

  it("falls back to six bookings a day where working hours are not known", () => {
    const jobs = Array.from({ length: 15 }, () => job());
    expect(technicianUtilization([technician("T1", null)], jobs, WEEK)).toEqual([
      { technicianId: "T1", name: "Name of T1", bookedHours: 45, availableHours: null, utilizationPct: 50 },
    ]);
  });

  it("leaves out what was called off or missed, and what is scheduled outside the range", () => {
    const jobs = [
      job({ status: "CANCELLED" }),
      job({ status: "NO_SHOW" }),
      job({ scheduledAt: WEEK.end }),
      job({ scheduledAt: START - 1 }),
      job({ status: "COMPLETED", estimatedDurationHours: 1 }),
    ];
    expect(technicianUtilization([technician("T1", 8)], jobs, WEEK)[0]?.bookedHours).toBe(1);
  });
});

describe("technician performance", () => {
  it("averages the jobs finished in the range that tell start and end", () => {
    const done = (startedAt: number | null, completedAt: number) =>
      job({ status: "COMPLETED", startedAt, completedAt });
    const jobs = [
      done(START, START + 2 * HOUR),
      done(START, START + 3 * HOUR),
      done(null, START + HOUR),
      done(START, WEEK.end),
      job(),
    ];
    expect(technicianPerformance(jobs, WEEK)).toEqual({ jobsCompletedPeriod: 3, avgRepairTimeHours: 2.5 });
  });

  it("has no average without finished jobs", () => {
    expect(technicianPerformance([], WEEK)).toEqual({ jobsCompletedPeriod: 0, avgRepairTimeHours: null });
  });
});

describe("parts needed", () => {
  const part = (name: string, quantity: number, inStock: boolean | null): Part => ({ name, quantity, inStock });

  it("adds up by name over the jobs still to be done", () => {
    const jobs = [
      job({ parts: [part("Thermostat", 1, true), part("Belt", 2, null)] }),
      job({ parts: [part("Thermostat", 2, true), part("Filter", 1, true)], status: "IN_PROGRESS" }),
      job({ parts: [part("Filter", 1, false)] }),
      job({ parts: [part("Thermostat", 9, false)], status: "COMPLETED" }),
      job({ parts: [part("Thermostat", 9, false)], status: "CANCELLED" }),
    ];
    expect(partsNeeded(jobs)).toEqual([part("Belt", 2, null), part("Filter", 2, false), part("Thermostat", 3, true)]);
  });
});
