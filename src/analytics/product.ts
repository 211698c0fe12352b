import { DAY } from "../base/clock.js";
import { round } from "../base/numbers.js";
import { formatDate, startOfUtcDay, type TimeRange } from "../base/time-range.js";
import { selectionOf } from "../domain/insights/asking.js";
import type { Measure } from "../domain/insights/plan.js";
import { ofProduct, SEALED_DAILY_USERS, SEALED_USER } from "../domain/insights/sealing.js";
import type { Asker } from "./analytics.js";
import { aggregate, metricTotals, numberOf, textOf, utc } from "./figures.js";
import { typesOfOthers } from "./sealing.js";

/** What the product contract asks for. Days are UTC, by the time of events. */

const USERS: Measure = { name: "users", figure: "distinct", of: { column: "user" } };
const GAP = 30 * 60_000;

const ofOthers = ({ options }: Asker): string[] => typesOfOthers(options.events.registry);

/**
 * Users of any event on a day. Of a day from which retention has deleted something, as many as were known before that.
 * @param date `YYYY-MM-DD`; today when left out
 */
export async function productDau(asker: Asker, date: string | null) {
  const start = date === null ? startOfUtcDay(asker.now) : Date.parse(`${date}T00:00:00Z`);
  const [row] = await aggregate(asker, {
    range: utc({ start, end: start + DAY }),
    types: null,
    where: [ofProduct(ofOthers(asker))],
    measures: [
      { ...USERS, where: { types: null, where: { not: { field: { column: "type" }, in: [SEALED_USER] } } } },
      { name: "sealed", figure: "max", of: { column: "amount" }, where: { types: [SEALED_DAILY_USERS] } },
    ],
    sealed: true,
  });
  const dau = Math.max(numberOf(row, "users"), numberOf(row, "sealed"));
  return { dau, date: formatDate(start), period: "24h", updatedAt: asker.freshness.computedAt };
}

const MOST_PAGES = 10;

export async function productDashboard(asker: Asker) {
  const today = startOfUtcDay(asker.now);
  const end = today + DAY;
  const days = (count: number): TimeRange => ({ start: end - count * DAY, end });
  const where = [ofProduct(ofOthers(asker))];
  const users = async (range: TimeRange, sealed?: true): Promise<number> => {
    const ask = { range: utc(range), types: null, where, measures: [USERS], ...(sealed && { sealed }) };
    return numberOf((await aggregate(asker, ask))[0], "users");
  };
  const ids = ["product.page_views", "product.courses_completed", "product.lessons_watched"] as const;
  const [total, onDay, inWeek, inMonth, totals, watched, sessions, pages] = await Promise.all([
    users({ start: Date.UTC(1970, 0), end }, true),
    users(days(1)),
    users(days(7)),
    users(days(30)),
    metricTotals(asker, utc(days(1)), ids),
    metricTotals(asker, utc({ start: Date.UTC(1970, 0), end }), ["product.watch_time_seconds"], true),
    asker.answer({
      kind: "sessions",
      selection: selectionOf(asker.asking, utc(days(1)), null, where),
      bucket: null,
      gapMs: GAP,
    }),
    aggregate(asker, {
      range: utc(days(30)),
      types: ["page_view"],
      where: [{ field: { property: ["page"], type: "text" }, isSet: true }],
      by: [{ name: "page", field: { property: ["page"], type: "text" } }],
      measures: [{ name: "views", figure: "count" }, USERS],
      order: { by: "views", descending: true },
      limit: MOST_PAGES,
    }),
  ]);
  const [session] = sessions.rows;
  const count = numberOf(session, "sessions");
  return {
    overview: { totalUsers: total, activeUsersToday: onDay, activeUsersWeek: inWeek, activeUsersMonth: inMonth },
    engagement: {
      avgSessionDuration: count === 0 ? 0 : Math.round(numberOf(session, "duration") / count / 1000),
      pageViewsToday: totals["product.page_views"].value ?? 0,
      bounceRate: count === 0 ? 0 : round(numberOf(session, "bounces") / count, 4),
    },
    content: {
      coursesCompletedToday: totals["product.courses_completed"].value ?? 0,
      lessonsWatchedToday: totals["product.lessons_watched"].value ?? 0,
      totalWatchTimeMinutes: Math.round((watched["product.watch_time_seconds"].value ?? 0) / 60),
    },
    topPages: pages.map((row) => ({
      page: textOf(row, "page") ?? "",
      views: numberOf(row, "views"),
      uniqueVisitors: numberOf(row, "users"),
    })),
    updatedAt: asker.freshness.computedAt,
  };
}
