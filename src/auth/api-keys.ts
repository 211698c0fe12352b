import { createHash, randomBytes, randomUUID } from "node:crypto";
import { type AuditLog, NO_REQUEST } from "../audit/index.js";
import { type Clock, DAY } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import type { ApiKeyRow, ApiKeys, Members, StoredApiKey } from "../db/index.js";
import { hasPermission } from "../domain/access/can.js";
import { isPermission } from "../domain/access/roles.js";
import { ALL, type Principal } from "../domain/access/scope.js";

const PREFIX = "cnk_";
/** Enough of a key to tell it from others, far too little to guess it. */
const SHOWN = PREFIX.length + 6;
const DEFAULT_DAYS = 90;
const MOST_DAYS = 366;
const MAX_NAME_LENGTH = 100;

export interface NewApiKeyInput {
  readonly name: string;
  /** What of the user's permissions the key has; all when left out. */
  readonly permissions?: readonly string[] | null | undefined;
  readonly vehicleIds?: readonly string[] | null | undefined;
  readonly fleetIds?: readonly string[] | null | undefined;
  readonly expiresInDays?: number | null | undefined;
}

export function isApiKey(credential: string): boolean {
  return credential.startsWith(PREFIX);
}

/** Whom a key acts for: its user, with what both of them may do. */
export function principalOfKey(key: StoredApiKey): Principal {
  const fleetIds = key.userFleetIds.length === 0 ? key.fleetIds : intersect(key.userFleetIds, key.fleetIds);
  // An empty list of fleets means all of them: two lists without a common fleet must not become that.
  const isNowhere = fleetIds.length === 0 && key.userFleetIds.length + key.fleetIds.length > 0;
  return {
    userId: key.userId,
    username: key.username,
    tenantId: key.tenantId,
    role: key.base,
    permissions: narrowed(key.rolePermissions, key.permissions),
    vehicleIds: isNowhere ? [] : narrowed(key.userVehicleIds, key.vehicleIds),
    fleetIds,
    credential: { kind: "api-key", id: key.id },
  };
}

/** Both lists may hold `*` for everything. */
function narrowed(of: readonly string[], to: readonly string[] | null): readonly string[] {
  if (to === null || to.includes(ALL)) return of;
  return of.includes(ALL) ? to : intersect(of, to);
}

function intersect(a: readonly string[], b: readonly string[]): readonly string[] {
  return b.length === 0 ? a : a.filter((item) => b.includes(item));
}

/** Making and ending the credentials of programs. */
export class ApiKeyAdmin {
  constructor(
    readonly deps: {
      readonly keys: ApiKeys;
      readonly members: Members;
      readonly audit: AuditLog;
      readonly clock: Clock;
    },
  ) {}

  /**
   * Makes a key that acts for the caller. The key itself is told once and kept nowhere.
   * @throws PublicError BAD_USER_INPUT, FORBIDDEN for a caller that is itself a key
   */
  async create(principal: Principal, input: NewApiKeyInput): Promise<{ key: string; apiKey: ApiKeyRow }> {
    if (principal.credential?.kind === "api-key") throw new PublicError("FORBIDDEN", "A key makes no keys");
    const { tenantId, userId } = principal;
    const name = input.name.trim();
    if (name === "" || name.length > MAX_NAME_LENGTH)
      throw invalid(`expected a name of 1 to ${MAX_NAME_LENGTH} characters`, "name");
    const days = input.expiresInDays ?? DEFAULT_DAYS;
    if (days < 1 || days > MOST_DAYS) throw invalid(`expected 1 to ${MOST_DAYS} days, got ${days}`, "expiresInDays");
    const permissions = input.permissions ?? null;
    for (const permission of permissions ?? []) {
      if (!isPermission(permission) || !hasPermission(principal, [permission])) {
        throw invalid(`"${permission}" is none of your permissions`, "permissions");
      }
    }
    if (!(await this.deps.members.find(tenantId, userId)))
      throw invalid("Only users of this gateway have keys", "name");
    const key = PREFIX + randomBytes(32).toString("base64url");
    const id = randomUUID();
    const now = this.deps.clock();
    const apiKey = await this.deps.keys.create(
      {
        id,
        tenantId,
        userId,
        name,
        hash: new Uint8Array(createHash("sha256").update(key).digest()),
        prefix: key.slice(0, SHOWN),
        permissions,
        vehicleIds: input.vehicleIds ?? [ALL],
        fleetIds: input.fleetIds ?? [],
        createdAt: new Date(now),
        expiresAt: new Date(now + days * DAY),
      },
      this.#record(principal, "apiKey.create", id, { name, permissions, days }),
    );
    return { key, apiKey };
  }

  /** One's own keys, or everybody's for who manages users. */
  list(principal: Principal): Promise<ApiKeyRow[]> {
    return this.deps.keys.list(principal.tenantId, managesUsers(principal) ? null : principal.userId);
  }

  ofUser(tenantId: string, userId: string): Promise<ApiKeyRow[]> {
    return this.deps.keys.list(tenantId, userId);
  }

  /** @throws PublicError NOT_FOUND, also for the key of somebody else */
  async revoke(principal: Principal, id: string): Promise<ApiKeyRow> {
    const found = await this.deps.keys.find(principal.tenantId, id);
    if (!found || (found.userId !== principal.userId && !managesUsers(principal))) {
      throw new PublicError("NOT_FOUND", `There is no API key "${id}"`, { field: "id" });
    }
    const now = new Date(this.deps.clock());
    await this.deps.keys.revoke(id, now, this.#record(principal, "apiKey.revoke", id, { name: found.name }));
    return { ...found, revokedAt: found.revokedAt ?? now };
  }

  #record({ tenantId, userId, role }: Principal, action: string, id: string, details: Record<string, unknown>) {
    const resource = `api-keys/${id}`;
    return this.deps.audit.record({ ...NO_REQUEST, tenantId, userId, role, action, resource, details, source: "user" });
  }
}

export function managesUsers(principal: Principal): boolean {
  return principal.role === "ADMIN" && hasPermission(principal, ["manage_users"]);
}

function invalid(message: string, field: string): PublicError {
  return new PublicError("BAD_USER_INPUT", message, { field });
}
