import type { FastifyInstance } from "fastify";
import type { Metrics } from "../ops/metrics.js";
import { registerDocs } from "./explorer.js";
import type { Dependency } from "./ops.js";

/** Areas that were a service of their own, with a port and clients that know it. */
export const SERVICE_AREAS = ["rides", "documents", "bookings", "product"] as const;
export type ServiceArea = (typeof SERVICE_AREAS)[number];

export function isServiceArea(name: string): name is ServiceArea {
  return (SERVICE_AREAS as readonly string[]).includes(name);
}

export interface AreaOptions {
  readonly dependencies: readonly Dependency[];
  readonly metrics: Metrics;
  readonly openApi: Readonly<Record<string, unknown>>;
}

interface Answer {
  readonly status?: number;
  readonly body: unknown;
}
type Endpoints = Readonly<Record<string, (options: AreaOptions) => Promise<Answer> | Answer>>;

const always = (body: unknown) => () => ({ body });

/** What orchestrators and people ask each of the old services, beside its figures. */
const ENDPOINTS: Readonly<Record<ServiceArea, Endpoints>> = {
  rides: {
    "/": always({ service: "openride-analytics-service", version: "1.0.0", status: "running" }),
    "/health": always({ status: "healthy", service: "analytics-service" }),
    "/health/live": always({ status: "alive" }),
    "/health/ready": async (options) => {
      const checks = { redis: await told(options, "redis"), clickhouse: await told(options, "event-store") };
      const isHealthy = Object.values(checks).every((check) => check === "healthy");
      return { body: { status: isHealthy ? "healthy" : "degraded", checks } };
    },
    "/metrics": expose,
    "/openapi.json": specification,
  },
  documents: {
    "/openapi.json": specification,
    "/health": () => ({
      body: { status: "healthy", service: "data-analytics", timestamp: new Date().toISOString(), version: "1.0.0" },
    }),
  },
  bookings: {
    "/openapi.json": specification,
    "/": always({
      service: "analytics-service",
      version: "1.0.0",
      description: "Statistics of events and their bookings",
      docs: "/docs",
      health: "/health",
    }),
    "/health": async (options) => {
      const service = { service: "analytics-service", version: "1.0.0" };
      const [database, store] = [await told(options, "database"), await told(options, "event-store")];
      if (database === "healthy" && store === "healthy") {
        const redis = (await told(options, "redis")) === "healthy" ? "connected" : "disconnected";
        return { body: { status: "healthy", ...service, database: "connected", redis } };
      }
      const error = database === "healthy" ? "the event store is behind or away" : "the database is not available";
      return { status: 503, body: { status: "unhealthy", ...service, error } };
    },
    "/info": always({
      service: "analytics-service",
      version: "1.0.0",
      description: "Statistics of events and their bookings",
      endpoints: { analytics: "/api/v1/analytics", health: "/health", docs: "/docs" },
      features: [
        ...["Statistics of each event", "Daily statistics", "Revenue", "Use of the capacity", "Top events"],
        ...["Statistics of everything", "Trends", "Growth", "Dashboard", "Current with every message"],
      ],
      architecture: {
        type: "analytics gateway",
        database: "columnar event store",
        cache: "in process",
        authentication: "JWT",
        event_processing: "Redis pub/sub, Redis Streams, Kafka and HTTP",
      },
    }),
  },
  product: {
    "/healthz": always({ status: "ok", service: "analytics" }),
    "/api/analytics/healthz": always({ status: "ok", service: "analytics" }),
    "/readyz": async (options) => {
      const isReady = (await told(options, "database")) === "healthy";
      return isReady ? { body: { status: "ok" } } : { status: 503, body: { status: "unavailable" } };
    },
    "/metrics": expose,
    "/api/analytics/openapi.json": specification,
  },
};

/** Where each service had its pages of documentation. */
const DOCS: Readonly<Record<ServiceArea, string>> = {
  rides: "/docs",
  documents: "/docs",
  bookings: "/docs",
  product: "/api/analytics/docs",
};

/** The areas whose own endpoints the gateway has on its port too: those that collide with nothing of its own. */
export function registerSharedAreaEndpoints(server: FastifyInstance, options: AreaOptions): void {
  const { "/metrics": _, ...endpoints } = ENDPOINTS.product;
  register(server, endpoints, options);
}

/** On a port of its own an area answers as its old service did. */
export async function registerAreaEndpoints(
  server: FastifyInstance,
  area: ServiceArea,
  options: AreaOptions,
): Promise<void> {
  if (area === "product") {
    server.addHook("onResponse", async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
      options.metrics.productRequest(method, routeOptions.url ?? "unknown", statusCode, elapsedTime / 1000);
    });
  }
  register(server, ENDPOINTS[area], options);
  await registerDocs(server, options.openApi, DOCS[area]);
}

function register(server: FastifyInstance, endpoints: Endpoints, options: AreaOptions): void {
  for (const [path, answer] of Object.entries(endpoints)) {
    server.get(path, { config: { audit: false, operation: "ops" } }, async (_request, reply) => {
      const { status, body } = await answer(options);
      if (body instanceof Exposed) return reply.header("content-type", body.contentType).send(body.text);
      return reply.status(status ?? 200).send(body);
    });
  }
}

class Exposed {
  constructor(
    readonly contentType: string,
    readonly text: string,
  ) {}
}

function specification({ openApi }: AreaOptions): Answer {
  return { body: openApi };
}

async function expose({ metrics }: AreaOptions): Promise<Answer> {
  const { contentType, text } = await metrics.expose();
  return { body: new Exposed(contentType, text) };
}

/** How a dependency is; one that is not used cannot be ill. */
async function told({ dependencies }: AreaOptions, name: string): Promise<"healthy" | "unhealthy"> {
  for (const dependency of dependencies.filter((each) => each.name.startsWith(name))) {
    const { status } = await dependency.check().catch(() => ({ status: "down" as const }));
    if (status !== "ok") return "unhealthy";
  }
  return "healthy";
}
