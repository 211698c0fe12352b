import { BOOKING_TYPES } from "./bookings.js";
import { DOCUMENT_TYPES } from "./documents.js";
import type { EventType } from "./event-type.js";
import { FLEET_TYPES } from "./fleet.js";
import { PRODUCT_TYPES } from "./product.js";
import { RIDE_TYPES } from "./rides.js";

export type { ColumnSource, ColumnSources, EventType, JsonSchema, Path } from "./event-type.js";
export { loadOverrides, mergeOverrides, OverrideError } from "./overrides.js";
export { EventRegistry, type ReadContext, type ReadResult } from "./registry.js";
export { EARLIEST_TIME, LATEST_TIME, readAmount, readTime } from "./values.js";

/** Every type of event that is known without being told. A new type is one entry in its area's table. */
export const EVENT_TYPES: readonly EventType[] = [
  ...FLEET_TYPES,
  ...RIDE_TYPES,
  ...DOCUMENT_TYPES,
  ...BOOKING_TYPES,
  ...PRODUCT_TYPES,
];
