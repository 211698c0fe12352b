import { createHash } from "node:crypto";
import { isObject, type Json, noObject, typeName } from "./reading.js";
import type { MessagePaths, RawMessage, Shape } from "./shape.js";

const PATHS: MessagePaths = { type: ["type"] };

/**
 * Messages of the ticket platform: `type` says what they are, the payload is the whole message. Their `event_id` is
 * the bookable event, not the message. They carry no id of their own; when it happened stands in the payload.
 */
export const bookingsShape: Shape = {
  name: "bookings",
  read(raw) {
    if (!isObject(raw.value)) return noObject(raw);
    const type = typeName(raw.value.type, "type");
    if (typeof type !== "string") return type;
    return {
      type,
      id: fromChannel(raw) ? contentId(type, raw.value) : null,
      data: raw.value,
      text: raw.text,
      paths: PATHS,
    };
  },
};

/** A channel brings one message to each of our processes, without anything that tells them that it is the same. */
function fromChannel(raw: RawMessage): boolean {
  return raw.hints?.channel !== undefined || raw.origin.startsWith("pubsub:");
}

const BODIES = ["event_data", "booking_data", "waitlist_data"];
const IDS = ["id", "event_id", "booking_id", "waitlist_entry_id", "user_id"];
const STAMPS = [
  "created_at",
  "updated_at",
  "confirmed_at",
  "cancelled_at",
  "expired_at",
  "payment_completed_at",
  "joined_at",
];

/**
 * The same for every process that hears a message: a hash of its type, ids and own timestamps. Where there is no
 * timestamp, of the whole message: two that are equal to the letter then count as one.
 */
function contentId(type: string, message: Json): string {
  const bodies = [message, ...BODIES.map((name) => message[name])].filter(isObject);
  const stamps = bodies.map((body) => STAMPS.map((name) => body[name] ?? null));
  const ids = bodies.map((body) => IDS.map((name) => body[name] ?? null));
  const identity = stamps.flat().some((stamp) => stamp !== null) ? [type, ids, stamps] : message;
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex");
}
