import { errors, type Pool } from "undici";
import { DeadlinePassed } from "../ops/on-behalf.js";
import { ImpatientRequest, type ServiceName, UpstreamError, UpstreamRefusal } from "./errors.js";

export interface Exchange {
  readonly service: ServiceName;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Ends it, whatever has come of it: socket and slot are free again. */
  readonly signal: AbortSignal;
  /** Largest answer accepted. */
  readonly maxBytes: number;
}

export interface Answer {
  /** Parsed JSON; undefined for a 404 (the thing is absent) and for an empty body. */
  readonly body: unknown;
  readonly status: number;
  readonly bytes: number;
}

/** Reason of calls that reached nobody. */
export const NOBODY_LISTENS = "connection refused";

/** Given up because another call for the same has been answered: says nothing about whoever was called. */
export class Superseded extends Error {}

/** One call and its answer. @throws UpstreamError or UpstreamRefusal */
export async function exchange(pool: Pool, call: Exchange): Promise<Answer> {
  const { method, path, headers, body = null, signal } = call;
  try {
    const response = await pool.request({ path, method, headers, body, signal });
    // We never ask for it: an answer of unknown size once it is unpacked.
    if ((response.headers["content-encoding"] ?? "identity") !== "identity") {
      response.body.destroy();
      throw new UpstreamError("UPSTREAM_MALFORMED", call.service, "answer is compressed");
    }
    return understand(call.service, response.statusCode, await readBounded(response.body, call));
  } catch (error) {
    throw asUpstreamError(call.service, error);
  }
}

async function readBounded(body: AsyncIterable<Buffer>, { service, maxBytes }: Exchange): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    // Leaving the loop destroys the stream and with it the connection, so the rest is never read.
    if (bytes > maxBytes) {
      throw new UpstreamError("UPSTREAM_MALFORMED", service, `answer exceeds ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

function understand(service: ServiceName, status: number, text: Buffer): Answer {
  if (status === 404) return { body: undefined, status, bytes: 0 };
  if (status >= 500) throw new UpstreamError("UPSTREAM_UNAVAILABLE", service, `answered ${status}`, status !== 500);
  if (status === 429) throw new UpstreamError("UPSTREAM_UNAVAILABLE", service, "answered 429");
  if (status >= 300 && status < 400) throw new UpstreamError("UPSTREAM_MALFORMED", service, `redirected (${status})`);
  let body: unknown;
  try {
    body = text.length === 0 ? undefined : JSON.parse(text.toString("utf8"));
  } catch (error) {
    if (status >= 400) throw new UpstreamRefusal(service, status, "no reason given");
    throw new UpstreamError("UPSTREAM_MALFORMED", service, "answer is not JSON", false, { cause: error });
  }
  if (status >= 400) throw new UpstreamRefusal(service, status, refusalReason(body));
  return { body, status, bytes: text.length };
}

/** FastAPI's `{"detail"}`, Express' `{"error"}` or `{"message"}`. */
function refusalReason(body: unknown): string {
  if (typeof body !== "object" || body === null) return "no reason given";
  const { detail, error, message } = body as Record<string, unknown>;
  const reason = detail ?? error ?? message ?? "no reason given";
  return typeof reason === "string" ? reason : JSON.stringify(reason);
}

function asUpstreamError(service: ServiceName, error: unknown): Error {
  if (error instanceof UpstreamError || error instanceof UpstreamRefusal || error instanceof Superseded) return error;
  if (error instanceof DeadlinePassed) return new ImpatientRequest(service, { cause: error });
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new UpstreamError("UPSTREAM_TIMEOUT", service, "timeout", false, { cause: error });
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reason = code === "ECONNREFUSED" ? NOBODY_LISTENS : code === "ENOTFOUND" ? "host not found" : "connection lost";
  const malformed = error instanceof errors.HTTPParserError;
  return malformed
    ? new UpstreamError("UPSTREAM_MALFORMED", service, "answer is not HTTP", false, { cause: error })
    : new UpstreamError("UPSTREAM_UNAVAILABLE", service, reason, true, { cause: error });
}
