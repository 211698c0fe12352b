import type { Role } from "./roles.js";

/** The tenant that exists from the start: of whoever names none, and of fleets that are nobody else's. */
export const DEFAULT_TENANT = "default";

/** Who is asking, as a verified token or key says. */
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
  /** Only figures over events of these areas; all when left out. */
  readonly areas?: readonly string[];
  /** What was shown, where it can be revoked by itself. */
  readonly credential?: { readonly kind: "session" | "api-key"; readonly id: string };
}

export const ALL = "*";

/** Which fleets are a tenant's, among all that the upstream services know. */
export interface TenantFleets {
  /** `ALL`: whatever is no other tenant's. */
  readonly own: typeof ALL | ReadonlySet<string>;
  readonly ofOthers: ReadonlySet<string>;
}

/** Of the default tenant while there is no other. */
export const ALL_FLEETS: TenantFleets = { own: ALL, ofOthers: new Set() };

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
  /** Never vehicles of these. */
  readonly foreignFleetIds: ReadonlySet<string>;
}

export function scopeOf(principal: Principal, fleets: TenantFleets): Scope {
  const named = principal.fleetIds.length === 0 || principal.fleetIds.includes(ALL) ? ALL : new Set(principal.fleetIds);
  return {
    tenantId: principal.tenantId,
    role: principal.role,
    vehicleIds: principal.vehicleIds.includes(ALL) ? ALL : new Set(principal.vehicleIds),
    fleetIds: intersection(fleets.own, named),
    foreignFleetIds: fleets.ofOthers,
  };
}

function intersection(a: Scope["fleetIds"], b: Scope["fleetIds"]): Scope["fleetIds"] {
  if (a === ALL) return b;
  return b === ALL ? a : new Set([...a].filter((id) => b.has(id)));
}

/** Names what a scope leaves of a tenant's fleets: equal names, the same fleets. */
export function fleetsName({ fleetIds, foreignFleetIds }: Scope): string {
  return JSON.stringify([fleetIds === ALL ? ALL : [...fleetIds].sort(), [...foreignFleetIds].sort()]);
}

/** Every key of a tenant's data begins with the tenant: nothing read for one can answer another. */
export function tenantKey(scope: Pick<Scope, "tenantId">, ...parts: readonly (string | number)[]): string {
  return [scope.tenantId, ...parts].join("|");
}

/** The tenant that a key belongs to. */
export function tenantOf(key: string): string {
  const end = key.indexOf("|");
  return end === -1 ? key : key.slice(0, end);
}
