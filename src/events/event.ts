/** The five areas whose events are known; `custom` holds types that an operator adds and types nobody declared. */
export const AREAS = ["fleet", "rides", "documents", "bookings", "product", "custom"] as const;
export type Area = (typeof AREAS)[number];

/** One event as it is spooled and stored. Exactly one is kept per (tenant, id). */
export interface StoredEvent {
  readonly tenant: string;
  /** Given by the producer, else derived from where the event came from. */
  readonly id: string;
  readonly type: string;
  /** When it happened: epoch milliseconds UTC. */
  readonly time: number;
  /** When it was taken in: epoch milliseconds UTC. */
  readonly received: number;
  /** Where it came from: `http`, `graphql`, `load`, `kafka:topic/partition/offset`, `redis:stream/id`, `pubsub:channel`. */
  readonly origin: string;
  readonly user: string | null;
  readonly session: string | null;
  /** What it is about: a vehicle, booking, trip, page … by its own id. */
  readonly subject: string | null;
  readonly country: string | null;
  /** State, province or region. */
  readonly region: string | null;
  readonly city: string | null;
  /** Degrees, WGS 84. */
  readonly latitude: number | null;
  readonly longitude: number | null;
  /** Decimal text with at most 14 digits before and 4 after the point: never a float. */
  readonly amount: string | null;
  /** ISO 4217. */
  readonly currency: string | null;
  /** The whole payload: the text of a JSON object. */
  readonly properties: string;
}

/** What is wrong with an event, and where. `path` leads into the message: `["payload", "phone"]`. */
export interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Short stable name: `missing`, `type`, `pattern` … */
  readonly type: string;
}

/** Why a message went to the dead letters; names as of the rides contract. */
export type FaultKind = "json_decode" | "missing_event_type" | "unknown_event_type" | "validation" | "insert_failed";

/** A message that could not be taken in, kept for inspection and replay. */
export interface DeadLetter {
  readonly id: string;
  readonly tenant: string;
  readonly kind: FaultKind;
  readonly error: string;
  readonly faults: readonly Fault[];
  readonly eventType: string | null;
  readonly origin: string;
  /** Name of the shape that it was read with, and is read with again on replay. */
  readonly shape: string;
  /** The id that the event would have had: replaying cannot double it. */
  readonly eventId: string;
  /** The bytes as they came, in base64. */
  readonly raw: string;
  readonly attempts: number;
  readonly failedAt: number;
}

const PREFIXES: readonly (readonly [key: keyof StoredEvent, prefix: string])[] = [
  ["user", ',"user":'],
  ["session", ',"session":'],
  ["subject", ',"subject":'],
  ["country", ',"country":'],
  ["region", ',"region":'],
  ["city", ',"city":'],
  ["latitude", ',"latitude":'],
  ["longitude", ',"longitude":'],
  ["amount", ',"amount":'],
  ["currency", ',"currency":'],
];

/** An event as a line of the spool: JSON without line breaks, nulls left out. */
export function encodeEvent(event: StoredEvent): string {
  let line = `{"tenant":${quote(event.tenant)},"id":${quote(event.id)},"type":${quote(event.type)},"time":${event.time},"received":${event.received},"origin":${quote(event.origin)}`;
  for (const [key, prefix] of PREFIXES) {
    const value = event[key];
    if (value !== null) line += prefix + (typeof value === "number" ? value : quote(value));
  }
  return `${line},"properties":${event.properties}}`;
}

/** Most ids and names need no escaping, and then this is several times faster than `JSON.stringify`. */
const PLAIN = /^[\w .:/@+\-#]*$/;
function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text.toWellFormed());
}

const BYTES_PER_LINE = 512;
/** UTF-8 takes at most three bytes for one unit of a text. */
const MOST_BYTES_PER_UNIT = 3;

/** Lines of the spool, as UTF-8. Each is written on its own: joining them to one text first costs several times as much. */
export function encodeEvents(events: readonly StoredEvent[]): Buffer {
  let bytes = Buffer.allocUnsafeSlow(events.length * BYTES_PER_LINE);
  let length = 0;
  for (const event of events) {
    const line = `${encodeEvent(event)}\n`;
    const most = length + line.length * MOST_BYTES_PER_UNIT;
    if (most > bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(most, bytes.length * 2));
      bytes.copy(larger, 0, 0, length);
      bytes = larger;
    }
    length += bytes.write(line, length);
  }
  return bytes.subarray(0, length);
}
