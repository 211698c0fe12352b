import { FIGURE_READERS, type Fields, fields, granted, masked, SIGNED_IN } from "./rule.js";

/** Whoever may ask questions over events, each over those within the own scope. */
export const ANALYSTS = granted(FIGURE_READERS, "view_fleet", "view_analytics", "view_executive");

const VALUE = ["value", "decimal", "numerator", "denominator"];

/** Who may read what of metrics and insights, below the root fields. */
export const ANALYTICS_RULES: Readonly<Record<string, Fields>> = {
  Insights: {
    ...fields(SIGNED_IN, "activeUsers", "funnel", "retention", "cohorts", "lifecycle", "sessions", "paths"),
    ...fields(SIGNED_IN, "geography", "utilisation", "distribution"),
  },
  MetricDimension: fields(SIGNED_IN, "id", "description", "personal"),
  MetricDefinition: fields(SIGNED_IN, "id", "title", "description", "unit", "digits", "formula", "dimensions"),
  Freshness: fields(SIGNED_IN, "computedAt", "ageSeconds", "cached", "sample", "approximate"),
  AnalyticsPeriod: fields(SIGNED_IN, "start", "end", "zone"),
  MetricValue: fields(SIGNED_IN, ...VALUE),
  InsightUser: { userId: masked("id"), ...fields(SIGNED_IN, "events") },
  InsightUserEdge: fields(SIGNED_IN, "cursor", "node"),
  InsightUserConnection: fields(SIGNED_IN, "edges", "nodes", "pageInfo"),
  MetricPoint: fields(SIGNED_IN, "start", "end", "name", "partial", ...VALUE, "users"),
  MetricSeries: {
    ...fields(SIGNED_IN, "metric", "group", "total", "points", "previous", "previousPoints", "change"),
    ...fields(SIGNED_IN, "changePercent", "users"),
  },
  MetricsAnswer: fields(SIGNED_IN, "period", "comparedPeriod", "metrics", "series", "truncated", "chart", "freshness"),
  Chart: fields(SIGNED_IN, "type", "title", "description", "empty", "data", "option", "svg", "png", "html"),
  TableColumn: fields(SIGNED_IN, "id", "title", "type", "unit"),
  MetricTable: fields(SIGNED_IN, "columns", "rows", "hasNextPage", "endCursor", "period", "freshness"),
  ActiveUsers: fields(SIGNED_IN, "period", "days", "freshness"),
  ActiveUsersDay: fields(SIGNED_IN, "date", "dau", "wau", "mau", "stickiness", "partial"),
  Funnel: fields(SIGNED_IN, "period", "groups", "chart", "freshness"),
  FunnelGroup: fields(SIGNED_IN, "value", "steps", "conversionRate"),
  FunnelStep: {
    ...fields(SIGNED_IN, "name", "number", "users", "conversionRate", "dropOffRate", "averageSeconds"),
    ...fields(SIGNED_IN, "medianSeconds", "reachedBy"),
  },
  Cohorts: fields(SIGNED_IN, "period", "cohorts", "chart", "freshness"),
  Cohort: fields(SIGNED_IN, "name", "size", "cells", "at"),
  CohortCell: fields(SIGNED_IN, "period", "users", "rate", "complete", "retained"),
  Lifecycle: fields(SIGNED_IN, "period", "periods", "chart", "freshness"),
  LifecyclePeriod: {
    ...fields(SIGNED_IN, "start", "name", "new", "returning", "resurrecting", "dormant", "partial", "users"),
  },
  UserSessions: fields(SIGNED_IN, "period", "total", "periods", "freshness"),
  SessionFigures: {
    ...fields(SIGNED_IN, "start", "name", "sessions", "users", "events", "bounceRate", "averageDurationSeconds"),
    ...fields(SIGNED_IN, "eventsPerSession"),
  },
  Paths: fields(SIGNED_IN, "period", "links", "freshness"),
  PathLink: fields(SIGNED_IN, "step", "source", "target", "end", "sessions"),
  Geography: fields(SIGNED_IN, "period", "places", "chart", "freshness"),
  InsightPlace: {
    ...fields(SIGNED_IN, "country", "region", "city", "events", "users", "amount", "latitude", "longitude"),
  },
  Utilisation: fields(SIGNED_IN, "period", "peak", "periods", "freshness"),
  UtilisationPeriod: fields(SIGNED_IN, "start", "name", "started", "peak", "average", "utilisation"),
  Distribution: {
    ...fields(SIGNED_IN, "period", "events", "minimum", "maximum", "sum", "average", "percentiles", "bins"),
    ...fields(SIGNED_IN, "freshness"),
  },
  Percentile: fields(SIGNED_IN, "percentile", "value"),
  DistributionBin: fields(SIGNED_IN, "from", "to", "events"),
};
