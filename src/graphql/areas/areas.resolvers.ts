import { type Asker, areas } from "../../analytics/index.js";
import { DAY } from "../../base/clock.js";
import { PublicError } from "../../base/errors.js";
import type { Context } from "../context.js";
import type {
  Resolvers,
  RideBookings,
  RideCohortType,
  RideGranularity,
  RidePayments,
  RideTrips,
  RideUsers,
  SystemHealth,
  TopEventSort,
} from "../generated.js";

/** The asker of an area's figures, the same for all fields of a query. */
export interface AskedArea {
  readonly asker: Asker;
}

/** A figure with the period it is about, and what may be asked on. */
export interface AskedSeries {
  readonly asker: Asker;
  readonly period: areas.RidePeriod;
}

type Asked<Figures> = AskedSeries & Omit<Figures, "timeSeries" | "__typename">;
export type AskedRideUsers = Asked<RideUsers>;
export type AskedRideBookings = Asked<RideBookings>;
export type AskedRidePayments = Asked<RidePayments>;
export type AskedRideTrips = Asked<RideTrips>;

const asked = async (_: unknown, __: unknown, { services, viewer }: Context): Promise<AskedArea> => ({
  asker: await services.analytics.asker(viewer),
});

const GRANULARITIES: Record<RideGranularity, "hour" | "day" | "week" | "month"> = {
  HOURLY: "hour",
  DAILY: "day",
  WEEKLY: "week",
  MONTHLY: "month",
};
const COHORTS: Record<RideCohortType, "day" | "week" | "month"> = { DAILY: "day", WEEKLY: "week", MONTHLY: "month" };
const SORTS: Record<TopEventSort, areas.TopSort> = {
  BOOKINGS: "bookings",
  REVENUE: "revenue",
  UTILIZATION: "utilization",
};

/** A day as the end stands for all of it. */
function periodOf({ start, end }: { start: string; end: string }): areas.RidePeriod {
  const until = end.length === 10 ? Date.parse(`${end}T00:00:00Z`) + DAY - 1 : Date.parse(end.replace(" ", "T"));
  return areas.ridePeriod(Date.parse(start.length === 10 ? `${start}T00:00:00Z` : start.replace(" ", "T")), until);
}

function within(value: number | null | undefined, fallback: number, maximum: number, field: string): number {
  const checked = value ?? fallback;
  if (checked >= 1 && checked <= maximum) return checked;
  throw new PublicError("BAD_USER_INPUT", `${field} must be from 1 to ${maximum}, got ${checked}`, { field });
}

const values = async <Id extends string>(asker: Asker, period: areas.RidePeriod, ids: readonly Id[]) => {
  const totals = await areas.metricTotals(asker, areas.utc(period), ids);
  return {
    of: (id: Id): number => totals[id].value ?? 0,
    money: (id: Id): string => totals[id].decimal ?? "0.00",
  };
};

const series =
  (metric: string) =>
  ({ asker, period }: AskedSeries, { include }: { include?: boolean | null }) =>
    include ? areas.rideSeries(asker, period, metric) : null;

/** Current with every event that was acknowledged, as clients of these services know it. */
const askedAtOnce = async (root: unknown, args: unknown, context: Context): Promise<AskedArea> => {
  await context.services.analytics.current();
  return asked(root, args, context);
};

export const areaResolvers = {
  Query: {
    rides: asked,
    documents: askedAtOnce,
    bookings: askedAtOnce,
    product: askedAtOnce,
  },
  Mutation: {
    analyticsCacheClear: (_, __, { services, viewer }) => ({
      cleared: services.analytics.clear(viewer.scope.tenantId),
      errors: [],
    }),
  },
  Rides: {
    users: async ({ asker }, args) => {
      const period = periodOf(args);
      return { asker, period, dateRange: areas.dateRange(period), ...(await areas.rideUsers(asker, period)) };
    },
    bookings: async ({ asker }, args) => {
      const period = periodOf(args);
      const { of, money } = await values(asker, period, areas.RIDE_BOOKING_IDS);
      return {
        asker,
        period,
        dateRange: areas.dateRange(period),
        bookingsCreated: of("rides.bookings_created"),
        bookingsConfirmed: of("rides.bookings_confirmed"),
        bookingsCancelled: of("rides.bookings_cancelled"),
        bookingsCompleted: of("rides.bookings_completed"),
        conversionRate: of("rides.conversion_rate"),
        cancellationRate: of("rides.cancellation_rate"),
        avgBookingValue: money("rides.avg_booking_value"),
        totalBookingValue: money("rides.total_booking_value"),
      };
    },
    payments: async ({ asker }, args) => {
      const period = periodOf(args);
      const { of, money } = await values(asker, period, areas.RIDE_PAYMENT_IDS);
      return {
        asker,
        period,
        dateRange: areas.dateRange(period),
        paymentsInitiated: of("rides.payments_initiated"),
        paymentsSuccess: of("rides.payments_success"),
        paymentsFailed: of("rides.payments_failed"),
        paymentsRefunded: of("rides.payments_refunded"),
        successRate: of("rides.success_rate"),
        avgProcessingTimeMs: of("rides.avg_processing_time_ms"),
        totalRevenue: money("rides.revenue"),
      };
    },
    trips: async ({ asker }, args) => {
      const period = periodOf(args);
      const [{ of, money }, days] = await Promise.all([
        values(asker, period, areas.RIDE_TRIP_IDS),
        areas.rideSeries(asker, period, "rides.active_drivers"),
      ]);
      return {
        asker,
        period,
        dateRange: areas.dateRange(period),
        tripsStarted: of("rides.trips_started"),
        tripsCompleted: of("rides.trips_completed"),
        tripsCancelled: of("rides.trips_cancelled"),
        completionRate: of("rides.completion_rate"),
        avgDurationMinutes: of("rides.avg_duration_minutes"),
        avgDistanceKm: of("rides.avg_distance_km"),
        onTimePerformance: of("rides.on_time_performance"),
        totalDriverEarnings: money("rides.total_driver_earnings"),
        totalPlatformCommission: money("rides.total_platform_commission"),
        activeDrivers: Math.max(0, ...days.map(({ value }) => value)),
      };
    },
    drivers: ({ asker }, args) => areas.rideDrivers(asker, periodOf(args), within(args.limit, 100, 1000, "limit")),
    routes: ({ asker }, args) => areas.rideRoutes(asker, periodOf(args), within(args.limit, 50, 500, "limit")),
    realtime: async ({ asker }, _, { services: { events } }) => ({
      ...(await areas.rideRealtime(asker)),
      systemHealth: healthOf(events.isStoring, events.waitingBytes),
    }),
    funnel: async ({ asker }, args) => {
      const period = periodOf(args);
      const { steps, entered, converted, conversionRate } = await areas.rideFunnel(asker, period);
      return {
        dateRange: areas.dateRange(period),
        steps,
        totalUsersEntered: entered,
        totalUsersConverted: converted,
        overallConversionRate: conversionRate,
      };
    },
    cohorts: async ({ asker }, { type, start, periods }) => {
      const cohortType = type ?? "WEEKLY";
      const count = within(periods, 12, 52, "periods");
      const first = periodOf({ start, end: start }).start;
      const cohorts = await areas.rideCohorts(asker, COHORTS[cohortType], first, count);
      return { cohortType, startDate: first, periodsAnalyzed: count, cohorts };
    },
    retention: async ({ asker }, { userType, ...args }) => {
      const period = periodOf(args);
      const type = userType ?? "ALL";
      const found = await areas.rideRetention(asker, period, type === "ALL" ? null : type);
      return { userType: type, dateRange: areas.dateRange(period), ...found };
    },
    geography: async ({ asker }, { metric, ...args }) => {
      const period = periodOf(args);
      const metricType = metric ?? "BOOKINGS";
      const { points, total } = await areas.rideGeography(
        asker,
        period,
        metricType.toLowerCase() as Lowercase<typeof metricType>,
      );
      return { metricType, dateRange: areas.dateRange(period), dataPoints: points, totalValue: total };
    },
    trend: async ({ asker }, { metric, granularity, ...args }) => {
      const period = periodOf(args);
      const length = granularity ?? "DAILY";
      const dataPoints = await areas.rideTrend(asker, period, metric, GRANULARITIES[length]);
      return { metric, granularity: length, dateRange: areas.dateRange(period), dataPoints };
    },
  },
  RideUsers: { timeSeries: series("rides.new_registrations") },
  RideBookings: { timeSeries: series("rides.bookings_created") },
  RidePayments: { timeSeries: series("rides.revenue") },
  RideTrips: { timeSeries: series("rides.trips_completed") },
  Documents: {
    processing: ({ asker }, { timeRange }) =>
      areas.documentProcessing(asker, areas.timeRange(timeRange ?? "7d", asker.now)),
    business: ({ asker }) => areas.documentBusiness(asker),
    errors: ({ asker }, { timeRange }) => areas.documentErrors(asker, areas.timeRange(timeRange ?? "7d", asker.now)),
    activity: ({ asker }, { timeRange }) =>
      areas.documentActivity(asker, areas.timeRange(timeRange ?? "30d", asker.now)),
    visualization: ({ asker }, { chartType, timeRange }) =>
      areas.documentChart(asker, chartType, areas.timeRange(timeRange ?? "7d", asker.now)),
    summary: async ({ asker }) => {
      const week = areas.timeRange("7d", asker.now);
      const [processing, business, errors, activeUsers] = await Promise.all([
        areas.documentProcessing(asker, week),
        areas.documentBusiness(asker),
        areas.documentErrors(asker, week),
        areas.documentUsers(asker),
      ]);
      const { totalProcessed, successRate } = processing;
      const summary = {
        totalProcessed,
        successRate,
        totalModels: business.totalModelsGenerated,
        totalErrors: errors.totalErrors,
        activeUsers,
      };
      return { summary, processing, business, errors, generatedAt: asker.now };
    },
  },
  Bookings: {
    overview: ({ asker }) => areas.bookingOverview(asker),
    topEvents: ({ asker }, { limit, sortBy }) =>
      areas.topEvents(asker, within(limit, 10, 50, "limit"), SORTS[sortBy ?? "BOOKINGS"]),
    daily: async ({ asker }, { days }) =>
      (await areas.dailyStats(asker, within(days, 30, 365, "days"))).map(areas.dailyRow),
    dailyReport: async ({ asker }, { days }) => {
      const periodDays = within(days, 30, 365, "days");
      const found = await areas.dailyStats(asker, periodDays);
      return { days: found.map(areas.dailyRow), periodDays, totalDays: found.length };
    },
    topEventReport: async ({ asker }, { limit, sortBy }) => {
      const events = await areas.topEvents(asker, within(limit, 10, 50, "limit"), SORTS[sortBy ?? "BOOKINGS"]);
      return { events, total: events.length, sortBy: sortBy ?? "BOOKINGS" };
    },
    generatedAt: ({ asker }) => asker.now,
    events: ({ asker }) => areas.eventList(asker),
    event: async ({ asker }, { id }) =>
      (await areas.eventStats(asker)).find(({ eventId }) => String(eventId) === id) ?? null,
    trends: ({ asker }, { days }) => areas.bookingTrends(asker, within(days, 30, 365, "days")),
    capacity: ({ asker }) => areas.bookingCapacity(asker),
    revenue: ({ asker }, { days }) => areas.bookingRevenue(asker, within(days, 30, 365, "days")),
  },
  Product: {
    dau: ({ asker }, { date }) => areas.productDau(asker, date ?? null),
    dashboard: ({ asker }) => areas.productDashboard(asker),
  },
} satisfies Resolvers;

const LATE_BYTES = 64 * 1024 * 1024;

function healthOf(isStoring: boolean, waitingBytes: number): SystemHealth {
  if (!isStoring) return "CRITICAL";
  return waitingBytes > LATE_BYTES ? "DEGRADED" : "HEALTHY";
}
