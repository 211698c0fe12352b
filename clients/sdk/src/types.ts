/** Where to send events, and how. Only `url` and one of `writeKey` and `token` are needed. */
export interface AnalyticsOptions {
  /** Address of the gateway; events go to `<url>/v1/events`. */
  readonly url: string;
  /** Public key that may send events and nothing else: the one to use in a web page. */
  readonly writeKey?: string | undefined;
  /** Bearer token instead of a write key. A function is asked before every attempt, so an expired token heals itself. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Events that wait before they are sent without waiting for the time. 10 unless told. */
  readonly flushAt?: number | undefined;
  /** Longest that an event waits for others, in milliseconds. 5,000 unless told. */
  readonly flushIntervalMs?: number | undefined;
  /** Most events that wait while the gateway cannot be reached; further ones are refused and reported. 1,000 unless told. */
  readonly maxQueue?: number | undefined;
  /** Share of visitors whose events are sent, 0 to 1. A visitor is in or out as a whole. 1 unless told. */
  readonly sampleRate?: number | undefined;
  /** Whether Do Not Track and Global Privacy Control keep this visitor's events from being recorded. True unless told. */
  readonly respectDoNotTrack?: boolean | undefined;
  /** Where ids and unsent events survive a reload. `localStorage` in a browser, nowhere else; null for memory only. */
  readonly storage?: AnalyticsStorage | null | undefined;
  /** Stands in for the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Told of every event that is given up and of faults that need a person. Prints to the console unless given. */
  readonly onError?: ((error: AnalyticsError) => void) | undefined;
  /** Pause after which a new session begins, in milliseconds. 30 minutes unless told. */
  readonly sessionTimeoutMs?: number | undefined;
  /** Epoch milliseconds; stands in for `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** 0 up to 1, for spreading retries; stands in for `Math.random`. Ids never come from it. */
  readonly random?: (() => number) | undefined;
}

/** The part of the Web Storage interface that is used. */
export type AnalyticsStorage = Pick<Storage, "length" | "key" | "getItem" | "setItem" | "removeItem">;

/** An event's own facts: anything that JSON can say. */
export type Properties = Readonly<Record<string, unknown>>;

/** What {@link Analytics.track} takes besides type and properties. */
export interface TrackOptions {
  /** What the event is about: a vehicle, booking or document by its own id. */
  readonly subject?: string | undefined;
  /** When it happened; now unless told. */
  readonly time?: Date | number | string | undefined;
}

/** One event as it goes over the wire. */
export interface AnalyticsEvent {
  readonly type: string;
  /** UUIDv7 made when the event was tracked: however often it is sent, it is stored once. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** Who was identified, else the anonymous id. */
  readonly user: string;
  readonly session: string;
  readonly subject?: string;
  readonly properties: Properties;
}

/** What the gateway found wrong with one event. `path` leads into the batch and starts with the event's index. */
export interface AnalyticsFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly type: string;
}

/**
 * - `invalid`: an event that cannot be sent (no type, bad time, properties that JSON cannot say); it was not recorded
 * - `full`: `maxQueue` events wait already; this one was not recorded
 * - `refused`: the gateway refuses these events for what they hold; given up
 * - `too-large`: one event is larger than the gateway takes; given up
 * - `unsent`: closed while these were waiting in memory only; given up
 * - `access`: the gateway does not answer as one would (wrong key, wrong address); events wait and are tried again
 * - `storage`: events cannot be written to the storage and wait in memory only
 */
export type AnalyticsErrorKind = "invalid" | "full" | "refused" | "too-large" | "unsent" | "access" | "storage";

/** Something that the application may want to know of. Never thrown: tracking does not break a page. */
export interface AnalyticsError {
  readonly kind: AnalyticsErrorKind;
  readonly message: string;
  /** The events that are given up; empty when none is. */
  readonly events: readonly AnalyticsEvent[];
  /** The gateway's reasons, where it gave any; indexes count in the batch as it was sent. */
  readonly faults: readonly AnalyticsFault[];
  /** HTTP status of the answer that led to this, where there was one. */
  readonly status: number | null;
}

/** Tracks events. The functions need no `this`: hand them around as they are. */
export interface Analytics {
  /** Records an event. Its id, or null when it was not recorded: opted out, not in the sample, invalid, or full. */
  readonly track: (type: string, properties?: Properties, options?: TrackOptions) => string | null;
  /** Records a `page_view` of the current path, or the given one, with where the visitor came from. */
  readonly page: (path?: string, properties?: Properties) => string | null;
  /** Names the visitor. Kept over reloads until {@link Analytics.reset}; the session goes on. */
  readonly identify: (userId: string) => void;
  /** Forgets who it was, for example at sign-out: new anonymous id, new session. What waits is still sent. */
  readonly reset: () => void;
  /** Sends what waits now. Resolves when all of it was answered, or when an attempt failed and a later one is planned. */
  readonly flush: () => Promise<void>;
  /** Records nothing from now on, throws away what waits and all ids. Kept over reloads. */
  readonly optOut: () => void;
  /** Takes {@link Analytics.optOut} back. A privacy signal of the browser still counts. */
  readonly optIn: () => void;
  /** Whether nothing is recorded, by opt-out or by a privacy signal of the browser. */
  readonly isOptedOut: boolean;
  /** One last attempt, then no more timers or listeners. What is in the storage is sent by the next page. */
  readonly close: () => Promise<void>;
}
