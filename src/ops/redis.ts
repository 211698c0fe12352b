import type { Redis } from "ioredis";
import type { Logger } from "./logs.js";

const COMMAND_TIMEOUT_MS = 500;

/**
 * A connection that never holds anybody up: while Redis is away commands fail at once, and it connects again by itself.
 * @param meanwhile what that means, for the log
 */
export async function connectRedis(url: string, log: Logger, meanwhile: string): Promise<Redis> {
  const { Redis } = await import("ioredis");
  const client = new Redis(url, {
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
  });
  let isAway = false;
  client.on("error", (error) => {
    if (!isAway) log.warn({ error: error.message }, `Redis is away: ${meanwhile}`);
    isAway = true;
  });
  client.on("ready", () => {
    isAway = false;
  });
  return client;
}
