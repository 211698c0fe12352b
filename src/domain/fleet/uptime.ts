import { mean, percent, round, roundOrNull } from "../../base/numbers.js";
import { calendarYears, type TimeRange } from "../../base/time-range.js";
import { finishedIn } from "./cost.js";
import type { Appointment, Vehicle, VehicleStatus } from "./records.js";

export function countStatus(vehicles: readonly Vehicle[], status: VehicleStatus): number {
  return vehicles.filter((v) => v.status === status).length;
}

export interface UptimeFigures {
  readonly totalVehicles: number;
  readonly operationalVehicles: number;
  readonly inMaintenance: number;
  readonly uptimePct: number | null;
  readonly averageVehicleAgeYears: number | null;
  readonly averageMileageKm: number | null;
}

/** Operational means ACTIVE. Ages are as of `at`, from the start of service, else 1 January of the model year. */
export function uptimeFigures(vehicles: readonly Vehicle[], at: number): UptimeFigures {
  const active = countStatus(vehicles, "ACTIVE");
  const ages = vehicles.flatMap((vehicle) => {
    const since = vehicle.inServiceSince ?? (vehicle.year === null ? null : Date.UTC(vehicle.year, 0, 1));
    return since === null || since > at ? [] : [calendarYears(since, at)];
  });
  return {
    totalVehicles: vehicles.length,
    operationalVehicles: active,
    inMaintenance: countStatus(vehicles, "IN_MAINTENANCE"),
    uptimePct: percent(active, vehicles.length),
    averageVehicleAgeYears: roundOrNull(mean(ages), 2),
    averageMileageKm: roundOrNull(mean(vehicles.flatMap((v) => (v.odometerKm === null ? [] : [v.odometerKm]))), 2),
  };
}

/** Services finished in the range per vehicle and calendar year, two decimals; 0 without services or vehicles. */
export function serviceFrequency(appointments: readonly Appointment[], vehicles: number, range: TimeRange): number {
  const services = finishedIn(appointments, range).length;
  return vehicles === 0 ? 0 : round(services / vehicles / calendarYears(range.start, range.end), 2);
}
