import type { Principal, Scope } from "./scope.js";
import { ALL } from "./scope.js";

/** Whether a vehicle lies within a scope. A vehicle without a fleet is outside every scope that is limited to fleets. */
export function canSeeVehicle(
  scope: Scope,
  vehicle: { readonly id: string; readonly fleetId: string | null },
): boolean {
  if (scope.vehicleIds !== ALL && !scope.vehicleIds.has(vehicle.id)) return false;
  return vehicle.fleetId === null ? scope.fleetIds === ALL : canNameFleet(scope, vehicle.fleetId);
}

/** Technicians see the vehicles of the jobs that are assigned to them, unless their token names vehicles. */
export function seesJobsOnly(scope: Scope): boolean {
  return scope.role === "TECHNICIAN" && scope.vehicleIds === ALL;
}

/** Whether nothing of what the upstream services tell lies outside. */
export function canSeeEverything(scope: Scope): boolean {
  return !seesJobsOnly(scope) && scope.vehicleIds === ALL && scope.fleetIds === ALL && scope.foreignFleetIds.size === 0;
}

/** Whether a vehicle id may be asked for at all: decided without a lookup, so that a refusal tells nothing. */
export function canNameVehicle(scope: Scope, vehicleId: string): boolean {
  return scope.vehicleIds === ALL || scope.vehicleIds.has(vehicleId);
}

export function canNameFleet(scope: Scope, fleetId: string): boolean {
  return (scope.fleetIds === ALL || scope.fleetIds.has(fleetId)) && !scope.foreignFleetIds.has(fleetId);
}

/** Whether somebody may see less than all of the tenant. */
export function isLimited({ vehicleIds, fleetIds }: Pick<Principal, "vehicleIds" | "fleetIds">): boolean {
  return !vehicleIds.includes(ALL) || (fleetIds.length > 0 && !fleetIds.includes(ALL));
}

export function hasPermission(principal: Principal, anyOf: readonly string[]): boolean {
  return principal.permissions.includes(ALL) || anyOf.some((permission) => principal.permissions.includes(permission));
}
