import { randomUUID } from "node:crypto";
import { type Clock, MINUTE, SECOND } from "../base/clock.js";
import type { AuditEntries, AuditRecord } from "../db/index.js";
import type { Logger } from "../ops/logs.js";
import type { Metrics } from "../ops/metrics.js";

export type AuditInput = Omit<AuditRecord, "id" | "timestamp">;

export const NO_REQUEST = {
  method: null,
  status: null,
  ip: null,
  userAgent: null,
  eventType: null,
  eventId: null,
} as const;

const SEAL_EVERY_MS = 100;
const BATCH = 1000;
/** Entries kept in memory while the database is away; beyond this, requests are refused rather than left unaudited. */
const MOST_WAITING = 200_000;

/**
 * Takes in what happened and has it written in order, in batches, by one sealer. Entries of reads are written shortly
 * after the answer; changes write theirs to the outbox in their own transaction (`AuditEntries.enqueue`).
 */
export class AuditLog {
  #waiting: AuditRecord[] = [];
  #last: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #retryMs = SEAL_EVERY_MS;
  #closed = false;

  constructor(
    readonly entries: AuditEntries,
    readonly clock: Clock,
    readonly metrics: Metrics,
    readonly log: Logger,
  ) {
    metrics.watchGauge("crowsnest_audit_waiting", "Audit entries not written yet", () => this.#waiting.length);
  }

  record(input: AuditInput): AuditRecord {
    return { ...input, id: randomUUID(), timestamp: this.clock() };
  }

  append(input: AuditInput): void {
    this.#waiting.push(this.record(input));
    this.#schedule(SEAL_EVERY_MS);
  }

  /** Commits an entry before the change that it announces is made elsewhere. @throws when the database is away */
  async announce(input: AuditInput): Promise<void> {
    await this.entries.enqueue(this.entries.prisma, this.record(input));
    this.#schedule(SEAL_EVERY_MS);
  }

  /** False once so much waits that nothing more should be taken in. */
  get accepts(): boolean {
    return this.#waiting.length < MOST_WAITING;
  }

  /** Writes what waits now: at start (the outbox of a killed process), before reading back, and at the end. */
  async flush(): Promise<void> {
    do {
      await this.#seal();
    } while (this.#waiting.length > 0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.flush();
  }

  #schedule(delayMs: number): void {
    if (this.#timer || this.#closed) return;
    this.#timer = setTimeout(async () => {
      let failed = false;
      try {
        await this.#seal();
        this.#retryMs = SEAL_EVERY_MS;
      } catch (error) {
        failed = true;
        this.#retryMs = Math.min(MINUTE / 2, Math.max(SECOND, this.#retryMs * 2));
        this.log.error({ error: String(error), waiting: this.#waiting.length }, "audit entries cannot be written yet");
      }
      this.#timer = undefined;
      if (failed || this.#waiting.length > 0) this.#schedule(this.#retryMs);
    }, delayMs);
  }

  /** One batch at a time, in the order asked for: two at once would write the same entries twice. */
  #seal(): Promise<void> {
    const next = this.#last.then(() => this.#sealBatch());
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #sealBatch(): Promise<void> {
    const batch = this.#waiting.slice(0, BATCH);
    const sealed = await this.entries.seal(batch);
    // Only now: a failed batch stays first in line and keeps its order.
    this.#waiting = this.#waiting.slice(batch.length);
    this.metrics.auditSealed(sealed);
  }
}
