import type { Consent } from "./consent.js";
import type { Delivery } from "./delivery.js";
import type { Identity } from "./identity.js";
import type { Outbox } from "./outbox.js";
import { isSampled } from "./sampling.js";
import type { AnalyticsErrorKind, AnalyticsEvent, Properties, TrackOptions } from "./types.js";

const ADOPT_EVERY_MS = 30_000;

export interface RecorderOptions {
  readonly consent: Consent;
  readonly identity: Identity;
  readonly outbox: Outbox;
  readonly delivery: Delivery;
  readonly newId: () => string;
  readonly now: () => number;
  readonly sampleRate: number;
  readonly maxQueue: number;
  /** False where memory is all there is by choice: then nobody needs to be told so. */
  readonly hasStorage: boolean;
  readonly report: (kind: AnalyticsErrorKind, message: string, events?: readonly AnalyticsEvent[]) => void;
}

/** Makes events of what the application tells, if they may be recorded, and puts them into the outbox. */
export class Recorder {
  readonly #options: RecorderOptions;
  #isClosed = false;
  #isStorageReported = false;
  #adoptedAt = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Its id; null when it was not recorded. */
  track(type: string, properties: Properties, options: TrackOptions): string | null {
    const { consent, identity, outbox, delivery, now, sampleRate, maxQueue, hasStorage, report } = this.#options;
    if (this.#isClosed || consent.isOptedOut || !isSampled(identity.anonymousId, sampleRate)) return null;
    let event: AnalyticsEvent;
    let json: string;
    try {
      event = this.#event(type, properties, options);
      json = JSON.stringify(event);
    } catch (error) {
      report("invalid", `The event "${type}" cannot be sent: ${(error as Error).message}`);
      return null;
    }
    if (outbox.entries.length >= maxQueue) {
      report("full", `${maxQueue} events wait already`, [event]);
      return null;
    }
    if (!outbox.add(event.id, json) && hasStorage && !this.#isStorageReported) {
      this.#isStorageReported = true;
      report("storage", "The storage is full or forbidden: events wait in memory only");
    }
    if (now() - this.#adoptedAt > ADOPT_EVERY_MS) this.adopt();
    delivery.nudge();
    return event.id;
  }

  /** Looks for events that other pages have left behind. */
  adopt(): void {
    const { consent, outbox, delivery, now } = this.#options;
    this.#adoptedAt = now();
    if (!consent.isOptedOut) void outbox.adopt().then(() => delivery.nudge());
  }

  close(): void {
    this.#isClosed = true;
  }

  /** @throws TypeError, RangeError for what is no type or no time */
  #event(type: string, properties: Properties, { subject, time }: TrackOptions): AnalyticsEvent {
    const { identity, newId, now } = this.#options;
    if (typeof type !== "string" || type === "") throw new TypeError("expected the name of a type");
    return {
      type,
      id: newId(),
      time: new Date(time ?? now()).toISOString(),
      user: identity.user,
      session: identity.session(),
      ...(subject !== undefined && { subject }),
      properties,
    };
  }
}
