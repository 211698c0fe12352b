import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { VARIABLES, type Variable } from "./config-variables.js";
import { SERVICE_NAMES, type ServiceName } from "./upstream/index.js";

export { VARIABLES } from "./config-variables.js";

type Values = { [Name in keyof typeof VARIABLES]: z.output<(typeof VARIABLES)[Name]["type"]> };

export interface ServiceConfig {
  readonly baseUrls: readonly string[];
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
  /** Of WORKERS, from 1. Beside the first each has a folder of its own within `DATA_DIR`. */
  readonly worker: number;
  /** Where secrets are made and kept, for all workers. */
  readonly secretsDir: string;
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

/** Tells a process that it is one of WORKERS, and which. */
export const WORKER = "CROWSNEST_WORKER";
const MIN_SECRET_LENGTH = 32;
const KNOWN_SECRETS = ["your_secret_key_change_in_production", "changeme", "secret", "password"];

/**
 * Reads and checks the whole configuration at once.
 * @throws ConfigError listing every fault with what was expected, what arrived and what to do
 */
export function readConfig(environment: Environment): Config {
  const faults: string[] = [];
  const { JWT_SECRET_KEY, INTROSPECTION, ...rest } = readValues(environment, faults);
  const production = rest.NODE_ENV === "production";
  const services = serviceConfigs(environment, rest, faults);
  const missing = SERVICE_NAMES.filter((name) => !environment[serviceVariable(name, "SERVICE_URL")]);
  const demo = !production && missing.length === SERVICE_NAMES.length;
  if (!demo)
    faults.push(
      ...missing.map((name) => `${serviceVariable(name, "SERVICE_URL")} is not set: tell where the ${name} service is`),
    );
  faults.push(...sourceFaults(rest));
  if (rest.WORKERS > 1) faults.push(...workerFaults(rest, demo));
  faults.push(...secretFaults(JWT_SECRET_KEY, production));
  if (production && !rest.AUDIT) faults.push("AUDIT must be on in production");
  if (rest.JWT_JWKS_URL && !(rest.JWT_ISSUER && rest.JWT_AUDIENCE)) {
    faults.push("JWT_JWKS_URL needs JWT_ISSUER and JWT_AUDIENCE: else tokens for anybody would be good here");
  }
  if (faults.length > 0) throw new ConfigError(faults);
  const worker = Number(environment[WORKER] ?? 1);
  return {
    ...rest,
    worker,
    DATA_DIR: worker === 1 ? rest.DATA_DIR : join(rest.DATA_DIR, `worker-${worker}`),
    secretsDir: rest.DATA_DIR,
    production,
    demo,
    jwtSecret: JWT_SECRET_KEY ?? null,
    introspection: INTROSPECTION === undefined ? !production : INTROSPECTION === "on",
    services,
  };
}

/** What commands need that open the data themselves; nothing about services or tokens. @throws ConfigError */
export function readCoreConfig(environment: Environment): Omit<Values, "JWT_SECRET_KEY" | "INTROSPECTION"> {
  const faults: string[] = [];
  const values = readValues(environment, faults);
  if (faults.length > 0) throw new ConfigError(faults);
  return values;
}

function readValues(environment: Environment, faults: string[]): Values {
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
  return values as Values;
}

/** Sources that are asked for without telling where they are. */
function sourceFaults(values: Pick<Values, "EVENT_SOURCES" | "KAFKA_BOOTSTRAP_SERVERS" | "REDIS_URL">): string[] {
  return values.EVENT_SOURCES.flatMap((name) => {
    const needed = name === "kafka" ? "KAFKA_BOOTSTRAP_SERVERS" : "REDIS_URL";
    return values[needed] ? [] : [`EVENT_SOURCES has ${name}, but ${needed} is not set`];
  });
}

/** What several processes cannot each have embedded. */
const SHARED_BY_WORKERS = ["DATABASE_URL", "CLICKHOUSE_URL", "REDIS_URL"] as const;

function workerFaults(values: Pick<Values, (typeof SHARED_BY_WORKERS)[number] | "WORKERS">, demo: boolean): string[] {
  const needed = SHARED_BY_WORKERS.filter((name) => !values[name]);
  const faults = needed.map(
    (name) => `WORKERS is ${values.WORKERS}, but ${name} is not set: what is embedded belongs to one process`,
  );
  if (demo)
    faults.push(`WORKERS is ${values.WORKERS}, but no service is configured: the demo fleet belongs to one process`);
  return faults;
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
    const baseUrls = (values[serviceVariable(name, "SERVICE_URL")] as string[] | undefined) ?? [];
    const apiKey = secretValue(environment, serviceVariable(name, "API_KEY"), faults) ?? values.UPSTREAM_API_KEY;
    return [name, { baseUrls, apiKey, timeoutMs }] as const;
  });
  return Object.fromEntries(entries) as unknown as Record<ServiceName, ServiceConfig>;
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
