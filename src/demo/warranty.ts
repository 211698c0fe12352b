import type { Component } from "./components.js";
import { addYears, DAY, isoDate } from "./time.js";
import { odometerAt, type Vehicle } from "./vehicles.js";

interface Coverage {
  readonly type: string;
  readonly years: number;
  /** Mileage limit in km; null is unlimited. */
  readonly km: number | null;
  readonly covers: (component: Component) => boolean;
  readonly offered: (vehicle: Vehicle) => boolean;
}

const everyVehicle = (): boolean => true;

/** From the widest cover to the narrowest: what a vehicle has is the first that still runs. */
const COVERAGES: readonly Coverage[] = [
  { type: "Basic", years: 3, km: 36_000, covers: (component) => component !== "brakes", offered: everyVehicle },
  {
    type: "Powertrain",
    years: 5,
    km: 100_000,
    covers: (component) => component === "engine" || component === "transmission",
    offered: everyVehicle,
  },
  { type: "Extended", years: 7, km: 150_000, covers: () => true, offered: (vehicle) => vehicle.extendedWarranty },
  { type: "Corrosion", years: 7, km: null, covers: () => false, offered: everyVehicle },
];

export interface Eligibility {
  readonly is_eligible: boolean;
  readonly coverage_type: string | null;
  readonly expiry_date: string | null;
  readonly mileage_limit: number | null;
  readonly current_mileage: number;
  readonly days_remaining: number;
}

function running(vehicle: Vehicle, at: number): Coverage[] {
  const mileage = odometerAt(vehicle, at);
  return COVERAGES.filter(
    ({ years, km, offered }) =>
      offered(vehicle) && at < addYears(vehicle.inServiceSince, years) && (km === null || mileage <= km),
  );
}

/** True if a failure of `component` at that moment is covered. */
export const isCovered = (vehicle: Vehicle, component: Component, at: number): boolean =>
  running(vehicle, at).some((coverage) => coverage.covers(component));

/**
 * The coverage that a vehicle has at a moment. With a component: the coverage that pays for it, and ineligible if
 * there is none. Mileages in km.
 */
export function eligibilityOf(vehicle: Vehicle, at: number, component?: Component): Eligibility {
  const coverage = running(vehicle, at).find(({ covers }) => component === undefined || covers(component));
  const current_mileage = odometerAt(vehicle, at);
  if (coverage === undefined) {
    const none = { coverage_type: null, expiry_date: null, mileage_limit: null, days_remaining: 0 };
    return { is_eligible: false, ...none, current_mileage };
  }
  const expiry = addYears(vehicle.inServiceSince, coverage.years);
  return {
    is_eligible: true,
    coverage_type: coverage.type,
    expiry_date: isoDate(expiry),
    mileage_limit: coverage.km,
    current_mileage,
    days_remaining: Math.ceil((expiry - at) / DAY),
  };
}
