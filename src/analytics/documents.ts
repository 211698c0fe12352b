import { bucketText } from "../base/calendar.js";
import { DAY, HOUR } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import { groupBy } from "../base/groups.js";
import type { TimeRange } from "../base/time-range.js";
import type { Condition, Field, Measure, PlanRow } from "../domain/insights/plan.js";
import { DOCUMENT_ERRORS, DOCUMENT_TYPES } from "../domain/metrics/documents.js";
import type { Asker } from "./analytics.js";
import { aggregate, metricTotals, numberOf, textOf, utc } from "./figures.js";

/** What the documents contract asks for. Days are UTC. */

const text = (...property: string[]): Field => ({ property, type: "text" });
const COUNT: Measure = { name: "events", figure: "count" };
const SERVICE: Field = {
  firstOf: [
    { property: ["service"], type: "text" },
    { property: ["_service_name"], type: "text" },
  ],
};
/** Types that the contract knows, and whatever else came in its own shape. */
const OF_DOCUMENTS: Condition = {
  any: [
    { field: { column: "type" }, in: DOCUMENT_TYPES },
    { field: text("_service_name"), isSet: true },
  ],
};
const OF_USERS: Condition[] = [OF_DOCUMENTS, { field: { column: "user" }, isSet: true }];
const EVER = (now: number): TimeRange => ({ start: Date.UTC(1970, 0), end: now + 1 });

/** `7d`, `12h`. @throws PublicError BAD_USER_INPUT for anything else */
export function timeRange(text_: string, now: number): TimeRange {
  const [, amount, unit] = /^([1-9]\d{0,3})([dh])$/.exec(text_) ?? [];
  if (!amount) {
    throw new PublicError(
      "BAD_USER_INPUT",
      `time_range must be a number of days or hours, such as 7d or 12h, got "${text_}"`,
      { field: "time_range" },
    );
  }
  return { start: now - Number(amount) * (unit === "d" ? DAY : HOUR), end: now + 1 };
}

export async function documentProcessing(asker: Asker, range: TimeRange) {
  const ids = [
    "documents.total_processed",
    "documents.total_errors",
    "documents.success_rate",
    "documents.avg_processing_time",
  ] as const;
  const [totals, services, series] = await Promise.all([
    metricTotals(asker, utc(range), ids),
    aggregate(asker, {
      range: utc(range),
      types: null,
      where: [OF_DOCUMENTS],
      by: [{ name: "service", field: SERVICE }],
      measures: [COUNT, { name: "errors", figure: "count", where: DOCUMENT_ERRORS }],
      order: { by: "events", descending: true },
    }),
    aggregate(asker, {
      range: utc(range),
      types: null,
      where: [OF_DOCUMENTS],
      bucket: "day",
      by: [{ name: "type", field: { column: "type" } }],
      measures: [COUNT],
    }),
  ]);
  return {
    totalProcessed: totals["documents.total_processed"].value ?? 0,
    totalErrors: totals["documents.total_errors"].value ?? 0,
    successRate: totals["documents.success_rate"].value ?? 0,
    avgProcessingTime: totals["documents.avg_processing_time"].value ?? 0,
    serviceBreakdown: services.map((row) => ({
      serviceName: textOf(row, "service"),
      requests: numberOf(row, "events"),
      errors: numberOf(row, "errors"),
    })),
    timeSeries: series.map((row) => ({
      eventType: textOf(row, "type") ?? "",
      count: numberOf(row, "events"),
      date: dateOf(row),
    })),
    period: { start: range.start, end: range.end - 1 },
  };
}

const dateOf = (row: PlanRow): string => bucketText(numberOf(row, "bucket"), "day", "UTC");
const MOST_USERS = 10;

export async function documentBusiness(asker: Asker) {
  const range = utc(EVER(asker.now));
  const models = (name: string, field: Field) =>
    aggregate(asker, {
      range,
      types: ["spice_model_generated"],
      by: [{ name, field }],
      measures: [COUNT],
      order: { by: "events", descending: true },
    });
  const [devices, complexities, users] = await Promise.all([
    models("device", text("device_type")),
    models("complexity", text("model_complexity")),
    aggregate(asker, {
      range,
      types: null,
      where: OF_USERS,
      by: [{ name: "user", field: { column: "user" } }],
      measures: [COUNT, { name: "last", figure: "last" }],
      order: { by: "events", descending: true },
      limit: MOST_USERS,
    }),
  ]);
  return {
    deviceTypes: devices.map((row) => ({ deviceType: textOf(row, "device"), count: numberOf(row, "events") })),
    modelComplexity: complexities.map((row) => ({
      complexity: textOf(row, "complexity"),
      count: numberOf(row, "events"),
    })),
    topUsers: users.map((row) => ({
      userId: asker.masked(textOf(row, "user") ?? ""),
      activityCount: numberOf(row, "events"),
      lastActivity: new Date(numberOf(row, "last")).toISOString().slice(0, 19).replace("T", " "),
    })),
    totalModelsGenerated: devices.reduce((sum, row) => sum + numberOf(row, "events"), 0),
  };
}

export async function documentErrors(asker: Asker, range: TimeRange) {
  const [patterns, timeline] = await Promise.all([
    aggregate(asker, {
      range: utc(range),
      types: DOCUMENT_ERRORS.types,
      by: [
        { name: "error", field: text("error_type") },
        { name: "service", field: SERVICE },
      ],
      measures: [COUNT],
      order: { by: "events", descending: true },
    }),
    aggregate(asker, { range: utc(range), types: DOCUMENT_ERRORS.types, bucket: "day", measures: [COUNT] }),
  ]);
  const errorPatterns = patterns.map((row) => ({
    errorType: textOf(row, "error"),
    service: textOf(row, "service"),
    count: numberOf(row, "events"),
  }));
  return {
    errorPatterns,
    errorTimeline: timeline.map((row) => ({ date: dateOf(row), errorCount: numberOf(row, "events") })),
    totalErrors: errorPatterns.reduce((sum, { count }) => sum + count, 0),
    mostCommonError: errorPatterns[0] ?? null,
  };
}

export async function documentActivity(asker: Asker, range: TimeRange) {
  const [days, features] = await Promise.all([
    aggregate(asker, {
      range: utc(range),
      types: null,
      where: OF_USERS,
      bucket: "day",
      by: [{ name: "user", field: { column: "user" } }],
      measures: [COUNT],
    }),
    aggregate(asker, {
      range: utc(range),
      types: null,
      where: [OF_DOCUMENTS],
      by: [{ name: "type", field: { column: "type" } }],
      measures: [COUNT],
      order: { by: "events", descending: true },
    }),
  ]);
  return {
    userActivity: days.map((row) => ({
      userId: asker.masked(textOf(row, "user") ?? ""),
      date: dateOf(row),
      activityCount: numberOf(row, "events"),
    })),
    featureUsage: features.map((row) => ({
      eventType: textOf(row, "type") ?? "",
      usageCount: numberOf(row, "events"),
    })),
    activeUsers: groupBy(days, (row) => textOf(row, "user")).size,
    totalActivities: days.reduce((sum, row) => sum + numberOf(row, "events"), 0),
  };
}

/** Different users of the platform, ever. */
export async function documentUsers(asker: Asker): Promise<number> {
  const measures: Measure[] = [{ name: "users", figure: "distinct", of: { column: "user" } }];
  const [row] = await aggregate(asker, { range: utc(EVER(asker.now)), types: null, where: OF_USERS, measures });
  return numberOf(row, "users");
}
