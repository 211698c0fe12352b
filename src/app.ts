import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { Analytics, Answers } from "./analytics/index.js";
import {
  Accounts,
  ApiKeyAdmin,
  KeyRing,
  LOGIN_FAILURES,
  LoginThrottle,
  OutsideKeys,
  Rights,
  systemActor,
  Tokens,
} from "./auth/index.js";
import { SECOND, systemClock } from "./base/clock.js";
import { Charts } from "./charts/index.js";
import type { Config } from "./config.js";
import { openControl } from "./control.js";
import { keptSecret, openCore } from "./core.js";
import { DEMO_ACCOUNTS, startDemo } from "./demo-fleet.js";
import { dependencies } from "./dependencies.js";
import { DEFAULT_TENANT, type Principal } from "./domain/access/scope.js";
import { eventSources } from "./event-sources.js";
import type { EventEngine } from "./events/index.js";
import { EVERYTHING, FleetArea } from "./fleet-area.js";
import { createExecute, createSchema, type Services } from "./graphql/index.js";
import type { RateLimitOptions } from "./http/rate-limit.js";
import { createAreaServer, createServer, type ServerOptions } from "./http/server.js";
import { SharedAnswers } from "./http/shared-answers.js";
import { AnswerSharing } from "./http/sharing.js";
import { Shedding } from "./http/shedding.js";
import { readTrustedDocuments } from "./http/trusted-documents.js";
import { createOperator } from "./operator.js";
import { createLogger, type Logger } from "./ops/logs.js";
import { createMetrics, type Metrics } from "./ops/metrics.js";
import { type RateLimiters, rateLimiters } from "./ops/rate-limiters.js";
import type { UpstreamCache } from "./upstream/index.js";

/** A running gateway. */
export interface App {
  readonly server: FastifyInstance;
  /** Areas that are served alone as well, by their names. */
  readonly areas: ReadonlyMap<string, FastifyInstance>;
  readonly accounts: Accounts;
  readonly events: EventEngine;
  readonly log: Logger;
  listen(): Promise<void>;
  /** Where it listens: told by the system when PORT is 0. */
  port(): number;
  /** Takes over the keys of tokens that the configuration names now. @throws Error when they are no such keys */
  replaceKeys(config: Config): Promise<void>;
  /** Says that it is not ready any more and has clients leave with their answers, for as long as balancers take to notice. */
  drain(): Promise<void>;
  /** Stops taking in, finishes what is under way, writes what waits, closes everything. */
  close(): Promise<void>;
}

const VERSION = (JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as { version: string })
  .version;

/**
 * The only wiring: configuration in, running gateway out.
 * @throws Error when something required cannot be had; nothing is left open then
 */
export async function createApp(config: Config): Promise<App> {
  const log = createLogger(config.SERVICE_NAME, config.LOG_LEVEL);
  const metrics = createMetrics();
  const closers: (() => Promise<void> | void)[] = [];
  let stopping = false;
  let closed = false;
  const close = async (): Promise<void> => {
    stopping = true;
    if (closed) return;
    closed = true;
    for (const closer of closers.reverse()) await closer();
  };
  const closing = async <T extends { close(): PromiseLike<unknown> }>(opened: Promise<T>): Promise<T> => {
    const part = await opened;
    closers.push(async () => {
      await part.close();
    });
    return part;
  };
  try {
    // The slow parts of a start, side by side. When one fails the other is waited for, so that it can be closed.
    const parts = [
      config.demo ? closing(startDemo({ vehicles: config.DEMO_VEHICLES, seed: config.DEMO_SEED, log })) : null,
      closing(openCore(config, metrics, log)),
    ] as const;
    await Promise.allSettled(parts);
    const [demo, core] = await Promise.all(parts);
    const { audit, events, members, sessions, standing, userAdmin, tenantAdmin } = core;

    const limiters = await rateLimiters(config.REDIS_URL ?? null, log);
    closers.push(() => limiters.close());
    const tokens = new Tokens({
      keys: await keyRing(config),
      expirySeconds: Math.round(config.JWT_EXPIRY_HOURS * 3600),
      defaultTenant: DEFAULT_TENANT,
      outside: outsideOf(config),
      servesTenant: (id) => standing.servesTenant(id),
      clock: systemClock,
    });
    const accounts = new Accounts({
      members,
      sessions,
      standing,
      tokens,
      audit,
      clock: systemClock,
      throttle: config.RATE_LIMIT ? loginThrottle(limiters) : null,
    });
    await standing.start();
    closers.push(() => standing.stop());
    closers.push(await openControl(config.DATA_DIR, createOperator(core)));
    if (demo) {
      const actor = systemActor(DEFAULT_TENANT, "demo");
      await Promise.all(DEMO_ACCOUNTS.map((account) => userAdmin.ensure(actor, account)));
    }

    const fleet = await closing(
      FleetArea.open(config, { ...core, metrics, log, version: VERSION, demoUrls: demo?.urls ?? null }),
    );
    const services: Services = {
      accounts,
      members,
      userAdmin,
      tenantAdmin,
      apiKeyAdmin: new ApiKeyAdmin({ keys: core.apiKeys, members, audit, clock: systemClock }),
      audit,
      changes: fleet.changes,
      newViewer: (principal) => fleet.newViewer(principal),
      events,
      analytics: new Analytics({
        events,
        answers: new Answers({
          store: events.store,
          clock: systemClock,
          maxRows: config.INSIGHTS_CACHE_ROWS,
          ttlMs: config.METRICS_CACHE_TTL_SECONDS * SECOND,
        }),
      }),
      charts: new Charts(),
      letters: core.letters,
      jobs: core.jobs,
      erasure: core.erasure,
      eventRetentionDays: config.EVENT_RETENTION_DAYS ?? null,
      defaultTenant: DEFAULT_TENANT,
      version: VERSION,
    };

    // Of several workers one takes events from elsewhere: pub/sub would tell each of them.
    const sources = config.worker === 1 ? await eventSources(config, events, metrics, log) : [];
    const schema = createSchema();
    const rights = new Rights(standing);
    const limits = config.RATE_LIMIT ? rateLimits(config, limiters) : null;
    const serverOptions: ServerOptions = {
      name: config.SERVICE_NAME,
      version: VERSION,
      production: config.production,
      introspection: config.introspection,
      refreshParam: config.FORCE_REFRESH_PARAM,
      corsOrigins: config.CORS_ORIGINS,
      trustProxy: config.TRUST_PROXY,
      schema,
      execute: createExecute(schema, log),
      services,
      metrics,
      log,
      dependencies: dependencies(core, fleet.clients, sources),
      writeKeys: new Map(config.WRITE_KEYS.map((key) => [key, DEFAULT_TENANT])),
      limits: {
        depth: config.QUERY_MAX_DEPTH,
        aliases: config.QUERY_MAX_ALIASES,
        directives: config.QUERY_MAX_DIRECTIVES,
        cost: config.QUERY_MAX_COST,
      },
      rateLimit: limits,
      sharing: new AnswerSharing({
        answers: config.RESPONSE_CACHE_MAX_BYTES > 0 ? sharedAnswers(config, fleet.cache, metrics) : null,
        rightsOf: (principal) => rights.of(principal),
        rateLimit: limits,
        cacheTtlMs: config.METRICS_CACHE_TTL_SECONDS * SECOND,
        clock: systemClock,
      }),
      isAudited: config.AUDIT,
      trusted: config.TRUSTED_DOCUMENTS ? await readTrustedDocuments(config.TRUSTED_DOCUMENTS) : null,
      demoToken: demo ? () => tokens.issue(DEMO_PRINCIPAL).accessToken : null,
      publicKeys: () => tokens.keys.publicKeys(),
      anonymousAreas: config.ANONYMOUS_AREAS,
      isStopping: () => stopping,
      shedding: new Shedding({ waitMs: config.SHED_WAIT_MS, maxInFlight: config.MAX_IN_FLIGHT }, metrics),
    };
    const server = await closing(createServer(serverOptions));
    const areaServers = await Promise.all(
      [...config.AREA_PORTS].map(async ([area, port]) => ({
        area,
        port,
        server: await closing(createAreaServer(serverOptions, area)),
      })),
    );

    for (const source of sources) source.start();
    closers.push(async () => {
      await Promise.all(sources.map((source) => source.stop()));
    });
    core.jobs.start();
    if (config.SWEEP) closers.push(fleet.startSweep());
    return {
      server,
      areas: new Map(areaServers.map((each) => [each.area, each.server])),
      accounts,
      events,
      log,
      drain: async () => {
        stopping = true;
        await sleep(config.DRAIN_SECONDS * SECOND);
      },
      close,
      listen: async () => {
        try {
          await server.listen({ port: config.PORT, host: config.HOST });
          for (const each of areaServers) await each.server.listen({ port: each.port, host: config.HOST });
        } catch (error) {
          await close();
          throw error;
        }
      },
      replaceKeys: async (next) => tokens.replaceKeys(await keyRing(next)),
      port: () => server.addresses()[0]?.port ?? config.PORT,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const DEMO_PRINCIPAL: Principal = {
  ...EVERYTHING,
  userId: "demo_fleet_manager",
  username: "fleet_manager",
  role: "FLEET_MANAGER",
};

async function keyRing(config: Config): Promise<KeyRing> {
  return new KeyRing({
    secret: config.jwtSecret ?? (await keptSecret(config.secretsDir, "jwt-secret")),
    algorithm: config.JWT_ALGORITHM,
    privateKey: config.JWT_PRIVATE_KEY,
    previous: config.JWT_PREVIOUS_KEYS,
  });
}

function outsideOf({ JWT_JWKS_URL: url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience }: Config) {
  return url && issuer && audience ? { keys: new OutsideKeys(url), issuer, audience } : null;
}

/** Whole answers, dropped when something changes that they show. */
function sharedAnswers(config: Config, cache: UpstreamCache, metrics: Metrics): SharedAnswers {
  const answers = new SharedAnswers({ maxBytes: config.RESPONSE_CACHE_MAX_BYTES, clock: systemClock });
  cache.watch((tags) => answers.drop(tags));
  metrics.watchGauge("crowsnest_response_cache_bytes", "Size of the answers kept as a whole", () => answers.bytes);
  return answers;
}

function rateLimits(config: Config, limiters: RateLimiters): RateLimitOptions {
  return {
    signedIn: limiters.create("user", config.RATE_LIMIT_PER_MINUTE, 60),
    strangers: limiters.create("address", config.RATE_LIMIT_STRANGERS_PER_MINUTE, 60),
    ingest: limiters.create("ingest", config.RATE_LIMIT_INGEST_PER_MINUTE, 60),
    isWriteKey: (key) => config.WRITE_KEYS.includes(key),
  };
}

function loginThrottle(limiters: RateLimiters): LoginThrottle {
  const { account, address, seconds } = LOGIN_FAILURES;
  return new LoginThrottle({
    accounts: limiters.create("login", account, seconds),
    addresses: limiters.create("login-address", address, seconds),
  });
}
