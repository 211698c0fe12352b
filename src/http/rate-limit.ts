import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { PublicError } from "../base/errors.js";
import type { Allowance, RateLimiter } from "../base/rates.js";
import { writeKeyOf } from "./write-keys.js";

export interface RateLimitOptions {
  /** Points of a signed-in user or key. */
  readonly signedIn: RateLimiter;
  /** Points of an address from which nobody is signed in. */
  readonly strangers: RateLimiter;
  /** Batches of events, by user or write key. */
  readonly ingest: RateLimiter;
  /** A key that is none gives nobody points of its own. */
  readonly isWriteKey: (key: string) => boolean;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Counted apart: a door for events takes far more requests than anybody asks questions. */
    isIngest?: boolean;
  }
}

/** Cost of an operation for which a further point is taken. */
const COST_PER_POINT = 10_000;

/** Takes a point for every request that is audited; the others (health, metrics, pages) are never refused. */
export function registerRateLimit(server: FastifyInstance, limits: RateLimitOptions): void {
  server.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.config.audit === false) return;
    await takePoints(request, reply, limits, 1);
  });
}

/**
 * Takes what an operation costs beyond the point for its request; undefined where that is nothing.
 * @throws PublicError RATE_LIMITED
 */
export function takeCost(
  request: FastifyRequest,
  reply: FastifyReply | null,
  limits: RateLimitOptions | null,
  cost: number,
): Promise<void> | undefined {
  const points = Math.floor(cost / COST_PER_POINT);
  return limits && points > 0 ? takePoints(request, reply, limits, points) : undefined;
}

/** @throws PublicError RATE_LIMITED */
export async function takePoints(
  request: FastifyRequest,
  reply: FastifyReply | null,
  limits: RateLimitOptions,
  points: number,
): Promise<void> {
  const { limiter, key } = who(request, limits);
  const allowance = await limiter.take(key, points);
  if (reply) tell(reply, allowance);
  if (allowance.allowed) return;
  throw new PublicError("RATE_LIMITED", `Too many requests: try again in ${allowance.resetSeconds} s`, {
    retryAfterSeconds: allowance.resetSeconds,
  });
}

function who(request: FastifyRequest, limits: RateLimitOptions): { limiter: RateLimiter; key: string } {
  const { principal } = request;
  if (request.routeOptions.config.isIngest) {
    const writeKey = writeKeyOf(request);
    if (principal) return { limiter: limits.ingest, key: userKey(principal) };
    if (writeKey !== null && limits.isWriteKey(writeKey)) return { limiter: limits.ingest, key: `key|${writeKey}` };
  }
  return principal
    ? { limiter: limits.signedIn, key: userKey(principal) }
    : { limiter: limits.strangers, key: request.ip };
}

function userKey({ tenantId, userId, credential }: NonNullable<FastifyRequest["principal"]>): string {
  return credential?.kind === "api-key" ? `key|${credential.id}` : `user|${tenantId}|${userId}`;
}

/** As most services name them; the drafts of the IETF have changed the names since. */
function tell(reply: FastifyReply, { allowed, limit, remaining, resetSeconds }: Allowance): void {
  reply
    .header("ratelimit-limit", limit)
    .header("ratelimit-remaining", remaining)
    .header("ratelimit-reset", resetSeconds);
  if (!allowed) reply.header("retry-after", resetSeconds);
}
