import { randomUUID } from "node:crypto";
import { type Clock, DAY, HOUR, MINUTE, SECOND } from "../base/clock.js";
import type { JobFilter, JobRecords, StoredJob, Transaction } from "../db/index.js";
import type { Logger } from "../ops/logs.js";
import type { Metrics } from "../ops/metrics.js";
import { type Backoff, pauseAfter } from "./backoff.js";
import type { Handler } from "./job.js";
import { Run } from "./run.js";
import { nextDue, type Schedule } from "./schedule.js";

export interface JobsOptions {
  readonly records: JobRecords;
  /** Decides when work is due. Leases are timed by the database. */
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Pick<Metrics, "watchGauge">;
  /** Names this process in the database, for people to read: host and process id. */
  readonly owner: string;
  readonly random?: () => number;
  /** Longest pause between two looks for work that other processes queued. Default: 2 s. */
  readonly pollMs?: number;
  /** How long ended jobs are kept. Default: 30 days. */
  readonly keepEndedMs?: number;
}

export interface KindOptions {
  /** Runs at once in this process. Default: 1. */
  readonly concurrency?: number;
  /** How long a run stays taken after the last sign of life of its process. Default: 30 s. */
  readonly leaseMs?: number;
  /** Runs that may fail or crash before the job counts as failed. Default: 5. */
  readonly maxAttempts?: number;
  /** Pauses between attempts. Default: 5 s, doubling up to an hour. */
  readonly backoff?: Backoff;
  /** Empties the payload once the work is done, because it names a person. Default: false. */
  readonly forgetPayload?: boolean;
}

export interface EnqueueOptions {
  /** Epoch milliseconds UTC; default: now. */
  readonly runAt?: number;
  readonly tenant?: string;
  /** Queues the job if and only if this transaction commits. */
  readonly within?: Transaction;
}

interface Kind extends Required<KindOptions> {
  readonly handler: Handler;
}
interface Recurring {
  readonly schedule: Schedule;
  readonly payload: unknown;
}

const DEFAULTS: Required<KindOptions> = {
  concurrency: 1,
  leaseMs: 30 * SECOND,
  maxAttempts: 5,
  backoff: { firstMs: 5 * SECOND, longestMs: HOUR },
  forgetPayload: false,
};
/** Begins the keys of recurring work; the due time follows. */
const DUE = "@";
/** Ended runs kept of each kind of recurring work: how far it got is read from them every time. */
const RECURRING_KEPT = 100;
const SOON_MS = 100;
/** What is due and yet not to be had is in another process's hands: asked for again a little later. */
const AT_ONCE_MS = 10;
const AWAY: Backoff = { firstMs: SECOND, longestMs: MINUTE / 2 };
/** What handlers have left to end in once they have been told to. */
const GRACE_MS = SECOND;

/** Durable work: queued in the database, done by any of the processes that share it, resumed where one was killed. */
export class Jobs {
  readonly #kinds = new Map<string, Kind>();
  readonly #recurring = new Map<string, Recurring>();
  readonly #running = new Map<Run, string>();
  #loop: Promise<void> | undefined;
  #stopping = false;
  #wake: () => void = () => undefined;
  #woken = false;
  #idleMs = SOON_MS;
  #recurringAt = 0;
  #pruneAt = 0;

  constructor(readonly options: JobsOptions) {
    options.metrics?.watchGauge("crowsnest_jobs_running", "Jobs under way in this process", () => this.#running.size);
  }

  /** Says how jobs of this kind are done. Jobs of kinds that a process has not defined are left to others. */
  define<Payload, Progress>(kind: string, handler: Handler<Payload, Progress>, options: KindOptions = {}): void {
    if (this.#kinds.has(kind)) throw new Error(`Jobs of kind ${kind} are defined twice`);
    this.#kinds.set(kind, { ...DEFAULTS, ...options, handler: handler as Handler });
  }

  /**
   * Has a job of this kind run at each due time: one among all replicas, and never two at once. Due times missed while
   * no process ran, or while the one before was still under way, are made up for by a single run.
   * @throws Error when the schedule gives no time
   */
  every(kind: string, schedule: Schedule, payload: unknown = {}): void {
    nextDue(schedule, this.options.clock());
    this.#recurring.set(kind, { schedule, payload });
    this.#recurringAt = 0;
    this.#wakeUp();
  }

  /**
   * Queues work. Kind and key name it: queued twice it is done once, for as long as the ended job is kept.
   * @param key unique within the kind, so with the tenant in it; nothing personal, since it is logged
   */
  async enqueue(
    kind: string,
    key: string,
    payload: unknown,
    options: EnqueueOptions = {},
  ): Promise<{ id: string; created: boolean }> {
    if (key.startsWith(DUE)) throw new Error(`A job's key must not begin with ${DUE}, got ${key}`);
    const { runAt = this.options.clock(), tenant = null, within } = options;
    const queued = await this.#insert({ kind, key, tenant, payload, runAt }, within);
    // Within a transaction it cannot be seen yet: looked for a little later, and again.
    if (within) this.#idleMs = SOON_MS;
    this.#wakeUp();
    return queued;
  }

  /** Ends a job that waits or runs. A running handler is told by its signal. @returns whether there was one to end */
  async cancel(id: string, within?: Transaction): Promise<boolean> {
    const cancelled = await this.options.records.cancel(id, this.options.clock(), within);
    // A transaction may yet be rolled back: then only the next heartbeat knows.
    if (cancelled && !within) for (const run of this.#running.keys()) if (run.claim.job.id === id) run.cancelled();
    return cancelled;
  }

  /** Puts a failed or cancelled job in line again. @returns whether it was one */
  async retry(id: string, within?: Transaction): Promise<boolean> {
    const queued = await this.options.records.retry(id, this.options.clock(), within);
    this.#wakeUp();
    return queued;
  }

  get(id: string): Promise<StoredJob | null> {
    return this.options.records.get(id);
  }

  /** Newest first. */
  list(filter: JobFilter = {}, limit = 100): Promise<StoredJob[]> {
    return this.options.records.list(filter, limit);
  }

  start(): void {
    this.#loop ??= this.#work();
  }

  /** Takes no more work, waits for what is under way, then tells it to end, and gives back what does not. */
  async stop(deadlineMs = 5 * SECOND): Promise<void> {
    this.#stopping = true;
    this.#wakeUp();
    // The loop before what it has begun; either may hang in a query to a server that does not answer.
    const ended = async (): Promise<void> => {
      await this.#loop;
      await Promise.all([...this.#running.keys()].map((run) => run.done));
    };
    await within(deadlineMs, ended());
    for (const run of this.#running.keys()) run.interrupt();
    await within(GRACE_MS, ended());
    await within(GRACE_MS, Promise.all([...this.#running.keys()].map((run) => run.abandon())));
  }

  async #work(): Promise<void> {
    let failures = 0;
    while (!this.#stopping) {
      let pause: number;
      try {
        pause = await this.#round();
        if (failures > 0) this.options.log.info("jobs go on: the database is back");
        failures = 0;
      } catch (error) {
        if (failures++ === 0) this.options.log.warn({ error: String(error) }, "no jobs while the database fails");
        pause = pauseAfter(AWAY, failures, this.options.random ?? Math.random);
      }
      await this.#sleep(pause);
    }
  }

  /** Takes what is due and there is room for. @returns how long to wait before looking again */
  async #round(): Promise<number> {
    const { records, clock, pollMs = 2 * SECOND } = this.options;
    await this.#upkeep();
    while (!this.#stopping) {
      const kinds = this.#kindsWithRoom();
      if (kinds.size === 0) return pollMs;
      if (await this.#take(kinds)) {
        this.#idleMs = SOON_MS;
        continue;
      }
      const idle = Math.min(this.#idleMs, pollMs);
      this.#idleMs = Math.min(idle * 2, pollMs);
      const due = await records.nextDue([...kinds.keys()]);
      return due === null ? idle : Math.min(idle, Math.max(AT_ONCE_MS, due - clock()));
    }
    return 0;
  }

  /** With the milliseconds of their leases. */
  #kindsWithRoom(): Map<string, number> {
    const busy = new Map<string, number>();
    for (const kind of this.#running.values()) busy.set(kind, (busy.get(kind) ?? 0) + 1);
    const free = [...this.#kinds].filter(([name, kind]) => (busy.get(name) ?? 0) < kind.concurrency);
    return new Map(free.map(([name, kind]) => [name, kind.leaseMs]));
  }

  /** @returns whether there was something to take */
  async #take(kinds: ReadonlyMap<string, number>): Promise<boolean> {
    const { records, clock, log, owner, random = Math.random } = this.options;
    const token = randomUUID();
    const takenAt = performance.now();
    const own = [...this.#running.keys()].map((run) => run.claim.job.id);
    const job = await records.claim(kinds, { owner, token }, clock(), own);
    const kind = job && this.#kinds.get(job.kind);
    if (!kind) return false;
    const run = new Run({ ...kind, job, token, takenAt }, { records, clock, random, log });
    this.#running.set(run, job.kind);
    void run.done.finally(() => {
      this.#running.delete(run);
      if (this.#recurring.has(job.kind)) this.#recurringAt = 0;
      this.#wakeUp();
    });
    return true;
  }

  /** What is not due at every look: the next of recurring work, and ended jobs that have been kept long enough. */
  async #upkeep(): Promise<void> {
    const { records, clock, keepEndedMs = 30 * DAY } = this.options;
    const now = performance.now();
    if (now >= this.#recurringAt) {
      for (const [kind, recurring] of this.#recurring) await this.#queueNext(kind, recurring);
      this.#recurringAt = now + MINUTE;
    }
    if (now >= this.#pruneAt) {
      await records.deleteFinishedBefore(clock() - keepEndedMs);
      for (const kind of this.#recurring.keys()) await records.deleteAllButNewest(kind, DUE, RECURRING_KEPT);
      this.#pruneAt = now + HOUR;
    }
  }

  /** Sees to it that one run of recurring work waits or is under way, at the time that its schedule now says. */
  async #queueNext(kind: string, { schedule, payload }: Recurring): Promise<void> {
    const { records, clock } = this.options;
    const now = clock();
    const first = await records.latest(kind, DUE);
    const due = nextDue(schedule, first.doneUntil ?? now);
    // Times of an earlier schedule.
    if (first.open) await records.deleteUnbegun(kind, DUE, due, now);
    const { open } = first.open ? await records.latest(kind, DUE) : first;
    if (!open) await this.#insert({ kind, key: DUE + new Date(due).toISOString(), tenant: null, payload, runAt: due });
  }

  #insert(job: Omit<Parameters<JobRecords["insert"]>[0], "maxAttempts">, within?: Transaction) {
    const { maxAttempts } = this.#kinds.get(job.kind) ?? DEFAULTS;
    return this.options.records.insert({ ...job, maxAttempts }, this.options.clock(), within);
  }

  #wakeUp(): void {
    this.#woken = true;
    this.#wake();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake(), ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = () => undefined;
        this.#woken = false;
        resolve();
      };
      // Woken since it last looked: there may be something that it has not seen.
      if (this.#woken) this.#wake();
    });
  }
}

/** Waits for the work, but no longer than this. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((done) => {
    timer = setTimeout(done, ms);
  });
  await Promise.race([late, work]);
  clearTimeout(timer);
}
