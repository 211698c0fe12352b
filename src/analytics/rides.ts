import { bucketText, type Granularity, startOfBucket } from "../base/calendar.js";
import { DAY, HOUR, MINUTE } from "../base/clock.js";
import { decimalText, toDecimal } from "../base/decimal.js";
import { PublicError } from "../base/errors.js";
import { groupBy } from "../base/groups.js";
import { percent, round } from "../base/numbers.js";
import { formatDate, type TimeRange } from "../base/time-range.js";
import { cohortsPlan, cohortTable } from "../domain/insights/cohorts.js";
import { funnelGroups, funnelPlan } from "../domain/insights/funnel.js";
import type { Condition, Measure, PlanRow, Step } from "../domain/insights/plan.js";
import { RIDE_ACTIVITY } from "../domain/metrics/rides.js";
import type { Asker } from "./analytics.js";
import { aggregate, metricRows, metricTotals, numberOf, textOf, utc } from "./figures.js";

/** What the rides contract asks for, in its corrected reading. Days, weeks and months are UTC. */

const BOOKINGS = ["booking.created", "booking.confirmed", "booking.cancelled", "booking.completed"];
const PAYMENTS = ["payment.initiated", "payment.success", "payment.failed", "payment.refunded"];
const TRIPS = ["trip.started", "trip.completed", "trip.cancelled"];
const text = (...property: string[]) => ({ property, type: "text" }) as const;
const number = (...property: string[]) => ({ property, type: "number" }) as const;
const USERS: Measure = { name: "users", figure: "distinct", of: { column: "user" } };
const COUNT: Measure = { name: "events", figure: "count" };

export interface RidePeriod extends TimeRange {
  /** Moment up to which active users are looked at: the end as it was asked for. */
  readonly until: number;
}

/** Whole UTC days from the start's to the end's, both included. */
export function ridePeriod(start: number, end: number): RidePeriod {
  const [first, last] = [Math.floor(start / DAY) * DAY, Math.floor(end / DAY) * DAY];
  if (first > last) throw new PublicError("BAD_USER_INPUT", "end_date is before start_date", { field: "end_date" });
  return { start: first, end: last + DAY, until: end };
}

export function dateRange({ start, end }: TimeRange): string {
  return `${formatDate(start)} to ${formatDate(end - 1)}`;
}

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

interface RouteInfo {
  readonly name: string | null;
  readonly originCity: string | null;
  readonly originState: string | null;
  readonly destinationCity: string | null;
  readonly driver: string | null;
  readonly seats: number;
}

/** What the last `route.created` of each route says. */
async function routesById(asker: Asker, ids: readonly string[] | null): Promise<ReadonlyMap<string, RouteInfo>> {
  const names = [
    "route_id",
    "route_name",
    "origin_city",
    "origin_state",
    "destination_city",
    "driver_id",
    "seats_total",
  ];
  const where: Condition[] = ids ? [{ field: text("route_id"), in: ids }] : [];
  const rows = await aggregate(asker, {
    range: utc({ start: Date.UTC(1970, 0), end: asker.now + 1 }),
    types: ["route.created"],
    where,
    by: names.map((name) => ({ name, field: text(name) })),
    measures: [{ name: "last", figure: "last" }],
    order: { by: "last", descending: false },
  });
  return new Map(
    rows.map((row) => [
      textOf(row, "route_id") ?? "",
      {
        name: textOf(row, "route_name"),
        originCity: textOf(row, "origin_city"),
        originState: textOf(row, "origin_state"),
        destinationCity: textOf(row, "destination_city"),
        driver: textOf(row, "driver_id"),
        seats: numberOf(row, "seats_total"),
      },
    ]),
  );
}

const ofType = (...types: string[]): Step => ({ types });

/** Routes with most confirmed bookings. Occupancy: passengers of the trips that began, for each seat on offer. */
export async function rideRoutes(asker: Asker, period: RidePeriod, limit: number) {
  const rows = await aggregate(asker, {
    range: utc(period),
    types: ["booking.confirmed", "trip.started"],
    where: [{ field: text("route_id"), isSet: true }],
    by: [{ name: "route", field: text("route_id") }],
    measures: [
      { name: "bookings", figure: "count", where: ofType("booking.confirmed") },
      { name: "revenue", figure: "sum", of: { column: "amount" }, where: ofType("booking.confirmed") },
      { name: "passengers", figure: "average", of: number("passengers_count"), where: ofType("trip.started") },
    ],
    order: { by: "bookings", descending: true },
    limit,
  });
  const booked = rows.filter((row) => numberOf(row, "bookings") > 0);
  const routes = await routesById(
    asker,
    booked.map((row) => textOf(row, "route") ?? ""),
  );
  return booked.map((row) => {
    const id = textOf(row, "route") ?? "";
    const route = routes.get(id);
    const occupancy = route && route.seats > 0 ? numberOf(row, "passengers") / route.seats : 0;
    return {
      routeId: id,
      routeName: route?.name ?? "",
      originCity: route?.originCity ?? "",
      destinationCity: route?.destinationCity ?? "",
      driverId: asker.masked(route?.driver ?? ""),
      totalBookings: numberOf(row, "bookings"),
      totalRevenue: decimalText(toDecimal(textOf(row, "revenue") ?? "0"), 2),
      avgOccupancy: round(occupancy, 4),
      avgOccupancyRate: round(occupancy * 100, 2),
      seatsTotal: route?.seats ?? 0,
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

const FUNNEL_STEPS: readonly (readonly [name: string, types: readonly string[]])[] = [
  ["User Registration", ["user.registered"]],
  // Those who book have searched, whether or not searches are reported.
  ["Route Search", ["route.searched", ...BOOKINGS]],
  ["Booking Created", ["booking.created"]],
  ["Payment Success", ["payment.success"]],
  ["Trip Completed", ["trip.completed"]],
];

/**
 * Users who registered in the period, and how many of them have done each of the steps since it began, up to now: the
 * steps are no chain, each is counted by itself.
 */
export async function rideFunnel(asker: Asker, { start, until }: RidePeriod) {
  const end = Math.max(until + 1, asker.now + 1);
  const question = {
    steps: FUNNEL_STEPS.map(([name, types], i) => ({
      name,
      types,
      optional: i > 0,
      ...(i === 0 && { where: { before: until + 1 } }),
    })),
    order: "unordered",
    windowMs: end - start,
    exclude: [],
    breakdown: null,
    times: false,
    where: [],
  } as const;
  const { rows } = await asker.answer(funnelPlan(asker.asking, utc({ start, end }), question));
  const [group] = funnelGroups(question, rows);
  const counts = group?.steps.map(({ users }) => users) ?? [];
  const [entered = 0] = counts;
  return {
    steps: FUNNEL_STEPS.map(([name], i) => {
      const [own = 0, before = 0] = [counts[i], counts[i - 1]];
      return {
        stepName: name,
        stepNumber: i + 1,
        count: own,
        conversionRate: i === 0 ? 100 : (percent(own, entered) ?? 0),
        dropOffRate: i === 0 ? 0 : (percent(before - own, before) ?? 0),
      };
    }),
    entered,
    converted: counts.at(-1) ?? 0,
    conversionRate: percent(counts.at(-1) ?? 0, entered) ?? 0,
  };
}

const PERIOD_DAYS = { day: 1, week: 7, month: 30 } as const;

/** Registrations by day, ISO week or month, and who of them had anything to do with a booking in the periods after. */
export async function rideCohorts(asker: Asker, period: "day" | "week" | "month", start: number, periods: number) {
  const first = Math.floor(start / DAY) * DAY;
  const end = period === "month" ? addMonths(first, periods) : first + periods * PERIOD_DAYS[period] * DAY;
  const plan = cohortsPlan(asker.asking, utc({ start: first, end }), {
    start: ofType("user.registered"),
    returning: { types: BOOKINGS },
    cohortBy: { period },
    period,
    mode: "exact",
    brackets: [],
    maxPeriod: periods,
    where: [],
  });
  const { rows } = await asker.answer(plan);
  return cohortTable(plan, rows, "UTC", asker.now)
    .filter(({ size }) => size > 0)
    .map(({ name, size, cells }) => ({
      cohortPeriod: name,
      cohortSize: size,
      retentionByPeriod: Object.fromEntries(
        cells.filter(({ users }) => users > 0).map(({ period: offset, rate }) => [`period_${offset}`, rate ?? 0]),
      ),
    }));
}

function addMonths(instant: number, months: number): number {
  const date = new Date(instant);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, date.getUTCDate());
}

/** Who of those that registered in the period had anything to do with a booking exactly 1, 7 and 30 UTC days later. */
export async function rideRetention(asker: Asker, period: RidePeriod, role: "RIDER" | "DRIVER" | null) {
  const plan = cohortsPlan(asker.asking, utc(period), {
    start: { types: ["user.registered"], ...(role && { where: { field: text("role"), in: [role] } }) },
    returning: { types: BOOKINGS },
    cohortBy: null,
    period: "day",
    mode: "exact",
    brackets: [],
    maxPeriod: 30,
    where: [],
  });
  const { rows } = await asker.answer(plan);
  const [cohort] = cohortTable(plan, rows, "UTC", asker.now);
  const at = (day: number) => cohort?.cells.find((cell) => cell.period === day);
  return {
    totalUsers: cohort?.size ?? 0,
    d1RetentionRate: at(1)?.rate ?? 0,
    d7RetentionRate: at(7)?.rate ?? 0,
    d30RetentionRate: at(30)?.rate ?? 0,
    d1RetainedUsers: at(1)?.users ?? 0,
    d7RetainedUsers: at(7)?.users ?? 0,
    d30RetainedUsers: at(30)?.users ?? 0,
  };
}

export type RideGeoMetric = "bookings" | "revenue" | "users";
const MOST_PLACES = 100;

/** Where users live; where routes begin that are booked, and what is paid for them. */
export async function rideGeography(asker: Asker, period: RidePeriod, metric: RideGeoMetric) {
  const found = metric === "users" ? await homes(asker, period) : await origins(asker, period, metric);
  const points = found
    .filter(({ state, city }) => state !== null || city !== null)
    .sort((a, b) => b.value - a.value)
    .slice(0, MOST_PLACES)
    .map(({ state, city, value }) => ({ state: state ?? "", city: city ?? "", value }));
  return {
    points,
    total: round(
      points.reduce((sum, { value }) => sum + value, 0),
      2,
    ),
  };
}

interface PlaceValue {
  readonly state: string | null;
  readonly city: string | null;
  readonly value: number;
}

async function homes(asker: Asker, period: RidePeriod): Promise<PlaceValue[]> {
  const rows = await aggregate(asker, {
    range: utc(period),
    types: ["user.registered"],
    by: [
      { name: "state", field: { column: "region" } },
      { name: "city", field: { column: "city" } },
    ],
    measures: [USERS],
  });
  return rows.map((row) => ({ state: textOf(row, "state"), city: textOf(row, "city"), value: numberOf(row, "users") }));
}

/** Bookings and payments tell no city: their routes do, and payments are for bookings. */
async function origins(asker: Asker, period: RidePeriod, metric: "bookings" | "revenue"): Promise<PlaceValue[]> {
  const routes = await routesById(asker, null);
  const type = metric === "bookings" ? "booking.created" : "booking.confirmed";
  const rows = await aggregate(asker, {
    range: utc(period),
    types: [type],
    by: [{ name: "route", field: text("route_id") }],
    measures: [COUNT, { name: "amount", figure: "sum", of: { column: "amount" } }],
  });
  const placed = rows.map((row) => {
    const route = routes.get(textOf(row, "route") ?? "");
    const value = numberOf(row, metric === "bookings" ? "events" : "amount");
    return { state: route?.originState ?? null, city: route?.originCity ?? null, value };
  });
  return [...groupBy(placed, ({ state, city }) => JSON.stringify([state, city])).values()].map((same) => ({
    state: same[0]?.state ?? null,
    city: same[0]?.city ?? null,
    value: round(
      same.reduce((sum, { value }) => sum + value, 0),
      2,
    ),
  }));
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
