import type { Condition } from "../domain/insights/plan.js";
import { ofProduct, SEALED_DAILY_USERS, SEALED_USER, type Sealing } from "../domain/insights/sealing.js";
import { CANCELLED, CONFIRMED, CREATED, TICKETS } from "../domain/metrics/bookings.js";
import { numberAt } from "../domain/metrics/metric.js";
import { WATCHED } from "../domain/metrics/product.js";
import type { EventRegistry } from "../events/index.js";

/** Names of the types that are of another area than the product's. */
export function typesOfOthers(registry: Pick<EventRegistry, "types">): string[] {
  const others = registry.types().filter(({ area }) => area !== "product" && area !== "custom");
  return others.map(({ name }) => name);
}

/** What the statistics of the bookings and product contracts go on counting of events that retention deletes. */
export function sealingOf(registry: Pick<EventRegistry, "types">): Sealing {
  const product: Condition = ofProduct(typesOfOthers(registry));
  const quantity = ["booking_data", "quantity"];
  return {
    sums: [
      ...[CREATED, CONFIRMED, CANCELLED].map((of) => ({ of, field: TICKETS, path: quantity })),
      { of: WATCHED, field: numberAt("duration_seconds"), path: ["duration_seconds"] },
    ],
    states: { types: ["EventCreated", "EventUpdated", "EventDeleted"] },
    firsts: [
      { of: CREATED, as: "BookingCreated", properties: '{"booking_data":{"quantity":0}}' },
      { of: { types: null, where: product }, as: SEALED_USER, properties: "{}" },
    ],
    daily: [{ of: { types: null, where: product }, as: SEALED_DAILY_USERS }],
  };
}
