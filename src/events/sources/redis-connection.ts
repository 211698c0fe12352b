import { Redis } from "ioredis";
import { SECOND } from "../../base/clock.js";
import { reasonOf } from "./supervise.js";

/** A connection that lives until it is lost once: whoever needs it then makes a new one, and starts afresh with it. */
export interface RedisConnection {
  readonly client: Redis;
  /** Resolves with the reason when the connection is gone. */
  readonly lost: Promise<Error>;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5 * SECOND;
const COMMAND_TIMEOUT_MS = 10 * SECOND;

/**
 * @param url `redis://user:password@host:port/db`; `rediss://` for TLS
 * @throws Error with the reason and without the URL, which may hold a password
 */
export async function connectRedis(url: string, connectionName: string): Promise<RedisConnection> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectionName,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A server that hangs is as good as gone.
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    protocol: 2,
  });
  let reason: unknown;
  client.on("error", (error) => {
    reason = error;
  });
  const lost = new Promise<Error>((resolve) => {
    client.once("end", () => resolve(new Error(`Redis connection lost${reason ? `: ${reasonOf(reason)}` : ""}`)));
  });
  try {
    await client.connect();
  } catch (error) {
    client.disconnect();
    throw new Error(`cannot connect to Redis: ${reasonOf(reason ?? error)}`);
  }
  return { client, lost, close: () => client.disconnect() };
}
