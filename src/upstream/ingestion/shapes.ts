import { z } from "zod";
import type { Position, Telemetry, Vehicle } from "../../domain/fleet/records.js";
import { day, finite, id, instant, optional, text, tolerantEnum } from "../shapes.js";

const position = z
  .object({ lat: finite.min(-90).max(90), lon: finite.min(-180).max(180), region: optional(text) })
  .transform((p): Position => ({ latitude: p.lat, longitude: p.lon, region: p.region ?? null }));

export const vehicleShape = z
  .object({
    vehicle_id: id,
    vin: optional(text),
    make: optional(text),
    model: optional(text),
    year: optional(z.number().int()),
    fleet_id: optional(id),
    owner_id: optional(id),
    status: tolerantEnum(["ACTIVE", "IN_MAINTENANCE", "INACTIVE", "RETIRED"]),
    odometer_km: optional(finite),
    in_service_since: optional(day),
    last_seen_at: optional(instant),
    location: optional(position),
  })
  .transform(
    (v): Vehicle => ({
      id: v.vehicle_id,
      vin: v.vin ?? null,
      make: v.make ?? null,
      model: v.model ?? null,
      year: v.year ?? null,
      fleetId: v.fleet_id ?? null,
      ownerId: v.owner_id ?? null,
      status: v.status,
      odometerKm: v.odometer_km ?? null,
      inServiceSince: v.in_service_since ?? null,
      lastSeenAt: v.last_seen_at ?? null,
      position: v.location ?? null,
    }),
  );

const metrics = z.object({ rpm: optional(finite), engine_temp_c: optional(finite), speed_kmh: optional(finite) });

export const telemetryShape = z
  .object({
    vehicle_id: id,
    timestamp: instant,
    protocol: optional(text),
    metrics: optional(metrics),
    odometer_km: optional(finite),
    location: optional(position),
  })
  .transform(
    (t): Telemetry => ({
      vehicleId: t.vehicle_id,
      recordedAt: t.timestamp,
      protocol: t.protocol ?? null,
      rpm: t.metrics?.rpm ?? null,
      engineTemperatureC: t.metrics?.engine_temp_c ?? null,
      speedKmh: t.metrics?.speed_kmh ?? null,
      odometerKm: t.odometer_km ?? null,
      position: t.location ?? null,
    }),
  );
