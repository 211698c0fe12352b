import type { Answer } from "./answers.js";
import type { AnalyticsOptions } from "./types.js";

/** A connection that hangs must not hold up everything behind it. */
const TIMEOUT_MS = 30_000;

/** Speaks the gateway's protocol; knows nothing of queues. */
export class Transport {
  readonly #options: AnalyticsOptions;
  readonly #address: string;
  #lastToken: string | undefined;

  constructor(options: AnalyticsOptions) {
    this.#options = options;
    if (typeof options.token === "string") this.#lastToken = options.token;
    const key = options.writeKey === undefined ? "" : `?write_key=${encodeURIComponent(options.writeKey)}`;
    this.#address = `${options.url}/v1/events${key}`;
  }

  /** Sends a batch and says how it went; never throws. */
  async send(body: string, isPageEnding = false): Promise<Answer> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
    try {
      // A page that ends may never run again after an `await`: what is known has to do.
      const isKnown = this.#lastToken !== undefined || this.#options.token === undefined;
      const headers = headersWith(isPageEnding && isKnown ? this.#lastToken : await this.#token());
      const { fetch = globalThis.fetch } = this.#options;
      const init = { method: "POST", headers, body, credentials: "omit", signal: abort.signal } as const;
      const response = await fetch(this.#address, isPageEnding ? { ...init, keepalive: true } : init);
      return await read(response);
    } catch {
      return { status: 0, body: null, retryAfter: null };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Hands a batch to the browser, which says nothing of how it went. */
  beacon(body: string): void {
    // A beacon carries no headers, so a token cannot travel with it.
    if (this.#options.writeKey !== undefined) navigator.sendBeacon?.(this.#address, body);
  }

  async #token(): Promise<string | undefined> {
    const { token } = this.#options;
    this.#lastToken = typeof token === "function" ? await token() : token;
    return this.#lastToken;
  }
}

/** With a write key, plain text and no header of our own: then a browser asks for no permission beforehand. */
function headersWith(token: string | undefined): Record<string, string> {
  if (token === undefined) return { "content-type": "text/plain;charset=UTF-8" };
  return { "content-type": "application/json", authorization: `Bearer ${token}` };
}

/** Hotel networks and misled proxies answer 200 with a page of their own: only a gateway's words count as accepted. */
async function read(response: Response): Promise<Answer> {
  const body: unknown = await response.json().catch(() => null);
  const isAccepted = typeof (body as { accepted?: unknown } | null)?.accepted === "number";
  return {
    status: response.ok && !isAccepted ? 0 : response.status,
    body,
    retryAfter: response.headers.get("retry-after"),
  };
}
