import { BOOKING_METRICS } from "./bookings.js";
import { COMMON_DIMENSIONS, dimensionOf } from "./dimensions.js";
import { DOCUMENT_METRICS } from "./documents.js";
import { EVENT_METRICS } from "./events.js";
import { FLEET_METRICS } from "./fleet.js";
import type { Dimension, Metric } from "./metric.js";
import { PRODUCT_METRICS } from "./product.js";
import { RIDE_METRICS } from "./rides.js";

export { compileMetrics, type MetricValue } from "./compile.js";
export { COMMON_DIMENSIONS, dimensionOf } from "./dimensions.js";
export { ExpressionFault, parseExpression } from "./expression.js";
export { type Dimension, METRIC_AREAS, type Metric, type MetricArea, UNITS, type Unit } from "./metric.js";

/** Every metric that there is. */
export const METRICS: readonly Metric[] = [
  ...EVENT_METRICS,
  ...FLEET_METRICS,
  ...RIDE_METRICS,
  ...DOCUMENT_METRICS,
  ...BOOKING_METRICS,
  ...PRODUCT_METRICS,
];

const BY_ID = new Map(METRICS.map((metric) => [metric.id, metric]));

export function metricOf(id: string): Metric | null {
  return BY_ID.get(id) ?? null;
}

/** What a metric may be split by and filtered on, `properties.…` aside. */
export function dimensionsOf(metric: Metric): readonly Dimension[] {
  return [...COMMON_DIMENSIONS, ...metric.dimensions.flatMap((id) => dimensionOf(id) ?? [])];
}
