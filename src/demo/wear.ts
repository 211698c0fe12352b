/**
 * How components age. Each goes through wear cycles: as new, worn along a curve, then restored in the workshop on the
 * cycle's last day. Alerts, appointments, decisions and claims follow from how a cycle ends, so all services tell one
 * story.
 */
import { COMPONENTS, type Component } from "./components.js";
import { hash, Random, round, STREAM, unit } from "./random.js";
import { DAY, dayOf } from "./time.js";
import type { Vehicle } from "./vehicles.js";

/** How a cycle ends: serviced in time, repaired after a critical alert, or broken down on the road. */
export type Outcome = "preventive" | "repair" | "emergency";

export interface Cycle {
  /** Length in days. */
  readonly life: number;
  /** Days since the cycle began, from 0 to life - 1. */
  readonly position: number;
  readonly outcome: Outcome;
  /** Health lost by the end of the cycle (0-1). */
  readonly depth: number;
  /** Shape of the curve: 1 wears evenly, more wears late. */
  readonly exponent: number;
}

const SHORTEST_LIFE = 150;
const LIFE_SPREAD = 180;
/** Health below which a component counts as worn out. */
const END_OF_LIFE = 0.2;
const DEPTH: Readonly<Record<Outcome, readonly [number, number]>> = {
  preventive: [0.32, 0.52],
  repair: [0.66, 0.78],
  emergency: [0.84, 0.96],
};

function outcomeOf(draw: number, neglected: boolean): Outcome {
  const [emergency, repair] = neglected ? [0.6, 1] : [0.12, 0.4];
  if (draw < emergency) return "emergency";
  return draw < repair ? "repair" : "preventive";
}

/** The number that a component's rhythm of wear is taken from. */
const rhythmOf = (vehicle: Vehicle, component: Component): number =>
  hash(vehicle.seed, STREAM.wear, vehicle.number, COMPONENTS.indexOf(component));
const lifeOf = (rhythm: number): number => SHORTEST_LIFE + (rhythm % LIFE_SPREAD);
/** Days since the component's first cycle began, long before any day in question. */
const ageOf = (rhythm: number, day: number): number => day + (rhythm >>> 8);

/** True on the last day of a cycle: the day on which the component is restored. */
export function isDue(vehicle: Vehicle, component: Component, day: number): boolean {
  const rhythm = rhythmOf(vehicle, component);
  const life = lifeOf(rhythm);
  return ageOf(rhythm, day) % life === life - 1;
}

/** The cycle that a component is in on UTC day `day`. */
export function cycleOn(vehicle: Vehicle, component: Component, day: number): Cycle {
  const rhythm = rhythmOf(vehicle, component);
  const life = lifeOf(rhythm);
  const age = ageOf(rhythm, day);
  const count = Math.floor(age / life);
  const random = new Random(vehicle.seed, STREAM.outcome, vehicle.number, COMPONENTS.indexOf(component), count);
  const outcome = outcomeOf(random.next(), vehicle.neglected);
  return {
    life,
    position: age % life,
    outcome,
    depth: random.between(...DEPTH[outcome]),
    exponent: vehicle.neglected ? 0.9 : random.between(1.8, 2.8),
  };
}

/** Health (0-1) of a component at a moment. */
export function scoreAt(vehicle: Vehicle, component: Component, at: number): number {
  const day = dayOf(at);
  const { life, position, depth, exponent } = cycleOn(vehicle, component, day);
  const worn = (position + at / DAY - day) / life;
  const noise = 0.012 * (unit(vehicle.seed, STREAM.noise, vehicle.number, COMPONENTS.indexOf(component), day) - 0.5);
  return round(Math.min(1, Math.max(0, 0.99 - depth * worn ** exponent + noise)), 3);
}

/** Days from `at` until the component would be worn out if nobody serviced it. */
export function remainingDays(vehicle: Vehicle, component: Component, at: number): number {
  const day = dayOf(at);
  const { life, position, depth, exponent } = cycleOn(vehicle, component, day);
  const end = life * ((0.99 - END_OF_LIFE) / depth) ** (1 / exponent);
  return Math.max(0, Math.round(end - (position + at / DAY - day)));
}
