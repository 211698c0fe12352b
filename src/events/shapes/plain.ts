import type { Fault } from "../event.js";
import { nameOfType } from "../registry/values.js";
import { fault, isObject, type Json, missing, noObject, refused } from "./reading.js";
import type { Message, MessagePaths, Refused, Shape } from "./shape.js";

const PATHS: MessagePaths = {
  data: ["properties"],
  latitude: ["place", "latitude"],
  longitude: ["place", "longitude"],
  amount: ["amount", "value"],
  currency: ["amount", "currency"],
};
const FIELDS = ["type", "id", "time", "user", "session", "subject", "place", "amount", "properties", "consent"];
const PLACE_FIELDS = ["country", "region", "city", "latitude", "longitude"];
const AMOUNT_FIELDS = ["value", "currency"];

/** What other programs call our fields. */
const ALIASES: Readonly<Record<string, string>> = {
  event: "type",
  event_type: "type",
  eventType: "type",
  name: "type",
  event_id: "id",
  eventId: "id",
  timestamp: "time",
  ts: "time",
  user_id: "user",
  userId: "user",
  session_id: "session",
  sessionId: "session",
  payload: "properties",
  data: "properties",
  event_data: "properties",
};

/**
 * Our own form: `{type, id?, time?, user?, session?, subject?, place?, amount?, properties?, consent?}` and nothing
 * else, where a place is `{country?, region?, city?, latitude?, longitude?}` and an amount `{value, currency?}`.
 */
export const plainShape: Shape = {
  name: "plain",
  read(raw) {
    return isObject(raw.value) ? ofEvent(raw.value) : noObject(raw);
  },
};

function ofEvent(event: Json): Message | Refused {
  const faults: Fault[] = [];
  for (const name in event) if (!FIELDS.includes(name)) faults.push(unknownField(name));
  const { type, time, properties = {}, consent } = event;
  if (consent !== undefined && consent !== null && typeof consent !== "boolean") {
    faults.push(fault(["consent"], "type", `must be true or false, got ${nameOfType(consent)}`));
  }
  const hasType = type !== undefined && type !== null && type !== "";
  if (!hasType) faults.push(missing("type"));
  else if (typeof type !== "string") faults.push(fault(["type"], "type", `must be text, got ${nameOfType(type)}`));
  const id = keyOf(event, "id", faults);
  const user = keyOf(event, "user", faults);
  const session = keyOf(event, "session", faults);
  const subject = keyOf(event, "subject", faults);
  const place = partOf(event, "place", PLACE_FIELDS, faults);
  const amount = partOf(event, "amount", AMOUNT_FIELDS, faults);
  const columns = place || amount ? { ...place, amount: amount?.value, currency: amount?.currency } : undefined;
  const data = properties ?? {};
  if (!isObject(data)) faults.push(fault(["properties"], "type", `must be an object, got ${nameOfType(data)}`));
  if (typeof type !== "string" || !isObject(data) || faults.length > 0) {
    return refused(hasType ? "validation" : "missing_event_type", faults, type);
  }
  return { type, id, time: time ?? undefined, user, session, subject, columns, data, paths: PATHS };
}

/** An object with these fields and no others. */
function partOf(event: Json, name: string, fields: readonly string[], faults: Fault[]): Json | null {
  const value = event[name];
  if (value === undefined || value === null) return null;
  if (!isObject(value)) {
    faults.push(fault([name], "type", `must be an object, got ${nameOfType(value)}`));
    return null;
  }
  for (const field in value) {
    if (!fields.includes(field)) {
      faults.push(fault([name, field], "unknown_field", `is not one of ${fields.join(", ")}`));
    }
  }
  return value;
}

function unknownField(name: string): Fault {
  const meant = Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
  const advice = meant === undefined ? "put it into properties" : `did you mean ${meant}?`;
  return fault([name], "unknown_field", `is not one of ${FIELDS.join(", ")}: ${advice}`);
}

/** Text that is not empty, or a whole number; null stands for nothing. */
function keyOf(event: Json, name: "id" | "user" | "session" | "subject", faults: Fault[]): string | null {
  const value = event[name];
  if (value === undefined || value === null) return null;
  if (typeof value === "string" && value !== "") return value;
  if (Number.isSafeInteger(value)) return String(value);
  const got = value === "" ? "empty text" : nameOfType(value);
  faults.push(fault([name], "type", `must be text that is not empty or a whole number, got ${got}`));
  return null;
}
