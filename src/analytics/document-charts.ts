import { PublicError } from "../base/errors.js";
import type { TimeRange } from "../base/time-range.js";
import type { Chart } from "../domain/charts/index.js";
import type { Asker } from "./analytics.js";
import { documentBusiness, documentErrors, documentProcessing } from "./documents.js";

const NONE = "(none)";

type Draw = (asker: Asker, range: TimeRange) => Promise<Chart>;

/** The documents contract's visualisations, by the names that it gives them. */
const CHARTS: Readonly<Record<string, Draw>> = {
  async processing_timeline(asker, range) {
    const { timeSeries } = await documentProcessing(asker, range);
    const series = counted(timeSeries.map(({ date, eventType, count }) => [date, eventType, count]));
    return { type: "LINE", title: "Processing Activity Timeline", ...series };
  },
  async error_analysis(asker, range) {
    const { errorPatterns } = await documentErrors(asker, range);
    const series = counted(errorPatterns.map(({ errorType, service, count }) => [errorType, service, count]));
    return { type: "BAR", title: "Error Analysis by Type and Service", ...series };
  },
  async device_distribution(asker) {
    const { deviceTypes } = await documentBusiness(asker);
    const parts = deviceTypes.map(({ deviceType, count }) => ({ name: deviceType ?? NONE, value: count }));
    return { type: "PIE", title: "Device Type Distribution", parts };
  },
  async performance_metrics(asker, range) {
    const { totalProcessed, successRate } = await documentProcessing(asker, range);
    return {
      type: "GAUGE",
      title: "Success Rate of Processing",
      unit: "%",
      value: totalProcessed > 0 ? successRate : null,
      min: 0,
      max: 100,
      thresholds: [
        { from: 0, level: "BAD" },
        { from: 90, level: "WARNING" },
        { from: 98, level: "GOOD" },
      ],
    };
  },
};

/** @throws PublicError BAD_REQUEST, which is 400 as contracted, for a name that is none of them */
export function documentChart(asker: Asker, name: string, range: TimeRange): Promise<Chart> {
  const draw = Object.hasOwn(CHARTS, name) ? CHARTS[name] : undefined;
  if (draw) return draw(asker, range);
  throw new PublicError("BAD_REQUEST", `Unknown chart type: ${name}`, { allowed: Object.keys(CHARTS) });
}

type Count = readonly [category: string | null, series: string | null, count: number];

/** Counts by category and series, both in the order in which they come; what has none is 0. */
function counted(counts: readonly Count[]) {
  const rows = counts.map(([category, series, count]) => [category ?? NONE, series ?? NONE, count] as const);
  const categories = [...new Set(rows.map(([category]) => category))];
  const names = [...new Set(rows.map(([, series]) => series))];
  const known = new Map(rows.map(([category, series, count]) => [JSON.stringify([category, series]), count]));
  return {
    categories,
    series: names.map((name) => ({
      name,
      values: categories.map((category) => known.get(JSON.stringify([category, name])) ?? 0),
    })),
  };
}
