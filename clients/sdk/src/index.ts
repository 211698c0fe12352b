export { createAnalytics } from "./analytics.js";
export type {
  Analytics,
  AnalyticsError,
  AnalyticsErrorKind,
  AnalyticsEvent,
  AnalyticsFault,
  AnalyticsOptions,
  AnalyticsStorage,
  Properties,
  TrackOptions,
} from "./types.js";
