import { bookingsShape } from "./bookings.js";
import { cloudeventsShape } from "./cloudevents.js";
import { isBinary } from "./cloudevents-headers.js";
import { documentsShape } from "./documents.js";
import { fleetShape } from "./fleet.js";
import { plainShape } from "./plain.js";
import { productShape } from "./product.js";
import { isObject, type Json } from "./reading.js";
import { ridesShape } from "./rides.js";
import type { Shape } from "./shape.js";

/** What a tracked event may consist of; with other fields beside `event_type` nobody can tell what is meant. */
const TRACKED = new Set(["event_type", "event_data", "service_name", "user_id", "timestamp"]);

/** What only one shape has, in the order in which they are tried. */
const MARKS: readonly (readonly [Shape, (event: Json) => boolean])[] = [
  [cloudeventsShape, (event) => "specversion" in event],
  [fleetShape, (event) => "event_type" in event && "payload" in event],
  [documentsShape, (event) => "event_type" in event && Object.keys(event).every((name) => TRACKED.has(name))],
  [ridesShape, (event) => "event_type" in event && "event_timestamp" in event],
  [productShape, (event) => "ts" in event && "payload" in event],
  [
    bookingsShape,
    (event) => "type" in event && ("event_data" in event || "booking_data" in event || "waitlist_data" in event),
  ],
];

/** Reads a message with the shape whose mark it bears, else as our own plain form. */
export const autoShape: Shape = {
  name: "auto",
  read(raw) {
    if (isBinary(raw.hints ?? {})) return cloudeventsShape.read(raw);
    const { value } = raw;
    if (!isObject(value)) return plainShape.read(raw);
    for (const [shape, bears] of MARKS) if (bears(value)) return shape.read(raw);
    return plainShape.read(raw);
  },
};
