import { percent, round } from "../base/numbers.js";

/** Figures of the bookings contract, section 2, from sums over its events. Tickets are counted, not bookings. */

/** One bookable event. */
export interface EventStats {
  readonly eventId: number;
  readonly eventName: string;
  readonly category: string | null;
  readonly totalCapacity: number;
  readonly totalBookings: number;
  readonly confirmedBookings: number;
  readonly cancelledBookings: number;
  /** Tickets booked for each hundred that there are; may exceed 100, 0 without capacity. */
  readonly capacityUtilization: number;
  readonly totalRevenue: number;
  readonly cancellationRate: number;
  readonly avgBookingValue: number;
  /** Epoch milliseconds UTC. */
  readonly firstBooking: number | null;
  readonly lastBooking: number | null;
  readonly updatedAt: number;
}

/** One UTC day on which something happened. */
export interface DailyStats {
  /** Days since 1970-01-01. */
  readonly day: number;
  readonly newBookings: number;
  readonly cancelledBookings: number;
  readonly confirmedBookings: number;
  readonly totalRevenue: number;
  readonly activeEvents: number;
  readonly newUsers: number;
  readonly updatedAt: number;
}

export function rate(part: number, whole: number): number {
  return percent(part, whole) ?? 0;
}

/** Revenue of a ticket. */
export function perTicket(revenue: number, tickets: number): number {
  return tickets === 0 ? 0 : round(revenue / tickets, 2);
}

/** Second half of the days against the first, in percent; days in ascending order, the longer half is the second. */
export function growth(values: readonly number[]): number {
  const middle = Math.floor(values.length / 2);
  const [first, second] = [sum(values.slice(0, middle)), sum(values.slice(middle))];
  return values.length < 2 || first === 0 ? 0 : round(((second - first) / first) * 100, 2);
}

export function sum(values: readonly number[]): number {
  return round(
    values.reduce((total, value) => total + value, 0),
    4,
  );
}

/** Mean over events, each weighing the same. */
export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : round(values.reduce((total, value) => total + value, 0) / values.length, 2);
}

export const BANDS = ["high", "medium", "low"] as const;

export function bandOf(utilization: number): (typeof BANDS)[number] {
  if (utilization >= 80) return "high";
  return utilization >= 50 ? "medium" : "low";
}

export const TOP_SORTS = ["bookings", "revenue", "utilization"] as const;
export type TopSort = (typeof TOP_SORTS)[number];

const VALUE: Record<TopSort, (stats: EventStats) => number> = {
  bookings: ({ totalBookings }) => totalBookings,
  revenue: ({ totalRevenue }) => totalRevenue,
  utilization: ({ capacityUtilization }) => capacityUtilization,
};

/** Events by one of their figures, highest first, of equals the one with the smaller id; ranks are 1 to n. */
export function ranked(events: readonly EventStats[], by: TopSort): EventStats[] {
  return [...events].sort((a, b) => VALUE[by](b) - VALUE[by](a) || a.eventId - b.eventId);
}
