import type { StoredMember } from "../db/index.js";
import { ROLE_DASHBOARDS, type Role } from "../domain/access/roles.js";

/** A user as the API shows one: the account, and what it may do in one tenant. */
export interface UserProfile {
  readonly id: string;
  readonly username: string | null;
  readonly email: string | null;
  readonly role: Role;
  /** Id of the role that names the permissions: built in or the tenant's own. Null: the token alone says so. */
  readonly roleId: string | null;
  readonly permissions: readonly string[];
  readonly vehicleIds: readonly string[];
  readonly fleetIds: readonly string[];
  readonly dashboards: readonly string[];
  readonly disabled: boolean;
  readonly lastLoginAt: number | null;
}

export function profileOf({ user, role, vehicleIds, fleetIds }: StoredMember): UserProfile {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    role: role.base,
    roleId: role.id,
    permissions: role.permissions.map(({ name }) => name),
    vehicleIds,
    fleetIds,
    dashboards: ROLE_DASHBOARDS[role.base],
    disabled: user.disabled,
    lastLoginAt: user.lastLoginAt?.getTime() ?? null,
  };
}
