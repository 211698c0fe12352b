import { DAY } from "../../base/clock.js";
import { mean, round, roundOrNull } from "../../base/numbers.js";
import { contains, formatDate, startOfUtcDay, type TimeRange } from "../../base/time-range.js";
import type { HealthHistoryPoint } from "./records.js";

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
export function healthTrend(
  histories: Iterable<readonly HealthHistoryPoint[]>,
  range: TimeRange,
  component: string | null,
): HealthTrend {
  const days = new Map<number, { sum: number; count: number }>();
  for (const history of histories) addLastOfEachDay(days, history, range, component);
  const recorded = [...days].sort(([a], [b]) => a - b).slice(-TREND_DAYS);
  const means = recorded.map(([, { sum, count }]) => sum / count);
  const delta = roundOrNull(halvesDelta(means), 4);
  return {
    direction: delta === null || Math.abs(delta) <= TREND_THRESHOLD ? "STABLE" : delta > 0 ? "IMPROVING" : "DEGRADING",
    delta,
    points: recorded.map(([day], i) => ({ date: formatDate(day * DAY), averageHealthScore: round(means[i] ?? 0, 2) })),
  };
}

function addLastOfEachDay(
  days: Map<number, { sum: number; count: number }>,
  history: readonly HealthHistoryPoint[],
  range: TimeRange,
  component: string | null,
): void {
  const last = new Map<number, { at: number; score: number }>();
  for (const point of history) {
    const score = component === null ? point.score : point.components.get(component);
    if (score === undefined || !contains(range, point.computedAt)) continue;
    const day = startOfUtcDay(point.computedAt) / DAY;
    const seen = last.get(day);
    if (!seen || point.computedAt >= seen.at) last.set(day, { at: point.computedAt, score });
  }
  for (const [day, { score }] of last) {
    const total = days.get(day) ?? { sum: 0, count: 0 };
    days.set(day, { sum: total.sum + score, count: total.count + 1 });
  }
}

function halvesDelta(values: readonly number[]): number | null {
  const half = Math.floor(values.length / 2);
  const later = mean(values.slice(values.length - half));
  const earlier = mean(values.slice(values.length - 2 * half, values.length - half));
  return half === 0 || later === null || earlier === null ? null : later - earlier;
}
