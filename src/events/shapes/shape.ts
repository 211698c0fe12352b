import type { Fault, FaultKind } from "../event.js";

/** One message as a source received it. */
export interface RawMessage {
  /** Parsed JSON; undefined when the bytes are no JSON. */
  readonly value: unknown;
  /** The JSON text that `value` was parsed from, where the source has it: saves writing it again. */
  readonly text?: string | undefined;
  /** The bytes as they came, where they may be no valid text. */
  readonly bytes?: Uint8Array | undefined;
  /** The id that the event has unless it carries one itself. */
  readonly fallbackId: string | null;
  readonly origin: string;
  /** What only the transport knows: Kafka topic, Redis channel or stream, HTTP query parameters, CloudEvents headers. */
  readonly hints?: Readonly<Record<string, string | undefined>> | undefined;
}

type FaultPath = Fault["path"];

/** Where the parts of a message stand in it, for the paths of faults. A part without an entry stands under its own name. */
export interface MessagePaths {
  readonly type?: FaultPath;
  readonly id?: FaultPath;
  readonly time?: FaultPath;
  readonly user?: FaultPath;
  readonly session?: FaultPath;
  readonly subject?: FaultPath;
  readonly latitude?: FaultPath;
  readonly longitude?: FaultPath;
  readonly amount?: FaultPath;
  readonly currency?: FaultPath;
  /** Of the payload; without an entry the payload is the whole message. */
  readonly data?: FaultPath;
}

/** Columns that an envelope may fill itself, beside those that it has names of their own for. */
export type EnvelopeColumn = "country" | "region" | "city" | "latitude" | "longitude" | "amount" | "currency";

/** A message put into one form, before its type's schema is applied. */
export interface Message {
  readonly type: string;
  readonly id: string | null;
  /** As given: ISO 8601 text, epoch seconds or milliseconds; undefined: the type's own column, else the time of receipt. */
  readonly time?: unknown;
  /** The contract wants every message to say when: without a time it is refused instead of taking that of receipt. */
  readonly timeRequired?: boolean;
  /** The contract sets messages of unlisted types aside, whatever the installation does with them otherwise. */
  readonly declaredOnly?: boolean;
  readonly user?: string | null;
  readonly session?: string | null;
  readonly subject?: string | null;
  /** What the envelope itself says of place and money; goes before what the payload says. */
  readonly columns?: Readonly<Partial<Record<EnvelopeColumn, unknown>>> | undefined;
  /** The payload: what the type's schema describes. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The JSON text of `data`, where it is known to be exactly that. */
  readonly text?: string | undefined;
  /**
   * What the envelope says beyond the columns, kept in the stored properties beside the payload's own fields. The names
   * begin with `_` and win over fields of the payload that are called the same.
   */
  readonly extras?: Readonly<Record<string, unknown>> | undefined;
  readonly paths?: MessagePaths | undefined;
}

export interface Refused {
  readonly kind: FaultKind;
  readonly faults: readonly Fault[];
  readonly eventType: string | null;
}

/** The way a producer writes its messages: knows where type, id, time and payload stand. */
export interface Shape {
  readonly name: string;
  read(raw: RawMessage): Message | Refused;
}

export function isRefused(read: object): read is Refused {
  return "faults" in read;
}
