import type { AnalyticsEvent, AnalyticsStorage } from "../types.js";

/** What the fake gateway answers instead of taking a batch; `hang` never answers, `cut` breaks the connection. */
export type Reply =
  | { readonly status: number; readonly body?: unknown; readonly retryAfter?: string }
  | "hang"
  | "cut"
  | "accept";

export interface Call {
  readonly url: string;
  readonly init: RequestInit;
  readonly events: readonly AnalyticsEvent[];
  readonly at: number;
}

/** A gateway that keeps one event per id and answers as it is told; what is not told is accepted. */
export class FakeGateway {
  readonly calls: Call[] = [];
  /** As they came first, one per id. */
  readonly stored: AnalyticsEvent[] = [];
  inFlight = 0;
  mostInFlight = 0;
  latencyMs = 0;
  /** What to answer to the next calls, one each, or a rule for all. */
  replies: Reply[] = [];
  rule: ((events: readonly AnalyticsEvent[]) => Reply) | undefined;

  readonly fetch: typeof globalThis.fetch = async (url, init = {}) => {
    const events = JSON.parse(String(init.body)) as AnalyticsEvent[];
    this.calls.push({ url: String(url), init, events, at: Date.now() });
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      if (this.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
      return await this.#answer(this.replies.shift() ?? this.rule?.(events) ?? "accept", events, init.signal);
    } finally {
      this.inFlight--;
    }
  };

  get types(): string[] {
    return this.stored.map(({ type }) => type);
  }

  async #answer(reply: Reply, events: readonly AnalyticsEvent[], signal?: AbortSignal | null): Promise<Response> {
    if (reply === "cut") throw new TypeError("fetch failed");
    if (reply === "hang") {
      return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    }
    if (reply !== "accept") {
      const headers = reply.retryAfter === undefined ? {} : { "retry-after": reply.retryAfter };
      return new Response(JSON.stringify(reply.body ?? {}), { status: reply.status, headers });
    }
    const known = new Set(this.stored.map(({ id }) => id));
    this.stored.push(...events.filter(({ id }) => !known.has(id)));
    return Response.json({ accepted: events.length });
  }
}

/** The answer to a batch with these events at fault. */
export const refusal = (...indexes: number[]): Reply => ({
  status: 422,
  body: { faults: indexes.map((index) => ({ path: [index, "properties"], message: "must be right", type: "type" })) },
});

/** A Web Storage with room for so many characters. */
export class FakeStorage implements AnalyticsStorage {
  readonly values = new Map<string, string>();
  constructor(public room = Number.POSITIVE_INFINITY) {}

  get length(): number {
    return this.values.size;
  }
  key(index: number): string | null {
    return [...this.values.keys()][index] ?? null;
  }
  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    const others = [...this.values].filter(([name]) => name !== key);
    const used = others.reduce((sum, [name, text]) => sum + name.length + text.length, 0);
    if (used + key.length + value.length > this.room) throw new DOMException("full", "QuotaExceededError");
    this.values.set(key, value);
  }
  removeItem(key: string): void {
    this.values.delete(key);
  }
  /** Keys of events that wait. */
  get queued(): string[] {
    return [...this.values.keys()].filter((key) => key.startsWith("crowsnest.queue."));
  }
}

/** Exclusive Web Locks of one browser; `tab()` is what one page sees, `end` closes or crashes it. */
export class FakeLocks {
  readonly #held = new Map<string, FakeTab>();

  tab(): FakeTab {
    return new FakeTab(this.#held);
  }
}

type Granted = (lock: { readonly name: string } | null) => unknown;

export class FakeTab {
  constructor(readonly held: Map<string, FakeTab>) {}

  async request(name: string, options: { ifAvailable?: boolean }, granted: Granted): Promise<unknown> {
    await Promise.resolve();
    if (this.held.has(name)) return options.ifAvailable ? granted(null) : undefined;
    this.held.set(name, this);
    await granted({ name });
    this.held.delete(name);
    return undefined;
  }

  end(): void {
    for (const [name, tab] of this.held) if (tab === this) this.held.delete(name);
  }
}
