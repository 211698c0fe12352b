import { z } from "zod";
import { isServiceArea, SERVICE_AREAS, type ServiceArea } from "./http/areas.js";
import type { BulkSetting } from "./upstream/index.js";

/** One environment variable: how it is read, and what the README says about it. */
export interface Variable<T extends z.ZodType = z.ZodType> {
  readonly type: T;
  readonly help: string;
  /** May also be given as a file, by `<NAME>_FILE`. */
  readonly secret?: true;
}

const variable = <T extends z.ZodType>(type: T, help: string): Variable<T> => ({ type, help });
const secret = <T extends z.ZodType>(type: T, help: string): Variable<T> => ({ type, help, secret: true });

const number = (fallback: number, minimum: number, maximum: number) =>
  z.coerce.number({ error: "expected a number" }).min(minimum).max(maximum).default(fallback);
const onOff = (fallback: "on" | "off") =>
  z
    .enum(["on", "off", "true", "false"])
    .default(fallback)
    .transform((value) => value === "on" || value === "true");
const isUrl = (text: string, schemes: readonly string[]): boolean =>
  URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1));
const url = (...schemes: [string, ...string[]]) =>
  z
    .string()
    .refine((text) => isUrl(text, schemes), `expected a URL that begins with ${schemes.join(":// or ")}://`)
    .optional();
const httpUrl = url("http", "https");
/** One address or several, comma-separated. */
const httpUrls = z
  .string()
  .transform((text) => text.split(",").map((address) => address.trim()))
  .refine(
    (addresses) => addresses.every((address) => isUrl(address, ["http", "https"])),
    "expected an http(s) URL, or several, comma-separated",
  )
  .optional();
const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((item) => item.trim())
      .filter(Boolean),
  );

/** `engine=5000,brakes=2000` */
const amounts = z
  .string()
  .default("")
  .transform((text, context) => {
    const costs = new Map<string, number>();
    for (const pair of text.split(",").filter((part) => part.trim() !== "")) {
      const [component = "", amount = ""] = pair.split("=").map((part) => part.trim());
      if (!component || amount === "" || !(Number(amount) >= 0 && Number.isFinite(Number(amount)))) {
        context.addIssue({ code: "custom", message: `expected component=amount pairs, got "${pair}"` });
        return z.NEVER;
      }
      costs.set(component, Number(amount));
    }
    return costs;
  });

function serviceAreas(names: readonly string[], context: z.RefinementCtx): ServiceArea[] {
  const unknown = names.filter((name) => !isServiceArea(name));
  if (unknown.length > 0) {
    context.addIssue({
      code: "custom",
      message: `expected a list of ${SERVICE_AREAS.join(", ")}, got "${unknown[0]}"`,
    });
  }
  return names.filter(isServiceArea);
}

/** `rides:8097,bookings:8003` */
function areaPorts(pairs: readonly string[], context: z.RefinementCtx): ReadonlyMap<ServiceArea, number> {
  const ports = new Map<ServiceArea, number>();
  for (const pair of pairs) {
    const [area = "", port = ""] = pair.split(":");
    if (!isServiceArea(area) || !/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
      context.addIssue({
        code: "custom",
        message: `expected area:port with one of ${SERVICE_AREAS.join(", ")}, got "${pair}"`,
      });
      continue;
    }
    ports.set(area, Number(port));
  }
  return ports;
}

export const SOURCES = ["kafka", "redis-streams", "redis-pubsub"] as const;

const BULK = ["auto", "on", "off"] as const;

/** Every variable that the gateway reads. The README's table is generated from this. */
export const VARIABLES = {
  NODE_ENV: variable(
    z.string().default("development"),
    "`production` starts no demo, makes no users and insists on a proper secret",
  ),
  SERVICE_NAME: variable(z.string().default("crowsnest"), "name in logs"),
  HOST: variable(z.string().default("0.0.0.0"), "address to listen on"),
  PORT: variable(number(8007, 0, 65535), "port to listen on"),
  WORKERS: variable(
    number(1, 1, 64),
    "processes on this machine that share the port; more than one needs `DATABASE_URL`, `CLICKHOUSE_URL` and `REDIS_URL`: what is embedded belongs to one process",
  ),
  DRAIN_SECONDS: variable(
    number(1, 0, 300),
    "how long a gateway that is told to stop (SIGTERM) says that it is not ready and still answers: as long as a balancer takes to notice",
  ),
  LOG_LEVEL: variable(
    z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
    "least severe level that is logged",
  ),
  DATA_DIR: variable(z.string().min(1).default("data"), "folder of everything embedded"),
  DATABASE_URL: secret(
    z
      .string()
      // SQLAlchemy names a driver within the scheme.
      .refine((text) => URL.canParse(text) && /^postgres(ql)?(\+\w+)?:$/.test(new URL(text).protocol), {
        error: "expected a URL that begins with postgresql://",
      })
      .optional(),
    "Postgres for users and audit; embedded in `DATA_DIR` without it",
  ),
  AUDIT: variable(onOff("on"), "`off` writes no entries of requests, for benchmarks; not in production"),
  AUDIT_CHECKPOINT_FILE: variable(
    z.string().min(1).optional(),
    "where signed checkpoints of the audit trail are appended, best on another disk; in `DATA_DIR` without it",
  ),
  AUDIT_SIGNING_KEY: secret(
    z.string().optional(),
    "Ed25519 key (PEM) that signs checkpoints, the same for all replicas; made and kept in `DATA_DIR` without it",
  ),
  AUDIT_MASTER_KEY: secret(
    z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, "expected 64 hexadecimal digits")
      .transform((text) => Buffer.from(text, "hex"))
      .optional(),
    "key of what the audit trail knows of people, the same for all replicas; made and kept in `DATA_DIR` without it",
  ),
  INGESTION_SERVICE_URL: variable(
    httpUrls,
    "base URL of the ingestion service; several, comma-separated, serve the same",
  ),
  HEALTH_SERVICE_URL: variable(httpUrls, "base URL of the health service; several, comma-separated, serve the same"),
  AGENT_SERVICE_URL: variable(httpUrls, "base URL of the agent service; several, comma-separated, serve the same"),
  ALERT_SERVICE_URL: variable(httpUrls, "base URL of the alert service; several, comma-separated, serve the same"),
  SCHEDULING_SERVICE_URL: variable(
    httpUrls,
    "base URL of the scheduling service; several, comma-separated, serve the same",
  ),
  WARRANTY_SERVICE_URL: variable(
    httpUrls,
    "base URL of the warranty service; several, comma-separated, serve the same",
  ),
  UPSTREAM_API_KEY: secret(
    z.string().optional(),
    "sent to all services as `X-API-Key`; `HEALTH_API_KEY` and so on for a single one",
  ),
  UPSTREAM_TIMEOUT_MS: variable(
    number(3000, 10, 120_000),
    "deadline of one upstream call; `HEALTH_TIMEOUT_MS` and so on for a single service",
  ),
  UPSTREAM_CONCURRENCY: variable(number(64, 1, 1024), "calls in flight per service"),
  UPSTREAM_MAX_BYTES: variable(number(32 * 1024 * 1024, 1024, 1024 ** 3), "largest upstream answer accepted"),
  UPSTREAM_BREAKER_SECONDS: variable(number(5, 0.1, 600), "how long a service that keeps failing is left alone"),
  SHED_WAIT_MS: variable(
    number(250, 10, 60_000),
    "how long a request may wait to be begun once there is more to do than can be done; later it is refused with 503",
  ),
  MAX_IN_FLIGHT: variable(
    number(5000, 1, 1_000_000),
    "requests that are answered at once; the rest are refused with 503",
  ),
  UPSTREAM_BULK: variable(
    z
      .string()
      .default("auto")
      .transform((text, context) => bulkSettings(text, context)),
    "whether services have bulk forms: `auto` (find out), `on`, `off`, or per service `health=on,scheduling=off,warranty=auto`",
  ),
  METRICS_CACHE_TTL_SECONDS: variable(
    number(300, 1, 86_400),
    "how long upstream data is used; it is served for as long again, marked stale, while it is renewed",
  ),
  STALE_ON_ERROR_SECONDS: variable(
    number(3600, 0, 604_800),
    "age up to which upstream data is shown, marked so, when nothing newer can be had",
  ),
  CACHE_MAX_BYTES: variable(number(256 * 1024 * 1024, 1024, 1024 ** 4), "size of the cache, counted as on the wire"),
  RESPONSE_CACHE_MAX_BYTES: variable(
    number(64 * 1024 * 1024, 0, 1024 ** 4),
    "size of the answers that are kept as a whole for all who may see the same; 0 keeps none",
  ),
  INSIGHTS_CACHE_ROWS: variable(
    number(1_000_000, 1000, 100_000_000),
    "rows of answers over events that are kept until what they rest on changes, all answers together",
  ),
  FORCE_REFRESH_PARAM: variable(
    z
      .string()
      .default("refresh")
      .transform((text) => text.replace(/^\?/, "").replace(/=.*$/, ""))
      .refine((name) => /^\w+$/.test(name), "expected the name of a query parameter"),
    "query parameter that bypasses the cache",
  ),
  SWEEP: variable(onOff("on"), "renew the dashboard's data in the background"),
  SWEEP_CALLS_PER_SECOND: variable(number(100, 1, 10_000), "most upstream calls a second that the background may make"),
  TREND_PATIENCE_MS: variable(number(1000, 0, 60_000), "how long a first answer waits for the health trend"),
  AREA_PORTS: variable(
    list.transform((pairs, context) => areaPorts(pairs, context)),
    "areas that are also served alone, each on its old port and in its old shapes: `rides:8097,bookings:8003`",
  ),
  ANONYMOUS_AREAS: variable(
    list.transform((names, context) => serviceAreas(names, context)),
    "areas of which anybody may ask figures, without a token: `rides,documents`",
  ),
  EVENT_SOURCES: variable(
    list.refine(
      (names) => names.every((name) => (SOURCES as readonly string[]).includes(name)),
      `expected a list of ${SOURCES.join(", ")}`,
    ),
    "where events come from beside HTTP: `kafka`, `redis-streams`, `redis-pubsub`; Kafka also whenever its servers are set",
  ),
  KAFKA_BOOTSTRAP_SERVERS: secret(
    z.string().optional(),
    "Kafka: `host:port,host:port`, or `kafka+ssl://user:password@host:port,…?mechanism=scram-sha-512`",
  ),
  KAFKA_TOPICS: variable(list, "topics to read; those of ride events when not set"),
  KAFKA_GROUP_ID: variable(z.string().min(1).default("analytics-service-group"), "Kafka consumer group"),
  KAFKA_SESSION_TIMEOUT_MS: variable(
    number(30_000, 1000, 3_600_000),
    "after how long without a sign of life another replica takes over what one was reading",
  ),
  KAFKA_TOPIC_DLQ: variable(
    z.string().default("openride.events.dlq"),
    "topic that dead letters are published to as well",
  ),
  REDIS_URL: secret(
    url("redis", "rediss"),
    "Redis, `redis://…`: rate limits and a second level of the cache shared by replicas, and event sources",
  ),
  RATE_LIMIT: variable(onOff("on"), "`off` limits nobody, for benchmarks"),
  RATE_LIMIT_PER_MINUTE: variable(
    number(6000, 1, 1e9),
    "points a minute of a signed-in user or key; a request takes one",
  ),
  RATE_LIMIT_STRANGERS_PER_MINUTE: variable(number(600, 1, 1e9), "points a minute of an address nobody signs in from"),
  RATE_LIMIT_INGEST_PER_MINUTE: variable(number(100_000, 1, 1e9), "batches of events a minute of a user or write key"),
  QUERY_MAX_DEPTH: variable(number(12, 1, 1000), "levels that a GraphQL operation may have"),
  QUERY_MAX_ALIASES: variable(number(500, 0, 100_000), "aliases that a GraphQL operation may have"),
  QUERY_MAX_DIRECTIVES: variable(number(100, 0, 100_000), "directives that a GraphQL operation may have"),
  QUERY_MAX_COST: variable(
    number(1_000_000, 1, 1e12),
    "fields that a GraphQL operation may ask for, lists taken at their length",
  ),
  TRUSTED_DOCUMENTS: variable(
    z.string().min(1).optional(),
    "JSON file of operations by SHA-256, or a manifest of Apollo's: only these are answered",
  ),
  REDIS_STREAMS: variable(list, "streams to read, names or `prefix*`; one per type of fleet event when not set"),
  REDIS_STREAM_GROUP: variable(z.string().min(1).default("analytics-service"), "Redis Streams consumer group"),
  REDIS_STREAM_CONSUMER: variable(
    z.string().min(1).optional(),
    "name of this replica in the group, other than all others' and the same after a restart, which then goes on at once with what was pending; made of host and process when not set",
  ),
  REDIS_CHANNELS: variable(list, "pub/sub channels to listen to; those of event bookings when not set"),
  CLICKHOUSE_URL: secret(
    httpUrl,
    "ClickHouse for events, `http://user:password@host:8123/database`; an embedded DuckDB in `DATA_DIR` without it",
  ),
  CLICKHOUSE_CLUSTER: variable(z.string().optional(), "ClickHouse cluster that tables are made on, replicated"),
  EVENT_STORE_MEMORY_MB: variable(number(512, 64, 1_048_576), "memory that the embedded event store may use"),
  SPOOL_MAX_BYTES: variable(
    number(10 * 1024 ** 3, 1024 * 1024, 1024 ** 5),
    "most bytes of events that wait on disk for the store; beyond this new ones are refused with 503",
  ),
  EVENT_TYPES_FILE: variable(
    z.string().optional(),
    "JSON file with further event types, or other schemas of known ones",
  ),
  UNKNOWN_EVENTS: variable(z.enum(["accept", "refuse"]).default("accept"), "what becomes of events of unknown types"),
  EVENT_RETENTION_DAYS: variable(
    z.coerce.number({ error: "expected a number of days" }).int().min(1).optional(),
    "days that events are kept whose type says nothing else; for ever when not set",
  ),
  WRITE_KEYS: secret(
    z
      .string()
      .default("")
      .transform((text, context) => writeKeys(text, context)),
    "public keys, comma-separated, that may send events and do nothing else",
  ),
  ANONYMIZE_USERS: variable(onOff("off"), "store hashes instead of user ids, and leave personal fields out"),
  ANONYMIZE_SECRET: secret(z.string().optional(), "key of these hashes; without one they can be guessed"),
  CURRENCY: variable(
    z
      .string()
      .regex(/^[A-Z]{3}$/, "expected an ISO 4217 code")
      .default("USD"),
    "currency of all amounts",
  ),
  BREAKDOWN_COSTS: variable(
    amounts,
    "breakdown cost per component where no emergency repair tells it: `engine=5000,brakes=2000`",
  ),
  FLEET_NOW: variable(
    z.iso.datetime({ offset: true }).optional(),
    "moment that figures take for now, running on from there; for replaying historic data",
  ),
  JWT_SECRET_KEY: secret(z.string().optional(), "secret of all tokens, 32 characters or more"),
  JWT_ALGORITHM: variable(z.enum(["HS256", "HS384", "HS512"]).default("HS256"), "how tokens are signed"),
  JWT_PRIVATE_KEY: secret(
    z.string().optional(),
    "RSA or P-256 key (PEM) that signs new tokens instead (RS256, ES256); the secret still verifies",
  ),
  JWT_PREVIOUS_KEYS: secret(
    z.string().optional(),
    "keys that signed before and still verify: PEM blocks, and secrets a line each",
  ),
  JWT_JWKS_URL: variable(httpUrl, "keys of an identity provider whose tokens are accepted as well"),
  JWT_ISSUER: variable(z.string().optional(), "`iss` of the identity provider's tokens; needed with `JWT_JWKS_URL`"),
  JWT_AUDIENCE: variable(z.string().optional(), "`aud` of the identity provider's tokens; needed with `JWT_JWKS_URL`"),
  JWT_EXPIRY_HOURS: variable(number(24, 0.01, 8760), "how long a token is good for"),
  INTROSPECTION: variable(
    z.enum(["on", "off"]).optional(),
    "whether the schema can be queried; off in production by default",
  ),
  CORS_ORIGINS: variable(list, "origins of browsers that may call, comma-separated; none by default"),
  TRUST_PROXY: variable(onOff("off"), "take the client's address from X-Forwarded-For"),
  DEMO_VEHICLES: variable(number(1000, 12, 100_000), "size of the demo fleet"),
  DEMO_SEED: variable(number(1, 0, 2 ** 31), "seed of the demo fleet"),
} satisfies Record<string, Variable>;

function bulkSettings(
  text: string,
  context: z.RefinementCtx,
): Record<"health" | "scheduling" | "warranty", BulkSetting> {
  const isSetting = (word: string): word is BulkSetting => (BULK as readonly string[]).includes(word);
  if (isSetting(text)) return { health: text, scheduling: text, warranty: text };
  const settings: Record<string, BulkSetting> = { health: "auto", scheduling: "auto", warranty: "auto" };
  for (const pair of text.split(",")) {
    const [name = "", word = ""] = pair.split("=").map((part) => part.trim());
    if (!Object.hasOwn(settings, name) || !isSetting(word)) {
      context.addIssue({ code: "custom", message: `expected auto, on, off or pairs like health=on, got "${pair}"` });
      return z.NEVER;
    }
    settings[name] = word;
  }
  return settings as Record<"health" | "scheduling" | "warranty", BulkSetting>;
}

const WRITE_KEY = /^[\w-]{8,128}$/;

function writeKeys(text: string, context: z.RefinementCtx): string[] {
  const keys = text
    .split(",")
    .map((key) => key.trim())
    .filter(Boolean);
  if (keys.every((key) => WRITE_KEY.test(key))) return keys;
  context.addIssue({ code: "custom", message: "expected keys of 8 to 128 letters, digits, _ and -, comma-separated" });
  return z.NEVER;
}
