import cors from "@fastify/cors";
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { GraphQLSchema } from "graphql";
import type { Execute, QueryLimits, Services } from "../graphql/index.js";
import type { Logger } from "../ops/logs.js";
import type { Metrics } from "../ops/metrics.js";
import { registerAreaEndpoints, registerSharedAreaEndpoints, type ServiceArea } from "./areas.js";
import { readEndpoints } from "./documents.js";
import { registerDownloads } from "./downloads.js";
import { registerErrors } from "./errors.js";
import { registerExplorer } from "./explorer.js";
import { registerGraphQL } from "./graphql.js";
import { registerIngest } from "./ingest.js";
import { INGEST_ENDPOINTS } from "./ingest-dialects.js";
import { createOpenApi } from "./openapi.js";
import { type Dependency, registerOps } from "./ops.js";
import { type RateLimitOptions, registerRateLimit } from "./rate-limit.js";
import { correlationId, registerRequests } from "./requests.js";
import { registerRest } from "./rest.js";
import { registerSecurityHeaders } from "./security-headers.js";
import type { AnswerSharing } from "./sharing.js";
import type { Shedding } from "./shedding.js";
import { registerStream } from "./stream.js";
import type { TrustedDocuments } from "./trusted-documents.js";

export interface ServerOptions {
  readonly name: string;
  readonly version: string;
  readonly production: boolean;
  readonly introspection: boolean;
  readonly refreshParam: string;
  readonly corsOrigins: readonly string[];
  readonly trustProxy: boolean;
  readonly schema: GraphQLSchema;
  readonly execute: Execute;
  readonly services: Services;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly dependencies: readonly Dependency[];
  /** Public keys that may send events, and the tenant that each sends for. */
  readonly writeKeys: ReadonlyMap<string, string>;
  readonly limits: QueryLimits;
  readonly sharing: AnswerSharing;
  /** Null: nobody is limited. */
  readonly rateLimit: RateLimitOptions | null;
  readonly trusted: TrustedDocuments | null;
  /** Areas whose endpoints anybody may ask, for figures of the default tenant and of that area alone. */
  readonly anonymousAreas: readonly ServiceArea[];
  /** Whether requests leave a trail; changes always do. */
  readonly isAudited: boolean;
  readonly demoToken: (() => string) | null;
  /** Of tokens, as a JSON Web Key Set holds them. */
  readonly publicKeys: () => readonly object[];
  readonly isStopping: () => boolean;
  readonly shedding: Shedding;
}

const BODY_LIMIT = 1024 * 1024;

/** The HTTP side of the gateway, plugin by plugin. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { services, metrics, execute, schema, name, version, sharing } = options;
  const server = await createBase(options);
  registerOps(server, { name, version, metrics, dependencies: options.dependencies, isStopping: options.isStopping });
  server.get("/.well-known/jwks.json", { config: { operation: "jwks", audit: false } }, async () => ({
    keys: options.publicKeys(),
  }));
  const endpoints = readEndpoints(schema);
  const openApi = createOpenApi(schema, endpoints, version);
  const { refreshParam, rateLimit, limits, trusted } = options;
  await registerRest(server, { endpoints, execute, services, refreshParam, schema, rateLimit, sharing });
  registerDownloads(server, services);
  await registerIngest(server, { intake: services.events.intake, writeKeys: options.writeKeys }, INGEST_ENDPOINTS);
  registerSharedAreaEndpoints(server, { dependencies: options.dependencies, metrics, openApi });
  await registerExplorer(server, { name, version, openApi, demoToken: options.demoToken });
  await registerGraphQL(server, {
    schema,
    execute,
    services,
    introspection: options.introspection,
    production: options.production,
    limits,
    rateLimit,
    trusted,
    sharing,
  });
  await registerStream(
    server,
    {
      ...{ schema, execute, services, limits, rateLimit, trusted },
      suggestions: !options.production || options.introspection,
      isAudited: options.isAudited,
    },
    metrics,
  );
  return server;
}

/** One area alone, as its old service was: its own endpoints, and the contract's under the same paths. */
export async function createAreaServer(options: ServerOptions, area: ServiceArea): Promise<FastifyInstance> {
  const { services, metrics, execute, schema, version, refreshParam, rateLimit, sharing } = options;
  const server = await createBase(options);
  const endpoints = readEndpoints(schema).filter(({ tag }) => tag === area);
  const doors = INGEST_ENDPOINTS.filter((endpoint) => endpoint.area === area);
  const openApi = createOpenApi(schema, endpoints, version, doors);
  await registerRest(server, { endpoints, execute, services, refreshParam, schema, rateLimit, sharing });
  await registerIngest(server, { intake: services.events.intake, writeKeys: options.writeKeys }, doors);
  await registerAreaEndpoints(server, area, { dependencies: options.dependencies, metrics, openApi });
  return server;
}

/** What every request meets first, whichever port it comes to. */
async function createBase(options: ServerOptions): Promise<FastifyInstance> {
  const { services, metrics } = options;
  const server = Fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    // One logger for all: it knows the request's correlation id by itself.
    childLoggerFactory: (logger) => logger,
    disableRequestLogging: true,
    bodyLimit: BODY_LIMIT,
    trustProxy: options.trustProxy,
    // A client that takes its time holds a connection, and not for long: to send its request, to send its headers, to
    // read the answer.
    requestTimeout: 30_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 1000 },
    connectionTimeout: 120_000,
    genReqId: (request) => correlationId(request.headers),
    routerOptions: { maxParamLength: 500 },
    forceCloseConnections: "idle",
    // While it stops, what still comes on an open connection is answered, and the connection then closed.
    return503OnClosing: false,
  });
  server.addHook("onSend", async (_request, reply) => {
    if (options.isStopping()) reply.header("connection", "close");
  });
  registerSecurityHeaders(server);
  if (options.corsOrigins.length > 0) {
    await server.register(cors, {
      origin: [...options.corsOrigins],
      exposedHeaders: [
        ...["age", "etag", "x-cache", "x-correlation-id", "retry-after"],
        ...["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"],
      ],
    });
  }
  registerErrors(server);
  options.shedding.register(server);
  registerRequests(server, {
    accounts: services.accounts,
    audit: options.isAudited ? services.audit : null,
    metrics,
    defaultTenant: services.defaultTenant,
    anonymousAreas: options.anonymousAreas,
  });
  if (options.rateLimit) registerRateLimit(server, options.rateLimit);
  return server;
}
