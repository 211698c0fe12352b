export { Analytics, type Asker, type Freshness, type Manner } from "./analytics.js";
export { Answers } from "./answers.js";
export * as areas from "./areas.js";
export { type CountedUser, type MetricCell, usersOfCell, usersOfMetric } from "./drill.js";
export {
  type ActiveUsersQuestion,
  askActiveUsers,
  askCohorts,
  askDistribution,
  askFunnel,
  askGeography,
  askLifecycle,
  askPaths,
  askSessions,
  askUtilisation,
  type CohortsAnswer,
  type CohortsAsk,
  type FunnelAnswer,
  type LifecycleAnswer,
  named,
  type Place,
  type SessionFigures,
} from "./insights.js";
export {
  askMetrics,
  boundsOf,
  type Column,
  columnOf,
  type MetricPoint,
  type MetricSeries,
  type MetricsAnswer,
  type MetricsQuestion,
  type RangeInput,
} from "./metrics.js";
export { sealingOf } from "./sealing.js";
export { askTable, type Cell, type Table, type TablePage, tableOf } from "./table.js";
