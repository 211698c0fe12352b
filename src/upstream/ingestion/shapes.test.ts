import { describe, expect, it } from "vitest";
import { parseShape as fitted } from "../shapes.js";
import { telemetryShape, vehicleShape } from "./shapes.js";

const VEHICLE = {
  vehicle_id: "V001",
  vin: "1HGBH41JXMN109186",
  make: "Honda",
  model: "Accord",
  year: 2022,
  fleet_id: "fleet_1",
  owner_id: "owner_123",
  status: "ACTIVE",
  odometer_km: 45000,
  in_service_since: "2022-01-15",
  last_seen_at: "2026-01-28T22:00:00Z",
  location: { lat: 19.07, lon: 72.87, region: "West" },
};

describe("a vehicle", () => {
  it("is read with everything the contract gives it", () => {
    expect(fitted("ingestion", vehicleShape, VEHICLE)).toEqual({
      id: "V001",
      vin: "1HGBH41JXMN109186",
      make: "Honda",
      model: "Accord",
      year: 2022,
      fleetId: "fleet_1",
      ownerId: "owner_123",
      status: "ACTIVE",
      odometerKm: 45000,
      inServiceSince: Date.parse("2022-01-15T00:00:00Z"),
      lastSeenAt: Date.parse("2026-01-28T22:00:00Z"),
      position: { latitude: 19.07, longitude: 72.87, region: "West" },
    });
  });

  it("needs nothing but its id; null and absent are alike", () => {
    const absent = fitted("ingestion", vehicleShape, { vehicle_id: "V001" });
    const nulls = Object.fromEntries(Object.keys(VEHICLE).map((key) => [key, null]));
    expect(fitted("ingestion", vehicleShape, { ...nulls, vehicle_id: "V001" })).toEqual(absent);
    const { id, status, ...rest } = absent;
    expect([id, status]).toEqual(["V001", "UNKNOWN"]);
    expect(Object.values(rest).every((value) => value === null)).toBe(true);
  });

  it.each([
    ["in-maintenance", "IN_MAINTENANCE"],
    ["retired", "RETIRED"],
    ["sold", "UNKNOWN"],
  ])("has the status %s as %s", (status, expected) => {
    expect(fitted("ingestion", vehicleShape, { ...VEHICLE, status }).status).toBe(expected);
  });

  it.each([
    ["vehicle_id", { vehicle_id: "" }],
    ["odometer_km", { odometer_km: "45000" }],
    ["location.lat", { location: { lat: 190, lon: 0 } }],
    ["last_seen_at", { last_seen_at: "lately" }],
  ])("is refused over a bad %s, by name", (field, change) => {
    expect(() => fitted("ingestion", vehicleShape, { ...VEHICLE, ...change })).toThrow(
      `ingestion-service: field ${field}: `,
    );
  });
});

describe("telemetry", () => {
  it("is read with its metrics", () => {
    const record = {
      vehicle_id: "V001",
      timestamp: "2026-01-28T22:00:00Z",
      protocol: "OBD2",
      metrics: { rpm: 3200, engine_temp_c: 95, speed_kmh: 80 },
      odometer_km: 45000,
      location: { lat: 19.07, lon: 72.87 },
    };
    expect(fitted("ingestion", telemetryShape, record)).toEqual({
      vehicleId: "V001",
      recordedAt: Date.parse("2026-01-28T22:00:00Z"),
      protocol: "OBD2",
      rpm: 3200,
      engineTemperatureC: 95,
      speedKmh: 80,
      odometerKm: 45000,
      position: { latitude: 19.07, longitude: 72.87, region: null },
    });
  });

  it("needs nothing but vehicle and time", () => {
    const record = fitted("ingestion", telemetryShape, { vehicle_id: "V001", timestamp: "2026-01-28T22:00:00Z" });
    expect(record).toMatchObject({ rpm: null, speedKmh: null, protocol: null, odometerKm: null, position: null });
  });
});
