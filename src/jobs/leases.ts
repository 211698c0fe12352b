import { setTimeout as sleep } from "node:timers/promises";
import { SECOND } from "../base/clock.js";
import type { LeaseRecords } from "../db/index.js";
import type { Logger } from "../ops/logs.js";
import { type Backoff, pauseAfter } from "./backoff.js";
import { Heartbeat } from "./heartbeat.js";
import { LeaseLost } from "./job.js";

export interface LeasesOptions {
  readonly records: LeaseRecords;
  /** Names this process in the database, for people to read. */
  readonly owner: string;
  readonly log: Logger;
  /** How long a lease stays taken after the last sign of life of its process. Default: 15 s. */
  readonly leaseMs?: number;
}

/**
 * Work under a lease. The signal is aborted before another process can have it; `fence` grows with every holder, for
 * places that can refuse a writer who was late to notice.
 */
export type LeasedWork<T> = (signal: AbortSignal, fence: bigint) => Promise<T>;

/** Pauses between two looks whether it is one's turn. */
const TURN: Backoff = { firstMs: 10, longestMs: SECOND / 2 };

/** Named roles that one process at a time has, among all that share the database. */
export class Leases {
  readonly #stopped = new AbortController();
  readonly #roles = new Set<Promise<void>>();

  constructor(readonly options: LeasesOptions) {}

  /**
   * Does the work while holding the lease.
   * @returns null when another process holds it: the work was not begun
   */
  async withLease<T>(name: string, work: LeasedWork<T>): Promise<{ readonly value: T } | null> {
    const { records, owner, leaseMs = 15 * SECOND } = this.options;
    const takenAt = performance.now();
    const fence = await records.take(name, owner, leaseMs);
    if (fence === null) return null;
    const lost = new AbortController();
    const heartbeat = new Heartbeat({
      leaseMs,
      takenAt,
      renew: () => records.renew(name, fence, leaseMs),
      onLost: (reason) => lost.abort(new LeaseLost(`The lease ${name} was lost: ${reason}`)),
    });
    try {
      return { value: await work(AbortSignal.any([lost.signal, this.#stopped.signal]), fence) };
    } finally {
      heartbeat.stop();
      // With the database away it runs out by itself.
      await records.release(name, fence).catch(() => undefined);
    }
  }

  /**
   * Does the work once the lease is to be had, however long that takes. First come is not first served.
   * @throws when the database is away, or this process is ending: the work was not begun
   */
  async inTurn<T>(name: string, work: LeasedWork<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      this.#stopped.signal.throwIfAborted();
      const held = await this.withLease(name, work);
      if (held) return held.value;
      const pause = pauseAfter(TURN, failures, Math.random);
      await sleep(pause, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
    }
  }

  /**
   * Has one among all processes do the work, for as long as that one lives. The work goes on until its signal is
   * aborted; where it ends or fails earlier, it is begun again after a pause, here or elsewhere.
   */
  leader(name: string, work: LeasedWork<void>): void {
    const role = this.#lead(name, work).finally(() => this.#roles.delete(role));
    this.#roles.add(role);
  }

  /** Ends all roles and gives them back once their work has ended. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error("This process is ending"));
    await Promise.all(this.#roles);
  }

  async #lead(name: string, work: LeasedWork<void>): Promise<void> {
    const { log, leaseMs = 15 * SECOND } = this.options;
    const stopped = this.#stopped.signal;
    let failing = false;
    while (!stopped.aborted) {
      try {
        const held = await this.withLease(name, async (signal, fence) => {
          log.info({ lease: name, fence: String(fence) }, "this process leads");
          await work(signal, fence);
        });
        if (held) log.info({ lease: name }, "this process leads no more");
        failing = false;
      } catch (error) {
        if (!failing && !stopped.aborted) log.warn({ lease: name, error: String(error) }, "cannot lead for now");
        failing = true;
      }
      await sleep(leaseMs / 3, undefined, { signal: stopped }).catch(() => undefined);
    }
  }
}
