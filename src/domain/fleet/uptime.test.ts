import { describe, expect, it } from "vitest";
import { DAY } from "../../base/clock.js";
import type { Appointment, Vehicle } from "./records.js";
import { serviceFrequency, uptimeFigures } from "./uptime.js";

const AT = Date.parse("2026-01-01T00:00:00Z");

function vehicle(change: Partial<Vehicle> = {}): Vehicle {
  const untold = { vin: null, make: null, model: null, year: null, fleetId: null, ownerId: null, odometerKm: null };
  return { id: "V1", status: "ACTIVE", inServiceSince: null, lastSeenAt: null, position: null, ...untold, ...change };
}

describe("uptime", () => {
  it("knows nothing of an empty fleet", () => {
    expect(uptimeFigures([], AT)).toEqual({
      totalVehicles: 0,
      operationalVehicles: 0,
      inMaintenance: 0,
      uptimePct: null,
      averageVehicleAgeYears: null,
      averageMileageKm: null,
    });
  });

  it("takes ACTIVE vehicles as operational, out of all", () => {
    const statuses = ["ACTIVE", "ACTIVE", "IN_MAINTENANCE", "INACTIVE", "RETIRED", "UNKNOWN"] as const;
    expect(
      uptimeFigures(
        statuses.map((status) => vehicle({ status })),
        AT,
      ),
    ).toMatchObject({
      totalVehicles: 6,
      operationalVehicles: 2,
      inMaintenance: 1,
      uptimePct: 33.33,
    });
  });

  it("counts age from the start of service, else from 1 January of the model year", () => {
    const age = (change: Partial<Vehicle>) => uptimeFigures([vehicle(change)], AT).averageVehicleAgeYears;
    expect(age({ inServiceSince: Date.parse("2023-01-01"), year: 2010 })).toBe(3);
    expect(age({ year: 2022 })).toBe(4);
    expect(age({})).toBeNull();
  });

  it("leaves out of the average what is not told or has not begun", () => {
    const fleet = [
      vehicle({ year: 2024, odometerKm: 1000 }),
      vehicle({ odometerKm: 2001 }),
      vehicle({ inServiceSince: AT + 1 }),
    ];
    expect(uptimeFigures(fleet, AT)).toMatchObject({ averageVehicleAgeYears: 2, averageMileageKm: 1500.5 });
  });
});

describe("service frequency", () => {
  const service = (completedAt: number, status: Appointment["status"] = "COMPLETED") =>
    ({ completedAt, status }) as Appointment;
  const year = { start: Date.parse("2024-01-01"), end: Date.parse("2025-01-01") };

  it("is finished services per vehicle and calendar year", () => {
    const services = [service(year.start), service(year.end - 1), service(year.start + DAY), service(year.end)];
    expect(serviceFrequency([...services, service(year.start, "CANCELLED")], 2, year)).toBe(1.5);
    const january = { start: Date.parse("2023-01-01"), end: Date.parse("2023-02-01") };
    expect(serviceFrequency([service(january.start)], 1, january)).toBe(11.77);
  });

  it("is 0 without services or vehicles", () => {
    expect(serviceFrequency([], 5, year)).toBe(0);
    expect(serviceFrequency([service(year.start)], 0, year)).toBe(0);
  });
});
