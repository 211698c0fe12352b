import { DAY } from "../base/clock.js";
import { round } from "../base/numbers.js";
import { startOfUtcDay } from "../base/time-range.js";
import { type DailyStats, type EventStats, perTicket, rate } from "../domain/bookings.js";
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
export const TYPES = [...(CREATED.types ?? []), ...(CONFIRMED.types ?? []), ...(CANCELLED.types ?? [])];
export const RECENT_DAYS = 30;

export const MEASURES: readonly Measure[] = [
  { name: "created", figure: "sum", of: TICKETS, where: CREATED },
  { name: "confirmed", figure: "sum", of: TICKETS, where: CONFIRMED },
  { name: "cancelled", figure: "sum", of: TICKETS, where: CANCELLED },
  { name: "earned", figure: "sum", of: AMOUNT, where: CREATED },
  { name: "lost", figure: "sum", of: AMOUNT, where: CANCELLED },
  { name: "first", figure: "first", where: CREATED },
  { name: "last", figure: "last", where: { types: [...(CREATED.types ?? []), ...(CONFIRMED.types ?? [])] } },
  { name: "touched", figure: "last" },
];

export const ever = (asker: Asker) => utc({ start: Date.UTC(1970, 0), end: startOfUtcDay(asker.now) + 2 * DAY });
export const revenueOf = (row: PlanRow): number => round(numberOf(row, "earned") - numberOf(row, "lost"), 2);

interface Bookable {
  readonly name: string;
  readonly category: string | null;
  readonly capacity: number;
  readonly deleted: boolean;
  /** First message of it, since it was last deleted. */
  readonly since: number;
  /** Last message. */
  readonly touched: number;
}

const inEvent = (name: string) => ({
  firstOf: [
    { property: ["event_data", name], type: "text" as const },
    { property: [name], type: "text" as const },
  ],
});

/** What the last message about each bookable event says. */
export async function bookables(asker: Asker): Promise<ReadonlyMap<string, Bookable>> {
  const names = ["name", "title", "category", "capacity"] as const;
  const rows = await aggregate(asker, {
    range: ever(asker),
    types: ["EventCreated", "EventUpdated", "EventDeleted"],
    by: [
      { name: "event", field: { column: "subject" } },
      ...names.map((name) => ({ name, field: inEvent(name) })),
      { name: "type", field: { column: "type" } },
    ],
    measures: [
      { name: "first", figure: "first" },
      { name: "last", figure: "last" },
    ],
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
      since: sinceOf(known, numberOf(row, "first"), numberOf(row, "last")),
      touched: numberOf(row, "last"),
    });
  }
  return found;
}

/** @param known what the messages before say; those at `first` to `last` say one thing */
function sinceOf(known: Bookable | undefined, first: number, last: number): number {
  if (!known) return first;
  return known.deleted ? (first > known.touched ? first : last) : Math.min(known.since, first);
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
