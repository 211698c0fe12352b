import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { coerceInputValue, type ExecutionResult, type GraphQLSchema, getNamedType, isEnumType } from "graphql";
import { ERROR_STATUS, type ErrorCode, PublicError } from "../base/errors.js";
import { Context, cacheHintOf, codeOf, type Execute, type Services, sizeOf } from "../graphql/index.js";
import { isServiceArea } from "./areas.js";
import type { RestEndpoint, RestVariable } from "./documents.js";
import { errorBody } from "./errors.js";
import { type RateLimitOptions, takeCost } from "./rate-limit.js";
import { clientOf } from "./requests.js";
import type { AnswerSharing } from "./sharing.js";

export interface RestOptions {
  readonly endpoints: readonly RestEndpoint[];
  readonly execute: Execute;
  readonly services: Services;
  /** Query parameter that bypasses the cache. */
  readonly refreshParam: string;
  readonly schema: GraphQLSchema;
  readonly rateLimit: RateLimitOptions | null;
  readonly sharing: AnswerSharing;
}

/** One route per stored document. None has a handler of its own: all of them run the document and shape its answer. */
export async function registerRest(server: FastifyInstance, options: RestOptions): Promise<void> {
  await server.register(async (scope) => {
    options.sharing.register(scope);
    registerRoutes(scope, options);
  });
}

function registerRoutes(server: FastifyInstance, options: RestOptions): void {
  const conditional = options.endpoints.filter(({ when }) => when !== null);
  for (const endpoint of options.endpoints) {
    if (endpoint.when !== null) continue;
    const others = conditional.filter(({ method, path }) => method === endpoint.method && path === endpoint.path);
    server.route({
      method: endpoint.method,
      url: endpoint.path.replaceAll(/\{(\w+)\}/g, ":$1"),
      config: {
        operation: `${endpoint.method} ${endpoint.path}`,
        audit: endpoint.action,
        ...(isServiceArea(endpoint.tag) && { area: endpoint.tag }),
        isVital: endpoint.path.startsWith("/api/v1/auth/"),
      },
      preHandler: (request, reply, done) => {
        const key = keyOf(endpoint, options, request);
        if (key === null) done();
        else options.sharing.give(key, request, reply, done);
      },
      handler: (request, reply) => {
        const query = request.query as Record<string, unknown>;
        const asked = others.find(({ when }) => when !== null && query[when] !== undefined);
        return answer(asked ?? endpoint, options, request, reply);
      },
    });
  }
}

async function answer(endpoint: RestEndpoint, options: RestOptions, request: FastifyRequest, reply: FastifyReply) {
  const context = new Context(options.services, request.principal, clientOf(request));
  const variables = readVariables(endpoint, options.refreshParam, request);
  const { cost } = sizeOf(options.schema, endpoint.document, endpoint.operation, variables);
  await takeCost(request, reply, options.rateLimit, cost);
  const key = keyOf(endpoint, options, request);
  if (key !== null) options.sharing.begin(key, request, context, cost);
  const result = await options.execute({ document: endpoint.document, variables }, context);
  request.told = { details: context.auditDetails };
  const cache = cacheStatus(context);
  if (cache) reply.header("x-cache", cache);
  return respond(endpoint, result, reply, request);
}

function keyOf(endpoint: RestEndpoint, { sharing }: RestOptions, request: FastifyRequest): string | null {
  const hint = endpoint.method === "GET" ? cacheHintOf(endpoint.operation) : "none";
  return sharing.keyOf(request, hint, `GET ${request.url}`);
}

function respond(
  endpoint: RestEndpoint,
  result: ExecutionResult<Record<string, unknown>>,
  reply: FastifyReply,
  request: FastifyRequest,
) {
  const root = result.data?.data;
  const [error] = result.errors ?? [];
  const isQuery = endpoint.method === "GET";
  const value = isQuery && endpoint.result ? (root as Record<string, unknown> | null)?.[endpoint.result] : root;
  if (value === null || value === undefined) {
    if (!error && endpoint.mayBeEmpty) return reply.status(endpoint.status).send(wrapped(endpoint, {}, request));
    const code = error ? codeOf(error) : "NOT_FOUND";
    const { code: _code, http: _http, ...details } = error?.extensions ?? {};
    return fail(reply, code, error?.message ?? "Not found", details);
  }
  const [refusal] = payloadErrors(root);
  if (refusal) return fail(reply, refusal.code, refusal.message, refusal.field ? { field: refusal.field } : {});
  for (const path of endpoint.lowerCased) lowerAt(result.data, path);
  const answered = isQuery || !endpoint.result ? value : (root as Record<string, unknown>)[endpoint.result];
  return reply.status(endpoint.status).send(wrapped(endpoint, answered, request));
}

/** As clients of the ticket platform's service know it. */
function wrapped({ envelope }: RestEndpoint, data: unknown, { principal }: FastifyRequest): unknown {
  return envelope === "admin" ? { success: true, data, admin: principal?.username ?? null } : data;
}

function fail(reply: FastifyReply, code: string, message: string, details: Record<string, unknown>) {
  const status = ERROR_STATUS[code as ErrorCode] ?? 500;
  const { retryAfterSeconds } = details;
  if (status === 503) reply.header("retry-after", "5");
  else if (typeof retryAfterSeconds === "number") reply.header("retry-after", retryAfterSeconds);
  return reply.status(status).send(errorBody(code, message, details));
}

/** What the caller can mend, from a mutation's payload. */
function payloadErrors(root: unknown): { code: string; message: string; field: string | null }[] {
  const errors = typeof root === "object" && root !== null && "errors" in root ? root.errors : [];
  return Array.isArray(errors) ? errors : [];
}

/** HIT: all from the cache. BYPASS: the caller asked for fresh data. Null: no upstream data was involved. */
function cacheStatus(context: Context): "HIT" | "MISS" | "BYPASS" | null {
  const { viewer } = context.made;
  if (!viewer) return null;
  if (viewer.bypassedCache) return "BYPASS";
  if (!viewer.ledger.hasData) return null;
  return viewer.ledger.cachedSince(viewer.startedAt) ? "HIT" : "MISS";
}

function readVariables(endpoint: RestEndpoint, refreshParam: string, request: FastifyRequest): Record<string, unknown> {
  const sources = { path: request.params, query: request.query, body: request.body } as Record<
    string,
    Record<string, unknown>
  >;
  const values: Record<string, unknown> = {};
  for (const variable of endpoint.variables) {
    const name = variable.name === "refresh" ? refreshParam : variable.name;
    const raw = sources[variable.in]?.[name];
    const value = raw === undefined || variable.in === "body" ? raw : fromText(variable, raw);
    checked(variable, value, raw);
    if (value !== undefined) values[variable.name] = value;
  }
  return values;
}

/** @throws PublicError BAD_USER_INPUT for what does not fit, in the words of REST */
function checked({ name, type, required }: RestVariable, value: unknown, raw: unknown): void {
  const refuse = (path: readonly (string | number)[], why: string, more = {}): never => {
    const field = [name, ...path].join(".");
    throw new PublicError("BAD_USER_INPUT", `${field} ${why}`, { field, ...more });
  };
  if (value === undefined && !required) return;
  if (value === undefined || value === null) return void (required && refuse([], "is required"));
  const named = getNamedType(type);
  if (isEnumType(named) && typeof value === "string" && !named.getValue(value)) {
    const allowed = named.getValues().map((one) => one.name.toLowerCase());
    refuse([], `must be one of ${allowed.join(", ")}, got "${raw}"`, { allowed });
  }
  coerceInputValue(value, type, (path, _, error) => refuse(path, `is not valid: ${error.message}`));
}

const NAIVE = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/;

/** Text of a URL to what GraphQL expects. What does not fit is left as it is, for GraphQL to say so. */
function fromText(variable: RestVariable, raw: unknown): unknown {
  // A parameter given twice: the last one counts, unless a list is wanted.
  const text = Array.isArray(raw) ? (variable.isList ? raw.join(",") : raw.at(-1)) : raw;
  if (typeof text !== "string") return text;
  if (text === "" && !variable.required) return undefined;
  if (variable.isList) return text.split(",");
  if (variable.isEnum) return text.toUpperCase();
  const type = String(variable.type).replace("!", "");
  // The services that this one replaces took moments without a zone for UTC.
  if (type === "DateOrDateTime" && NAIVE.test(text)) return `${text}Z`;
  if (type === "Boolean") return /^(true|1|yes)$/i.test(text) ? true : /^(false|0|no)$/i.test(text) ? false : text;
  return (type === "Int" || type === "Float") && text.trim() !== "" && Number.isFinite(Number(text))
    ? Number(text)
    : text;
}

function lowerAt(value: unknown, [key, ...rest]: readonly string[]): void {
  if (Array.isArray(value)) {
    for (const item of value) lowerAt(item, [key ?? "", ...rest]);
  } else if (typeof value === "object" && value !== null && key !== undefined) {
    const record = value as Record<string, unknown>;
    const inner = record[key];
    if (rest.length > 0) lowerAt(inner, rest);
    else if (typeof inner === "string") record[key] = inner.toLowerCase();
  }
}
