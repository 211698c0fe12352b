import { setTimeout as sleep } from "node:timers/promises";
import { LoadFailed, messageOf, UsageError } from "./errors.js";
import type { Sender, Sent } from "./sender.js";

export interface HttpSenderOptions {
  readonly url: string;
  readonly token: string | null;
  /** Once aborted, nothing is tried again. */
  readonly stop: AbortSignal;
  /** Told why the load has to wait. */
  readonly onWait: (message: string) => void;
  readonly fetch?: typeof globalThis.fetch;
  readonly random?: () => number;
  /** Seconds without any success after which it gives up. */
  readonly patienceSeconds?: number;
  readonly wait?: (milliseconds: number, stop: AbortSignal) => Promise<void>;
}

const PATIENCE_SECONDS = 300;
const ANSWER_WITHIN_MS = 60_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** The answer to one attempt: done, or whether and when to try again. */
type Attempt =
  | { readonly sent: Sent }
  | { readonly refused: string }
  | { readonly failed: string; readonly retryAfterMs: number | null };

/** Sends to `/v1/events` of a running gateway. */
export class HttpSender implements Sender {
  readonly #endpoint: URL;
  readonly #fetch: typeof globalThis.fetch;
  readonly #wait: (milliseconds: number, stop: AbortSignal) => Promise<void>;
  #lastSuccess = performance.now();

  /** @throws UsageError when the URL is none */
  constructor(readonly options: HttpSenderOptions) {
    this.#endpoint = endpointOf(options.url);
    this.#fetch = options.fetch ?? globalThis.fetch;
    this.#wait = options.wait ?? waitFor;
  }

  async send(events: string): Promise<Sent> {
    const { stop, onWait, random = Math.random } = this.options;
    const patience = (this.options.patienceSeconds ?? PATIENCE_SECONDS) * 1000;
    const started = performance.now();
    for (let tries = 0; ; tries++) {
      const attempt = await this.#attempt(events);
      if ("sent" in attempt) {
        this.#lastSuccess = performance.now();
        return attempt.sent;
      }
      if ("refused" in attempt) throw new LoadFailed(attempt.refused);
      const away = performance.now() - Math.max(started, this.#lastSuccess);
      if (stop.aborted || away > patience) throw new LoadFailed(attempt.failed);
      const backoff = Math.min(FIRST_WAIT_MS * 2 ** tries, LONGEST_WAIT_MS) * (0.5 + random() / 2);
      const pause = Math.max(backoff, Math.min(attempt.retryAfterMs ?? 0, patience));
      onWait(`${attempt.failed}; trying again in ${(pause / 1000).toFixed(1)} s`);
      await this.#wait(pause, stop);
      if (stop.aborted) throw new LoadFailed(attempt.failed);
    }
  }

  async close(): Promise<void> {
    // Connections of the global fetch end by themselves.
  }

  async #attempt(events: string): Promise<Attempt> {
    const { token } = this.options;
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(this.#endpoint, {
        method: "POST",
        headers: {
          "content-type": "application/x-ndjson",
          ...(token !== null && { authorization: `Bearer ${token}` }),
        },
        body: events,
        redirect: "error",
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      text = await response.text();
    } catch (error) {
      return { failed: `${this.#endpoint.origin} does not answer (${reasonOf(error)})`, retryAfterMs: null };
    }
    const { status } = response;
    if (status === 200) return receiptOf(text, this.#endpoint);
    const said = `${this.#endpoint.origin} answers ${status}: ${detailOf(text)}`;
    if (status === 429 || status >= 500) {
      return { failed: said, retryAfterMs: retryAfterOf(response.headers.get("retry-after")) };
    }
    return { refused: refusal(status, said, token !== null) };
  }
}

function endpointOf(url: string): URL {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError(`--url ${url}: expected http://HOST:PORT or https://HOST`);
  }
  const endpoint = new URL(url);
  endpoint.pathname = `${endpoint.pathname.replace(/\/$/, "")}/v1/events`;
  endpoint.search = "?faults=set-aside";
  return endpoint;
}

function receiptOf(text: string, endpoint: URL): Attempt {
  try {
    const { accepted, set_aside: setAside } = JSON.parse(text) as Record<string, unknown>;
    if (typeof accepted === "number" && typeof setAside === "number") return { sent: { accepted, setAside } };
  } catch {
    // Told below: whatever answers there is no gateway.
  }
  return { refused: `${endpoint} answers 200, but not as a gateway does: is the URL right?` };
}

function refusal(status: number, said: string, hasToken: boolean): string {
  if (status === 401) {
    return hasToken
      ? `the gateway refuses the token: ${said}`
      : `${said}. Give a token: --token, --token-file or CROWSNEST_TOKEN`;
  }
  if (status === 403) return `the token may not send events: ${said}`;
  if (status === 404) return `${said}. Is it a gateway, and the URL its root?`;
  return said;
}

/** `{detail}` as the gateway puts it, else the beginning of whatever came. */
function detailOf(text: string): string {
  try {
    const { detail } = JSON.parse(text) as Record<string, unknown>;
    if (typeof detail === "string") return detail;
    if (detail !== undefined) return JSON.stringify(detail).slice(0, 300);
  } catch {
    // No JSON: a proxy's page, perhaps.
  }
  return text.replace(/\s+/g, " ").trim().slice(0, 200) || "nothing";
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return messageOf(cause);
}

/** Of seconds or of a date. */
function retryAfterOf(header: string | null): number | null {
  if (header === null) return null;
  const milliseconds = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : null;
}

async function waitFor(milliseconds: number, stop: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal: stop }).catch(() => undefined);
}
