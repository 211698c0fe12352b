import { PublicError } from "../base/errors.js";
import { once } from "../base/once.js";
import { isLimited } from "../domain/access/can.js";
import { bandOf } from "../domain/fleet/health.js";
import type { Band, Health, Vehicle, VehicleStatus } from "../domain/fleet/records.js";
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
  const healths = required(await data.health(), data);
  const rank = (): RankedVehicle[] => {
    const byVehicle = once(healths, "byVehicle", () => new Map(healths.map((health) => [health.vehicleId, health])));
    const found = aboutHealth
      ? matching.filter((vehicle) => matchesHealth(byVehicle.get(vehicle.id), filter))
      : matching;
    return found.map((vehicle) => ({
      vehicle,
      rank: orderBy === "HEALTH_SCORE" ? (byVehicle.get(vehicle.id)?.score ?? null) : rankOf(vehicle, orderBy),
    }));
  };
  return isAll && !aboutHealth ? once(healths, "ranked", rank) : rank();
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

function matchesHealth(health: Health | undefined, filter: VehicleFilter): boolean {
  if (filter.band != null && !(health && filter.band.includes(bandOf(health.score)))) return false;
  const below = filter.componentBelow;
  return (
    below == null || (health?.components.some((c) => c.type === below.component && c.score < below.score) ?? false)
  );
}
