import { STREAM, unit } from "./random.js";
import { DAY, MINUTE, timestamp } from "./time.js";
import { lastSeenAt, locationAt, odometerAt, type Vehicle } from "./vehicles.js";

const TICK = 5 * MINUTE;
/** How far back the ingestion service keeps raw records. */
const KEPT = 7 * DAY;

/** One normalised record at `at` (a tick of the vehicle): rpm, °C and km/h, km, degrees. */
export function telemetryJson(vehicle: Vehicle, at: number) {
  const tick = Math.floor(at / TICK);
  const draw = (n: number): number => unit(vehicle.seed, STREAM.telemetry, vehicle.number, tick, n);
  const driving = draw(0) < 0.6;
  const speed = driving ? Math.round(15 + 90 * draw(1)) : 0;
  return {
    vehicle_id: vehicle.id,
    vin: vehicle.vin,
    timestamp: timestamp(at),
    protocol: vehicle.number % 5 === 0 ? "CANBUS" : "OBD2",
    metrics: {
      rpm: driving ? Math.round(1_100 + 22 * speed + 300 * draw(2)) : 800,
      engine_temp_c: Math.round(82 + 18 * draw(3)),
      speed_kmh: speed,
    },
    odometer_km: odometerAt(vehicle, at),
    location: locationAt(vehicle, at),
  };
}

/** Moments (epoch ms, newest first) of the records kept at `now`, cut to the half-open period [from, to). */
export function telemetryTicks(vehicle: Vehicle, now: number, from: number, to: number): number[] {
  const latest = lastSeenAt(vehicle, now);
  const ticks: number[] = [];
  for (let at = latest; at > latest - KEPT; at -= TICK) {
    if (at >= from && at < to) ticks.push(at);
  }
  return ticks;
}
