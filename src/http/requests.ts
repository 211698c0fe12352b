import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { AuditInput, AuditLog } from "../audit/index.js";
import type { Accounts, Client } from "../auth/index.js";
import { PublicError } from "../base/errors.js";
import type { Principal } from "../domain/access/scope.js";
import type { Metrics } from "../ops/metrics.js";
import { Deadline, type OnBehalf, onBehalf } from "../ops/on-behalf.js";
import { DEADLINE_HEADER } from "../upstream/index.js";
import { errorBody } from "./errors.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks; null without a token. */
    principal: Principal | null;
    onBehalf: OnBehalf;
    /** Whether its entry has been written, or need not be. */
    isAudited: boolean;
    /** What only the handler knows: replaces or completes what the route says about itself. */
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
  server.decorateRequest("onBehalf", null as never);
  server.addHook("onRequest", (request, reply, done) => {
    reply.header("x-correlation-id", request.id);
    request.told = {};
    request.onBehalf = { correlationId: request.id, deadline: deadlineOf(request.headers) };
    onBehalf(request.onBehalf, done);
  });
  // Hooks with callbacks: most requests wait for nothing, and a promise each takes time that they feel.
  server.addHook("onRequest", (request, _reply, done) => {
    const isAudited = request.routeOptions.config.audit !== false;
    if (!isAudited) return done();
    if (options.audit?.accepts === false) return done(new PublicError("SERVICE_UNAVAILABLE", NOT_AUDITED));
    const admit = (principal: Principal | null): void => {
      request.principal = principal ?? anonymous(options, request);
      done();
    };
    try {
      const known = authenticate(options.accounts, request);
      if (known instanceof Promise) known.then(admit, done);
      else admit(known);
    } catch (error) {
      done(error as Error);
    }
  });
  // Before the first byte of the answer: nothing is answered that the trail does not know of, whatever kills the process.
  server.addHook("onSend", (request, reply, payload, done) => {
    const withhold = (error: unknown): void => {
      request.log.error({ error: String(error) }, "an answer is withheld: it cannot be audited");
      reply.code(503).removeHeader("content-length").header("content-type", "application/json; charset=utf-8");
      done(null, JSON.stringify(errorBody("SERVICE_UNAVAILABLE", NOT_AUDITED)));
    };
    const audited = auditOnce(options, request, reply);
    if (audited) audited.then(() => done(null, payload), withhold);
    else done(null, payload);
  });
  server.addHook("onResponse", (request, reply, done) => {
    const { operation, audit, auditRefusalsOnly } = request.routeOptions.config;
    const { told } = request;
    options.metrics.request(told.operation ?? operation ?? "other", reply.statusCode, reply.elapsedTime / 1000);
    if (audit !== false && !(auditRefusalsOnly && reply.statusCode < 400)) {
      const milliseconds = Math.round(reply.elapsedTime);
      request.log.info({ operation: told.operation ?? operation, status: reply.statusCode, milliseconds }, "answered");
    }
    // Of answers that did not go through the hook above.
    const audited = auditOnce(options, request, reply);
    if (audited) audited.then(() => done(), done);
    else done();
  });
}

export const NOT_AUDITED = "Requests cannot be audited at the moment; try again shortly";

/** @returns undefined where there is nothing to write, or it has been written */
function auditOnce(options: RequestOptions, request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
  const { audit, auditRefusalsOnly } = request.routeOptions.config;
  if (request.isAudited || audit === false || (auditRefusalsOnly && reply.statusCode < 400)) return undefined;
  request.isAudited = true;
  return options.audit?.append(entryOf(request, reply.statusCode, options.defaultTenant));
}

/** What the trail tells of a request. */
export function entryOf(request: FastifyRequest, status: number, defaultTenant: string): AuditInput {
  const { principal, told } = request;
  const { audit } = request.routeOptions.config;
  return {
    tenantId: principal?.tenantId ?? defaultTenant,
    userId: principal?.userId ?? null,
    role: principal?.role ?? null,
    action: told.action ?? (audit || "request"),
    resource: request.url.split("?")[0] ?? request.url,
    method: request.method,
    status,
    ip: request.ip,
    userAgent: request.headers["user-agent"] ?? null,
    details: told.details ?? {},
    source: "user",
    eventType: null,
    eventId: null,
  };
}

export function clientOf(request: FastifyRequest): Client {
  return { ip: request.ip, userAgent: request.headers["user-agent"]?.slice(0, 500) ?? null };
}

/** The client's own id where it is sane, so that its logs and ours tell one story. */
export function correlationId(headers: Readonly<Record<string, unknown>>): string {
  const given = headers["x-correlation-id"] ?? headers["x-request-id"];
  return typeof given === "string" && CORRELATION_ID.test(given) ? given : randomUUID();
}

/** For how many milliseconds the client waits, as it says itself or as Envoy says for it; null where neither does. */
function deadlineOf(headers: Readonly<Record<string, unknown>>): Deadline | null {
  const given = headers[DEADLINE_HEADER] ?? headers["x-envoy-expected-rq-timeout-ms"];
  const milliseconds = typeof given === "string" && /^\d{1,7}$/.test(given) ? Number(given) : 0;
  return milliseconds > 0 ? new Deadline(milliseconds) : null;
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

const BEARER = "bearer ";

function authenticate(accounts: Accounts, request: FastifyRequest): Principal | null | Promise<Principal> {
  const header = request.headers.authorization;
  if (header === undefined) return null;
  const token = header.slice(BEARER.length);
  if (header.slice(0, BEARER.length).toLowerCase() !== BEARER || token === "" || token.includes(" ")) {
    throw new PublicError("UNAUTHENTICATED", "Not signed in: expected Authorization: Bearer <token>");
  }
  return accounts.recognise(token) ?? accounts.authenticate(token);
}
