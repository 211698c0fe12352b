import { readFileSync } from "node:fs";
import { z } from "zod";
import { type BulkSetting, SERVICE_NAMES, type ServiceName } from "./upstream/index.js";

/** One environment variable: how it is read, and what the README says about it. */
interface Variable<T extends z.ZodType = z.ZodType> {
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
const httpUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), "expected an http(s) URL")
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
  LOG_LEVEL: variable(
    z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
    "least severe level that is logged",
  ),
  DATA_DIR: variable(z.string().min(1).default("data"), "folder of everything embedded"),
  DATABASE_URL: secret(z.string().optional(), "Postgres for users and audit; embedded in `DATA_DIR` without it"),
  INGESTION_SERVICE_URL: variable(httpUrl, "base URL of the ingestion service"),
  HEALTH_SERVICE_URL: variable(httpUrl, "base URL of the health service"),
  AGENT_SERVICE_URL: variable(httpUrl, "base URL of the agent service"),
  ALERT_SERVICE_URL: variable(httpUrl, "base URL of the alert service"),
  SCHEDULING_SERVICE_URL: variable(httpUrl, "base URL of the scheduling service"),
  WARRANTY_SERVICE_URL: variable(httpUrl, "base URL of the warranty service"),
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
  CACHE_MAX_BYTES: variable(number(256 * 1024 * 1024, 1024, 1024 ** 4), "size of the cache, counted as on the wire"),
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

type Values = { [Name in keyof typeof VARIABLES]: z.output<(typeof VARIABLES)[Name]["type"]> };

export interface ServiceConfig {
  readonly baseUrl: string | null;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
}

export type Config = Readonly<Omit<Values, "JWT_SECRET_KEY" | "INTROSPECTION">> & {
  readonly production: boolean;
  /** No service is configured and this is no production start: the built-in demo fleet serves. */
  readonly demo: boolean;
  /** Null outside production when none is set: one is made and kept in `DATA_DIR`. */
  readonly jwtSecret: string | null;
  readonly introspection: boolean;
  readonly services: Readonly<Record<ServiceName, ServiceConfig>>;
};

/** Start-up fails with this: one message with all faults. */
export class ConfigError extends Error {
  override name = "ConfigError";
  constructor(readonly faults: readonly string[]) {
    super(`Crowsnest cannot start:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

const MIN_SECRET_LENGTH = 32;
const KNOWN_SECRETS = ["your_secret_key_change_in_production", "changeme", "secret", "password"];

/**
 * Reads and checks the whole configuration at once.
 * @throws ConfigError listing every fault with what was expected, what arrived and what to do
 */
export function readConfig(environment: Environment): Config {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { type, secret: isSecret }] of Object.entries(VARIABLES) as [string, Variable][]) {
    const raw = isSecret ? secretValue(environment, name, faults) : environment[name];
    const result = type.safeParse(raw === "" ? undefined : raw);
    if (result.success) values[name] = result.data;
    else
      faults.push(
        `${name}: ${result.error.issues[0]?.message}, got ${isSecret ? "something else" : JSON.stringify(raw)}`,
      );
  }
  const { JWT_SECRET_KEY, INTROSPECTION, ...rest } = values as Values;
  const production = rest.NODE_ENV === "production";
  const services = serviceConfigs(environment, rest, faults);
  const missing = SERVICE_NAMES.filter((name) => !environment[serviceVariable(name, "SERVICE_URL")]);
  const demo = !production && missing.length === SERVICE_NAMES.length;
  if (!demo)
    faults.push(
      ...missing.map((name) => `${serviceVariable(name, "SERVICE_URL")} is not set: tell where the ${name} service is`),
    );
  faults.push(...secretFaults(JWT_SECRET_KEY, production));
  if (faults.length > 0) throw new ConfigError(faults);
  return {
    ...rest,
    production,
    demo,
    jwtSecret: JWT_SECRET_KEY ?? null,
    introspection: INTROSPECTION === undefined ? !production : INTROSPECTION === "on",
    services,
  };
}

/** Where users and audit are kept: all that commands need to know. @throws ConfigError */
export function readStorageConfig(environment: Environment): { databaseUrl: string | undefined; dataDir: string } {
  const faults: string[] = [];
  const databaseUrl = secretValue(environment, "DATABASE_URL", faults);
  if (faults.length > 0) throw new ConfigError(faults);
  return { databaseUrl, dataDir: VARIABLES.DATA_DIR.type.parse(environment.DATA_DIR || undefined) };
}

function serviceConfigs(
  environment: Environment,
  values: Pick<Values, "UPSTREAM_API_KEY" | "UPSTREAM_TIMEOUT_MS"> & Partial<Record<string, unknown>>,
  faults: string[],
): Record<ServiceName, ServiceConfig> {
  const entries = SERVICE_NAMES.map((name) => {
    const timeoutName = serviceVariable(name, "TIMEOUT_MS");
    const timeoutMs = Number(environment[timeoutName] || values.UPSTREAM_TIMEOUT_MS);
    if (environment[timeoutName] && !(timeoutMs >= 10 && timeoutMs <= 120_000))
      faults.push(`${timeoutName}: expected milliseconds from 10 to 120000, got "${environment[timeoutName]}"`);
    const baseUrl = (values[serviceVariable(name, "SERVICE_URL")] as string | undefined) ?? null;
    const apiKey = secretValue(environment, serviceVariable(name, "API_KEY"), faults) ?? values.UPSTREAM_API_KEY;
    return [name, { baseUrl, apiKey, timeoutMs }] as const;
  });
  return Object.fromEntries(entries) as Record<ServiceName, ServiceConfig>;
}

function serviceVariable(name: ServiceName, suffix: "SERVICE_URL" | "API_KEY" | "TIMEOUT_MS"): string {
  return `${name.toUpperCase()}_${suffix}`;
}

function secretValue(environment: Environment, name: string, faults: string[]): string | undefined {
  const file = environment[`${name}_FILE`];
  if (!file) return environment[name] || undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    faults.push(`${name}_FILE: cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function secretFaults(value: string | undefined, production: boolean): string[] {
  const advice = "Generate one with: openssl rand -base64 32";
  if (value === undefined) return production ? [`JWT_SECRET_KEY must be set in production. ${advice}`] : [];
  if (!production) return [];
  if (KNOWN_SECRETS.includes(value)) return [`JWT_SECRET_KEY is a well-known default. ${advice}`];
  if (value.length >= MIN_SECRET_LENGTH) return [];
  return [
    `JWT_SECRET_KEY must be at least ${MIN_SECRET_LENGTH} characters in production, got ${value.length}. ${advice}`,
  ];
}

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
