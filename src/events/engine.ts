import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.js";
import { isDatabaseUnavailable } from "../db/index.js";
import type { Logger } from "../ops/logs.js";
import type { Metrics } from "../ops/metrics.js";
import { Drain, readLines, type Segment, Spool, SpoolRefused } from "../spool/index.js";
import type { DeadLetter, StoredEvent } from "./event.js";
import { Intake, type IntakeOptions } from "./intake.js";
import { LiveEvents } from "./live.js";
import type { EventRegistry } from "./registry/index.js";
import { type EventStore, StoreUnavailable, type Touch } from "./store/index.js";

export interface EngineOptions {
  /** The spools' folder. */
  readonly folder: string;
  /** Most bytes that may wait for the store. */
  readonly spoolMaxBytes: number;
  readonly registry: EventRegistry;
  readonly store: EventStore;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly anonymise: IntakeOptions["anonymise"];
  /** Runs one write to the store; where several processes share a store, one at a time. */
  readonly exclusively: <T>(write: () => Promise<T>) => Promise<T>;
  /** Keeps dead letters; the same letter may come twice. */
  readonly keepLetters: (letters: readonly DeadLetter[]) => Promise<void>;
  /** Writes events to the audit trail; the same event may come twice. */
  readonly audit: (events: readonly StoredEvent[]) => Promise<void>;
}

type Listener = (events: readonly StoredEvent[]) => void;

/** Events of these batches are audited one by one. */
const AUDITED = "audit";
/** Letters and audited events are few: what waits for the database may not crowd out what waits for the store. */
const SIDE_SPOOL_BYTES = 1024 ** 3;

/**
 * Everything between a source and the store: the intake writes to the spool and acknowledges, drains move what is
 * spooled on, exactly once, for as long as it takes.
 */
export class EventEngine {
  /** Events for whoever listens to them as they come in. */
  readonly live = new LiveEvents();

  private constructor(
    readonly options: EngineOptions,
    readonly intake: Intake,
    private readonly listeners: Set<Listener>,
    private readonly spools: { readonly events: Spool; readonly letters: Spool; readonly audit: Spool },
    private readonly drains: readonly [events: Drain, letters: Drain, audit: Drain],
  ) {}

  static async open(options: EngineOptions): Promise<EventEngine> {
    const { folder, log, registry, metrics } = options;
    const [events, letters, audit] = await Promise.all([
      Spool.open({ folder: join(folder, "events"), maxBytes: options.spoolMaxBytes, log }),
      Spool.open({ folder: join(folder, "dead-letters"), maxBytes: SIDE_SPOOL_BYTES, log }),
      Spool.open({ folder: join(folder, "audit"), maxBytes: SIDE_SPOOL_BYTES, log }),
    ]);
    const listeners = new Set<Listener>();
    const intake = new Intake({
      ...options,
      events,
      letters,
      onAccepted: (accepted) => {
        for (const listener of listeners) listener(accepted);
      },
      markOf: ({ type }) => (isAudited(registry, type) ? AUDITED : null),
    });
    const drains = [
      new Drain({
        spool: events,
        log,
        sink: (segments) => storeEvents(options, audit, segments),
        isTemporary: passesByItself,
        onPoison: (line, error) => letters.append(`${JSON.stringify(poisonLetter(line, error, options.clock()))}\n`),
      }),
      new Drain({
        spool: letters,
        log,
        sink: async (segments) => options.keepLetters(await parsed<DeadLetter>(segments)),
        isTemporary: isDatabaseUnavailable,
        onPoison: (line, error) => putAside(folder, line, error, log),
      }),
      new Drain({
        spool: audit,
        log,
        sink: (segments) => auditEvents(options, segments),
        isTemporary: isDatabaseUnavailable,
        onPoison: (line, error) => putAside(folder, line, error, log),
      }),
    ] as const;
    metrics.watchGauges("crowsnest_spool_bytes", "Bytes on disk waiting to be moved on, by spool", "spool", () => [
      ["events", events.bytes],
      ["dead-letters", letters.bytes],
      ["audit", audit.bytes],
    ]);
    const engine = new EventEngine(options, intake, listeners, { events, letters, audit }, drains);
    engine.onAccepted((accepted) => engine.live.publish(accepted));
    return engine;
  }

  get store(): EventStore {
    return this.options.store;
  }

  get registry(): EventRegistry {
    return this.options.registry;
  }

  /** Tells of events as soon as they are safely on disk, in order. Listeners must be quick and must not throw. */
  onAccepted(listener: Listener): void {
    this.listeners.add(listener);
  }

  /** False while the store does not take what waits. */
  get isStoring(): boolean {
    return this.drains[0].isHealthy;
  }

  /** Bytes taken in that the store does not have yet. */
  get waitingBytes(): number {
    return this.spools.events.bytes;
  }

  /** Resolves once everything acknowledged before this call can be queried. */
  async stored(): Promise<void> {
    await this.drains[0].drained();
  }

  /** Resolves once everything before this call has reached store, dead letters and audit trail. */
  async settled(): Promise<void> {
    for (const drain of this.drains) await drain.drained();
  }

  /** Takes nothing more in. What waits stays on disk for the next start. */
  async close(): Promise<void> {
    const { events, letters, audit } = this.spools;
    await Promise.all(this.drains.map((drain) => drain.close()));
    await Promise.all([events.close(), letters.close(), audit.close()]);
    await this.options.store.close();
  }
}

async function storeEvents(options: EngineOptions, audit: Spool, segments: readonly Segment[]): Promise<void> {
  const startedAt = performance.now();
  const { stored, duplicates } = await options.exclusively(() =>
    options.store.append(
      segments.map(({ path }) => path),
      touchesOf(segments),
    ),
  );
  options.metrics.eventsStored(stored, duplicates, (performance.now() - startedAt) / 1000);
  for (const segment of segments) if (segment.marks.has(AUDITED)) await audit.adopt(segment);
}

/** What the segments change; undefined where one does not say it of all its lines. */
function touchesOf(segments: readonly Segment[]): Touch[] | undefined {
  const notes = segments.map((segment) => segment.notes.map((note) => note.touches as Touch[] | undefined));
  const isKnown = notes.every((ofOne) => ofOne.length > 0 && ofOne.every((touches) => touches !== undefined));
  return isKnown ? notes.flat().flatMap((touches) => touches ?? []) : undefined;
}

/** A few at a time: whole segments are too many to be parsed in one go. */
const AUDITED_AT_ONCE = 500;

async function auditEvents({ registry, audit }: EngineOptions, segments: readonly Segment[]): Promise<void> {
  for (const { path } of segments) {
    const lines = (await readLines(path)).filter((line) => isAudited(registry, typeOf(line)));
    for (let from = 0; from < lines.length; from += AUDITED_AT_ONCE) {
      await audit(lines.slice(from, from + AUDITED_AT_ONCE).map((line) => JSON.parse(line) as StoredEvent));
    }
  }
}

function isAudited(registry: EventRegistry, type: string): boolean {
  return registry.get(type)?.area === "fleet";
}

/** Begins with a comma and an unescaped quote, so it stands in no value before the type. */
const TYPE = /,"type":("(?:[^"\\]|\\.)*")/;

/** Of a spool line, without reading all of it. */
function typeOf(line: string): string {
  return JSON.parse(TYPE.exec(line)?.[1] ?? '""') as string;
}

async function parsed<T>(segments: readonly Segment[]): Promise<T[]> {
  const lines = await Promise.all(segments.map(({ path }) => readLines(path)));
  return lines.flat().map((line) => JSON.parse(line) as T);
}

/** The store is away, the audit's spool has no room, or the operating system is out of something. */
function passesByItself(error: unknown): boolean {
  const isOurs = error instanceof StoreUnavailable || error instanceof SpoolRefused;
  return isOurs || !(error instanceof Error) || "syscall" in error;
}

/** What the database refuses for good is kept for a person to look at: it may not hold up the rest, nor be lost. */
async function putAside(folder: string, line: string, error: unknown, log: Logger): Promise<void> {
  const path = join(folder, "refused.ndjson");
  await appendFile(path, `${line}\n`, { mode: 0o600 });
  log.error({ error: String(error), path }, "refused by the database; kept in a file");
}

/** An event that every check let through and the store cannot hold all the same. */
function poisonLetter(line: string, error: unknown, failedAt: number): DeadLetter {
  const { tenant, id, type, origin } = JSON.parse(line) as StoredEvent;
  return {
    id: `insert-${tenant}-${id}`,
    tenant,
    kind: "insert_failed",
    error: error instanceof Error ? error.message : String(error),
    faults: [],
    eventType: type,
    origin,
    shape: "stored",
    eventId: id,
    raw: Buffer.from(line).toString("base64"),
    attempts: 1,
    failedAt,
  };
}
