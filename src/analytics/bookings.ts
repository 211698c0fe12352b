import { DAY } from "../base/clock.js";
import { round } from "../base/numbers.js";
import { formatDate, startOfUtcDay } from "../base/time-range.js";
import {
  bandOf,
  type DailyStats,
  type EventStats,
  growth,
  meanOf,
  perTicket,
  ranked,
  rate,
  sum,
  TOP_SORTS,
  type TopSort,
} from "../domain/bookings.js";
import { CREATED } from "../domain/metrics/bookings.js";
import type { Asker } from "./analytics.js";
import { bookables, dailyStats, eventStats, ever, MEASURES, RECENT_DAYS, revenueOf, TYPES } from "./booking-stats.js";
import { aggregate, numberOf } from "./figures.js";

/** What the bookings contract answers, from the statistics of its events and days. */

export function dailyRow(stats: DailyStats) {
  const { day, ...figures } = stats;
  return {
    ...figures,
    date: formatDate(day * DAY),
    totalBookings: stats.newBookings,
    avgBookingValue: perTicket(stats.totalRevenue, stats.newBookings),
    systemUptime: 100,
  };
}

export async function bookingOverview(asker: Asker) {
  const [events, [totals], known, daily] = await Promise.all([
    eventStats(asker),
    aggregate(asker, {
      range: ever(asker),
      types: TYPES,
      measures: [...MEASURES, { name: "users", figure: "distinct", of: { column: "user" }, where: CREATED }],
      sealed: true,
    }),
    bookables(asker),
    dailyStats(asker, RECENT_DAYS),
  ]);
  const row = totals ?? {};
  const week = daily.filter(({ day }) => day >= startOfUtcDay(asker.now) / DAY - 7);
  const averages = {
    avgCapacityUtilization: meanOf(events.map(({ capacityUtilization }) => capacityUtilization)),
    avgCancellationRate: meanOf(events.map(({ cancellationRate }) => cancellationRate)),
    systemUptime: 100,
  };
  const tickets = (rows: readonly DailyStats[]): number =>
    sum(rows.map(({ newBookings, cancelledBookings }) => newBookings - cancelledBookings));
  const there = [...known.values()].filter(({ deleted }) => !deleted);
  return {
    systemMetrics: {
      totalEvents: there.length,
      totalBookings: Math.max(0, numberOf(row, "created") - numberOf(row, "cancelled")),
      totalUsers: numberOf(row, "users"),
      totalRevenue: revenueOf(row),
      recentBookings: Math.max(0, tickets(daily)),
      recentRevenue: sum(daily.map(({ totalRevenue }) => totalRevenue)),
      recentEvents: there.filter(({ since }) => since >= asker.now - RECENT_DAYS * DAY).length,
      ...averages,
      bookingGrowthRate: growth(daily.map(({ newBookings }) => newBookings)),
      revenueGrowthRate: growth(daily.map(({ totalRevenue }) => totalRevenue)),
      updatedAt: numberOf(row, "touched") || null,
    },
    recentTrends: {
      last7Days: {
        totalBookings: sum(week.map(({ newBookings }) => newBookings)),
        totalRevenue: sum(week.map(({ totalRevenue }) => totalRevenue)),
        dailyAverage: round(sum(week.map(({ newBookings }) => newBookings)) / 7, 1),
        bookingGrowthRate: growth(week.map(({ newBookings }) => newBookings)),
      },
    },
    performance: averages,
  };
}

export async function bookingTrends(asker: Asker, days: number) {
  const daily = await dailyStats(asker, days);
  const [booked, cancelled] = [
    sum(daily.map(({ newBookings }) => newBookings)),
    sum(daily.map(({ cancelledBookings }) => cancelledBookings)),
  ];
  return {
    period: `Last ${days} days`,
    totalBookings: booked,
    totalCancelled: cancelled,
    totalRevenue: sum(daily.map(({ totalRevenue }) => totalRevenue)),
    cancellationRate: rate(cancelled, booked),
    growthRate: growth(daily.map(({ newBookings }) => newBookings)),
    dailyAverage: round(booked / days, 1),
    dailyBreakdown: daily.map(dailyRow),
  };
}

const MOST_LISTED = 10;

export async function bookingCapacity(asker: Asker) {
  const events = await eventStats(asker);
  const byUse = ranked(events, "utilization");
  const bands = events.map(({ capacityUtilization }) => bandOf(capacityUtilization));
  const listed = ({ eventId, eventName, capacityUtilization }: EventStats) => ({
    eventId,
    eventName,
    utilization: capacityUtilization,
  });
  const lowest = [...byUse].reverse().slice(0, MOST_LISTED);
  return {
    averageUtilization: meanOf(events.map(({ capacityUtilization }) => capacityUtilization)),
    totalEvents: events.length,
    utilizationDistribution: {
      high: bands.filter((band) => band === "high").length,
      medium: bands.filter((band) => band === "medium").length,
      low: bands.filter((band) => band === "low").length,
    },
    topUtilizedEvents: byUse.slice(0, MOST_LISTED).map(listed),
    underutilizedEvents: lowest.filter(({ capacityUtilization }) => bandOf(capacityUtilization) === "low").map(listed),
  };
}

export async function bookingRevenue(asker: Asker, days: number) {
  const [daily, events] = await Promise.all([dailyStats(asker, days), eventStats(asker)]);
  const total = sum(daily.map(({ totalRevenue }) => totalRevenue));
  return {
    period: `Last ${days} days`,
    totalRevenue: total,
    averageDailyRevenue: round(total / days, 2),
    revenueGrowthRate: growth(daily.map(({ totalRevenue }) => totalRevenue)),
    topRevenueEvents: ranked(events, "revenue")
      .slice(0, MOST_LISTED)
      .map(({ eventId, eventName, totalRevenue, avgBookingValue }) => ({
        eventId,
        eventName,
        revenue: totalRevenue,
        avgBookingValue,
      })),
    dailyRevenueBreakdown: daily.map(({ day, totalRevenue, newBookings }) => ({
      date: formatDate(day * DAY),
      revenue: totalRevenue,
      bookings: newBookings,
    })),
  };
}

export async function topEvents(asker: Asker, limit: number, by: TopSort) {
  const events = await eventStats(asker);
  const ranks = Object.fromEntries(
    TOP_SORTS.map((sort) => [sort, new Map(ranked(events, sort).map(({ eventId }, i) => [eventId, i + 1]))]),
  ) as Record<TopSort, Map<number, number>>;
  return ranked(events, by)
    .slice(0, limit)
    .map(({ eventId, eventName, category, totalBookings, totalRevenue, capacityUtilization, updatedAt }) => ({
      eventId,
      eventName,
      category,
      totalBookings,
      totalRevenue,
      capacityUtilization,
      bookingRank: ranks.bookings.get(eventId) ?? null,
      revenueRank: ranks.revenue.get(eventId) ?? null,
      utilizationRank: ranks.utilization.get(eventId) ?? null,
      updatedAt,
    }));
}

export async function eventList(asker: Asker) {
  const events = await eventStats(asker);
  return {
    totalEvents: events.length,
    events,
    summary: {
      totalBookings: sum(events.map(({ totalBookings }) => totalBookings)),
      totalRevenue: sum(events.map(({ totalRevenue }) => totalRevenue)),
      avgCapacityUtilization: meanOf(events.map(({ capacityUtilization }) => capacityUtilization)),
      avgCancellationRate: meanOf(events.map(({ cancellationRate }) => cancellationRate)),
    },
  };
}
