import type { Fault, FaultKind } from "../event.js";

/** One message as a source received it. */
export interface RawMessage {
  /** Parsed JSON; undefined when the bytes are no JSON. */
  readonly value: unknown;
  /** The JSON text that `value` was parsed from, where the source has it: saves writing it again. */
  readonly text?: string | undefined;
  /** The id that the event has unless it carries one itself. */
  readonly fallbackId: string | null;
  readonly origin: string;
  /** What only the transport knows: Kafka topic, Redis channel or stream, HTTP query parameters, CloudEvents headers. */
  readonly hints?: Readonly<Record<string, string | undefined>> | undefined;
}

/** A message put into one form, before its type's schema is applied. */
export interface Message {
  readonly type: string;
  readonly id: string | null;
  /** As given: ISO 8601 text, epoch seconds or milliseconds; undefined: the type's own column, else the time of receipt. */
  readonly time?: unknown;
  readonly user?: string | null;
  readonly session?: string | null;
  readonly subject?: string | null;
  /** The payload: what the type's schema describes. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The JSON text of `data`, where it is known to be exactly that. */
  readonly text?: string | undefined;
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
