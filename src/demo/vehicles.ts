import { type City, FLEET_CITIES, FLEETS } from "./cities.js";
import { MODELS } from "./models.js";
import { hash, Random, STREAM, unit } from "./random.js";
import { DAY, dayOf, HOUR, isoDate, MINUTE, timestamp } from "./time.js";
import { makeVin, VIN_ALPHABET } from "./vin.js";

export type VehicleStatus = "ACTIVE" | "IN_MAINTENANCE" | "INACTIVE" | "RETIRED";

/** What never changes about a vehicle. Its odometer, place and status follow from this and the time. */
export interface Vehicle {
  readonly seed: number;
  readonly number: number;
  readonly id: string;
  readonly vin: string;
  readonly make: string;
  readonly model: string;
  readonly year: number;
  readonly fleetId: string;
  readonly ownerId: string;
  readonly city: City;
  /** Midnight UTC of the first day in service. */
  readonly inServiceSince: number;
  readonly kmPerDay: number;
  /** Set for a vehicle that is out of use for good or for a while. */
  readonly idle: "INACTIVE" | "RETIRED" | null;
  /** False for a vehicle of which the health service has never heard. */
  readonly hasHealth: boolean;
  /** Driven until things break: its components wear faster and deeper. */
  readonly neglected: boolean;
  readonly extendedWarranty: boolean;
}

/** The vehicles of the first three owners (one per fleet) are always in use: the documentation refers to them. */
const SHOWCASE = 12;
/** How many vehicles consecutive owners have; the pattern repeats. */
const OWNER_SIZES = [4, 3, 5, 3, 5];
const OWNER_CYCLE = OWNER_SIZES.reduce((sum, size) => sum + size, 0);
/** Cumulative shares of the years that vehicles have been in service, counted from two: young vehicles prevail. */
const AGE_SHARES = [0.25, 0.43, 0.58, 0.7, 0.8, 0.88, 0.95];

/** Number of the owner of vehicle `number`, and whether the vehicle is that owner's first; all count from 1. */
function ownerOf(number: number): { owner: number; first: boolean } {
  let owner = Math.floor((number - 1) / OWNER_CYCLE) * OWNER_SIZES.length + 1;
  let place = (number - 1) % OWNER_CYCLE;
  for (const size of OWNER_SIZES) {
    if (place < size) break;
    place -= size;
    owner += 1;
  }
  return { owner, first: place === 0 };
}

function makeVehicle(seed: number, number: number, width: number, fleetYear: number): Vehicle {
  const random = new Random(seed, STREAM.vehicle, number);
  const { owner, first } = ownerOf(number);
  const fleet = (owner - 1) % FLEETS;
  const { make, model, maker } = random.pick(MODELS);
  const showcase = number <= SHOWCASE;
  const share = random.next();
  // Each fleet's first vehicle is young and little driven, so that even the smallest fleet has one under warranty.
  const newest = first && owner <= FLEETS;
  const year = fleetYear - 2 - (newest ? 0 : AGE_SHARES.filter((limit) => share >= limit).length);
  const descriptor = Array.from({ length: 5 }, () => VIN_ALPHABET.charAt(random.integer(0, 22))).join("");
  const idleDraw = random.next();
  const idle = showcase || idleDraw >= 0.05 ? null : idleDraw < 0.01 ? "RETIRED" : "INACTIVE";
  return {
    seed,
    number,
    id: `V${String(number).padStart(width, "0")}`,
    vin: makeVin(maker, descriptor, year, number),
    make,
    model,
    year,
    fleetId: `fleet_${fleet + 1}`,
    ownerId: `owner_${String(owner).padStart(3, "0")}`,
    city: random.pick(FLEET_CITIES[fleet] ?? []),
    inServiceSince: Date.UTC(year, 0, 1) + random.integer(0, 364) * DAY,
    kmPerDay: newest ? 25 : Math.round(22 + 90 * random.next() ** 1.6),
    idle,
    hasHealth: idle !== "RETIRED" && (showcase || !random.chance(0.012)),
    neglected: !showcase && random.chance(0.05),
    extendedWarranty: random.chance(0.15),
  };
}

/**
 * The vehicles of all fleets. Ages count back from `fleetYear` (a UTC calendar year): every vehicle is in service for
 * at least twelve months when that year begins, so that the whole generated history falls into its service life.
 */
export function makeVehicles(seed: number, count: number, fleetYear: number): Vehicle[] {
  const width = Math.max(4, String(count).length);
  return Array.from({ length: count }, (_, i) => makeVehicle(seed, i + 1, width, fleetYear));
}

/** When the vehicle last reported, at or before `now`: five-minute ticks in use, a long-past day when idle. */
export function lastSeenAt(vehicle: Vehicle, now: number): number {
  const offset = hash(vehicle.seed, STREAM.motion, vehicle.number);
  if (vehicle.idle !== null) {
    // Idle spells begin at fixed absolute days, so the moment does not move from one request to the next.
    const spell = vehicle.idle === "RETIRED" ? 512 : 64;
    const day = dayOf(now);
    const begun = day - ((day + offset) % spell) - (vehicle.idle === "RETIRED" ? 400 : 1);
    return begun * DAY + (offset % 24) * HOUR;
  }
  const phase = (offset % 300) * 1_000;
  return Math.floor((now - phase) / (5 * MINUTE)) * 5 * MINUTE + phase;
}

/** Odometer in whole km at `at`. */
export const odometerAt = (vehicle: Vehicle, at: number): number =>
  Math.max(0, Math.floor(((at - vehicle.inServiceSince) / DAY) * vehicle.kmPerDay));

/** Position at `at`: within about four kilometres of the home city's centre, another place each hour. */
export function locationAt(vehicle: Vehicle, at: number) {
  const hour = Math.floor(at / HOUR);
  const north = unit(vehicle.seed, STREAM.motion, vehicle.number, hour, 1) - 0.5;
  const east = unit(vehicle.seed, STREAM.motion, vehicle.number, hour, 2) - 0.5;
  const { lat, lon, region } = vehicle.city;
  const widen = 1 / Math.cos((lat * Math.PI) / 180);
  return { lat: Number((lat + 0.07 * north).toFixed(5)), lon: Number((lon + 0.07 * widen * east).toFixed(5)), region };
}

/** Status at `now`; `inWorkshop` tells whether an appointment is being worked on. */
export function vehicleStatus(vehicle: Vehicle, inWorkshop: boolean, now: number): VehicleStatus {
  if (vehicle.idle !== null) return vehicle.idle;
  // Besides day jobs, one vehicle in fifty is away for an overhaul that lasts a week.
  const week = Math.floor(dayOf(now) / 7);
  const overhaul = vehicle.number > SHOWCASE && unit(vehicle.seed, STREAM.overhaul, vehicle.number, week) < 0.02;
  return inWorkshop || overhaul ? "IN_MAINTENANCE" : "ACTIVE";
}

/** The vehicle as the ingestion service shows it at `now`. */
export function vehicleJson(vehicle: Vehicle, inWorkshop: boolean, now: number) {
  const seen = lastSeenAt(vehicle, now);
  return {
    vehicle_id: vehicle.id,
    vin: vehicle.vin,
    make: vehicle.make,
    model: vehicle.model,
    year: vehicle.year,
    fleet_id: vehicle.fleetId,
    owner_id: vehicle.ownerId,
    status: vehicleStatus(vehicle, inWorkshop, now),
    odometer_km: odometerAt(vehicle, seen),
    in_service_since: isoDate(vehicle.inServiceSince),
    last_seen_at: timestamp(seen),
    location: locationAt(vehicle, seen),
  };
}
