export { AnalyticsProvider, type AnalyticsProviderProps, useAnalytics } from "./provider.js";
export { usePageView } from "./use-page-view.js";
