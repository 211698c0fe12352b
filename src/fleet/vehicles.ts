import { PublicError } from "../base/errors.js";
import { once } from "../base/once.js";
import { isLimited } from "../domain/access/can.js";
import { bandOf } from "../domain/fleet/health.js";
import type { HealthTable } from "../domain/fleet/health-table.js";
import type { Band, Vehicle, VehicleStatus } from "../domain/fleet/records.js";
import { FleetData, WHOLE_FLEET } from "./fleet-data.js";
import type { Viewer } from "./viewer.js";

export interface VehicleFilter {
  readonly fleetId?: string | null | undefined;
  readonly status?: readonly VehicleStatus[] | null | undefined;
  readonly band?: readonly Band[] | null | undefined;
  readonly componentBelow?: { readonly component: string; readonly score: number } | null | undefined;
  readonly text?: string | null | undefined;
}

export type VehicleOrderField = "ID" | "HEALTH_SCORE" | "ODOMETER" | "LAST_SEEN";

/** A vehicle and the value it is ordered by; null sorts last either way. */
export interface RankedVehicle {
  readonly vehicle: Vehicle;
  readonly rank: number | string | null;
}

/**
 * The vehicles outside of which the viewer may see nothing; null for a viewer who may see all of the tenant.
 * @throws PublicError when the vehicle list is needed and not available
 */
export async function limitedTo(viewer: Viewer): Promise<string[] | null> {
  if (!isLimited(viewer.principal)) return null;
  const data = new FleetData(viewer, viewer.reader(false), WHOLE_FLEET);
  return required(await data.scopeVehicles(), data).map(({ id }) => id);
}

/**
 * The visible vehicles that match, not yet ordered; the very same array for as long as the fleet is the same, where no
 * filter is set. Health is loaded only when the question is about it.
 * @throws PublicError when the vehicle list, or health where it is asked about, is not available
 */
export async function findVehicles(
  viewer: Viewer,
  filter: VehicleFilter,
  orderBy: VehicleOrderField,
  refresh?: boolean | null,
): Promise<RankedVehicle[]> {
  const data = new FleetData(viewer, viewer.reader(refresh), {
    fleetId: filter.fleetId ?? null,
    vehicleId: null,
    component: null,
  });
  const vehicles = required(await data.vehicles(), data);
  const isAll = filter.status == null && !filter.text;
  const matching = isAll ? vehicles : vehicles.filter((vehicle) => matches(vehicle, filter));
  const aboutHealth = filter.band != null || filter.componentBelow != null;
  if (!aboutHealth && orderBy !== "HEALTH_SCORE") {
    return once(matching, `ranked|${orderBy}`, () =>
      matching.map((vehicle) => ({ vehicle, rank: rankOf(vehicle, orderBy) })),
    );
  }
  const table = required(await data.health(), data);
  const all = (): (RankedVehicle & { readonly place: number })[] => {
    return vehicles.map((vehicle, place) => ({
      vehicle,
      place,
      rank: orderBy === "HEALTH_SCORE" ? numberOrNull(table.scores[place]) : rankOf(vehicle, orderBy),
    }));
  };
  const ranked = once(table, `ranked|${orderBy}`, all);
  if (isAll && !aboutHealth) return ranked;
  return ranked.filter(({ vehicle, place }) => matches(vehicle, filter) && matchesHealth(table, place, filter));
}

function numberOrNull(value = Number.NaN): number | null {
  return Number.isNaN(value) ? null : value;
}

function required<T>(value: T | null, data: FleetData): T {
  if (value !== null) return value;
  const reason = data.ledger.warnings.map(({ source, error }) => `${source}: ${error}`).join("; ");
  throw new PublicError("UPSTREAM_UNAVAILABLE", reason || "A source is not available");
}

function rankOf(vehicle: Vehicle, orderBy: VehicleOrderField): number | string | null {
  if (orderBy === "ODOMETER") return vehicle.odometerKm;
  return orderBy === "LAST_SEEN" ? vehicle.lastSeenAt : vehicle.id;
}

function matches(vehicle: Vehicle, filter: VehicleFilter): boolean {
  if (filter.status != null && !filter.status.includes(vehicle.status)) return false;
  if (!filter.text) return true;
  const wanted = filter.text.toLowerCase();
  const told = [vehicle.id, vehicle.vin, vehicle.make, vehicle.model, vehicle.ownerId, vehicle.position?.region];
  return told.some((value) => value?.toLowerCase().includes(wanted));
}

function matchesHealth({ scores, components }: HealthTable, place: number, { band, componentBelow }: VehicleFilter) {
  const score = numberOrNull(scores[place]);
  if (band != null && (score === null || !band.includes(bandOf(score)))) return false;
  if (componentBelow == null) return true;
  const part = components.get(componentBelow.component)?.scores[place] ?? Number.NaN;
  return part < componentBelow.score;
}
