import { createSecretKey, type KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import { z } from "zod";
import { type Clock, SECOND } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import { isRole, ROLE_PERMISSIONS, type Role } from "../domain/access/roles.js";
import type { Principal } from "../domain/access/scope.js";
import type { TokenMark } from "./standing.js";

export type JwtAlgorithm = "HS256" | "HS384" | "HS512";

export interface TokenOptions {
  readonly secret: string;
  readonly algorithm: JwtAlgorithm;
  readonly expirySeconds: number;
  readonly defaultTenant: string;
  readonly servesTenant: (id: string) => boolean;
  readonly clock: Clock;
}

/** Longer than any token of ours; anything above is not worth decoding. */
const MAX_TOKEN_LENGTH = 16_384;
/** Clocks of different machines differ. */
const LEEWAY_SECONDS = 5;
const HEADER_KEYS = new Set(["alg", "typ", "kid"]);

const idList = z.array(z.string().max(200)).max(100_000);
const claims = z.object({
  user_id: z.string().min(1).max(200).optional(),
  sub: z.string().min(1).max(200).optional(),
  username: z.string().max(200).optional(),
  role: z.string().refine(isRole),
  permissions: z.array(z.string().max(200)).max(1000).optional(),
  vehicle_ids: idList.optional(),
  fleet_ids: idList.optional(),
  tenant_id: z.string().min(1).max(200).optional(),
  // Up to the year 9999: anything above is milliseconds by mistake, or no limit at all.
  exp: z.number().max(253_402_300_799),
  // Refresh and id tokens are not for access, even when signed with the same key.
  typ: z
    .string()
    .regex(/^(access|bearer|jwt)$/i)
    .optional(),
  type: z
    .string()
    .regex(/^(access|bearer|jwt)$/i)
    .optional(),
  iat: z.number().optional(),
  sid: z.string().max(200).optional(),
  ver: z.int().min(0).optional(),
});

export interface VerifiedToken extends TokenMark {
  readonly principal: Principal;
}

const UNMARKED: TokenMark = { sessionId: null, version: null };

/**
 * Issues and verifies the gateway's tokens. Tokens minted elsewhere with the same secret are as good; those without
 * `permissions` get their role's.
 */
export class Tokens {
  /** Made once: given as text, jsonwebtoken would try at every token whether it is a public key, which costs more than all the rest. */
  readonly #key: KeyObject;

  constructor(readonly options: TokenOptions) {
    this.#key = createSecretKey(options.secret, "utf8");
  }

  issue(principal: Principal, mark: TokenMark = UNMARKED): { accessToken: string; expiresIn: number } {
    const { algorithm, expirySeconds, clock } = this.options;
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
      ...(mark.sessionId !== null && { sid: mark.sessionId }),
      ...(mark.version !== null && { ver: mark.version }),
      iat: now,
      exp: now + expirySeconds,
    };
    return { accessToken: jwt.sign(payload, this.#key, { algorithm }), expiresIn: expirySeconds };
  }

  /** @throws PublicError UNAUTHENTICATED saying what is wrong, never what would be right */
  async verify(token: string): Promise<VerifiedToken> {
    if (token.length > MAX_TOKEN_LENGTH) throw unauthenticated("the token is too long");
    this.#checkHeader(token);
    let payload: unknown;
    try {
      const { algorithm, clock } = this.options;
      payload = jwt.verify(token, this.#key, {
        algorithms: [algorithm],
        clockTimestamp: Math.floor(clock() / SECOND),
        clockTolerance: LEEWAY_SECONDS,
      });
    } catch (error) {
      throw unauthenticated(
        error instanceof jwt.TokenExpiredError ? "the token has expired" : "the token is not valid",
      );
    }
    return this.#principal(payload);
  }

  /** What jsonwebtoken lets through: unknown critical extensions, keys that travel with the token, other types. */
  #checkHeader(token: string): void {
    const [head, ...rest] = token.split(".");
    if (!head || rest.length !== 2) throw unauthenticated("the token is malformed");
    let header: Record<string, unknown>;
    try {
      header = JSON.parse(Buffer.from(head, "base64url").toString("utf8")) as Record<string, unknown>;
    } catch {
      throw unauthenticated("the token is malformed");
    }
    if (typeof header !== "object" || header === null) throw unauthenticated("the token is malformed");
    const { alg, typ } = header;
    const isJwt = typ === undefined || (typeof typ === "string" && typ.toUpperCase() === "JWT");
    if (alg !== this.options.algorithm || !isJwt || !Object.keys(header).every((key) => HEADER_KEYS.has(key))) {
      throw unauthenticated("the token's header is not acceptable");
    }
  }

  #principal(payload: unknown): VerifiedToken {
    const result = claims.safeParse(payload);
    if (!result.success) {
      throw unauthenticated(
        `the token's claim ${result.error.issues[0]?.path.join(".") || "set"} is missing or malformed`,
      );
    }
    const claim = result.data;
    const userId = claim.user_id ?? claim.sub;
    if (!userId) throw unauthenticated("the token's claim user_id is missing or malformed");
    const now = this.options.clock() / SECOND;
    if (claim.iat !== undefined && claim.iat > now + LEEWAY_SECONDS)
      throw unauthenticated("the token is from the future");
    const tenantId = claim.tenant_id ?? this.options.defaultTenant;
    if (!this.options.servesTenant(tenantId))
      throw unauthenticated("the token is for a tenant that is not served here");
    const role = claim.role as Role;
    const sessionId = claim.sid ?? null;
    const principal: Principal = {
      userId,
      username: claim.username ?? null,
      tenantId,
      role,
      permissions: claim.permissions ?? ROLE_PERMISSIONS[role],
      vehicleIds: claim.vehicle_ids ?? [],
      fleetIds: claim.fleet_ids ?? [],
      ...(sessionId !== null && { credential: { kind: "session", id: sessionId } }),
    };
    return { principal, sessionId, version: claim.ver ?? null };
  }
}

function unauthenticated(reason: string): PublicError {
  return new PublicError("UNAUTHENTICATED", `Not signed in: ${reason}`);
}
