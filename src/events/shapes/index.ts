import { autoShape } from "./auto.js";
import { bookingsShape } from "./bookings.js";
import { cloudeventsShape } from "./cloudevents.js";
import { documentsShape } from "./documents.js";
import { fleetShape } from "./fleet.js";
import { plainShape } from "./plain.js";
import { productShape } from "./product.js";
import { ridesShape } from "./rides.js";
import type { Shape } from "./shape.js";
import { storedShape } from "./stored.js";

export { CLOUDEVENTS } from "./cloudevents.js";
export { SERVICE_NAME } from "./documents.js";
export { SRC } from "./product.js";
export { isRefused, type Message, type MessagePaths, type RawMessage, type Refused, type Shape } from "./shape.js";

/** Every way of writing messages, by its name. A new one is a file and a line here. */
export const SHAPES = {
  rides: ridesShape,
  bookings: bookingsShape,
  fleet: fleetShape,
  documents: documentsShape,
  product: productShape,
  cloudevents: cloudeventsShape,
  plain: plainShape,
  auto: autoShape,
  stored: storedShape,
} as const satisfies Readonly<Record<string, Shape>>;

export type ShapeName = keyof typeof SHAPES;
