import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { AuditLog } from "../audit/index.js";
import type { Accounts, Client } from "../auth/index.js";
import { PublicError } from "../base/errors.js";
import type { Principal } from "../domain/access/scope.js";
import { withCorrelationId } from "../ops/logs.js";
import type { Metrics } from "../ops/metrics.js";
import { errorBody } from "./errors.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks; null without a token. */
    principal: Principal | null;
    /** What only the handler knows: replaces or completes what the route says about itself. */
    /** Whether its entry has been written, or need not be. */
    isAudited: boolean;
    told: { operation?: string; action?: string; details?: Readonly<Record<string, unknown>> };
  }
  interface FastifyContextConfig {
    /** Name of the request in metrics. */
    operation?: string;
    /** Name of the request in the audit trail; false for what nobody needs to know of (health checks, pictures). */
    audit?: string | false;
    /** Whose figures it shows or takes in. */
    area?: string;
    /** Only what was refused or failed is audited: what was done leaves a trail of its own. */
    auditRefusalsOnly?: boolean;
  }
}

export interface RequestOptions {
  readonly accounts: Accounts;
  /** Null: requests leave no trail. */
  readonly audit: AuditLog | null;
  readonly metrics: Metrics;
  readonly defaultTenant: string;
  /** Areas whose endpoints need no token. */
  readonly anonymousAreas: readonly string[];
}

const CORRELATION_ID = /^[\w.:-]{1,128}$/;

/** What happens to every request: a correlation id, who it is, its place in metrics and in the audit trail. */
export function registerRequests(server: FastifyInstance, options: RequestOptions): void {
  server.decorateRequest("principal", null);
  server.decorateRequest("told", null as never);
  server.decorateRequest("isAudited", false);
  server.addHook("onRequest", (request, reply, done) => {
    reply.header("x-correlation-id", request.id);
    request.told = {};
    withCorrelationId(request.id, done);
  });
  server.addHook("onRequest", async (request) => {
    const isAudited = request.routeOptions.config.audit !== false;
    if (!isAudited) return;
    if (options.audit?.accepts === false) throw new PublicError("SERVICE_UNAVAILABLE", NOT_AUDITED);
    request.principal = (await authenticate(options.accounts, request)) ?? anonymous(options, request);
  });
  // Before the first byte of the answer: nothing is answered that the trail does not know of, whatever kills the process.
  server.addHook("onSend", async (request, reply, payload) => {
    try {
      await auditOnce(options, request, reply);
      return payload;
    } catch (error) {
      request.log.error({ error: String(error) }, "an answer is withheld: it cannot be audited");
      reply.code(503).removeHeader("content-length").header("content-type", "application/json; charset=utf-8");
      return JSON.stringify(errorBody("SERVICE_UNAVAILABLE", NOT_AUDITED));
    }
  });
  server.addHook("onResponse", async (request, reply) => {
    const { operation, audit, auditRefusalsOnly } = request.routeOptions.config;
    const { told } = request;
    options.metrics.request(told.operation ?? operation ?? "other", reply.statusCode, reply.elapsedTime / 1000);
    // Of answers that did not go through the hook above.
    await auditOnce(options, request, reply);
    if (audit === false || (auditRefusalsOnly && reply.statusCode < 400)) return;
    const milliseconds = Math.round(reply.elapsedTime);
    request.log.info({ operation: told.operation ?? operation, status: reply.statusCode, milliseconds }, "answered");
  });
}

const NOT_AUDITED = "Requests cannot be audited at the moment; try again shortly";

async function auditOnce(options: RequestOptions, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { audit, auditRefusalsOnly } = request.routeOptions.config;
  if (request.isAudited || audit === false || (auditRefusalsOnly && reply.statusCode < 400)) return;
  request.isAudited = true;
  const { principal, told } = request;
  await options.audit?.append({
    tenantId: principal?.tenantId ?? options.defaultTenant,
    userId: principal?.userId ?? null,
    role: principal?.role ?? null,
    action: told.action ?? audit ?? "request",
    resource: request.url.split("?")[0] ?? request.url,
    method: request.method,
    status: reply.statusCode,
    ip: request.ip,
    userAgent: request.headers["user-agent"] ?? null,
    details: told.details ?? {},
    source: "user",
    eventType: null,
    eventId: null,
  });
}

export function clientOf(request: FastifyRequest): Client {
  return { ip: request.ip, userAgent: request.headers["user-agent"]?.slice(0, 500) ?? null };
}

/** The client's own id where it is sane, so that its logs and ours tell one story. */
export function correlationId(headers: Readonly<Record<string, unknown>>): string {
  const given = headers["x-correlation-id"] ?? headers["x-request-id"];
  return typeof given === "string" && CORRELATION_ID.test(given) ? given : randomUUID();
}

/** Whoever asks without a token, where that is allowed: may see figures of that area and nothing else. */
function anonymous({ anonymousAreas, defaultTenant }: RequestOptions, request: FastifyRequest): Principal | null {
  const { area } = request.routeOptions.config;
  if (area === undefined || !anonymousAreas.includes(area)) return null;
  return {
    userId: "anonymous",
    username: null,
    tenantId: defaultTenant,
    role: "FLEET_MANAGER",
    permissions: ["view_analytics"],
    vehicleIds: ["*"],
    fleetIds: [],
    areas: [area],
  };
}

async function authenticate(accounts: Accounts, request: FastifyRequest): Promise<Principal | null> {
  const header = request.headers.authorization;
  if (header === undefined) return null;
  const [scheme, token, ...rest] = header.split(" ");
  if (scheme?.toLowerCase() !== "bearer" || !token || rest.length > 0) {
    throw new PublicError("UNAUTHENTICATED", "Not signed in: expected Authorization: Bearer <token>");
  }
  return accounts.authenticate(token);
}
