import { type Clock, SECOND } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import type { StoredUser, Users } from "../db/index.js";
import { ROLE_DASHBOARDS, ROLE_PERMISSIONS, type Role } from "../domain/access/roles.js";
import type { Principal } from "../domain/access/scope.js";
import type { Logger } from "../ops/logs.js";
import { checkPassword } from "./passwords.js";
import type { Tokens } from "./tokens.js";

/** A user as the API shows one. */
export interface UserProfile {
  readonly id: string;
  readonly username: string | null;
  readonly email: string | null;
  readonly role: Role;
  readonly permissions: readonly string[];
  readonly vehicleIds: readonly string[];
  readonly fleetIds: readonly string[];
  readonly dashboards: readonly string[];
  readonly lastLoginAt: number | null;
}

export interface AccountDeps {
  readonly users: Users;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long a disabled user may go unnoticed by a replica that did not disable it. */
const DISABLED_REFRESH_MS = 5 * SECOND;

/** Signing in, and knowing who is asking. */
export class Accounts {
  #disabled: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly deps: AccountDeps) {}

  async start(): Promise<void> {
    this.#disabled = await this.deps.users.disabledIds();
    this.#timer = setInterval(async () => {
      try {
        this.#disabled = await this.deps.users.disabledIds();
      } catch (error) {
        // Reads with a valid token go on while the database is away.
        this.deps.log.warn(
          { error: String(error) },
          "disabled users cannot be read; the last known ones stay in force",
        );
      }
    }, DISABLED_REFRESH_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** @throws PublicError UNAUTHENTICATED */
  authenticate(token: string): Principal {
    const principal = this.deps.tokens.verify(token);
    if (this.#disabled.has(principal.userId))
      throw new PublicError("UNAUTHENTICATED", "Not signed in: this user is disabled");
    return principal;
  }

  /** @throws PublicError UNAUTHENTICATED, the same for an unknown user, a wrong password and a disabled user */
  async login(tenantId: string, username: string, password: string) {
    const user = username.includes("\0") ? null : await this.deps.users.byName(tenantId, username);
    const matches = await checkPassword(user?.passwordHash ?? null, password);
    if (!user || !matches || user.disabled) throw new PublicError("UNAUTHENTICATED", "Invalid credentials");
    const now = this.deps.clock();
    await this.deps.users.signedIn(user.id, now);
    const profile = profileOf({ ...user, lastLoginAt: new Date(now) });
    return { ...this.deps.tokens.issue({ ...profile, userId: user.id, tenantId }), tokenType: "bearer", user: profile };
  }

  /** A principal's own profile; a token issued elsewhere need not have a user here. */
  async me(principal: Principal): Promise<UserProfile> {
    const user = await this.deps.users.byId(principal.tenantId, principal.userId);
    const { userId: id, username, role, permissions, vehicleIds, fleetIds } = principal;
    return {
      id,
      username: username ?? user?.username ?? null,
      email: user?.email ?? null,
      role,
      permissions,
      vehicleIds,
      fleetIds,
      dashboards: ROLE_DASHBOARDS[role],
      lastLoginAt: user?.lastLoginAt?.getTime() ?? null,
    };
  }

  /** @throws PublicError NOT_FOUND */
  async profile(principal: Principal, id: string): Promise<UserProfile> {
    if (id === principal.userId) return this.me(principal);
    const user = await this.deps.users.byId(principal.tenantId, id);
    if (!user) throw new PublicError("NOT_FOUND", `There is no user "${id}"`, { id });
    return profileOf(user);
  }
}

export function profileOf(user: StoredUser): UserProfile {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    role: user.role,
    permissions: ROLE_PERMISSIONS[user.role],
    vehicleIds: user.vehicleIds,
    fleetIds: user.fleetIds,
    dashboards: ROLE_DASHBOARDS[user.role],
    lastLoginAt: user.lastLoginAt?.getTime() ?? null,
  };
}
