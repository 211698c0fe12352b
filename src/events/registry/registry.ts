import type { Fault, StoredEvent } from "../event.js";
import type { Message, MessagePaths, Refused } from "../shapes/shape.js";
import { type ColumnName, type ColumnReaders, compileColumns, pathRead } from "./columns.js";
import type { ColumnSources, EventType } from "./event-type.js";
import { faultsOf } from "./faults.js";
import { countMembers, MAX_DEPTH, propertiesText, TOO_DEEP } from "./properties.js";
import { type Check, createValidator, type Validator } from "./validator.js";
import { readAmount, readTime, wellFormed } from "./values.js";

/** What the place that took a message in knows of it. */
export interface ReadContext {
  readonly tenant: string;
  /** Moment of receipt, epoch milliseconds UTC. */
  readonly received: number;
  readonly origin: string;
  /** The id of an event whose message has none. */
  readonly fallbackId: string | null;
  /** Makes an id where there is no other. */
  readonly newId: () => string;
}

export type ReadResult = { readonly event: StoredEvent } | Refused;

/** How events of one type are read. */
interface Reader {
  readonly sources: ColumnSources;
  readonly columns: ColumnReaders;
  /** Null: anything is valid. */
  readonly check: Check | null;
}

/** Types nobody declared: whatever they hold, with the names that users and sessions mostly have. */
const UNDECLARED: ColumnSources = {
  user: { paths: ["user_id", "userId"] },
  session: { paths: ["session_id", "sessionId"] },
};

/** The longest id, in UTF-16 units. */
const MAX_ID_LENGTH = 512;
const TYPE_NAME = /^[^\p{Cc}]{1,200}$/u;
const DEGREES = /^[+-]?\d+(?:\.\d+)?$/;
const CURRENCY = /^[A-Za-z]{3}$/;

/** Knows the types of events, and makes stored events of messages. */
export class EventRegistry {
  readonly #types: readonly EventType[];
  readonly #byName: ReadonlyMap<string, EventType>;
  readonly #readers = new Map<string, Reader>();
  readonly #undeclared: Reader | null;
  readonly #validator: Validator = createValidator();

  /** @param unknown what happens to types that are not listed: taken in unchecked, or refused */
  constructor(types: readonly EventType[], { unknown }: { readonly unknown: "accept" | "refuse" }) {
    this.#types = types;
    this.#byName = new Map(types.map((type) => [type.name, type]));
    if (this.#byName.size < types.length) throw new Error("two event types have the same name");
    this.#undeclared =
      unknown === "accept" ? { sources: UNDECLARED, columns: compileColumns(UNDECLARED), check: null } : null;
  }

  types(): readonly EventType[] {
    return this.#types;
  }

  /** Names of the types whose subject is a vehicle: what somebody may see who is limited to some of them. */
  typesAboutVehicles(): readonly string[] {
    return this.#types.filter(({ columns }) => columns.subject?.paths[0] === "vehicle_id").map(({ name }) => name);
  }

  get(name: string): EventType | undefined {
    return this.#byName.get(name);
  }

  /** The event that a message stands for, or why it cannot be taken in. Does no I/O. */
  read(message: Message, context: ReadContext): ReadResult {
    const { type, data } = message;
    const reader = this.#reader(message);
    if (typeof reader === "string") return refuse(message, reader);
    const members = countMembers(data);
    if (members < 0) return refuse(message, members === TOO_DEEP ? "depth" : "number");
    const errors = reader.check === null ? null : reader.check(data);
    if (errors !== null) {
      const faults = faultsOf(errors, data, message.paths?.data ?? []);
      return { kind: "validation", faults, eventType: type };
    }
    const { columns } = reader;
    const own = message.columns;
    const into: Reading = { message, reader, faults: [] };
    const event: StoredEvent = {
      tenant: context.tenant,
      id: readId(into, message.id || context.fallbackId || context.newId()),
      type: wellFormed(type),
      time: readEventTime(into, context.received),
      received: context.received,
      origin: context.origin,
      user: readKey(into, "user", message.user || columns.user(data)),
      session: readKey(into, "session", message.session || columns.session(data)),
      subject: readSubject(into, columns.subject(data)),
      country: readLabel(own?.country ?? columns.country(data)),
      region: readLabel(own?.region ?? columns.region(data)),
      city: readLabel(own?.city ?? columns.city(data)),
      latitude: readDegrees(into, "latitude", 90, own?.latitude ?? columns.latitude(data)),
      longitude: readDegrees(into, "longitude", 180, own?.longitude ?? columns.longitude(data)),
      amount: readMoney(into, own?.amount ?? columns.amount(data)),
      currency: readCurrency(into, own?.currency ?? columns.currency(data)),
      properties: propertiesText(data, message.text, members, message.extras),
    };
    return into.faults.length === 0 ? { event } : { kind: "validation", faults: into.faults, eventType: type };
  }

  #reader({ type: name, declaredOnly }: Message): Reader | "name" | "unknown" {
    const ready = this.#readers.get(name);
    if (ready !== undefined) return ready;
    const type = this.#byName.get(name);
    if (type === undefined) {
      if (!TYPE_NAME.test(name)) return "name";
      return declaredOnly ? "unknown" : (this.#undeclared ?? "unknown");
    }
    const reader: Reader = {
      sources: type.columns,
      columns: compileColumns(type.columns),
      check: this.#validator.compile(type.schema),
    };
    this.#readers.set(name, reader);
    return reader;
  }
}

const REASONS = {
  name: ["type", "type_name", "must be 1 to 200 characters without control characters"],
  unknown: ["type", "unknown_event_type", "is not a type of event that is known here"],
  depth: ["data", "depth", `must not be nested deeper than ${MAX_DEPTH} levels`],
  number: ["data", "number", "must hold nothing but JSON, and no number beyond the range of doubles"],
} as const;

function refuse(message: Message, reason: keyof typeof REASONS): Refused {
  const [part, type, text] = REASONS[reason];
  const path = message.paths?.[part] ?? (part === "data" ? [] : [part]);
  const kind = reason === "unknown" ? "unknown_event_type" : "validation";
  // A name that cannot be stored is not passed on either.
  const eventType = reason === "name" ? null : message.type;
  return { kind, faults: [{ path, message: text, type }], eventType };
}

/** A message while it is read. */
interface Reading {
  readonly message: Message;
  readonly reader: Reader;
  readonly faults: Fault[];
}

type Column = Exclude<keyof MessagePaths, "type" | "data"> | ColumnName;

/** Notes what is wrong with a column, at the place in the message where its value stands. */
function fault(into: Reading, column: Column, type: string, message: string): null {
  into.faults.push({ path: pathOf(into, column), message, type });
  return null;
}

function pathOf({ message, reader }: Reading, column: Column): Fault["path"] {
  const source = column === "id" ? undefined : reader.sources[column];
  const read = source === undefined || isInEnvelope(message, column) ? [] : pathRead(source, message.data);
  if (read.length > 0) return [...(message.paths?.data ?? []), ...read];
  return message.paths?.[column as keyof MessagePaths] ?? [column];
}

function isInEnvelope(message: Message, column: Column): boolean {
  const value: unknown = Reflect.get(message.columns ?? message, column) ?? Reflect.get(message, column);
  return value !== undefined && value !== null && value !== "";
}

function readId(into: Reading, id: string): string {
  if (id.length > MAX_ID_LENGTH)
    fault(into, "id", "too_long", `must have at most ${MAX_ID_LENGTH} characters, got ${id.length}`);
  return wellFormed(id);
}

function readEventTime(into: Reading, received: number): number {
  const { message, reader } = into;
  const given = message.time ?? reader.columns.time(message.data);
  if (given === undefined || given === null) {
    if (message.timeRequired) fault(into, "time", "missing", `${message.paths?.time?.at(-1) ?? "time"} is missing`);
    return received;
  }
  return (
    readTime(given) ??
    fault(
      into,
      "time",
      "time",
      "must be a time of the years 1900 to 2299: ISO 8601 or epoch seconds or milliseconds",
    ) ??
    received
  );
}

/** Ids of users, sessions and what the envelope calls the subject. Numbers become text where that is exact. */
function readKey(into: Reading, column: "user" | "session" | "subject", value: unknown): string | null {
  const text = typeof value === "number" ? String(value) : value;
  // Other kinds of values are no ids: they stay in the properties.
  if (typeof text !== "string" || text === "") return null;
  if (text.length > MAX_ID_LENGTH) {
    return fault(into, column, "too_long", `must have at most ${MAX_ID_LENGTH} characters, got ${text.length}`);
  }
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return fault(into, column, "inexact", "is an integer beyond 2^53 and no longer exact: send it as text");
  }
  return wellFormed(text);
}

/** A payload's own subject may be long, such as the address of a page; one that the envelope names is an id. */
function readSubject(into: Reading, own: unknown): string | null {
  const { subject } = into.message;
  return subject || typeof own === "number" ? readKey(into, "subject", subject || own) : readLabel(own);
}

/** Names out of the payload. What is too long for a column stays in the properties only. */
function readLabel(value: unknown): string | null {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && text !== "" && text.length <= MAX_ID_LENGTH ? wellFormed(text) : null;
}

function readDegrees(into: Reading, column: "latitude" | "longitude", limit: number, value: unknown): number | null {
  if (value === undefined) return null;
  const degrees = typeof value === "string" && DEGREES.test(value) ? Number(value) : value;
  if (typeof degrees === "number" && Math.abs(degrees) <= limit) return degrees;
  return fault(into, column, column, `must be degrees from -${limit} to ${limit}`);
}

function readMoney(into: Reading, value: unknown): string | null {
  if (value === undefined) return null;
  return (
    readAmount(value) ??
    fault(into, "amount", "decimal", "must be a decimal number with at most 14 digits before and 4 after the point")
  );
}

function readCurrency(into: Reading, value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === "string" && CURRENCY.test(value)) return value.toUpperCase();
  return fault(into, "currency", "currency", "must be three letters, ISO 4217");
}
