import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { Allowance, RateLimiter } from "../base/rates.js";
import type { Logger } from "./logs.js";
import { connectRedis } from "./redis.js";

/** Makes limiters that count in Redis, shared by all replicas, or in this process. */
export interface RateLimiters {
  create(name: string, points: number, seconds: number): RateLimiter;
  close(): void;
}

/**
 * @param url Redis; null: each process counts by itself. While Redis is away each does as well, so that nobody is let
 * through uncounted and nobody waits.
 */
export async function rateLimiters(url: string | null, log: Logger): Promise<RateLimiters> {
  const client = url === null ? null : await connectRedis(url, log, "each process counts requests by itself");
  return {
    create(name, points, seconds) {
      const options = { keyPrefix: `crowsnest:limit:${name}`, points, duration: seconds };
      const own = new RateLimiterMemory(options);
      const limiter =
        client === null
          ? own
          : new RateLimiterRedis({
              ...options,
              storeClient: client,
              rejectIfRedisNotReady: true,
              insuranceLimiter: own,
            });
      return {
        take: async (key, count = 1) => allowance(points, await limiter.consume(key, count).catch(rejection)),
        giveBack: async (key, count = 1) => void (await limiter.reward(key, count)),
        forget: async (key) => void (await limiter.delete(key)),
      };
    },
    close: () => client?.disconnect(),
  };
}

/** Being refused comes as a rejection, like an error does. */
function rejection(error: unknown): RateLimiterRes {
  if (error instanceof RateLimiterRes) return error;
  throw error;
}

function allowance(limit: number, { remainingPoints, msBeforeNext, consumedPoints }: RateLimiterRes): Allowance {
  return {
    allowed: consumedPoints <= limit,
    limit,
    remaining: Math.max(0, remainingPoints),
    resetSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
  };
}
