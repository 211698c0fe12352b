import type { AuditLog } from "./audit/index.js";
import { NO_REQUEST } from "./audit/index.js";
import { clockStartingAt, SECOND, systemClock } from "./base/clock.js";
import type { Config } from "./config.js";
import type { Core } from "./core.js";
import { ALL_FLEETS, DEFAULT_TENANT, type Principal } from "./domain/access/scope.js";
import { FleetChanges, type FleetSettings, invalidateByEvents, pace, startSweep, Viewer } from "./fleet/index.js";
import type { Logger } from "./ops/logs.js";
import type { Metrics } from "./ops/metrics.js";
import { SecondLevel } from "./ops/second-level.js";
import {
  createClients,
  createServices,
  pacedServices,
  Reader,
  SERVICE_NAMES,
  type ServiceName,
  type ServiceOptions,
  type Services,
  UpstreamCache,
  type UpstreamClients,
} from "./upstream/index.js";

/** Sees all of the tenant. */
export const EVERYTHING = {
  tenantId: DEFAULT_TENANT,
  permissions: ["*"],
  vehicleIds: ["*"],
  fleetIds: [],
  username: null,
};
const SWEEPER: Principal = { ...EVERYTHING, userId: "sweep", role: "ADMIN" };

export interface FleetParts extends Pick<Core, "audit" | "events" | "standing"> {
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Tells data of one version of the program from another's. */
  readonly version: string;
  /** Of the built-in demo fleet; null: as configured. */
  readonly demoUrls: Readonly<Record<ServiceName, string>> | null;
}

/** The upstream services, the cache in front of them and whoever looks through it. */
export class FleetArea {
  readonly changes: FleetChanges;
  readonly #settings: FleetSettings;

  private constructor(
    readonly config: Config,
    readonly parts: FleetParts,
    readonly services: Services,
    readonly clients: UpstreamClients,
    readonly cache: UpstreamCache,
    readonly second: SecondLevel | null,
  ) {
    this.#settings = fleetSettings(config);
    this.changes = new FleetChanges({ clients, cache, record: announceChange(parts.audit) });
  }

  static async open(config: Config, parts: FleetParts): Promise<FleetArea> {
    const { metrics, log, version, events } = parts;
    const ttlMs = config.METRICS_CACHE_TTL_SECONDS * SECOND;
    const services = createServices(serviceOptions(config, parts.demoUrls), metrics);
    const second = config.REDIS_URL ? await SecondLevel.connect({ url: config.REDIS_URL, version, ttlMs, log }) : null;
    const cache = new UpstreamCache({
      ttlMs,
      staleOnErrorMs: config.STALE_ON_ERROR_SECONDS * SECOND,
      maxBytes: config.CACHE_MAX_BYTES,
      clock: systemClock,
      metrics,
      second,
    });
    await second?.follow((tags) => cache.drop(tags));
    metrics.watchGauge("crowsnest_cache_bytes", "Size of the shared cache, as on the wire", () => cache.bytes);
    events.onAccepted((accepted) => {
      const ofFleet = accepted.filter(({ type }) => events.registry.get(type)?.area === "fleet");
      if (ofFleet.length > 0) invalidateByEvents(cache, ofFleet);
    });
    return new FleetArea(config, parts, services, createClients(services, config.UPSTREAM_BULK), cache, second);
  }

  newViewer(principal: Principal): Viewer {
    const { clients, cache, config, parts } = this;
    const viewer = new Viewer(
      principal,
      parts.standing.fleetsOf(principal.tenantId),
      this.#settings,
      systemClock(),
      (...asked) => new Reader(clients, cache, ...asked),
    );
    // Nobody asks what the answer was put together from.
    if (config.RESPONSE_CACHE_MAX_BYTES === 0) viewer.dependencies.addEverything();
    return viewer;
  }

  /** Keeps in the background what dashboards show. @returns stops it */
  startSweep(): () => void {
    const { config, cache, parts } = this;
    // Workers of one machine share the services' patience.
    const callsPerSecond = Math.max(1, config.SWEEP_CALLS_PER_SECOND / config.WORKERS);
    const clients = createClients(pacedServices(this.services, pace(callsPerSecond)), config.UPSTREAM_BULK);
    const settings = { ...this.#settings, trendPatienceMs: Number.POSITIVE_INFINITY };
    return startSweep({
      intervalMs: (config.METRICS_CACHE_TTL_SECONDS * SECOND) / 10,
      log: parts.log,
      newViewer: () =>
        new Viewer(
          SWEEPER,
          ALL_FLEETS,
          settings,
          systemClock(),
          (...asked) => new Reader(clients, cache, ...asked),
          "sweep",
        ),
    });
  }

  async close(): Promise<void> {
    this.second?.close();
    await Promise.all(SERVICE_NAMES.map((name) => this.services[name].close()));
  }
}

function fleetSettings(config: Config): FleetSettings {
  return {
    clock: config.FLEET_NOW ? clockStartingAt(Date.parse(config.FLEET_NOW)) : systemClock,
    currency: config.CURRENCY,
    breakdownCosts: config.BREAKDOWN_COSTS,
    trendPatienceMs: config.TREND_PATIENCE_MS,
    cacheTtlMs: config.METRICS_CACHE_TTL_SECONDS * SECOND,
  };
}

function serviceOptions(config: Config, demoUrls: FleetParts["demoUrls"]): Record<ServiceName, ServiceOptions> {
  const entries = SERVICE_NAMES.map((name) => {
    const { apiKey, timeoutMs } = config.services[name];
    const baseUrls = demoUrls ? [demoUrls[name]] : config.services[name].baseUrls;
    if (baseUrls.length === 0) throw new Error(`no address for the ${name} service`);
    const options: ServiceOptions = {
      name,
      baseUrls,
      apiKey,
      timeoutMs,
      concurrency: config.UPSTREAM_CONCURRENCY,
      maxBytes: config.UPSTREAM_MAX_BYTES,
      breakerWindowMs: config.UPSTREAM_BREAKER_SECONDS * SECOND,
    };
    return [name, options] as const;
  });
  return Object.fromEntries(entries) as Record<ServiceName, ServiceOptions>;
}

function announceChange(audit: AuditLog) {
  return (viewer: Viewer, action: string, resource: string, details: Record<string, unknown>): Promise<void> =>
    audit.announce({
      ...NO_REQUEST,
      tenantId: viewer.scope.tenantId,
      userId: viewer.principal.userId,
      role: viewer.principal.role,
      action: `${action}.requested`,
      resource,
      details,
      source: "user",
    });
}
