import { bucketText, type Granularity, startOfBucket } from "../base/calendar.js";
import { DAY, HOUR, MINUTE } from "../base/clock.js";
import { decimalText, toDecimal } from "../base/decimal.js";
import { PublicError } from "../base/errors.js";
import { round } from "../base/numbers.js";
import type { Measure, PlanRow } from "../domain/insights/plan.js";
import { RIDE_ACTIVITY } from "../domain/metrics/rides.js";
import type { Asker } from "./analytics.js";
import { aggregate, metricRows, metricTotals, numberOf, textOf, utc } from "./figures.js";
import { BOOKINGS, COUNT, number, ofType, PAYMENTS, type RidePeriod, TRIPS, text, USERS } from "./ride-events.js";

/** Figures of the rides contract over a period, and of the moment. */

/** Any users of the days up to a moment, both ends included. */
async function activeUsers(asker: Asker, until: number, days: number): Promise<number> {
  const range = utc({ start: until - days * DAY, end: until + 1 });
  const [row] = await aggregate(asker, { range, types: RIDE_ACTIVITY.types, measures: [USERS] });
  return numberOf(row, "users");
}

export async function rideUsers(asker: Asker, period: RidePeriod) {
  const ids = ["rides.new_registrations", "rides.kyc_completion_rate", "rides.driver_activation_rate"] as const;
  const everSince = utc({ start: Date.UTC(1970, 0), end: asker.now + 1 });
  const [totals, dau, wau, mau, [registered]] = await Promise.all([
    metricTotals(asker, utc(period), ids),
    activeUsers(asker, period.until, 1),
    activeUsers(asker, period.until, 7),
    activeUsers(asker, period.until, 30),
    aggregate(asker, { range: everSince, types: ["user.registered"], measures: [USERS] }),
  ]);
  return {
    dau,
    wau,
    mau,
    newRegistrations: totals["rides.new_registrations"].value ?? 0,
    totalUsers: numberOf(registered, "users"),
    kycCompletionRate: totals["rides.kyc_completion_rate"].value ?? 0,
    driverActivationRate: totals["rides.driver_activation_rate"].value ?? 0,
  };
}

/** Day by day: values of a metric, days without events left out. */
export async function rideSeries(asker: Asker, period: RidePeriod, metric: string) {
  const rows = await metricRows(asker, utc(period), [metric], "day");
  return rows.map(({ bucket, values }) => ({
    date: bucketText(bucket, "day", "UTC"),
    value: values[metric]?.value ?? 0,
  }));
}

export interface RideDriver {
  readonly driverId: string;
  readonly totalTrips: number;
  readonly totalEarnings: string;
  readonly avgEarningsPerTrip: string;
  readonly totalDistanceKm: number;
  readonly activeDays: number;
}

export async function rideDrivers(asker: Asker, period: RidePeriod, limit: number): Promise<RideDriver[]> {
  const rows = await aggregate(asker, {
    range: utc(period),
    types: ["trip.completed"],
    where: [{ field: text("driver_id"), isSet: true }],
    by: [{ name: "driver", field: text("driver_id") }],
    measures: [
      COUNT,
      { name: "earnings", figure: "sum", of: number("driver_earnings") },
      { name: "distance", figure: "sum", of: number("distance_km") },
      { name: "days", figure: "distinct", of: { part: "day" } },
    ],
    order: { by: "earnings", descending: true },
    limit,
  });
  return rows.map((row) => {
    const [trips, earnings] = [numberOf(row, "events"), toDecimal(textOf(row, "earnings") ?? "0")];
    return {
      driverId: asker.masked(textOf(row, "driver") ?? ""),
      totalTrips: trips,
      totalEarnings: decimalText(earnings, 2),
      avgEarningsPerTrip: decimalText(earnings / BigInt(Math.max(1, trips)), 2),
      totalDistanceKm: round(numberOf(row, "distance"), 2),
      activeDays: numberOf(row, "days"),
    };
  });
}

/** The last sixty minutes; positions of the last fifteen. */
export async function rideRealtime(asker: Asker) {
  const now = asker.now;
  const hour = utc({ start: now - HOUR, end: now + 1 });
  const [[totals], [positions], trips] = await Promise.all([
    aggregate(asker, {
      range: hour,
      types: RIDE_ACTIVITY.types,
      measures: [
        USERS,
        { name: "bookings", figure: "count", where: ofType("booking.created") },
        { name: "revenue", figure: "sum", of: { column: "amount" }, where: ofType("payment.success") },
      ],
    }),
    aggregate(asker, {
      range: utc({ start: now - 15 * MINUTE, end: now + 1 }),
      types: ["driver.location.updated"],
      measures: [{ name: "drivers", figure: "distinct", of: text("driver_id") }],
    }),
    aggregate(asker, {
      range: hour,
      types: TRIPS,
      by: [{ name: "trip", field: text("trip_id") }],
      measures: [
        { name: "started", figure: "count", where: ofType("trip.started") },
        { name: "ended", figure: "count", where: ofType("trip.completed", "trip.cancelled") },
      ],
    }),
  ]);
  return {
    timestamp: now,
    activeUsers: numberOf(totals, "users"),
    activeDrivers: numberOf(positions, "drivers"),
    activeTrips: trips.filter((row) => numberOf(row, "started") > 0 && numberOf(row, "ended") === 0).length,
    bookingsLastHour: numberOf(totals, "bookings"),
    revenueLastHour: decimalText(toDecimal(textOf(totals, "revenue") ?? "0"), 2),
  };
}

export const RIDE_TRENDS: Readonly<Record<string, { readonly types: readonly string[]; readonly measure: Measure }>> = {
  bookings: { types: BOOKINGS, measure: { ...COUNT, name: "value" } },
  trips: { types: TRIPS, measure: { ...COUNT, name: "value" } },
  payments: { types: PAYMENTS, measure: { ...COUNT, name: "value" } },
  users: {
    types: ["user.registered", "user.kyc_verified", "user.upgraded_to_driver"],
    measure: { ...USERS, name: "value" },
  },
  revenue: { types: ["payment.success"], measure: { name: "value", figure: "sum", of: { column: "amount" } } },
};

/** @throws PublicError BAD_USER_INPUT naming the metrics that there are */
export async function rideTrend(asker: Asker, period: RidePeriod, metric: string, granularity: Granularity) {
  const trend = Object.hasOwn(RIDE_TRENDS, metric) ? RIDE_TRENDS[metric] : undefined;
  if (!trend) {
    const allowed = Object.keys(RIDE_TRENDS);
    throw new PublicError("BAD_USER_INPUT", `There is no metric "${metric}": expected one of ${allowed.join(", ")}`, {
      field: "metric",
      allowed,
    });
  }
  const rows = await aggregate(asker, {
    range: utc(period),
    types: trend.types,
    bucket: granularity,
    measures: [trend.measure],
  });
  return rows.map((row: PlanRow) => ({
    timestamp: startOfBucket(numberOf(row, "bucket"), granularity, "UTC"),
    value: round(numberOf(row, "value"), 2),
  }));
}

const ids = <Name extends string>(...names: Name[]) => names.map((name) => `rides.${name}` as const);
export const RIDE_BOOKING_IDS = ids(
  ...(["bookings_created", "bookings_confirmed", "bookings_cancelled", "bookings_completed"] as const),
  ...(["conversion_rate", "cancellation_rate", "avg_booking_value", "total_booking_value"] as const),
);
export const RIDE_PAYMENT_IDS = ids(
  ...(["payments_initiated", "payments_success", "payments_failed", "payments_refunded"] as const),
  ...(["success_rate", "avg_processing_time_ms", "revenue"] as const),
);
export const RIDE_TRIP_IDS = ids(
  ...(["trips_started", "trips_completed", "trips_cancelled", "completion_rate", "avg_duration_minutes"] as const),
  ...(["avg_distance_km", "on_time_performance", "total_driver_earnings", "total_platform_commission"] as const),
);
