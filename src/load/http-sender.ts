import { LoadFailed, messageOf, TryAgain, UsageError } from "./errors.js";
import type { Sender, Sent } from "./sender.js";

export interface HttpSenderOptions {
  readonly url: string;
  readonly token: string | null;
}

const ANSWER_WITHIN_MS = 60_000;

/** Sends to `/v1/events` of a running gateway. */
export class HttpSender implements Sender {
  readonly #endpoint: URL;

  /** @throws UsageError when the URL is none */
  constructor(readonly options: HttpSenderOptions) {
    this.#endpoint = endpointOf(options.url);
  }

  async send(events: string): Promise<Sent> {
    const { status, text, retryAfter } = await this.#post(events);
    if (status === 200) return receiptOf(text, this.#endpoint);
    const said = `${this.#endpoint.origin} answers ${status}: ${detailOf(text)}`;
    if (status === 429 || status >= 500) throw new TryAgain(said, retryAfterOf(retryAfter));
    throw new LoadFailed(refusal(status, said, this.options.token !== null));
  }

  async close(): Promise<void> {
    // Connections of the global fetch end by themselves.
  }

  async #post(events: string): Promise<{ status: number; text: string; retryAfter: string | null }> {
    const { token } = this.options;
    try {
      const response = await fetch(this.#endpoint, {
        method: "POST",
        headers: {
          "content-type": "application/x-ndjson",
          ...(token !== null && { authorization: `Bearer ${token}` }),
        },
        body: events,
        redirect: "manual",
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      const { status, headers } = response;
      return { status, text: await response.text(), retryAfter: headers.get("retry-after") };
    } catch (error) {
      throw new TryAgain(`${this.#endpoint.origin} does not answer (${reasonOf(error)})`, null, { cause: error });
    }
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

function receiptOf(text: string, endpoint: URL): Sent {
  try {
    const { accepted, set_aside: setAside } = JSON.parse(text) as Record<string, unknown>;
    if (typeof accepted === "number" && typeof setAside === "number") return { accepted, setAside };
  } catch {
    // Told below: whatever answers there is no gateway.
  }
  throw new LoadFailed(`${endpoint} answers 200, but not as a gateway does: is the URL right?`);
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
