import { randomUUID } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../base/clock.js";
import { type AuditEntries, type AuditRecord, isDatabaseUnavailable } from "../db/index.js";
import type { Logger } from "../ops/logs.js";
import type { Metrics } from "../ops/metrics.js";
import { Drain, readLines, type Segment, Spool } from "../spool/index.js";

export type AuditInput = Omit<AuditRecord, "id" | "timestamp">;

export const NO_REQUEST = {
  method: null,
  status: null,
  ip: null,
  userAgent: null,
  eventType: null,
  eventId: null,
} as const;

export interface AuditLogOptions {
  readonly entries: AuditEntries;
  /** Of the spool: made when it is not there. */
  readonly folder: string;
  /** Most bytes that may wait for the database; beyond this, requests are refused rather than left unaudited. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Entries that are written together. */
interface Batch {
  lines: string;
  readonly written: Promise<void>;
}

/** What is left of a segment goes to the database after the next start: entries are written once, however often they come. */
class Closing extends Error {}

/** Stopping waits for the database no longer than that. */
const LAST_FLUSH_MS = 5000;
const SEAL_EVERY_MS = 100;
const BATCH = 500;
/** Time left to everything else for each time spent: embedded, the database works on the same thread. */
const PAUSE = { least: 1, most: 30 };
/** However busy: what was done a while ago should be in the trail. */
const LONGEST_PAUSE_MS = 1000;
/** Busy beyond this share of the time, the thread has none to spare. */
const BUSY = 0.7;

/**
 * Takes in what happened and has it written in order, in batches. An entry of a read is on disk, in a spool, before the
 * read is answered, and moves to the database when there is time; changes write theirs to the outbox in their own
 * transaction (`AuditEntries.enqueue`).
 */
export class AuditLog {
  readonly #drain: Drain;
  #timer: NodeJS.Timeout | undefined;
  #pause = PAUSE.least;
  /** How many wait for the trail to be complete: then nothing pauses. */
  #readers = 0;
  #hurry = new AbortController();
  #batch: Batch | null = null;
  #isClosing = false;

  private constructor(
    readonly options: AuditLogOptions,
    readonly spool: Spool,
  ) {
    const { metrics, log } = options;
    this.#drain = new Drain({
      spool,
      log,
      sink: (segments) => this.#move(segments),
      isTemporary: (error) => error instanceof Closing || isDatabaseUnavailable(error),
      onPoison: (line, error) => this.#putAside(line, error),
      paceMs: SEAL_EVERY_MS,
    });
    metrics.watchGauge(
      "crowsnest_audit_waiting_bytes",
      "Bytes of audit entries not yet in the database",
      () => spool.bytes,
    );
  }

  /** Opens the spool; what a killed process had not moved to the database is moved then. */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const { folder, maxBytes, log } = options;
    return new AuditLog(options, await Spool.open({ folder, maxBytes, log }));
  }

  get entries(): AuditEntries {
    return this.options.entries;
  }

  record(input: AuditInput): AuditRecord {
    return { ...input, id: randomUUID(), timestamp: this.options.clock() };
  }

  /** Resolves once the entry is on disk, the same for all of a turn of the event loop. @throws SpoolRefused when it is not */
  append(input: AuditInput): Promise<void> {
    this.#batch ??= this.#openBatch();
    this.#batch.lines += `${JSON.stringify(this.record(input))}\n`;
    return this.#batch.written;
  }

  #openBatch(): Batch {
    const batch: Batch = {
      lines: "",
      written: new Promise<void>((resolve, reject) => {
        setImmediate(() => {
          this.#batch = null;
          this.spool.append(batch.lines).then(resolve, reject);
        });
      }),
    };
    return batch;
  }

  /** Commits an entry before the change that it announces is made elsewhere. @throws when the database is away */
  async announce(input: AuditInput): Promise<void> {
    await this.entries.enqueue(this.entries.prisma, this.record(input));
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // What fails now is written with the next entries.
      this.entries.seal([]).catch(() => undefined);
    }, SEAL_EVERY_MS).unref();
  }

  /** False once so much waits that nothing more should be taken in. */
  get accepts(): boolean {
    return this.spool.bytes < this.options.maxBytes;
  }

  /** Writes entries that are safe elsewhere, a few at a time and with pauses, unless somebody waits for them. */
  async seal(records: readonly AuditRecord[]): Promise<void> {
    for (let from = 0; from < records.length; from += BATCH) {
      const startedAt = performance.now();
      this.options.metrics.auditSealed(await this.entries.seal(records.slice(from, from + BATCH)));
      await this.#rest(performance.now() - startedAt);
    }
  }

  /**
   * Writes what waits now: at start (the outbox of a killed process), before reading back, and at the end.
   * @throws when the database is away
   */
  async flush(): Promise<void> {
    this.#readers += 1;
    this.#hurry.abort();
    try {
      this.options.metrics.auditSealed(await this.entries.seal([]));
      await this.#drain.drained();
    } finally {
      this.#readers -= 1;
      if (this.#readers === 0) this.#hurry = new AbortController();
    }
  }

  /** What cannot be written any more, or not within seconds, stays on disk for the next start. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const patience = new AbortController();
    const late = sleep(LAST_FLUSH_MS, undefined, patience).catch(() => undefined);
    await Promise.race([this.flush(), late]).catch(() => undefined);
    patience.abort();
    this.#isClosing = true;
    await this.#drain.close();
    await this.spool.close();
    if (this.spool.bytes > 0) this.options.log.warn("audit entries wait in their spool for the next start");
  }

  async #move(segments: readonly Segment[]): Promise<void> {
    for (const { path } of segments) {
      const lines = await readLines(path);
      // A few at a time: whole segments are too many to be parsed in one go.
      for (let from = 0; from < lines.length; from += BATCH) {
        if (this.#isClosing) throw new Closing("stopping");
        await this.seal(lines.slice(from, from + BATCH).map((line) => JSON.parse(line) as AuditRecord));
      }
    }
  }

  async #rest(busyMs: number): Promise<void> {
    if (this.#readers > 0) return;
    const before = performance.eventLoopUtilization();
    await sleep(Math.min(LONGEST_PAUSE_MS, busyMs * this.#pause), undefined, { signal: this.#hurry.signal }).catch(
      () => undefined,
    );
    const { utilization } = performance.eventLoopUtilization(before);
    this.#pause = utilization > BUSY ? Math.min(PAUSE.most, this.#pause * 2) : Math.max(PAUSE.least, this.#pause / 2);
  }

  /** What the database refuses for good is kept for a person to look at: it may not hold up the rest, nor be lost. */
  async #putAside(line: string, error: unknown): Promise<void> {
    const path = join(this.options.folder, "refused.ndjson");
    await appendFile(path, `${line}\n`, { mode: 0o600 });
    this.options.log.error({ error: String(error), path }, "audit entry refused by the database; kept in a file");
  }
}
