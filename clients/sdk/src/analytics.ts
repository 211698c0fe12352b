import { Consent } from "./consent.js";
import { Delivery } from "./delivery.js";
import { Identity } from "./identity.js";
import { createIds } from "./ids.js";
import { type Entry, Outbox } from "./outbox.js";
import { Ownership } from "./ownership.js";
import { watchPageLife } from "./page-life.js";
import { trackPages } from "./page-views.js";
import { Recorder } from "./recorder.js";
import { hash } from "./sampling.js";
import { browserStorage, Store } from "./store.js";
import { Transport } from "./transport.js";
import type { Analytics, AnalyticsError, AnalyticsErrorKind, AnalyticsEvent, AnalyticsOptions } from "./types.js";

/**
 * Starts recording events and sending them to a gateway.
 *
 * @example
 * const analytics = createAnalytics({ url: "https://gateway.example", writeKey: "wk_…" });
 * analytics.track("video_play", { title: "Intro" });
 */
export function createAnalytics(options: AnalyticsOptions): Analytics {
  const parts = assemble(options);
  const { consent, identity, outbox, ownership, delivery, report } = parts;
  const recorder = new Recorder(parts);
  const stopWatching = watch(parts);
  if (consent.isOptedOut) outbox.clear();
  recorder.adopt();
  const track: Analytics["track"] = (type, properties = {}, more = {}) => recorder.track(type, properties, more);
  return {
    track,
    page: trackPages(track),
    identify: (userId) => {
      if (!consent.isOptedOut) identity.identify(userId);
    },
    reset: () => identity.forget(),
    flush: () => delivery.flush(),
    optOut: () => {
      // First what makes room: a full storage could not keep the decision.
      outbox.clear();
      identity.forget();
      consent.set(true);
    },
    optIn: () => consent.set(false),
    get isOptedOut() {
      return consent.isOptedOut;
    },
    close: async () => {
      recorder.close();
      stopWatching();
      await delivery.close();
      ownership.release();
      const lost = outbox.entries.filter(({ key }) => key === null);
      if (lost.length > 0) report("unsent", `Closed with ${lost.length} event(s) unsent`, lost.map(eventOf));
    },
  };
}

function assemble(options: AnalyticsOptions) {
  const { now = Date.now, random = Math.random, sampleRate = 1, maxQueue = 1000 } = options;
  const storage = options.storage === undefined ? browserStorage() : options.storage;
  const hasStorage = storage !== null;
  const url = options.url.replace(/\/+$/, "");
  const store = new Store(storage);
  const newId = createIds(now);
  const consent = new Consent(store, options.respectDoNotTrack ?? true);
  const identity = new Identity({ store, newId, now, sessionTimeoutMs: options.sessionTimeoutMs ?? 1_800_000 });
  const ownership = new Ownership(hasStorage ? globalThis.navigator?.locks : undefined);
  const prefix = `crowsnest.queue.${hash(url).toString(36)}.`;
  const outbox = new Outbox({ store, ownership, prefix, page: newId(), now });
  const tell = reporter(options.onError);
  const report = (kind: AnalyticsErrorKind, message: string, events: readonly AnalyticsEvent[] = []) =>
    tell({ kind, message, events, status: null, faults: [] });
  const delivery = new Delivery({
    outbox,
    transport: new Transport({ ...options, url }),
    flushAt: options.flushAt ?? 10,
    flushIntervalMs: options.flushIntervalMs ?? 5000,
    now,
    random,
    isOptedOut: () => consent.isOptedOut,
    report: (kind, message, entries, status, faults) =>
      tell({ kind, message, events: entries.map(eventOf), status, faults }),
  });
  return { consent, identity, ownership, outbox, delivery, newId, now, sampleRate, maxQueue, hasStorage, report };
}

function watch({ delivery, outbox, ownership }: ReturnType<typeof assemble>): () => void {
  return watchPageLife({
    hidden: () => delivery.handOver(),
    left: () => {
      delivery.handOver();
      ownership.release();
    },
    restored: () => {
      outbox.resume();
      delivery.revive();
    },
    revived: () => delivery.revive(),
  });
}

const eventOf = ({ json }: Entry): AnalyticsEvent => JSON.parse(json) as AnalyticsEvent;

/** An application's mistake in its own handler must not stop the delivery. */
function reporter(onError: AnalyticsOptions["onError"]): (error: AnalyticsError) => void {
  return (error) => {
    try {
      if (onError) onError(error);
      else console.error(`[crowsnest] ${error.message}`, error);
    } catch (fault) {
      console.error(fault);
    }
  };
}
