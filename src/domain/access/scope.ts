import type { Role } from "./roles.js";

/** Who is asking, as a verified token says. */
export interface Principal {
  readonly userId: string;
  readonly username: string | null;
  readonly tenantId: string;
  readonly role: Role;
  readonly permissions: readonly string[];
  /** Vehicle ids, or `["*"]` for all of the tenant's. */
  readonly vehicleIds: readonly string[];
  /** Fleet ids; empty means all of the tenant's. */
  readonly fleetIds: readonly string[];
}

export const ALL = "*";

/**
 * What part of the data somebody may see: the only thing that decides it, and the part of every cache key that keeps
 * one caller's answer from another. Two users with equal scopes share.
 */
export interface Scope {
  readonly tenantId: string;
  readonly role: Role;
  /** `ALL`, or exactly these vehicles. */
  readonly vehicleIds: typeof ALL | ReadonlySet<string>;
  /** `ALL`, or only vehicles of these fleets. */
  readonly fleetIds: typeof ALL | ReadonlySet<string>;
}

export function scopeOf(principal: Principal): Scope {
  return {
    tenantId: principal.tenantId,
    role: principal.role,
    vehicleIds: principal.vehicleIds.includes(ALL) ? ALL : new Set(principal.vehicleIds),
    fleetIds: principal.fleetIds.length === 0 || principal.fleetIds.includes(ALL) ? ALL : new Set(principal.fleetIds),
  };
}

/** Every key of a tenant's data begins with the tenant: nothing read for one can answer another. */
export function tenantKey(scope: Pick<Scope, "tenantId">, ...parts: readonly (string | number)[]): string {
  return [scope.tenantId, ...parts].join("|");
}
