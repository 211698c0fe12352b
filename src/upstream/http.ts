import { setTimeout as sleep } from "node:timers/promises";
import {
  BrokenCircuitError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  type IPolicy,
  wrap,
} from "cockatiel";
import { errors, Pool } from "undici";
import { currentCorrelationId } from "../ops/logs.js";
import type { Metrics } from "../ops/metrics.js";
import { type ServiceName, UpstreamError, UpstreamRefusal } from "./errors.js";

export interface ServiceOptions {
  readonly name: ServiceName;
  readonly baseUrl: string;
  /** Sent as `X-API-Key` when set. */
  readonly apiKey?: string | undefined;
  /** Deadline of one call, answer's last byte included. */
  readonly timeoutMs: number;
  /** Calls in flight at once; the rest wait their turn. */
  readonly concurrency: number;
  /** Largest answer accepted. */
  readonly maxBytes: number;
  /** How long the breaker stays open before it lets one call try. */
  readonly breakerWindowMs: number;
}

export interface Answer {
  /** Parsed JSON; undefined for a 404 (the thing is absent) and for an empty body. */
  readonly body: unknown;
  readonly status: number;
  readonly bytes: number;
}

export type BreakerState = "closed" | "open" | "half-open";

/** One upstream service: typed nowhere, bounded everywhere (deadline, size, concurrency, one retry, breaker). */
export interface Service {
  readonly name: ServiceName;
  get(path: string): Promise<Answer>;
  /** A write: sent once, whatever happens. */
  send(
    method: "POST" | "PUT" | "DELETE",
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  breaker(): BreakerState;
  close(): Promise<void>;
}

const FAILURES_TO_OPEN = 5;
/** Retries may add at most this share of calls, so that a struggling service is not buried under them. */
const RETRY_SHARE = 0.1;
const RETRY_BURST = 10;

export function createService(options: ServiceOptions, metrics: Metrics): Service {
  const base = new URL(options.baseUrl);
  const pool = new Pool(base.origin, { connections: options.concurrency, pipelining: 1, allowH2: false });
  const prefix = base.pathname.replace(/\/$/, "");
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof UpstreamError),
    { halfOpenAfter: options.breakerWindowMs, breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN) },
  );
  // The bulkhead is outermost: once the breaker opens, calls that still queue fail at once instead of one by one.
  const guarded: IPolicy = wrap(bulkhead(options.concurrency, Number.MAX_SAFE_INTEGER), breaker);
  const state = (): BreakerState =>
    breaker.state === CircuitState.Closed ? "closed" : breaker.state === CircuitState.HalfOpen ? "half-open" : "open";
  metrics.watchBreaker(options.name, state);
  let retryTokens = RETRY_BURST;

  async function call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    const started = performance.now();
    let outcome = "error";
    try {
      const answer = await guarded.execute(() => exchange(pool, options, method, prefix + path, body, headers));
      outcome = String(answer.status);
      return answer;
    } catch (error) {
      if (error instanceof BrokenCircuitError) {
        outcome = "circuit_open";
        throw new UpstreamError("UPSTREAM_UNAVAILABLE", options.name, "circuit open", false, { cause: error });
      }
      if (error instanceof UpstreamError) outcome = error.code === "UPSTREAM_TIMEOUT" ? "timeout" : error.reason;
      if (error instanceof UpstreamRefusal) outcome = String(error.status);
      throw error;
    } finally {
      metrics.upstreamCall(options.name, outcome, (performance.now() - started) / 1000);
    }
  }

  return {
    name: options.name,
    async get(path) {
      retryTokens = Math.min(RETRY_BURST, retryTokens + RETRY_SHARE);
      try {
        return await call("GET", path);
      } catch (error) {
        if (!(error instanceof UpstreamError && error.retryable) || retryTokens < 1) throw error;
        retryTokens -= 1;
        await sleep(20 + Math.random() * 80);
        return call("GET", path);
      }
    },
    send: (method, path, body, headers) => call(method, path, body, headers),
    breaker: state,
    // Not close(): that would wait for a service that hangs.
    close: () => pool.destroy(),
  };
}

async function exchange(
  pool: Pool,
  options: ServiceOptions,
  method: string,
  path: string,
  body?: unknown,
  extraHeaders?: Record<string, string>,
): Promise<Answer> {
  const headers: Record<string, string> = { accept: "application/json", ...extraHeaders };
  if (options.apiKey) headers["x-api-key"] = options.apiKey;
  const correlationId = currentCorrelationId();
  if (correlationId) headers["x-correlation-id"] = correlationId;
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    const response = await pool.request({
      path,
      method: method as "GET",
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    const text = await readBounded(response.body, options);
    return understand(options, response.statusCode, text);
  } catch (error) {
    throw asUpstreamError(options, error);
  }
}

async function readBounded(body: AsyncIterable<Buffer>, options: ServiceOptions): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    // Leaving the loop destroys the stream and with it the connection, so the rest is never read.
    if (bytes > options.maxBytes) {
      throw new UpstreamError("UPSTREAM_MALFORMED", options.name, `answer exceeds ${options.maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

function understand(options: ServiceOptions, status: number, text: Buffer): Answer {
  if (status === 404) return { body: undefined, status, bytes: 0 };
  if (status >= 500)
    throw new UpstreamError("UPSTREAM_UNAVAILABLE", options.name, `answered ${status}`, status !== 500);
  if (status === 429) throw new UpstreamError("UPSTREAM_UNAVAILABLE", options.name, "answered 429");
  if (status >= 300 && status < 400)
    throw new UpstreamError("UPSTREAM_MALFORMED", options.name, `redirected (${status})`);
  let body: unknown;
  try {
    body = text.length === 0 ? undefined : JSON.parse(text.toString("utf8"));
  } catch (error) {
    if (status >= 400) throw new UpstreamRefusal(options.name, status, "no reason given");
    throw new UpstreamError("UPSTREAM_MALFORMED", options.name, "answer is not JSON", false, { cause: error });
  }
  if (status >= 400) throw new UpstreamRefusal(options.name, status, refusalReason(body));
  return { body, status, bytes: text.length };
}

/** FastAPI's `{"detail"}`, Express' `{"error"}` or `{"message"}`. */
function refusalReason(body: unknown): string {
  if (typeof body !== "object" || body === null) return "no reason given";
  const { detail, error, message } = body as Record<string, unknown>;
  const reason = detail ?? error ?? message ?? "no reason given";
  return typeof reason === "string" ? reason : JSON.stringify(reason);
}

function asUpstreamError(options: ServiceOptions, error: unknown): Error {
  if (error instanceof UpstreamError || error instanceof UpstreamRefusal) return error;
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new UpstreamError("UPSTREAM_TIMEOUT", options.name, "timeout", false, { cause: error });
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reason =
    code === "ECONNREFUSED" ? "connection refused" : code === "ENOTFOUND" ? "host not found" : "connection lost";
  const malformed = error instanceof errors.HTTPParserError;
  return malformed
    ? new UpstreamError("UPSTREAM_MALFORMED", options.name, "answer is not HTTP", false, { cause: error })
    : new UpstreamError("UPSTREAM_UNAVAILABLE", options.name, reason, true, { cause: error });
}
