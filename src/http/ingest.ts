import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { PublicError } from "../base/errors.js";
import { refusal } from "../domain/access/rules.js";
import { type Batch, BatchRefused, type Intake, SHAPES, SpoolRefused } from "../events/index.js";
import { errorBody } from "./errors.js";
import type { Body, Dialect, IngestEndpoint } from "./ingest-dialects.js";
import { writeKeyOf } from "./write-keys.js";

export interface IngestOptions {
  readonly intake: Intake;
  /** Public keys that may do nothing but send events, and the tenant that each sends for. */
  readonly writeKeys: ReadonlyMap<string, string>;
}

const BODY_LIMIT = 10 * 1024 * 1024;
const MAX_EVENTS = 1000;
const RETRY_AFTER_SECONDS = 2;
const KEY = /^[\x21-\x7e]{1,255}$/;

const inflate = promisify(gunzip);

/**
 * The doors for events. They have handlers of their own because a body here may be NDJSON, compressed, or a CloudEvent
 * spread over headers, and is read once, as bytes.
 */
export async function registerIngest(
  server: FastifyInstance,
  options: IngestOptions,
  endpoints: readonly IngestEndpoint[],
): Promise<void> {
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: BODY_LIMIT }, (_request, body, done) =>
      done(null, body),
    );
    for (const endpoint of endpoints) {
      scope.route({
        method: "POST",
        url: endpoint.path,
        bodyLimit: BODY_LIMIT,
        config: {
          operation: `POST ${endpoint.path}`,
          ...{ audit: "events.ingest", auditRefusalsOnly: true, isIngest: true },
          ...(endpoint.area && { area: endpoint.area }),
        },
        errorHandler: (error, request, reply) => answerError(endpoint.dialect, error, request, reply),
        handler: (request, reply) => take(endpoint, options, request, reply),
      });
    }
  });
}

async function take(endpoint: IngestEndpoint, options: IngestOptions, request: FastifyRequest, reply: FastifyReply) {
  const tenant = tenantOf(request, options.writeKeys);
  admit(request, endpoint);
  const bytes = await bodyOf(request);
  const body: Body = { bytes, headers: request.headers, query: request.query as Record<string, string | undefined> };
  const { messages, shape } = endpoint.read(body);
  if (messages.length > MAX_EVENTS)
    throw new PublicError("PAYLOAD_TOO_LARGE", "batch too large", { limit: MAX_EVENTS });
  const denied = request.headers["x-consent"]?.toString().toLowerCase() === "denied";
  const told = denied
    ? messages.map((message) => ({ ...message, hints: { ...message.hints, consent: "denied" } }))
    : messages;
  const key = idempotencyKey(request, endpoint.path, bytes);
  const batch: Batch = {
    tenant,
    shape: SHAPES[shape],
    messages: key ? told.map((message, i) => ({ ...message, fallbackId: `${key.value}/${i}` })) : told,
    onFault: endpoint.maySetAside && body.query.faults === "set-aside" ? "set-aside" : "refuse",
    key,
  };
  const receipt = await options.intake.accept(batch);
  if (receipt.repeated) reply.header("idempotency-replayed", "true");
  return reply.send(endpoint.dialect.receipt(receipt, body));
}

/** @throws PublicError FORBIDDEN */
function admit({ principal }: FastifyRequest, { rule }: IngestEndpoint): void {
  if (!rule) return;
  const refused = refusal(rule, principal, {});
  if (refused) throw new PublicError(refused, "Admin access required");
}

/** @throws PublicError UNAUTHENTICATED */
function tenantOf(request: FastifyRequest, writeKeys: ReadonlyMap<string, string>): string {
  if (request.principal) return request.principal.tenantId;
  const given = writeKeyOf(request);
  const tenant = given === null ? undefined : writeKeys.get(given);
  if (tenant !== undefined) return tenant;
  throw new PublicError(
    "UNAUTHENTICATED",
    given === null
      ? "Not signed in: send Authorization: Bearer <token>, or a write key as X-Write-Key"
      : "There is no such write key",
  );
}

/** @throws PublicError PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, BAD_REQUEST */
async function bodyOf(request: FastifyRequest): Promise<Buffer> {
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const encoding = request.headers["content-encoding"]?.toLowerCase() ?? "identity";
  if (encoding === "identity" || bytes.length === 0) return bytes;
  if (encoding !== "gzip" && encoding !== "x-gzip") {
    throw new PublicError("UNSUPPORTED_MEDIA_TYPE", `Content-Encoding ${encoding} is not read: send gzip or none`);
  }
  try {
    return await inflate(bytes, { maxOutputLength: BODY_LIMIT });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw new PublicError("PAYLOAD_TOO_LARGE", `body too large: at most ${BODY_LIMIT} bytes uncompressed`);
    }
    throw new PublicError("BAD_REQUEST", "the body is no valid gzip");
  }
}

/** @throws PublicError BAD_REQUEST */
function idempotencyKey(request: FastifyRequest, path: string, bytes: Buffer): Batch["key"] {
  const value = request.headers["idempotency-key"];
  if (value === undefined) return undefined;
  if (typeof value !== "string" || !KEY.test(value)) {
    throw new PublicError("BAD_REQUEST", "Idempotency-Key: expected 1 to 255 visible ASCII characters");
  }
  return { value, hash: createHash("sha256").update(path).update("\0").update(bytes).digest("hex") };
}

function answerError(dialect: Dialect, error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  if (error instanceof BatchRefused) {
    const told = dialect.refusal(error.faults, request.query as Body["query"]);
    return reply.status(dialect.refusalStatus ?? 422).send({ ...errorBody("BAD_USER_INPUT", error.message), ...told });
  }
  if (error instanceof SpoolRefused) {
    reply.header("retry-after", String(RETRY_AFTER_SECONDS));
    const isFull = error.reason === "full";
    return reply
      .status(isFull ? 507 : 503)
      .send(errorBody(isFull ? "INSUFFICIENT_STORAGE" : "SERVICE_UNAVAILABLE", error.message));
  }
  // Everything else is answered as everywhere.
  throw error;
}
