import type { Fault } from "../event.js";
import { readTime } from "../registry/values.js";
import { fault, isObject, type Json, refused } from "./reading.js";
import type { Message, MessagePaths, RawMessage, Refused, Shape } from "./shape.js";

/** Under this name the stored properties hold where an event came from: what the message calls `src`. */
export const SRC = "_src";

const PATHS: MessagePaths = { type: ["type"], id: ["event_id"], time: ["ts"], user: ["user_id"], data: ["payload"] };

/** Longest texts, in characters. */
const LIMITS = { user_id: 36, type: 50, src: 100, event_id: 512 } as const;

/**
 * Behaviour events: `{ts, user_id, type, src?, payload, event_id?}`. Faults are named as FastAPI names them, because
 * the clients of this contract know those names. Other fields are passed over.
 */
export const productShape: Shape = {
  name: "product",
  read(raw) {
    return isObject(raw.value) ? ofEvent(raw.value) : noEvent(raw);
  },
};

function noEvent({ value }: RawMessage): Refused {
  return value === undefined
    ? refused("json_decode", [fault([], "json_invalid", "JSON decode error")])
    : refused("validation", [fault([], "model_attributes_type", "Input should be a valid dictionary")]);
}

function ofEvent(event: Json): Message | Refused {
  const { payload } = event;
  const faults: Fault[] = [];
  checkTime(event.ts, faults);
  const user = textOf(event, "user_id", faults);
  const type = textOf(event, "type", faults);
  const src = event.src === undefined || event.src === null ? null : textOf(event, "src", faults);
  const id = event.event_id === undefined || event.event_id === null ? null : textOf(event, "event_id", faults);
  if (payload === undefined) faults.push(required("payload"));
  else if (!isObject(payload)) faults.push(fault(["payload"], "dict_type", "Input should be a valid dictionary"));
  if (event.type === "") faults.push(fault(["type"], "string_too_short", "String should have at least 1 character"));
  if (!isObject(payload) || faults.length > 0) {
    return refused(event.type === undefined ? "missing_event_type" : "validation", faults, event.type);
  }
  return {
    type,
    id,
    time: event.ts,
    user,
    data: payload,
    extras: src === null ? undefined : { [SRC]: src },
    paths: PATHS,
  };
}

function required(name: string): Fault {
  return fault([name], "missing", "Field required");
}

function textOf(event: Json, name: keyof typeof LIMITS, faults: Fault[]): string {
  const value = event[name];
  const limit = LIMITS[name];
  if (value === undefined) faults.push(required(name));
  else if (typeof value !== "string") faults.push(fault([name], "string_type", "Input should be a valid string"));
  else {
    if (isLonger(value, limit)) {
      faults.push(fault([name], "string_too_long", `String should have at most ${limit} characters`));
    }
    return value;
  }
  return "";
}

/** Counts characters, not the halves of surrogate pairs. */
function isLonger(text: string, limit: number): boolean {
  return text.length > limit && (text.length > 2 * limit || [...text].length > limit);
}

function checkTime(value: unknown, faults: Fault[]): void {
  if (value === undefined) faults.push(required("ts"));
  else if (typeof value !== "string" && typeof value !== "number") {
    faults.push(fault(["ts"], "datetime_type", "Input should be a valid datetime"));
  } else if (readTime(value) === null) {
    faults.push(fault(["ts"], "datetime_parsing", "Input should be a valid datetime of the years 1900 to 2299"));
  }
}
