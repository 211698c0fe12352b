export type { TopSort } from "../domain/bookings.js";
export * from "./bookings.js";
export * from "./documents.js";
export { metricTotals, utc } from "./figures.js";
export * from "./product.js";
export * from "./rides.js";
