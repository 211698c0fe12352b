// The period and the filters of a question, and the records that are left of the fleet under them.
import { readFleet } from "./pdm.js";
import type { Alert, Appointment, Claim, ComponentHealth, Fleet, Vehicle } from "./records.js";

export interface Options {
  /** The directory with the CSV files. */
  data: string;
  /** The moment that the services believe it is: 2016-01-01T06:00:00Z unless given. */
  now?: string;
  /** First instant of the period. */
  start: string;
  /** First instant after the period. */
  end: string;
  scale?: number;
  fleetId?: string;
  vehicleId?: string;
  component?: string;
}

export interface Scope {
  now: number;
  start: number;
  end: number;
  component: string | undefined;
  /** Everything, whatever the filters: costs that a figure compares with are those of the whole fleet. */
  fleet: Fleet;
  vehicles: Vehicle[];
  alerts: Alert[];
  appointments: Appointment[];
  claims: Claim[];
  technicians: Fleet["technicians"];
  /** By vehicle id: the overall score, or the component's under a component filter. */
  scores: Map<string, number>;
}

export function scopeOf(options: Options): Scope {
  const now = Date.parse(options.now ?? "2016-01-01T06:00:00Z");
  const fleet = fleetOf(options.data, now, options.scale ?? 1);
  const { component, fleetId, vehicleId } = options;
  const vehicles = fleet.vehicles
    .filter((vehicle) => fleetId === undefined || vehicle.fleet_id === fleetId)
    .filter((vehicle) => vehicleId === undefined || vehicle.vehicle_id === vehicleId);
  const ids = new Set(vehicles.map((vehicle) => vehicle.vehicle_id));
  const seen = (record: { vehicle_id: string }, type: string) =>
    ids.has(record.vehicle_id) && (component === undefined || component === type);
  const scored = vehicles.flatMap(({ vehicle_id }): [string, number][] => {
    const record = fleet.health.get(vehicle_id);
    const score = record && scoreOf(record, component);
    return score === undefined ? [] : [[vehicle_id, score]];
  });
  return {
    now,
    start: Date.parse(options.start),
    end: Date.parse(options.end),
    component,
    fleet,
    vehicles,
    alerts: fleet.alerts.filter((alert) => seen(alert, alert.metadata.component)),
    appointments: fleet.appointments.filter((appointment) => seen(appointment, appointment.component)),
    claims: fleet.claims.filter((claim) => seen(claim, claim.component)),
    technicians: fleet.technicians,
    scores: new Map(scored),
  };
}

/** Kept, because a test asks many questions of one data set; nothing changes a record once it is read. */
const read = new Map<string, Fleet>();

function fleetOf(data: string, now: number, scale: number): Fleet {
  const key = `${data} ${now} ${scale}`;
  const fleet = read.get(key) ?? readFleet(data, now, scale);
  read.set(key, fleet);
  return fleet;
}

export function scoreOf(
  record: { overall_health_score: number; components: readonly Pick<ComponentHealth, "type" | "health_score">[] },
  component: string | undefined,
): number | undefined {
  if (component === undefined) return record.overall_health_score;
  return record.components.find((candidate) => candidate.type === component)?.health_score;
}

/** Half-open: an instant equal to `to` is outside. */
export function within(instant: string | null, from: number, to: number): boolean {
  if (instant === null) return false;
  const moment = Date.parse(instant);
  return moment >= from && moment < to;
}

export function isOpen(alert: Alert): boolean {
  return alert.acknowledged_at === null && alert.resolved_at === null;
}

export function isSevere(alert: Alert): boolean {
  return alert.severity === "CRITICAL" || alert.severity === "EMERGENCY";
}

export function completed(appointments: readonly Appointment[], from: number, to: number): Appointment[] {
  return appointments.filter(
    (appointment) => appointment.status === "COMPLETED" && within(appointment.completed_at, from, to),
  );
}
