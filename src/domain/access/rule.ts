import type { MaskName } from "./masks.js";
import { type Permission, ROLES, type Role } from "./roles.js";

/**
 * Who may read a field. `public`: anybody, signed in or not. Else the role must be listed, and where permissions are
 * named the principal must hold one of them. `self` names an argument that, when it is the caller's own id, opens the
 * field to `selfRoles`.
 */
export interface Rule {
  readonly public?: true;
  readonly roles: readonly Role[];
  readonly permissions?: readonly string[];
  readonly self?: string;
  /** The roles that `self` holds for; all when left out. */
  readonly selfRoles?: readonly Role[];
  /** Only for whom no list of vehicles or fleets limits: it tells of the tenant as a whole. */
  readonly wholeTenant?: true;
  /** Only within the default tenant, whose administrators run the gateway. */
  readonly operators?: true;
  /** What roles other than `clear` see of it instead. Never of oneself. */
  readonly mask?: { readonly as: MaskName; readonly clear: readonly Role[] };
}

export const ANYBODY: Rule = { public: true, roles: ROLES };
export const SIGNED_IN: Rule = { roles: ROLES };
export const FLEET_STAFF: Rule = { roles: ["FLEET_MANAGER", "ADMIN", "SUPPORT"] };
/** Whoever may look at single vehicles, each within the own scope. Executives see figures only. */
export const VEHICLE_READERS: Rule = { roles: ["VEHICLE_OWNER", "FLEET_MANAGER", "TECHNICIAN", "ADMIN", "SUPPORT"] };
const PERSONAL_DATA_READERS: readonly Role[] = ["VEHICLE_OWNER", "FLEET_MANAGER", "TECHNICIAN", "ADMIN"];
export function seesPersonalData(role: Role): boolean {
  return PERSONAL_DATA_READERS.includes(role);
}
/** Tells who somebody is: not for those who only look on. */
export function masked(as: MaskName): Rule {
  return { roles: ROLES, mask: { as, clear: PERSONAL_DATA_READERS } };
}
export const FIGURE_READERS: Rule = { roles: ["FLEET_MANAGER", "ADMIN", "EXECUTIVE"] };
export const ALL_BUT_COST: Rule = { roles: ["FLEET_MANAGER", "ADMIN", "EXECUTIVE", "SUPPORT"] };
export const COST: Rule = { roles: ["VEHICLE_OWNER", "FLEET_MANAGER", "ADMIN", "EXECUTIVE"] };
export const ADMINISTRATORS: Rule = { roles: ["ADMIN"] };
export const BOOKING: Rule = {
  roles: ["VEHICLE_OWNER", "FLEET_MANAGER", "ADMIN"],
  permissions: ["book_appointments", "manage_appointments"],
};
export const ALERT_HANDLING: Rule = {
  roles: ["VEHICLE_OWNER", "FLEET_MANAGER", "TECHNICIAN", "ADMIN"],
  permissions: ["view_own_vehicles", "view_fleet", "manage_appointments", "update_job_status"],
};
/** For whoever runs the gateway: tenants, and which fleets are theirs. */
export const OPERATORS: Rule = { roles: ["ADMIN"], permissions: ["manage_tenant"], operators: true };

/** The same, for holders of one of the permissions only: tokens and keys may have fewer than their role. */
export function granted(rule: Rule, ...permissions: readonly Permission[]): Rule {
  return { ...rule, permissions };
}

export type Fields = Readonly<Record<string, Rule>>;

export function fields(rule: Rule, ...names: readonly string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, rule]));
}

export function connection(name: string): Record<string, Fields> {
  return {
    [`${name}Connection`]: fields(SIGNED_IN, "edges", "nodes", "pageInfo", "totalCount"),
    [`${name}Edge`]: fields(SIGNED_IN, "cursor", "node"),
  };
}
