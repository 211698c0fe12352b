import { randomBytes } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import { Kafka, type KafkaConfig, logLevel, type SASLOptions } from "kafkajs";
import { SECOND } from "../../base/clock.js";
import type { Logger } from "../../ops/logs.js";

export interface KafkaServers {
  /**
   * `host:port,host:port`, or as a URL with all that is needed to get in:
   * `kafka+ssl://user:password@host:port,host:port?mechanism=scram-sha-512`. `kafka://` is without TLS. Mechanisms:
   * `plain` (the default), `scram-sha-256`, `scram-sha-512`. User and password percent-encoded.
   */
  readonly servers: string;
  /** Certificates and the like, where the URL is not enough. Turns TLS on. */
  readonly tls?: ConnectionOptions | undefined;
  readonly requestTimeoutMs?: number | undefined;
}

const REQUEST_TIMEOUT_MS = 40 * SECOND;
const CONNECTION_TIMEOUT_MS = 5 * SECOND;
const DEFAULT_PORT = 9092;
const MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"] as const;
const PATTERN =
  /^(?:(?<scheme>kafka(?:\+ssl)?):\/\/(?:(?<user>[^:@/]*):(?<password>[^@/]*)@)?)?(?<hosts>[^@/?]+)\/?(?:\?(?<query>.*))?$/;

/** @throws Error when the servers cannot be read; it does not repeat them, as they may hold a password */
export function kafkaConfig({
  servers,
  tls,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
}: KafkaServers): KafkaConfig & { brokers: string[] } {
  const parts = PATTERN.exec(servers.trim())?.groups;
  const brokers = (parts?.hosts ?? "")
    .split(",")
    .map((host) => host.trim())
    .filter(Boolean)
    .map((host) => (/:\d+$/.test(host) ? host : `${host}:${DEFAULT_PORT}`));
  if (!parts || brokers.length === 0) {
    throw new Error(
      "Kafka servers must be host:port,host:port or kafka+ssl://user:password@host:port,host:port?mechanism=plain",
    );
  }
  const ssl = tls ?? parts.scheme === "kafka+ssl";
  return {
    clientId: `openride-analytics-service-${randomBytes(4).toString("hex")}`,
    brokers,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: requestTimeoutMs,
    ...(ssl !== false && { ssl }),
    ...(parts.user && { sasl: saslOptions(parts.user, parts.password ?? "", parts.query) }),
  };
}

function saslOptions(user: string, password: string, query = ""): SASLOptions {
  const asked = new URLSearchParams(query).get("mechanism") ?? "plain";
  const mechanism = MECHANISMS.find((name) => name === asked.toLowerCase());
  if (!mechanism) throw new Error(`Kafka mechanism must be one of ${MECHANISMS.join(", ")}, got ${asked}`);
  // One literal per mechanism would be the same object three times: the client's type cannot tell that.
  return { mechanism, username: decodeURIComponent(user), password: decodeURIComponent(password) } as SASLOptions;
}

/** A client whose own retries are few: whoever runs it begins anew, with growing delays and for ever. */
export function createClient(config: KafkaConfig, log: Logger): Kafka {
  return new Kafka({
    ...config,
    retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 3 * SECOND },
    logLevel: logLevel.WARN,
    // Its errors reach our own log once they end a session; before that they are retried.
    logCreator:
      () =>
      ({ namespace, log: { message } }) =>
        log.debug({ client: namespace }, message),
  });
}
