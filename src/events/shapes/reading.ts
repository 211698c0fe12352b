import type { Fault, FaultKind } from "../event.js";
import { MAX_FAULTS } from "../registry/faults.js";
import { nameOfType } from "../registry/values.js";
import type { RawMessage, Refused } from "./shape.js";

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function fault(path: Fault["path"], type: string, message: string): Fault {
  return { path, message, type };
}

export function missing(...path: Fault["path"]): Fault {
  return fault(path, "missing", `${path.at(-1)} is missing`);
}

/** A longer name is none that any type has, and is not passed on. */
const LONGEST_NAME = 200;

export function refused(kind: FaultKind, faults: readonly Fault[], eventType: unknown = null): Refused {
  const named = typeof eventType === "string" && eventType.length <= LONGEST_NAME;
  return { kind, faults: faults.slice(0, MAX_FAULTS), eventType: named ? eventType : null };
}

/** Why a message that should be a JSON object cannot be read as one. */
export function noObject({ value }: RawMessage, ...path: Fault["path"]): Refused {
  return value === undefined && path.length === 0
    ? refused("json_decode", [fault(path, "json_decode", "must be a JSON object, got text that is no JSON")])
    : refused("validation", [fault(path, "type", `must be a JSON object, got ${nameOfType(value)}`)]);
}

/** The name of an event's type, or why there is none. */
export function typeName(value: unknown, ...path: Fault["path"]): string | Refused {
  if (typeof value === "string" && value !== "") return value;
  if (value === undefined || value === null || value === "") return refused("missing_event_type", [missing(...path)]);
  return refused("missing_event_type", [fault(path, "type", `must be text, got ${nameOfType(value)}`)]);
}

/**
 * An id that a lenient contract lets be text or a whole number, as text. Null when there is none; other values are
 * passed over, since an id that cannot be read is as good as none.
 */
export function idText(value: unknown): string | null {
  if (typeof value === "string") return value === "" ? null : value;
  return Number.isSafeInteger(value) ? String(value) : null;
}
