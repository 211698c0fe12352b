import { DAY } from "../../base/clock.js";
import { mean, round, roundOrNull } from "../../base/numbers.js";
import { formatDate, type TimeRange } from "../../base/time-range.js";
import type { Histories } from "./history-columns.js";

export type TrendDirection = "IMPROVING" | "STABLE" | "DEGRADING";

export interface HealthTrend {
  readonly direction: TrendDirection;
  /** Mean of the later half of the days minus mean of the earlier half, four decimals; null under two days. */
  readonly delta: number | null;
  readonly points: readonly { readonly date: string; readonly averageHealthScore: number | null }[];
}

export const TREND_DAYS = 30;
const TREND_THRESHOLD = 0.01;

/**
 * How the mean score moved over the last 30 recorded UTC days of the range. A day's value is the mean over vehicles of
 * each one's last record of that day. With an odd number of days the oldest belongs to neither half.
 */
export function healthTrend(histories: Histories, range: TimeRange, component: string | null): HealthTrend {
  const recorded = [...histories.sums(range, component)].sort(([a], [b]) => a - b).slice(-TREND_DAYS);
  const means = recorded.map(([, { sum, count }]) => sum / count);
  const delta = roundOrNull(halvesDelta(means), 4);
  return {
    direction: delta === null || Math.abs(delta) <= TREND_THRESHOLD ? "STABLE" : delta > 0 ? "IMPROVING" : "DEGRADING",
    delta,
    points: recorded.map(([day], i) => ({ date: formatDate(day * DAY), averageHealthScore: round(means[i] ?? 0, 2) })),
  };
}

function halvesDelta(values: readonly number[]): number | null {
  const half = Math.floor(values.length / 2);
  const later = mean(values.slice(values.length - half));
  const earlier = mean(values.slice(values.length - 2 * half, values.length - half));
  return half === 0 || later === null || earlier === null ? null : later - earlier;
}
