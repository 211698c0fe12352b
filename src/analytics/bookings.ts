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
import { cohortsPlan, cohortTable } from "../domain/insights/cohorts.js";
import type { Measure, PlanRow } from "../domain/insights/plan.js";
import { CANCELLED, CONFIRMED, CREATED, TICKETS } from "../domain/metrics/bookings.js";
import type { Asker } from "./analytics.js";
import { aggregate, numberOf, textOf, utc } from "./figures.js";

/**
 * Statistics of the bookings contract. They are read off the events themselves, and so hold at once after an event,
 * after a late one and after a replay; what was sealed of events that retention deleted counts too. Days are UTC, by the
 * time of events.
 */

const AMOUNT = { column: "amount" } as const;
const TYPES = [...(CREATED.types ?? []), ...(CONFIRMED.types ?? []), ...(CANCELLED.types ?? [])];
const RECENT_DAYS = 30;

const MEASURES: readonly Measure[] = [
  { name: "created", figure: "sum", of: TICKETS, where: CREATED },
  { name: "confirmed", figure: "sum", of: TICKETS, where: CONFIRMED },
  { name: "cancelled", figure: "sum", of: TICKETS, where: CANCELLED },
  { name: "earned", figure: "sum", of: AMOUNT, where: CREATED },
  { name: "lost", figure: "sum", of: AMOUNT, where: CANCELLED },
  { name: "first", figure: "first", where: CREATED },
  { name: "last", figure: "last", where: { types: [...(CREATED.types ?? []), ...(CONFIRMED.types ?? [])] } },
  { name: "touched", figure: "last" },
];

const ever = (asker: Asker) => utc({ start: Date.UTC(1970, 0), end: startOfUtcDay(asker.now) + 2 * DAY });
const revenueOf = (row: PlanRow): number => round(numberOf(row, "earned") - numberOf(row, "lost"), 2);

interface Bookable {
  readonly name: string;
  readonly category: string | null;
  readonly capacity: number;
  readonly deleted: boolean;
  readonly created: boolean;
  readonly touched: number;
}

const inEvent = (name: string) => ({
  firstOf: [
    { property: ["event_data", name], type: "text" as const },
    { property: [name], type: "text" as const },
  ],
});

/** What the last message about each bookable event says. */
async function bookables(asker: Asker): Promise<ReadonlyMap<string, Bookable>> {
  const names = ["name", "title", "category", "capacity"] as const;
  const rows = await aggregate(asker, {
    range: ever(asker),
    types: ["EventCreated", "EventUpdated", "EventDeleted"],
    by: [
      { name: "event", field: { column: "subject" } },
      ...names.map((name) => ({ name, field: inEvent(name) })),
      { name: "type", field: { column: "type" } },
    ],
    measures: [{ name: "last", figure: "last" }],
    order: { by: "last", descending: false },
    sealed: true,
  });
  const found = new Map<string, Bookable>();
  for (const row of rows) {
    const id = textOf(row, "event") ?? "";
    const type = textOf(row, "type");
    const known = found.get(id);
    const capacity = Number(textOf(row, "capacity") ?? known?.capacity ?? 0);
    found.set(id, {
      name: textOf(row, "name") ?? textOf(row, "title") ?? known?.name ?? "Unknown Event",
      category: textOf(row, "category") ?? known?.category ?? null,
      capacity: Number.isFinite(capacity) ? Math.max(0, Math.trunc(capacity)) : 0,
      deleted: type === "EventDeleted",
      created: type !== "EventDeleted" || (known?.created ?? false),
      touched: numberOf(row, "last"),
    });
  }
  return found;
}

/** Statistics of every bookable event that has not been deleted, by its id. */
export async function eventStats(asker: Asker): Promise<EventStats[]> {
  const [known, rows] = await Promise.all([
    bookables(asker),
    aggregate(asker, {
      range: ever(asker),
      types: TYPES,
      by: [{ name: "event", field: { column: "subject" } }],
      measures: MEASURES,
      sealed: true,
    }),
  ]);
  const booked = new Map(rows.map((row) => [textOf(row, "event") ?? "", row]));
  const ids = [...new Set([...known.keys(), ...booked.keys()])].filter((id) => isThere(known.get(id), booked.get(id)));
  return ids.map((id) => statsOf(id, known.get(id), booked.get(id) ?? {})).sort((a, b) => a.eventId - b.eventId);
}

/** A booking after the deletion brings an event back, as unknown as one that was never told of. */
function isThere(bookable: Bookable | undefined, row: PlanRow | undefined): boolean {
  return !bookable?.deleted || (row !== undefined && numberOf(row, "touched") > bookable.touched);
}

function statsOf(id: string, bookable: Bookable | undefined, row: PlanRow): EventStats {
  const [created, cancelled, revenue] = [numberOf(row, "created"), numberOf(row, "cancelled"), revenueOf(row)];
  const capacity = bookable?.capacity ?? 0;
  return {
    eventId: Number(id),
    eventName: bookable?.name ?? "Unknown Event",
    category: bookable?.category ?? null,
    totalCapacity: capacity,
    totalBookings: created,
    confirmedBookings: numberOf(row, "confirmed"),
    cancelledBookings: cancelled,
    capacityUtilization: rate(created, capacity),
    totalRevenue: revenue,
    cancellationRate: rate(cancelled, created),
    avgBookingValue: perTicket(revenue, created),
    firstBooking: row.first === null || row.first === undefined ? null : numberOf(row, "first"),
    lastBooking: row.last === null || row.last === undefined ? null : numberOf(row, "last"),
    updatedAt: Math.max(bookable?.touched ?? 0, numberOf(row, "touched")),
  };
}

/** Statistics of the days from so many days ago up to today, on which anything happened. */
export async function dailyStats(asker: Asker, days: number): Promise<DailyStats[]> {
  const today = startOfUtcDay(asker.now);
  const range = utc({ start: today - days * DAY, end: today + DAY });
  const newcomers = cohortsPlan({ ...asker.asking, sealed: true }, range, {
    start: CREATED,
    returning: CREATED,
    cohortBy: { period: "day" },
    period: "day",
    mode: "exact",
    brackets: [],
    maxPeriod: 1,
    where: [],
  });
  const [rows, first] = await Promise.all([
    aggregate(asker, {
      range,
      types: TYPES,
      bucket: "day",
      measures: [...MEASURES, { name: "events", figure: "distinct", of: { column: "subject" }, where: CREATED }],
      sealed: true,
    }),
    asker.answer(newcomers),
  ]);
  const newUsers = new Map(
    cohortTable(newcomers, first.rows, "UTC", asker.now).map(({ key, size }) => [Number(key), size]),
  );
  return rows.map((row) => ({
    day: numberOf(row, "bucket"),
    newBookings: numberOf(row, "created"),
    cancelledBookings: numberOf(row, "cancelled"),
    confirmedBookings: numberOf(row, "confirmed"),
    totalRevenue: revenueOf(row),
    activeEvents: numberOf(row, "events"),
    newUsers: newUsers.get(numberOf(row, "bucket")) ?? 0,
    updatedAt: numberOf(row, "touched"),
  }));
}

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
  const recentEvents = events.filter(({ updatedAt }) => updatedAt >= asker.now - RECENT_DAYS * DAY).length;
  return {
    systemMetrics: {
      totalEvents: [...known.values()].filter(({ created, deleted }) => created && !deleted).length,
      totalBookings: Math.max(0, numberOf(row, "created") - numberOf(row, "cancelled")),
      totalUsers: numberOf(row, "users"),
      totalRevenue: revenueOf(row),
      recentBookings: Math.max(0, tickets(daily)),
      recentRevenue: sum(daily.map(({ totalRevenue }) => totalRevenue)),
      recentEvents,
      ...averages,
      bookingGrowthRate: growth(daily.map(({ newBookings }) => newBookings)),
      revenueGrowthRate: growth(daily.map(({ totalRevenue }) => totalRevenue)),
      updatedAt: numberOf(row, "touched") || null,
    },
    recentTrends: {
      totalBookings: sum(week.map(({ newBookings }) => newBookings)),
      totalRevenue: sum(week.map(({ totalRevenue }) => totalRevenue)),
      dailyAverage: round(sum(week.map(({ newBookings }) => newBookings)) / 7, 1),
      bookingGrowthRate: growth(week.map(({ newBookings }) => newBookings)),
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
