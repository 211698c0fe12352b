import { createHash, randomBytes, randomUUID } from "node:crypto";
import { type AuditLog, NO_REQUEST } from "../audit/index.js";
import { type Clock, DAY } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import type { Members, Sessions, StoredMember, StoredSession } from "../db/index.js";
import { ROLE_DASHBOARDS } from "../domain/access/roles.js";
import type { Principal } from "../domain/access/scope.js";
import { isApiKey, principalOfKey } from "./api-keys.js";
import type { LoginThrottle } from "./login-throttle.js";
import { checkPassword } from "./passwords.js";
import { profileOf, type UserProfile } from "./profile.js";
import type { Standing } from "./standing.js";
import type { Tokens, VerifiedToken } from "./tokens.js";

export interface AccountDeps {
  readonly members: Members;
  readonly sessions: Sessions;
  readonly standing: Standing;
  readonly tokens: Tokens;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** Null: guessing is not slowed down. */
  readonly throttle: LoginThrottle | null;
}

/** What signing in or renewing gives. */
export interface SignedIn {
  readonly accessToken: string;
  readonly tokenType: "bearer";
  /** Seconds until the access token expires. */
  readonly expiresIn: number;
  /** Good once, for the next access token. */
  readonly refreshToken: string;
  /** Seconds until the refresh token expires. */
  readonly refreshExpiresIn: number;
  readonly user: UserProfile;
}

/** From where somebody signs in. */
export interface Client {
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export const NO_CLIENT: Client = { ip: null, userAgent: null };

/** A refresh token that is not used for so long has expired; each use gives a new one. */
const REFRESH_MS = 14 * DAY;
/** No session is renewed beyond it: then the password is asked for again. */
const SESSION_MS = 90 * DAY;

/** Signing in and out, and knowing who is asking. */
export class Accounts {
  constructor(readonly deps: AccountDeps) {}

  /**
   * @param credential a token, or an API key
   * @throws PublicError UNAUTHENTICATED
   */
  async authenticate(credential: string): Promise<Principal> {
    return this.recognise(credential) ?? this.#inGoodStanding(await this.deps.tokens.verify(credential));
  }

  /**
   * Whoever shows a key, or a token that has been looked at before; null for a token that has to be looked at.
   * @throws PublicError UNAUTHENTICATED
   */
  recognise(credential: string): Principal | null {
    const { standing, tokens } = this.deps;
    if (isApiKey(credential)) return principalOfKey(standing.apiKey(credential));
    const known = tokens.recall(credential);
    return known ? this.#inGoodStanding(known) : null;
  }

  #inGoodStanding(token: VerifiedToken): Principal {
    this.deps.standing.assertGood(token.principal, token);
    return token.principal;
  }

  /**
   * @param tenantId home tenant of the account
   * @throws PublicError UNAUTHENTICATED, the same for an unknown user, a wrong password and a disabled user; RATE_LIMITED
   */
  async login(tenantId: string, username: string, password: string, client: Client): Promise<SignedIn> {
    const succeeded = await this.deps.throttle?.attempt(tenantId, username, client.ip);
    const member = username.includes("\0") ? null : await this.deps.members.byName(tenantId, username);
    const matches = await checkPassword(member?.user.passwordHash ?? null, password);
    if (!member || !matches || !mayAct(member)) throw new PublicError("UNAUTHENTICATED", "Invalid credentials");
    await succeeded?.();
    const now = this.deps.clock();
    const refresh = newRefreshToken(now);
    const session = {
      id: randomUUID(),
      userId: member.userId,
      tenantId: member.tenantId,
      createdAt: new Date(now),
      expiresAt: new Date(now + SESSION_MS),
      ...client,
    };
    await this.deps.sessions.create(session, refresh.stored);
    await this.deps.members.signedIn(member.userId, now);
    return this.#signedIn({ ...member, user: { ...member.user, lastLoginAt: new Date(now) } }, session.id, refresh);
  }

  /**
   * Exchanges a refresh token for new tokens, of another of the user's tenants if asked to.
   * @throws PublicError UNAUTHENTICATED; a token that has been used before ends its session
   */
  async refresh(refreshToken: string, tenantId: string | null): Promise<SignedIn> {
    const { members, sessions, clock } = this.deps;
    const now = clock();
    const refresh = newRefreshToken(now);
    const hash = hashOf(refreshToken);
    const known = await sessions.sessionOf(hash);
    // Before the token is spent: whoever asks for a tenant that is not theirs keeps the session.
    const member = known && (await members.find(tenantId ?? known.tenantId, known.userId));
    if (!member || !mayAct(member)) throw notRenewable();
    const rotation = await sessions.rotate(hash, refresh.stored, new Date(now), member.tenantId);
    if (rotation.kind === "reused") {
      const { id, userId, tenantId: tenant } = rotation.session;
      await sessions.revoke(id, new Date(now), this.#record(tenant, userId, "session.reuse", `sessions/${id}`));
    }
    if (rotation.kind !== "rotated") throw notRenewable();
    return this.#signedIn(member, rotation.session.id, refresh);
  }

  /** Ends the session of the token shown, or all sessions of its user, at once. */
  async logout(principal: Principal, everywhere: boolean): Promise<void> {
    const { sessions, clock } = this.deps;
    const { tenantId, userId, credential } = principal;
    const now = new Date(clock());
    if (everywhere) {
      await sessions.revokeAll(userId, now, this.#record(tenantId, userId, "session.revokeAll", `users/${userId}`));
    } else if (credential?.kind === "session") {
      const { id } = credential;
      await sessions.revoke(id, now, this.#record(tenantId, userId, "session.revoke", `sessions/${id}`));
    } else {
      throw new PublicError("BAD_USER_INPUT", "This token belongs to no session here: it ends when it expires");
    }
  }

  /** Open sessions of the caller in the tenant acted in, latest first. */
  sessions({ tenantId, userId }: Pick<Principal, "tenantId" | "userId">): Promise<StoredSession[]> {
    return this.deps.sessions.list(tenantId, userId, new Date(this.deps.clock()));
  }

  /** @throws PublicError NOT_FOUND, also for somebody else's */
  async revokeSession({ tenantId, userId }: Principal, id: string): Promise<StoredSession> {
    const { sessions, clock } = this.deps;
    const session = await sessions.find(tenantId, id);
    if (session?.userId !== userId) throw new PublicError("NOT_FOUND", `There is no session "${id}"`, { field: "id" });
    await sessions.revoke(id, new Date(clock()), this.#record(tenantId, userId, "session.revoke", `sessions/${id}`));
    return session;
  }

  /** A principal's own profile; a token issued elsewhere need not have a user here. */
  async me(principal: Principal): Promise<UserProfile> {
    const { userId: id, tenantId, username, role, permissions, vehicleIds, fleetIds } = principal;
    const member = await this.deps.members.find(tenantId, id);
    return {
      id,
      username: username ?? member?.user.username ?? null,
      email: member?.user.email ?? null,
      role,
      roleId: member?.roleId ?? null,
      permissions,
      vehicleIds,
      fleetIds,
      dashboards: ROLE_DASHBOARDS[role],
      disabled: false,
      lastLoginAt: member?.user.lastLoginAt?.getTime() ?? null,
    };
  }

  /** @throws PublicError NOT_FOUND */
  async profile(principal: Principal, id: string): Promise<UserProfile> {
    if (id === principal.userId) return this.me(principal);
    const member = await this.deps.members.find(principal.tenantId, id);
    if (!member) throw new PublicError("NOT_FOUND", `There is no user "${id}"`, { id });
    return profileOf(member);
  }

  #signedIn(member: StoredMember, sessionId: string, refresh: { token: string }): SignedIn {
    const user = profileOf(member);
    const { tenantId, version } = member;
    const issued = this.deps.tokens.issue({ ...user, userId: user.id, tenantId }, { sessionId, version });
    return {
      ...issued,
      tokenType: "bearer",
      refreshToken: refresh.token,
      refreshExpiresIn: REFRESH_MS / 1000,
      user,
    };
  }

  #record(tenantId: string, userId: string, action: string, resource: string) {
    return this.deps.audit.record({
      ...NO_REQUEST,
      tenantId,
      userId,
      role: null,
      action,
      resource,
      details: {},
      source: "user",
    });
  }
}

function mayAct({ user, tenant, removedAt }: StoredMember): boolean {
  return !user.disabled && !tenant.disabled && removedAt === null;
}

function newRefreshToken(now: number) {
  const token = `cnr_${randomBytes(32).toString("base64url")}`;
  return { token, stored: { hash: hashOf(token), expiresAt: new Date(now + REFRESH_MS) } };
}

function hashOf(token: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(token).digest());
}

function notRenewable(): PublicError {
  return new PublicError("UNAUTHENTICATED", "Not signed in: the refresh token is not good, or not any more");
}
