import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, MINUTE, SECOND } from "../base/clock.js";
import { isDatabaseUnavailable, type JobRecords, type StoredJob, type Write } from "../db/index.js";
import type { Logger } from "../ops/logs.js";
import { type Backoff, pauseAfter } from "./backoff.js";
import { Heartbeat } from "./heartbeat.js";
import { type Handler, LeaseLost, NoRetry } from "./job.js";

/** A claimed job and all that running it takes. */
export interface Claim {
  readonly job: StoredJob;
  readonly token: string;
  /** By `performance.now()`, from before the claim was sent. */
  readonly takenAt: number;
  readonly handler: Handler;
  readonly leaseMs: number;
  readonly backoff: Backoff;
  readonly forgetPayload: boolean;
}

export interface RunContext {
  readonly records: JobRecords;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

type Outcome =
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "error"; readonly error: unknown }
  | { readonly kind: "unfinished" };

const RETRY: Backoff = { firstMs: SECOND / 4, longestMs: MINUTE / 4 };
/** Tries at writing an outcome that the database refuses for another reason than being away. */
const REFUSALS = 3;

/** Runs one claimed job to its end and writes down how it ended. Never rejects. */
export class Run {
  readonly done: Promise<void>;
  readonly #abort = new AbortController();
  readonly #heartbeat: Heartbeat;
  readonly #abandoned = new AbortController();
  #finished = false;
  #stopping = false;

  constructor(
    readonly claim: Claim,
    readonly context: RunContext,
  ) {
    const { job, token, takenAt, leaseMs } = claim;
    this.#heartbeat = new Heartbeat({
      leaseMs,
      takenAt,
      renew: () => context.records.renew(job.id, token, leaseMs),
      onLost: (reason) => this.#lose(reason),
    });
    this.done = this.#run().finally(() => this.#heartbeat.stop());
  }

  /** Tells the handler to end because the job was cancelled here. */
  cancelled(): void {
    this.#heartbeat.stop();
    this.#lose("it was cancelled");
  }

  /** Tells the handler to end because this process does. */
  interrupt(): void {
    this.#stopping = true;
    this.#abort.abort(new Error("This process is ending"));
  }

  /** Gives the job back although its handler has not ended; whatever that still writes is refused. */
  async abandon(): Promise<void> {
    this.#abandoned.abort();
    this.#heartbeat.stop();
    await this.context.records.release(this.claim.job.id, this.claim.token).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { job } = this.claim;
    const outcome = await this.#handle();
    if (this.#finished) return;
    const log = this.context.log.child({ job: job.id, kind: job.kind, attempt: job.attempts });
    try {
      const kept = await this.#write(() => this.#settle(outcome));
      if (!kept) this.#lose("its outcome was refused");
      else if (outcome.kind === "error") log.warn({ error: told(outcome.error) }, "a job failed");
    } catch (error) {
      log.error({ error: String(error) }, "a job's outcome cannot be written: it is run again when its lease runs out");
    }
  }

  async #handle(): Promise<Outcome> {
    const { job, handler } = this.claim;
    if (job.attempts > job.maxAttempts) {
      const last = `attempt ${job.maxAttempts} of ${job.maxAttempts}`;
      return { kind: "error", error: new NoRetry(`The process that ran ${last} ended, or stalled beyond its lease`) };
    }
    try {
      const result = await handler({
        job,
        signal: this.#abort.signal,
        progress: (value, write) => this.#progress(value, write),
        extend: async () => this.#assertHeld(await this.#heartbeat.beat()),
        finish: (value, write) => this.#finish(value, write),
      });
      // Here, where it is the handler's failure: a result that is no JSON.
      JSON.stringify(result);
      return { kind: "result", result };
    } catch (error) {
      // Told to end, it did: that is no failure of the work.
      return this.#abort.signal.aborted && !(error instanceof NoRetry)
        ? { kind: "unfinished" }
        : { kind: "error", error };
    }
  }

  #settle(outcome: Outcome): Promise<boolean> {
    const { job, token, backoff, forgetPayload: forget } = this.claim;
    const { records, clock, random } = this.context;
    const now = clock();
    if (outcome.kind === "unfinished") return records.release(job.id, token);
    if (outcome.kind === "result") return records.finish(job.id, token, { result: outcome.result, now, forget });
    const last = job.attempts >= job.maxAttempts || outcome.error instanceof NoRetry;
    const retryAt = last ? null : now + pauseAfter(backoff, job.attempts, random);
    return records.fail(job.id, token, { error: told(outcome.error), retryAt, now });
  }

  /** Repeated while the database is away: the token keeps a late outcome from undoing another process's. */
  async #write(write: () => Promise<boolean>): Promise<boolean> {
    for (let failures = 1, refusals = 0; ; failures++) {
      try {
        return await write();
      } catch (error) {
        if (!isDatabaseUnavailable(error)) refusals++;
        if (refusals >= REFUSALS || this.#stopping || this.#abandoned.signal.aborted) throw error;
        const pause = pauseAfter(RETRY, failures, this.context.random);
        await sleep(pause, undefined, { signal: this.#abandoned.signal }).catch(() => undefined);
      }
    }
  }

  async #progress(value: unknown, write?: Write): Promise<void> {
    const { job, token } = this.claim;
    this.#assertHeld(await this.context.records.saveProgress(job.id, token, value, write));
  }

  async #finish(result: unknown, write?: Write): Promise<void> {
    const { job, token, forgetPayload: forget } = this.claim;
    const done = { result, now: this.context.clock(), forget };
    this.#assertHeld(await this.context.records.finish(job.id, token, done, write));
    this.#finished = true;
    this.#heartbeat.stop();
  }

  #assertHeld(held: boolean): void {
    if (held) return;
    this.#lose("another process has taken it, or it was cancelled");
    throw new LeaseLost("Nothing was saved: another process has the job, or it was cancelled");
  }

  #lose(reason: string): void {
    const { job } = this.claim;
    if (this.#abort.signal.aborted || this.#finished) return;
    this.context.log.warn({ job: job.id, kind: job.kind, reason }, "a running job was lost");
    this.#abort.abort(new LeaseLost(`The job was lost: ${reason}`));
  }
}

/** A refusal is meant for whoever asked for the job; anything else says what kind of failure it was. */
function told(error: unknown): string {
  return error instanceof NoRetry ? error.message : String(error);
}
