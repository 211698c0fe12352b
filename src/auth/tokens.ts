import jwt from "jsonwebtoken";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { type Clock, MINUTE, SECOND } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import { isRole, ROLE_PERMISSIONS, type Role } from "../domain/access/roles.js";
import { ALL, type Principal } from "../domain/access/scope.js";
import { readHeader } from "./jws.js";
import type { KeyRing, OutsideKeys, TokenKey } from "./keys.js";
import type { TokenMark } from "./standing.js";

export interface TokenOptions {
  readonly keys: KeyRing;
  readonly expirySeconds: number;
  readonly defaultTenant: string;
  readonly servesTenant: (id: string) => boolean;
  readonly clock: Clock;
  /** An identity provider whose tokens are as good; null: none. */
  readonly outside: { readonly keys: OutsideKeys; readonly issuer: string; readonly audience: string } | null;
}

export interface VerifiedToken extends TokenMark {
  readonly principal: Principal;
  /** When it is no longer good, epoch milliseconds, leeway included. */
  readonly until: number;
}

const UNMARKED: TokenMark = { sessionId: null, version: null };

/** Characters of tokens that are remembered, and what one costs beside them. */
const MOST_REMEMBERED = 16 * 1024 * 1024;
const OVERHEAD = 1000;
/** How long an identity provider's key may go on after it has been withdrawn there. */
const OUTSIDE_MS = 5 * MINUTE;

/** Clocks of different machines differ. */
const LEEWAY_SECONDS = 5;
/** The end of the year 9999: anything above is milliseconds by mistake, or no limit at all. */
const LAST_SECOND = 253_402_300_799;

/**
 * Roles of the tokens of services that this gateway replaces. An administrator there is one here; everybody else is
 * somebody who may sign in and send events, and owns nothing of the fleet: as is who has no role at all.
 */
const OTHER_ROLES: Readonly<Record<string, Role>> = { admin: "ADMIN", user: "VEHICLE_OWNER" };
const NOBODY = { role: "VEHICLE_OWNER", permissions: [], vehicleIds: [] } as const;

const idList = z.array(z.string().max(200)).max(100_000);
const moment = z.number().min(0).max(LAST_SECOND);
const kind = z.string().regex(/^(access|bearer|jwt)$/i);
const claims = z.object({
  user_id: z.string().min(1).max(200).optional(),
  sub: z.string().min(1).max(200).optional(),
  username: z.string().max(200).optional(),
  role: z
    .string()
    .refine((role) => isRole(role) || Object.hasOwn(OTHER_ROLES, role))
    .optional(),
  permissions: z.array(z.string().max(200)).max(1000).optional(),
  vehicle_ids: idList.optional(),
  fleet_ids: idList.optional(),
  tenant_id: z.string().min(1).max(200).optional(),
  exp: moment,
  iat: moment.optional(),
  nbf: moment.optional(),
  iss: z.string().max(2000).optional(),
  // Refresh and id tokens are not for access, even when signed with the same key.
  typ: kind.optional(),
  type: kind.optional(),
  sid: z.string().max(200).optional(),
  ver: z.int().min(0).optional(),
});

type Claims = z.infer<typeof claims>;

/**
 * Issues and verifies the gateway's tokens. Tokens minted elsewhere with the shared secret, or by the configured identity
 * provider, are as good; those without `permissions` get their role's.
 */
export class Tokens {
  #keys: KeyRing;
  /** Looking at a signature again and again takes longer than answering. */
  readonly #remembered = new LRUCache<string, VerifiedToken>({
    maxSize: MOST_REMEMBERED,
    sizeCalculation: (_, token) => token.length + OVERHEAD,
  });

  constructor(readonly options: TokenOptions) {
    this.#keys = options.keys;
  }

  get keys(): KeyRing {
    return this.#keys;
  }

  /** From now on: tokens of keys that are not among them are refused. */
  replaceKeys(keys: KeyRing): void {
    this.#keys = keys;
    this.#remembered.clear();
  }

  /** What `verify` has said of the token, for as long as it still holds. */
  recall(token: string): VerifiedToken | undefined {
    const known = this.#remembered.get(token);
    if (!known) return undefined;
    if (known.until > this.options.clock() && this.options.servesTenant(known.principal.tenantId)) return known;
    this.#remembered.delete(token);
    return undefined;
  }

  issue(principal: Principal, mark: TokenMark = UNMARKED): { accessToken: string; expiresIn: number } {
    const { expirySeconds, clock } = this.options;
    const { id: keyid, key, algorithm } = this.#keys.signing;
    const now = Math.floor(clock() / SECOND);
    const payload = {
      user_id: principal.userId,
      sub: principal.userId,
      ...(principal.username !== null && { username: principal.username }),
      role: principal.role,
      permissions: principal.permissions,
      vehicle_ids: principal.vehicleIds,
      fleet_ids: principal.fleetIds,
      tenant_id: principal.tenantId,
      type: "access",
      ...(mark.sessionId !== null && { sid: mark.sessionId }),
      ...(mark.version !== null && { ver: mark.version }),
      iat: now,
      exp: now + expirySeconds,
    };
    return { accessToken: jwt.sign(payload, key, { algorithm, keyid }), expiresIn: expirySeconds };
  }

  /** @throws PublicError UNAUTHENTICATED saying what is wrong, never what would be right */
  async verify(token: string): Promise<VerifiedToken> {
    const known = this.recall(token);
    if (known) return known;
    const keys = this.#keys;
    const verified = await this.#verify(token);
    if (keys === this.#keys) this.#remembered.set(token, verified);
    return verified;
  }

  async #verify(token: string): Promise<VerifiedToken> {
    const header = readHeader(token);
    if (!header) throw unauthenticated("the token is malformed");
    for (const key of this.#keys.candidates(header.alg, header.kid)) {
      const payload = this.#signedClaims(token, key, {});
      if (payload !== undefined) return this.#verified(payload, true);
    }
    const { outside } = this.options;
    const key = outside && (await this.#outsideKey(outside.keys, header));
    if (!outside || !key) throw unauthenticated("the token is not valid");
    const { issuer, audience } = outside;
    const payload = this.#signedClaims(token, key, { issuer, audience });
    if (payload === undefined) throw unauthenticated("the token is not valid");
    return this.#verified(payload, false);
  }

  async #outsideKey(keys: OutsideKeys, header: Readonly<Record<string, unknown>>): Promise<TokenKey | null> {
    try {
      return await keys.find(header);
    } catch (error) {
      throw new PublicError("SERVICE_UNAVAILABLE", "The identity provider does not answer", {}, { cause: error });
    }
  }

  /** What the key has signed; undefined when it has not. @throws PublicError UNAUTHENTICATED for what has expired */
  #signedClaims(token: string, { key, algorithm }: TokenKey, more: jwt.VerifyOptions): unknown {
    try {
      return jwt.verify(token, key, {
        ...more,
        algorithms: [algorithm],
        clockTimestamp: Math.floor(this.options.clock() / SECOND),
        clockTolerance: LEEWAY_SECONDS,
      });
    } catch (error) {
      // Told only to who holds a token that was good once: the signature is looked at first.
      if (error instanceof jwt.TokenExpiredError) throw unauthenticated("the token has expired");
      return undefined;
    }
  }

  /** @param isOwn whether the gateway, or who shares its secret, has signed it */
  #verified(payload: unknown, isOwn: boolean): VerifiedToken {
    const result = claims.safeParse(payload);
    if (!result.success) {
      const name = result.error.issues[0]?.path.join(".") || "set";
      throw unauthenticated(`the token's claim ${name} is missing or malformed`);
    }
    const claim = result.data;
    const userId = claim.user_id ?? claim.sub;
    if (!userId) throw unauthenticated("the token's claim user_id is missing or malformed");
    if (claim.iat !== undefined && claim.iat > this.options.clock() / SECOND + LEEWAY_SECONDS) {
      throw unauthenticated("the token is from the future");
    }
    const tenantId = claim.tenant_id ?? this.options.defaultTenant;
    if (!this.options.servesTenant(tenantId))
      throw unauthenticated("the token is for a tenant that is not served here");
    const sessionId = isOwn ? (claim.sid ?? null) : null;
    const principal: Principal = {
      userId,
      username: claim.username ?? null,
      tenantId,
      ...rightsOf(claim),
      fleetIds: claim.fleet_ids ?? [],
      ...(sessionId !== null && { credential: { kind: "session", id: sessionId } }),
    };
    const expires = (claim.exp + LEEWAY_SECONDS) * SECOND;
    const until = isOwn ? expires : Math.min(expires, this.options.clock() + OUTSIDE_MS);
    return { principal, sessionId, version: isOwn ? (claim.ver ?? null) : null, until };
  }
}

function rightsOf(claim: Claims): Pick<Principal, "role" | "permissions" | "vehicleIds"> {
  if (claim.role === undefined || claim.role === "user") return NOBODY;
  const role = OTHER_ROLES[claim.role] ?? (claim.role as Role);
  return {
    role,
    permissions: claim.permissions ?? ROLE_PERMISSIONS[role],
    vehicleIds: claim.vehicle_ids ?? (claim.role === "admin" ? [ALL] : []),
  };
}

function unauthenticated(reason: string): PublicError {
  return new PublicError("UNAUTHENTICATED", `Not signed in: ${reason}`);
}
