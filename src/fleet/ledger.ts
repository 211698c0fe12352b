import { type Entry, type ServiceName, sourceName, UpstreamError, UpstreamRefusal } from "../upstream/index.js";

/** A source that could not contribute, or a figure that rests on less than all: shown next to the figures. */
export interface Warning {
  /** `warranty-service`, or `crowsnest` where the gateway itself has something to say. */
  readonly source: string;
  readonly error: string;
}

/**
 * What an answer rests on: how old its parts are, which sources failed. One per aggregate, and one per operation that
 * hears of everything its aggregates hear.
 */
export class Ledger {
  #oldest = Number.POSITIVE_INFINITY;
  #newest = Number.NEGATIVE_INFINITY;
  readonly #warnings = new Map<string, Warning>();
  #isProvisional = false;
  #hasStandIns = false;
  #failure: UpstreamError | UpstreamRefusal | null = null;

  constructor(readonly parent: Ledger | null = null) {}

  note(entry: Entry<unknown>): void {
    if (entry.fetchedAt < this.#oldest) this.#oldest = entry.fetchedAt;
    if (entry.fetchedAt > this.#newest) this.#newest = entry.fetchedAt;
    if (entry.failure) {
      this.#hasStandIns = true;
      this.holdsForNow();
      this.warn(sourceName(entry.failure.service), `${entry.failure.reason}; older data is shown`);
    }
    this.parent?.note(entry);
  }

  /** Whether older data stands in for what could not be had. */
  get hasStandIns(): boolean {
    return this.#hasStandIns;
  }

  warn(source: string, error: string): void {
    this.#warnings.set(`${source}|${error}`, { source, error });
    this.parent?.warn(source, error);
  }

  /** Takes an upstream failure as a warning. Anything else is a bug and goes on its way. */
  fail(service: ServiceName, error: unknown, context = ""): void {
    if (!(error instanceof UpstreamError || error instanceof UpstreamRefusal)) throw error;
    // With several, one that says "not there" rather than one that says "not understood".
    if (!this.#failure || this.#failure.code === "UPSTREAM_MALFORMED") this.#failure = error;
    this.holdsForNow();
    this.warn(sourceName(service), error.reason + context);
  }

  /** Asked again in a moment it may be another answer: a source has failed, or is not done yet. */
  holdsForNow(): void {
    this.#isProvisional = true;
    this.parent?.holdsForNow();
  }

  get isProvisional(): boolean {
    return this.#isProvisional;
  }

  get warnings(): Warning[] {
    return [...this.#warnings.values()];
  }

  /** Fetch time of the oldest part, epoch milliseconds UTC; null when nothing was read. */
  get asOf(): number | null {
    return this.hasData ? this.#oldest : null;
  }

  /** Whether a part had outlived the cache by `instant`, and was served while it is being renewed. */
  staleSince(instant: number, ttlMs: number): boolean {
    return this.#oldest < instant - ttlMs;
  }

  get hasData(): boolean {
    return this.#newest !== Number.NEGATIVE_INFINITY;
  }

  /** Whether all parts were already there at `instant`: nothing had to be fetched. */
  cachedSince(instant: number): boolean {
    return this.hasData && this.#newest < instant;
  }

  /** @throws a failure, when sources failed and none gave anything */
  assertSomething(): void {
    if (this.#failure && !this.hasData) throw this.#failure;
  }
}
