/** Who works on what on a given UTC day: a pure function of the fleet and the day. */

import { FLEETS } from "./cities.js";
import { COMPONENTS, type Component } from "./components.js";
import { Random, STREAM } from "./random.js";
import { BOOKINGS_PER_DAY, TECHNICIANS, type Technician } from "./technicians.js";
import { DAY, MINUTE, wholeSecond } from "./time.js";
import type { Vehicle } from "./vehicles.js";
import { isCovered } from "./warranty.js";
import { cycleOn, isDue, type Outcome } from "./wear.js";

/** Why a vehicle is in the workshop; the wear outcomes, and jobs that do not follow from wear. */
type Purpose = Outcome | "check" | "service" | "defect" | "breakdown";

export interface Job {
  readonly vehicle: Vehicle;
  readonly component: Component;
  readonly purpose: Purpose;
}

export interface PlannedJob extends Job {
  readonly technician: Technician;
  /** Place in the technician's day, from 0. */
  readonly place: number;
  readonly startsAt: number;
  readonly endsAt: number;
  readonly scheduledAt: number;
  /** Estimated labour in hours. */
  readonly hours: number;
  /** Planned replacement of a part rather than a plain service. */
  readonly replacement: boolean;
}

/** The vehicles as the planner sees them. */
export interface Yard {
  readonly seed: number;
  readonly inUse: readonly Vehicle[];
  /** The vehicles in use per fleet, fleet_1 first. */
  readonly fleets: readonly (readonly Vehicle[])[];
  /** Those whose wear leads to records: all of them, or a sample of a large fleet to keep the history light. */
  readonly recorded: readonly Vehicle[];
}

const RECORDED_AT_MOST = 1_500;
/** V0001 is serviced every two weeks, so that its owner always has an upcoming appointment and a history. */
const SHOWCASE_INTERVAL_DAYS = 14;
/** How long before midnight the job booked for midnight is begun. */
const NIGHT_JOB = 50 * MINUTE;

export function makeYard(seed: number, vehicles: readonly Vehicle[]): Yard {
  const inUse = vehicles.filter((vehicle) => vehicle.idle === null);
  const stride = Math.ceil(inUse.length / RECORDED_AT_MOST);
  return {
    seed,
    inUse,
    fleets: Array.from({ length: FLEETS }, (_, i) => inUse.filter((vehicle) => vehicle.fleetId === `fleet_${i + 1}`)),
    recorded: inUse.filter((_, i) => i % stride === 0),
  };
}

/**
 * The fleet whose night job a technician has on `day`, or undefined. Each fleet has one job a day that is booked for
 * midnight, begun early and closed at 00:00:00: a day, and so a month, has a finished job from its first second.
 */
function nightFleet(technician: number, day: number): number | undefined {
  const turn = (technician + TECHNICIANS.length - ((day * FLEETS) % TECHNICIANS.length)) % TECHNICIANS.length;
  return turn < FLEETS ? turn : undefined;
}

/** A defect on a vehicle of the fleet under warranty, found at random but always the same on the same day. */
function defectOf(fleet: readonly Vehicle[], day: number, random: Random): Job {
  const component = random.pick(["engine", "transmission"] as const);
  const start = random.integer(0, fleet.length - 1);
  for (let i = 0; i < fleet.length; i += 1) {
    const vehicle = fleet[(start + i) % fleet.length];
    if (vehicle !== undefined && isCovered(vehicle, component, day * DAY))
      return { vehicle, component, purpose: "defect" };
  }
  return { vehicle: random.pick(fleet), component, purpose: "defect" };
}

/** What must be done on `day`, before the day is filled up with inspections. */
function jobsDue(yard: Yard, day: number, random: Random): Job[] {
  const jobs: Job[] = [
    // One breakdown a day, each component in turn: repair costs can be compared even in a tiny fleet.
    {
      vehicle: random.pick(yard.inUse),
      component: COMPONENTS[day % COMPONENTS.length] ?? "engine",
      purpose: "breakdown",
    },
    ...yard.fleets.map((fleet) => defectOf(fleet, day, random)),
  ];
  const showcase = yard.inUse[0];
  if (showcase !== undefined && day % SHOWCASE_INTERVAL_DAYS === 0) {
    jobs.push({ vehicle: showcase, component: "brakes", purpose: "service" });
  }
  for (const vehicle of yard.recorded) {
    for (const component of COMPONENTS) {
      if (!isDue(vehicle, component, day)) continue;
      jobs.push({ vehicle, component, purpose: cycleOn(vehicle, component, day).outcome });
    }
  }
  return jobs;
}

function hoursFor(purpose: Purpose, replacement: boolean, random: Random): number {
  const halves = (low: number, high: number): number => random.integer(low * 2, high * 2) / 2;
  if (purpose === "emergency" || purpose === "breakdown") return halves(1, 2);
  if (purpose === "repair" || purpose === "defect" || replacement) return halves(3, 5);
  return purpose === "check" ? halves(2, 3) : halves(1, 2);
}

/** The shortest list with room, among those of technicians with the skill or, without one, of all. */
function leastBusy(lists: readonly Job[][], room: readonly number[], skill?: Component): Job[] | undefined {
  let best: Job[] | undefined;
  for (const [i, list] of lists.entries()) {
    if (list.length >= (room[i] ?? 0) || (best !== undefined && best.length <= list.length)) continue;
    if (skill === undefined || TECHNICIANS[i]?.skills.includes(skill)) best = list;
  }
  return best;
}

/** Puts jobs on the technicians with the skill and the shortest list; what exceeds the day's capacity is dropped. */
function assign(jobs: readonly Job[], room: readonly number[]): Job[][] {
  const lists: Job[][] = TECHNICIANS.map(() => []);
  for (const job of jobs) (leastBusy(lists, room, job.component) ?? leastBusy(lists, room))?.push(job);
  return lists;
}

/** Lays a technician's jobs end to end, so that there is exactly one in progress at any moment. */
function layOut(
  jobs: readonly Job[],
  technician: Technician,
  begin: number,
  end: number,
  random: Random,
): PlannedJob[] {
  const sized = jobs.map((job) => {
    const replacement = job.purpose === "preventive" && random.chance(0.5);
    return { job, replacement, hours: hoursFor(job.purpose, replacement, random), order: random.next() };
  });
  sized.sort((a, b) => a.order - b.order);
  const stretch = (end - begin) / sized.reduce((sum, { hours }) => sum + hours, 0);
  let at = begin;
  return sized.map(({ job, replacement, hours }, place) => {
    const startsAt = at;
    at = place === sized.length - 1 ? end : wholeSecond(at + hours * stretch);
    const scheduledAt = Math.floor(startsAt / (15 * MINUTE)) * 15 * MINUTE;
    const { vehicle, component, purpose } = job;
    return { vehicle, component, purpose, technician, place, startsAt, endsAt: at, scheduledAt, hours, replacement };
  });
}

/** All jobs that the workshop carries out on `day`. */
export function planDay(yard: Yard, day: number): PlannedJob[] {
  const random = new Random(yard.seed, STREAM.plan, day);
  const midnight = day * DAY;
  const room = TECHNICIANS.map((_, i) => BOOKINGS_PER_DAY - (nightFleet(i, day) === undefined ? 0 : 1));
  const lists = assign(jobsDue(yard, day, random), room);
  return TECHNICIANS.flatMap((technician, i) => {
    const jobs = lists[i] ?? [];
    while (jobs.length < (room[i] ?? 0)) {
      const purpose = random.chance(0.7) ? "check" : "service";
      jobs.push({ vehicle: random.pick(yard.inUse), component: random.pick(technician.skills), purpose });
    }
    const end = midnight + DAY - (nightFleet(i, day + 1) === undefined ? 0 : NIGHT_JOB);
    const planned = layOut(jobs, technician, midnight, end, random);
    const fleet = yard.fleets[nightFleet(i, day) ?? -1];
    if (fleet === undefined) return planned;
    const night: PlannedJob = {
      vehicle: random.pick(fleet),
      component: random.pick(technician.skills),
      purpose: "service",
      technician,
      place: 0,
      startsAt: midnight - NIGHT_JOB,
      endsAt: midnight,
      scheduledAt: midnight,
      hours: 1,
      replacement: false,
    };
    return [night, ...planned];
  });
}
