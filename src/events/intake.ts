import { LRUCache } from "lru-cache";
import { v7 as uuidv7 } from "uuid";
import type { Clock } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import type { Logger } from "../ops/logs.js";
import type { Metrics } from "../ops/metrics.js";
import type { Spool } from "../spool/index.js";
import { refusesConsent, withoutPerson } from "./anonymise.js";
import { type DeadLetter, encodeEvents, type Fault, type FaultKind, type StoredEvent } from "./event.js";
import type { EventRegistry } from "./registry/index.js";
import { isRefused, type RawMessage, type Refused, type Shape } from "./shapes/index.js";
import type { EventStore, KeyedBatch, Touch } from "./store/index.js";

/** Messages that arrived together and are taken in together. */
export interface Batch {
  readonly tenant: string;
  readonly shape: Shape;
  readonly messages: readonly RawMessage[];
  /** refuse: one fault and nothing is taken in. set-aside: what is at fault goes to the dead letters, the rest is taken in. */
  readonly onFault: "refuse" | "set-aside";
  /** With an `Idempotency-Key`: repeating the batch under it gives the same receipt and stores nothing again. */
  readonly key?: { readonly value: string; readonly hash: string } | undefined;
  /** How often these messages have failed before: told in their dead letters. */
  readonly failures?: number | undefined;
}

/** Given once everything is on disk. */
export interface Receipt {
  /** Events taken in; those that were known already, by id, among them. */
  readonly accepted: number;
  readonly setAside: readonly DeadLetter[];
  /** This very batch had been taken in before, under the same key. */
  readonly repeated: boolean;
}

export interface BatchFault {
  /** Which message of the batch. */
  readonly index: number;
  readonly kind: FaultKind;
  readonly faults: readonly Fault[];
}

/** Nothing of the batch was taken in: all its faults, message by message. */
export class BatchRefused extends Error {
  override name = "BatchRefused";
  constructor(readonly faults: readonly BatchFault[]) {
    const [first] = faults;
    super(`${faults.length} of the events cannot be taken in; the first: ${first?.faults[0]?.message ?? first?.kind}`);
  }
}

export interface IntakeOptions {
  readonly registry: EventRegistry;
  readonly events: Spool;
  readonly letters: Spool;
  readonly store: Pick<EventStore, "keyedBatch">;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Applied before anything is written. */
  readonly anonymise: ((event: StoredEvent) => StoredEvent) | null;
  /** Marks batches that hold an event which needs more than storing. */
  readonly markOf: (event: StoredEvent) => string | null;
  /** Told what is safely on disk, in order. Must not throw. */
  readonly onAccepted: (events: readonly StoredEvent[]) => void;
}

interface Sorted {
  readonly events: StoredEvent[];
  readonly refused: { readonly index: number; readonly raw: RawMessage; readonly refused: Refused }[];
}

/** Keys of the last requests; older ones are asked for in the store. */
const KEYS_IN_MEMORY = 50_000;

/** The one way in for events, whatever source they come from: read, validate, write to disk, acknowledge. */
export class Intake {
  readonly #keyed = new LRUCache<string, KeyedBatch>({ max: KEYS_IN_MEMORY });
  readonly #flights = new Map<string, Promise<unknown>>();

  constructor(readonly options: IntakeOptions) {
    for (const { batch } of options.events.notes) {
      const keyed = batch as KeyedBatch | undefined;
      if (keyed) this.#keyed.set(keyId(keyed.tenant, keyed.key), keyed);
    }
  }

  /**
   * Resolves once the batch is on disk: all of it, or it throws and nothing of it was taken in.
   * @throws BatchRefused when `onFault` is `refuse` and there is one
   * @throws SpoolRefused when the disk is full or too much waits
   * @throws PublicError BAD_USER_INPUT when the key came with another body before
   */
  async accept(batch: Batch): Promise<Receipt> {
    if (!batch.key) return this.#takeIn(batch, null);
    const id = keyId(batch.tenant, batch.key.value);
    // One after the other per key: the second of two at once gets the first one's receipt.
    for (let flight = this.#flights.get(id); flight; flight = this.#flights.get(id))
      await flight.catch(() => undefined);
    const taking = this.#takeInOnce(batch, batch.key, id);
    this.#flights.set(id, taking);
    try {
      return await taking;
    } finally {
      this.#flights.delete(id);
    }
  }

  async #takeInOnce(batch: Batch, key: NonNullable<Batch["key"]>, id: string): Promise<Receipt> {
    const known = this.#keyed.get(id) ?? (await this.#stored(batch.tenant, key.value));
    if (known) {
      if (known.hash === key.hash) return { accepted: known.events, setAside: [], repeated: true };
      throw new PublicError(
        "BAD_USER_INPUT",
        `Idempotency-Key ${key.value} was used with another body before: use a new key for a new body`,
      );
    }
    const { tenant } = batch;
    const events = batch.messages.length;
    const keyed = { tenant, key: key.value, hash: key.hash, events, received: this.options.clock() };
    const receipt = await this.#takeIn(batch, keyed);
    this.#keyed.set(id, keyed);
    return receipt;
  }

  /** A store that is away knows no key: the events' ids, made from it, still keep them from being stored twice. */
  async #stored(tenant: string, key: string): Promise<KeyedBatch | null> {
    try {
      return await this.options.store.keyedBatch(tenant, key);
    } catch (error) {
      this.options.log.warn({ error: String(error) }, "cannot look up an idempotency key");
      return null;
    }
  }

  async #takeIn(batch: Batch, keyed: KeyedBatch | null): Promise<Receipt> {
    const received = this.options.clock();
    const { events, refused } = this.#sort(batch, received);
    if (refused.length > 0 && batch.onFault === "refuse") {
      this.options.metrics.eventsRefused(batch.shape.name, refused.length);
      throw new BatchRefused(refused.map(({ index, refused: { kind, faults } }) => ({ index, kind, faults })));
    }
    const setAside = refused.map(({ raw, refused: reason }) => letterOf(batch, raw, reason, received));
    // The letters first: a batch that fails between the two is sent again, and a letter is known by its event's id.
    if (setAside.length > 0)
      await this.options.letters.append(setAside.map((letter) => `${JSON.stringify(letter)}\n`).join(""));
    if (events.length > 0) await this.options.events.append(encodeEvents(events), this.#note(events, keyed));
    this.options.metrics.eventsTaken(batch.shape.name, events.length);
    this.options.metrics.eventsSetAside(batch.shape.name, setAside.length);
    this.options.onAccepted(events);
    return { accepted: events.length, setAside, repeated: false };
  }

  #sort(batch: Batch, received: number): Sorted {
    const { registry, anonymise } = this.options;
    const sorted: Sorted = { events: [], refused: [] };
    const { tenant, shape, messages } = batch;
    for (let index = 0; index < messages.length; index++) {
      const raw = messages[index] as RawMessage;
      const message = shape.read(raw);
      const read = isRefused(message)
        ? message
        : registry.read(message, { tenant, received, origin: raw.origin, fallbackId: raw.fallbackId, newId: uuidv7 });
      if (isRefused(read)) sorted.refused.push({ index, raw, refused: read });
      else if (refusesConsent(raw))
        sorted.events.push(withoutPerson(read.event, registry.get(read.event.type) ?? null));
      else sorted.events.push(anonymise === null ? read.event : anonymise(read.event));
    }
    return sorted;
  }

  #note(events: readonly StoredEvent[], keyed: KeyedBatch | null) {
    const marks = new Set<string>();
    for (const event of events) {
      const mark = this.options.markOf(event);
      if (mark !== null) marks.add(mark);
    }
    return { ...(marks.size > 0 && { marks: [...marks] }), touches: touchesOf(events), ...(keyed && { batch: keyed }) };
  }
}

/** What a batch changes: of each type, between which times. */
function touchesOf(events: readonly StoredEvent[]): Touch[] {
  const touches = new Map<string, { tenant: string; type: string; first: number; last: number }>();
  for (const { tenant, type, time } of events) {
    const touch = touches.get(type);
    if (!touch) touches.set(type, { tenant, type, first: time, last: time });
    else if (time < touch.first) touch.first = time;
    else if (time > touch.last) touch.last = time;
  }
  return [...touches.values()];
}

function keyId(tenant: string, key: string): string {
  return `${tenant}\0${key}`;
}

function letterOf(batch: Batch, raw: RawMessage, { kind, faults, eventType }: Refused, failedAt: number): DeadLetter {
  const bytes = raw.bytes ?? Buffer.from(raw.text ?? JSON.stringify(raw.value) ?? "");
  return {
    id: uuidv7(),
    tenant: batch.tenant,
    kind,
    error: faults.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "),
    faults,
    eventType,
    origin: raw.origin,
    shape: batch.shape.name,
    eventId: raw.fallbackId ?? uuidv7(),
    raw: Buffer.from(bytes).toString("base64"),
    attempts: (batch.failures ?? 0) + 1,
    failedAt,
  };
}
