import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, MINUTE, SECOND } from "../../base/clock.js";
import type { Logger } from "../../ops/logs.js";
import type { SourceMetrics } from "./source.js";

export interface SupervisorOptions {
  readonly name: string;
  /**
   * One connection's life: resolves when it should simply begin anew, rejects when something failed. Ends soon after
   * the signal is aborted.
   */
  readonly session: (signal: AbortSignal) => Promise<void>;
  readonly metrics: Pick<SourceMetrics, "sourceRestarted">;
  readonly log: Logger;
  /** Wait after the first failure; doubled with each further one. */
  readonly firstDelayMs?: number | undefined;
  readonly maxDelayMs?: number | undefined;
  /** A session that lasted this long makes the next failure a first one. */
  readonly goodMs?: number | undefined;
  /** Between 0 and 1: spreads the retries of many replicas. */
  readonly random?: (() => number) | undefined;
  /** Monotonic, in milliseconds. */
  readonly clock?: Clock | undefined;
  readonly wait?: typeof pause | undefined;
}

/** How long `stop` waits for a session to end by itself. */
const PATIENCE_MS = 4 * SECOND;
/** Between two sessions of which the first ended well: one that ends at once must not spin. */
const BREATH_MS = 50;

/** Runs one session after the other until it is stopped. */
export class Supervisor {
  #abort: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();
  #failure: string | null = null;

  constructor(readonly options: SupervisorOptions) {}

  /** Why the last session failed; null when it did not. */
  get failure(): string | null {
    return this.#failure;
  }

  get isStarted(): boolean {
    return this.#abort !== null;
  }

  start(): void {
    if (this.#abort) return;
    this.#abort = new AbortController();
    this.#running = this.#run(this.#abort.signal);
  }

  /** Ends the session; one that does not end in time is left to itself, and takes in nothing more. */
  async stop(patienceMs = PATIENCE_MS): Promise<void> {
    if (!this.#abort) return;
    this.#abort.abort();
    const patience = new AbortController();
    const late = sleep(patienceMs, true, { signal: patience.signal }).catch(() => false);
    if (await Promise.race([this.#running, late])) {
      this.options.log.warn({ source: this.options.name }, "the connection does not close; left to itself");
    }
    patience.abort();
    this.#abort = null;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { name, session, goodMs = MINUTE, log, metrics, clock = monotonic, wait = pause } = this.options;
    for (let failures = 0; !signal.aborted; ) {
      const began = clock();
      let delay = BREATH_MS;
      try {
        await session(signal);
        this.#failure = null;
      } catch (error) {
        if (signal.aborted) return;
        this.#failure = reasonOf(error);
        failures = clock() - began >= goodMs ? 1 : failures + 1;
        delay = this.#delay(failures);
        log.warn({ source: name, error: this.#failure, retryInMs: delay }, "event source failed; will try again");
        metrics.sourceRestarted(name);
      }
      await wait(delay, signal);
    }
  }

  #delay(failures: number): number {
    const { firstDelayMs = SECOND, maxDelayMs = MINUTE, random = Math.random } = this.options;
    const most = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(failures - 1, 20));
    return Math.round(most * (0.5 + random() / 2));
  }
}

const monotonic: Clock = () => performance.now();

/** Sleeps; at once when the signal is aborted. Never throws. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** The message alone: the objects that clients throw hold the commands that failed, passwords among them. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(reasonOf).join("; ");
  return error instanceof Error ? error.message || error.name : String(error);
}
