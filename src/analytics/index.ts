export { Analytics, type Asker, type Freshness, type Manner } from "./analytics.js";
export { Answers } from "./answers.js";
export * as areas from "./areas.js";
export { named } from "./asked.js";
export { cohortsChart, funnelChart, lifecycleChart, metricsChart, placesChart } from "./charts.js";
export { type Column, columnOf } from "./columns.js";
export { type CountedUser, type MetricCell, usersOfCell, usersOfMetric } from "./drill.js";
export {
  askMetrics,
  boundsOf,
  type MetricPoint,
  type MetricSeries,
  type MetricsAnswer,
  type MetricsQuestion,
  type RangeInput,
} from "./metrics.js";
export { sealingOf } from "./sealing.js";
export { askPaths, askSessions, type SessionFigures } from "./session-insights.js";
export { askTable, type Cell, type Table, type TablePage, tableOf } from "./table.js";
export {
  type ActiveUsersQuestion,
  askActiveUsers,
  askCohorts,
  askFunnel,
  askLifecycle,
  type CohortsAnswer,
  type CohortsAsk,
  type FunnelAnswer,
  type LifecycleAnswer,
} from "./user-insights.js";
export { askDistribution, askGeography, askUtilisation, type Place } from "./value-insights.js";
