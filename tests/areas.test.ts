import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DAY } from "../src/base/clock.js";
import { SERVICE_NAMES } from "../src/upstream/index.js";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";

const urls = Object.fromEntries(SERVICE_NAMES.map((name) => [name, "http://127.0.0.1:9"]));
const TODAY = new Date().toISOString().slice(0, 10);
const daysAgo = (days: number, clock = "12:00:00Z"): string =>
  `${new Date(Date.now() - days * DAY).toISOString().slice(0, 10)}T${clock}`;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ urls } as never);
});
afterAll(() => gateway?.stop());

/** Requests for one tenant, as its administrator unless said otherwise. */
function tenant(id: string) {
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    claims: Record<string, unknown> = {},
    role = "ADMIN",
  ) => {
    const reply = await gateway.app.server.inject({
      method: method as "GET",
      url: path,
      headers: { authorization: `Bearer ${tokenFor(role as "ADMIN", { tenant_id: id, ...claims })}` },
      ...(body !== undefined && { payload: body as object }),
    });
    return { status: reply.statusCode, body: reply.json() };
  };
  return {
    send,
    get: async (path: string, role?: string) => send("GET", path, undefined, {}, role),
    events: async (events: readonly unknown[]) => {
      for (let from = 0; from < events.length; from += 1000) {
        const { status, body } = await send("POST", "/v1/events", events.slice(from, from + 1000));
        expect({ status, body }).toMatchObject({ status: 200 });
      }
      await gateway.app.events.stored();
    },
  };
}

let tenants = 0;
async function newTenant() {
  const id = `area-${++tenants}`;
  const { body } = await gateway.graphql(
    `mutation { tenantCreate(input: { id: "${id}", name: "${id}", adminUsername: "boss-${id}", adminPassword: "a fine password" }) { errors { message } } }`,
  );
  expect(body.data.tenantCreate.errors).toEqual([]);
  return tenant(id);
}

const P = "start_date=2024-01-01T00:00:00&end_date=2024-01-31T23:59:59";

describe("rides", () => {
  let rides: Awaited<ReturnType<typeof newTenant>>;
  const at = (day: number, hour = 8) =>
    `2024-01-${String(day).padStart(2, "0")}T${String(hour).padStart(2, "0")}:00:00Z`;
  const user = (id: string, day: number, role: string, city: string) => ({
    ...{
      event_type: "user.registered",
      event_timestamp: at(day),
      user_id: id,
      phone: "+2348012345678",
      role,
      city,
      state: "Lagos",
    },
  });
  const ids = (n: number, rider: string) => ({
    booking_id: `b${n}`,
    rider_id: rider,
    driver_id: "d1",
    route_id: "rt1",
  });
  const place = {
    pickup_lat: 6.6,
    pickup_lon: 3.3,
    dropoff_lat: 6.4,
    dropoff_lon: 3.4,
    pickup_stop_id: "s1",
    dropoff_stop_id: "s2",
  };
  const booking = (n: number, rider: string, step: string, day: number, more: object) => ({
    ...{ event_type: `booking.${step}`, event_timestamp: at(day, 9), ...ids(n, rider), ...more },
  });
  const made = { seats_booked: 2, total_price: "3000.50", scheduled_departure: at(20), ...place };
  const payment = (n: number, rider: string, step: string, day: number, more: object) => ({
    ...{
      event_type: `payment.${step}`,
      event_timestamp: at(day, 10),
      payment_id: `p${n}`,
      booking_id: `b${n}`,
      rider_id: rider,
    },
    ...{ amount: "3000.50", payment_method: "card", provider: "interswitch", ...more },
  });
  const trip = (n: number, rider: string, step: string, day: number, more: object) => ({
    ...{ event_type: `trip.${step}`, event_timestamp: at(day, 11), trip_id: `t${n}`, ...ids(n, rider), ...more },
  });
  const ended = {
    actual_departure: at(5),
    actual_arrival: at(5, 9),
    duration_minutes: 80,
    distance_km: 25.5,
    end_lat: 6.4,
    end_lon: 3.4,
  };

  beforeAll(async () => {
    rides = await newTenant();
    await rides.events([
      user("u1", 1, "RIDER", "Ikeja"),
      user("u2", 1, "RIDER", "Ikeja"),
      user("u3", 9, "RIDER", "Lekki"),
      user("d1", 2, "DRIVER", "Lekki"),
      { event_type: "user.kyc_verified", event_timestamp: at(3), user_id: "d1", kyc_status: "VERIFIED" },
      { event_type: "user.kyc_verified", event_timestamp: at(3), user_id: "u2", kyc_status: "REJECTED" },
      {
        ...{
          event_type: "route.created",
          event_timestamp: at(3),
          route_id: "rt1",
          driver_id: "d1",
          route_name: "One",
          origin_city: "Ikeja",
        },
        ...{
          destination_city: "VI",
          origin_state: "Lagos",
          destination_state: "Lagos",
          stops_count: 2,
          seats_total: 4,
          base_price: "1500",
          departure_time: "07:00:00",
          active_days: ["MON"],
        },
      },
      booking(1, "u1", "created", 2, made),
      booking(1, "u1", "confirmed", 2, {
        seats_booked: 2,
        total_price: "3000.50",
        payment_id: "p1",
        confirmation_code: "x",
      }),
      booking(2, "u1", "created", 8, made),
      booking(2, "u1", "cancelled", 8, { cancelled_by: "RIDER" }),
      booking(3, "u2", "created", 31, made),
      payment(1, "u1", "initiated", 2, {}),
      payment(1, "u1", "success", 2, { provider_transaction_id: "x", processing_time_ms: 1500 }),
      payment(2, "u1", "initiated", 8, {}),
      payment(2, "u1", "failed", 8, { error_code: "51", error_message: "no" }),
      trip(1, "u1", "started", 5, {
        scheduled_departure: at(5),
        actual_departure: at(5),
        start_lat: 6,
        start_lon: 3,
        passengers_count: 2,
      }),
      trip(1, "u1", "completed", 5, {
        ...ended,
        driver_earnings: "2550.00",
        platform_commission: "450.00",
        on_time: true,
      }),
    ]);
  });

  it("users", async () => {
    expect((await rides.get(`/v1/metrics/users?${P}`)).body).toEqual({
      ...{ date_range: "2024-01-01 to 2024-01-31", dau: 1, wau: 1, mau: 4, new_registrations: 4, total_users: 4 },
      ...{ kyc_completion_rate: 25, driver_activation_rate: 0, time_series: null },
    });
  });
  it("bookings, payments and trips, money as text", async () => {
    expect((await rides.get(`/v1/metrics/bookings?${P}`)).body).toEqual({
      ...{
        date_range: "2024-01-01 to 2024-01-31",
        bookings_created: 3,
        bookings_confirmed: 1,
        bookings_cancelled: 1,
        bookings_completed: 0,
      },
      ...{
        conversion_rate: 33.33,
        cancellation_rate: 33.33,
        avg_booking_value: "3000.50",
        total_booking_value: "3000.50",
        time_series: null,
      },
    });
    expect((await rides.get(`/v1/metrics/payments?${P}&include_time_series=true`)).body).toEqual({
      ...{
        date_range: "2024-01-01 to 2024-01-31",
        payments_initiated: 2,
        payments_success: 1,
        payments_failed: 1,
        payments_refunded: 0,
      },
      ...{ success_rate: 50, avg_processing_time_ms: 1500, total_revenue: "3000.50" },
      time_series: [{ date: "2024-01-02", value: 3000.5 }],
    });
    expect((await rides.get(`/v1/metrics/trips?${P}`)).body).toMatchObject({
      ...{
        trips_started: 1,
        trips_completed: 1,
        trips_cancelled: 0,
        completion_rate: 100,
        avg_duration_minutes: 80,
        avg_distance_km: 25.5,
      },
      ...{
        on_time_performance: 100,
        total_driver_earnings: "2550.00",
        total_platform_commission: "450.00",
        active_drivers: 1,
      },
    });
  });
  it("drivers and routes as bare arrays, under both names of what the old code and tests call differently", async () => {
    expect((await rides.get(`/v1/metrics/drivers?${P}`)).body).toEqual([
      {
        driver_id: "d1",
        driver_name: null,
        total_trips: 1,
        total_earnings: "2550.00",
        avg_earnings_per_trip: "2550.00",
        total_distance_km: 25.5,
        active_days: 1,
        rating_avg: null,
        avg_rating: null,
      },
    ]);
    expect((await rides.get(`/v1/metrics/routes?${P}`)).body).toEqual([
      {
        ...{
          route_id: "rt1",
          route_name: "One",
          origin_city: "Ikeja",
          destination_city: "VI",
          driver_id: "d1",
          driver_name: null,
        },
        ...{ total_bookings: 1, total_revenue: "3000.50", avg_occupancy: 0.5, avg_occupancy_rate: 50, seats_total: 4 },
      },
    ]);
  });
  it("the funnel, each step counted by itself, without an end", async () => {
    const { body } = await rides.get(
      `/v1/analytics/funnel?start_date=2024-01-01T00:00:00&end_date=2024-01-02T23:00:00`,
    );
    expect(body.funnel_steps).toEqual([
      { step_name: "User Registration", step_number: 1, count: 3, conversion_rate: 100, drop_off_rate: 0 },
      { step_name: "Route Search", step_number: 2, count: 2, conversion_rate: 66.67, drop_off_rate: 33.33 },
      { step_name: "Booking Created", step_number: 3, count: 2, conversion_rate: 66.67, drop_off_rate: 0 },
      { step_name: "Payment Success", step_number: 4, count: 1, conversion_rate: 33.33, drop_off_rate: 50 },
      { step_name: "Trip Completed", step_number: 5, count: 1, conversion_rate: 33.33, drop_off_rate: 0 },
    ]);
    expect(body).toMatchObject({ total_users_entered: 3, total_users_converted: 1, overall_conversion_rate: 33.33 });
    const nobody = await rides.get("/v1/analytics/funnel?start_date=2020-01-01&end_date=2020-01-02");
    expect(nobody.body.funnel_steps[0]).toMatchObject({ count: 0, conversion_rate: 100, drop_off_rate: 0 });
  });
  it("cohorts and retention", async () => {
    const { body } = await rides.get("/v1/analytics/cohort?cohort_type=weekly&start_date=2024-01-01&periods=4");
    expect(body).toEqual({
      cohort_type: "weekly",
      start_date: "2024-01-01",
      periods_analyzed: 4,
      cohorts: [
        {
          cohort_period: "2024-W01",
          cohort_size: 3,
          retention_by_period: { period_0: 100, period_1: 33.33, period_4: 33.33 },
        },
        { cohort_period: "2024-W02", cohort_size: 1, retention_by_period: { period_0: 100 } },
      ],
    });
    const retention = await rides.get(`/v1/analytics/retention?user_type=rider&${P}`);
    expect(retention.body).toEqual({
      ...{ user_type: "rider", date_range: "2024-01-01 to 2024-01-31", total_users: 3 },
      ...{ d1_retention_rate: 33.33, d7_retention_rate: 33.33, d30_retention_rate: 33.33 },
      ...{ d1_retained_users: 1, d7_retained_users: 1, d30_retained_users: 1 },
    });
  });
  it("places and trends", async () => {
    expect((await rides.get(`/v1/analytics/geographic?metric=users&${P}`)).body).toMatchObject({
      metric_type: "users",
      data_points: [
        { state: "Lagos", city: "Ikeja", value: 2 },
        { state: "Lagos", city: "Lekki", value: 2 },
      ],
      total_value: 4,
    });
    expect((await rides.get(`/v1/analytics/geographic?${P}`)).body.data_points).toEqual([
      { state: "Lagos", city: "Ikeja", value: 3 },
    ]);
    expect((await rides.get(`/v1/analytics/trends?metric=revenue&granularity=monthly&${P}`)).body).toEqual({
      metric: "revenue",
      granularity: "monthly",
      date_range: "2024-01-01 to 2024-01-31",
      data_points: [{ timestamp: "2024-01-01T00:00:00Z", value: 3000.5 }],
    });
  });
  it("the last hour", async () => {
    const now = new Date().toISOString();
    await rides.events([
      { ...booking(9, "u9", "created", 1, { ...made, scheduled_departure: now }), event_timestamp: now },
      {
        ...trip(9, "u9", "started", 1, {
          scheduled_departure: now,
          actual_departure: now,
          start_lat: 6,
          start_lon: 3,
          passengers_count: 1,
        }),
        event_timestamp: now,
      },
      { event_type: "driver.location.updated", event_timestamp: now, driver_id: "d7", lat: 6, lon: 3 },
    ]);
    expect((await rides.get("/v1/metrics/realtime")).body).toMatchObject({
      ...{
        active_users: 1,
        active_drivers: 1,
        active_trips: 1,
        bookings_last_hour: 1,
        revenue_last_hour: "0.00",
        avg_wait_time_minutes: null,
        system_health: "healthy",
      },
    });
  });
  it.each([
    "/v1/metrics/users",
    "/v1/metrics/users?start_date=soon&end_date=2024-01-31",
    `/v1/metrics/drivers?${P}&limit=1001`,
    `/v1/analytics/trends?metric=nonsense&${P}`,
    `/v1/analytics/trends?metric=bookings&granularity=yearly&${P}`,
    "/v1/analytics/cohort?start_date=2024-01-01&periods=53",
    `/v1/analytics/retention?user_type=admin&${P}`,
  ])("%s is refused with 422", async (path) => {
    const { status, body } = await rides.get(path);
    expect({ status, detail: typeof body.detail }).toEqual({ status: 422, detail: "string" });
  });
});

interface Known {
  readonly type: string;
  readonly event: number;
  readonly day: number;
  readonly user: number;
  readonly quantity: number;
  readonly cents: number;
}

/** Sum over the messages of these types, event and day. */
function total(
  known: readonly Known[],
  { types, event, day }: Partial<Known> & { types: string[] },
  field: "quantity" | "cents",
): number {
  const isOne = (one: Known): boolean =>
    types.includes(one.type) && one.event === (event ?? one.event) && one.day === (day ?? one.day);
  return known.filter(isOne).reduce((sum, one) => sum + one[field], 0);
}

const LOST = ["BookingCancelled", "BookingExpired"];
const MADE = ["BookingCreated"];
const revenue = (known: readonly Known[], is: Partial<Known>): number =>
  (total(known, { types: MADE, ...is }, "cents") - total(known, { types: LOST, ...is }, "cents")) / 100;

function expectEvents(known: readonly Known[], events: { event_id: number }[]): void {
  for (const stats of events) {
    const event = stats.event_id;
    expect(stats).toMatchObject({
      total_bookings: total(known, { types: MADE, event }, "quantity"),
      confirmed_bookings: total(known, { types: ["BookingConfirmed"], event }, "quantity"),
      cancelled_bookings: total(known, { types: LOST, event }, "quantity"),
      total_revenue: revenue(known, { event }),
    });
  }
}

function expectDays(known: readonly Known[], rows: { date: string }[]): void {
  const firstDays = new Map<number, number>();
  for (const { type, user, day } of known)
    if (type === "BookingCreated") firstDays.set(user, Math.max(firstDays.get(user) ?? 0, day));
  const days = [...new Set(known.map(({ day }) => day))].sort((a, b) => b - a);
  expect(rows.map(({ date }) => date)).toEqual(days.map((day) => daysAgo(day).slice(0, 10)));
  for (const [i, row] of rows.entries()) {
    const day = days[i] ?? 0;
    expect(row).toMatchObject({
      new_bookings: total(known, { types: MADE, day }, "quantity"),
      cancelled_bookings: total(known, { types: LOST, day }, "quantity"),
      total_revenue: revenue(known, { day }),
      new_users: [...firstDays.values()].filter((first) => first === day).length,
    });
  }
}

describe("bookings", () => {
  const A = "/api/v1/analytics";
  let ids = 0;
  const bookable = (type: string, id: number, name: string, capacity: number, when = daysAgo(20)) => ({
    type,
    event_id: id,
    event_data: { id, name, capacity, category: null, [type === "EventCreated" ? "created_at" : "updated_at"]: when },
  });
  const booking = (type: string, event: number, quantity: number, amount: number, when: string, user = 1) => {
    const stamp =
      {
        BookingCreated: "created_at",
        BookingConfirmed: "confirmed_at",
        BookingCancelled: "cancelled_at",
        BookingExpired: "expired_at",
      }[type] ?? "";
    const booking_id = ++ids;
    return {
      type,
      booking_id,
      event_id: event,
      user_id: user,
      booking_data: { id: booking_id, event_id: event, user_id: user, quantity, total_amount: amount, [stamp]: when },
    };
  };
  const data = async (api: Awaited<ReturnType<typeof newTenant>>, path: string) => {
    const { status, body } = await api.get(`${A}${path}`);
    expect({ status, success: body.success }).toEqual({ status: 200, success: true });
    return body.data;
  };

  it("are what the contract says, message by message, at once", async () => {
    const api = await newTenant();
    const process = async (message: { type: string }) =>
      (await api.send("POST", `${A}/events/process?event_type=${message.type}`, message)).body;
    // A cancellation may be the first message of a day, and a booking the first of an event.
    await process(booking("BookingCancelled", 1, 1, 10, daysAgo(3)));
    expect((await data(api, "/daily?days=30")).daily_stats).toMatchObject([
      { date: daysAgo(3).slice(0, 10), cancelled_bookings: 1, total_revenue: -10 },
    ]);
    await process(booking("BookingCreated", 1, 4, 100, daysAgo(2)));
    expect(await data(api, "/events/1")).toMatchObject({
      event_name: "Unknown Event",
      total_capacity: 0,
      capacity_utilization: 0,
      first_booking: daysAgo(2),
    });
    await process(bookable("EventCreated", 1, "A", 5));
    expect(await data(api, "/events/1")).toMatchObject({
      event_name: "A",
      capacity_utilization: 80,
      total_bookings: 4,
      cancelled_bookings: 1,
      total_revenue: 90,
      cancellation_rate: 25,
      avg_booking_value: 22.5,
    });
    await process(bookable("EventUpdated", 1, "B", 10, daysAgo(1)));
    expect(await data(api, "/events?event_id=1")).toMatchObject({ event_name: "B", capacity_utilization: 40 });
    await process(booking("BookingConfirmed", 1, 4, 100, daysAgo(1)));
    expect(await data(api, "/events?event_id=1")).toMatchObject({ confirmed_bookings: 4, last_booking: daysAgo(1) });
    expect((await data(api, "/system")).system_metrics).toMatchObject({
      total_events: 1,
      total_bookings: 3,
      total_users: 1,
      total_revenue: 90,
      recent_events: 1,
    });
    await process({ type: "EventDeleted", event_id: 1 } as never);
    expect(await data(api, "/events")).toMatchObject({ total_events: 0, events: [] });
    expect((await data(api, "/overview")).system_metrics).toMatchObject({
      ...{ total_events: 0, recent_events: 0, total_revenue: 90 },
    });
    expect(await data(api, "/events?event_id=1")).toEqual({});
    expect((await api.get(`${A}/events/1`)).status).toBe(404);
    expect((await api.send("POST", `${A}/events/process?event_type=Nonsense`, { type: "BookingCreated" })).status).toBe(
      400,
    );
  });

  it("have the contract's example of growth, ascending everywhere", async () => {
    const api = await newTenant();
    await api.events(
      [5, 4, 3, 2].map((days, i) => booking("BookingCreated", 7, [10, 10, 20, 20][i] as number, 200, daysAgo(days), i)),
    );
    expect(await data(api, "/booking-trends?days=30")).toMatchObject({
      period: "Last 30 days",
      total_bookings: 60,
      total_revenue: 800,
      growth_rate: 100,
      daily_average: 2,
    });
    const overview = await data(api, "/overview");
    expect(overview.recent_trends).toEqual({
      last_7_days: { total_bookings: 60, total_revenue: 800, daily_average: 8.6, booking_growth_rate: 100 },
    });
    expect(overview.performance).toEqual({ avg_capacity_utilization: 0, avg_cancellation_rate: 0, system_uptime: 100 });
    expect((await data(api, "/daily")).daily_stats.map((day: { new_users: number }) => day.new_users)).toEqual([
      1, 1, 1, 1,
    ]);
  });

  it("tell how far events are booked up, by band, and rank them", async () => {
    const api = await newTenant();
    await api.events([
      ...[
        [1, "hi", 80],
        [2, "mid", 50],
        [3, "lo", 49],
      ].flatMap(([id, name, tickets]) => [
        bookable("EventCreated", id as number, name as string, 100),
        booking("BookingCreated", id as number, tickets as number, (4 - (id as number)) * 100, daysAgo(id as number)),
      ]),
    ]);
    const capacity = {
      ...{ average_utilization: 59.67, total_events: 3, utilization_distribution: { high: 1, medium: 1, low: 1 } },
      top_utilized_events: [
        { event_id: 1, event_name: "hi", utilization: 80 },
        { event_id: 2, event_name: "mid", utilization: 50 },
        { event_id: 3, event_name: "lo", utilization: 49 },
      ],
      underutilized_events: [{ event_id: 3, event_name: "lo", utilization: 49 }],
    };
    expect(await data(api, "/capacity")).toEqual(capacity);
    expect(await data(api, "/capacity-utilization")).toEqual(capacity);
    const top = await data(api, "/top-events?limit=2&sort_by=revenue");
    expect(top).toMatchObject({
      total: 2,
      sort_by: "revenue",
      events: [
        { event_id: 1, booking_rank: 1, revenue_rank: 1, utilization_rank: 1 },
        { event_id: 2, revenue_rank: 2 },
      ],
    });
    expect(await data(api, "/revenue")).toMatchObject({
      total_revenue: 600,
      average_daily_revenue: 20,
      top_revenue_events: [{ event_id: 1, revenue: 300, avg_booking_value: 3.75 }, {}, {}],
    });
    const dashboard = await data(api, "/dashboard");
    expect(Object.keys(dashboard)).toEqual([
      "overview",
      "top_events",
      "daily_analytics",
      "booking_trends",
      "capacity_utilization",
      "revenue_analytics",
      "generated_at",
    ]);
    expect([dashboard.top_events.length, dashboard.daily_analytics.length]).toEqual([3, 3]);
  });

  it("are for administrators", async () => {
    const api = await newTenant();
    expect((await api.get(`${A}/overview`, "FLEET_MANAGER")).status).toBe(403);
    expect(
      (await api.send("POST", `${A}/events/process?event_type=EventDeleted`, { event_id: 1 }, {}, "FLEET_MANAGER"))
        .status,
    ).toBe(403);
    expect((await gateway.get(`${A}/overview`, null)).status).toBe(401);
    expect((await api.get(`${A}/daily?days=366`)).status).toBe(422);
    expect((await api.get(`${A}/top-events?sort_by=name`)).status).toBe(422);
    expect((await api.send("POST", `${A}/cache/clear?pattern=daily:*`)).body).toMatchObject({ success: true });
  });

  it("equal a recomputation after every batch, whatever comes late, twice or in which order", {
    timeout: 120_000,
  }, async () => {
    const message = fc.record({
      type: fc.constantFrom("BookingCreated", "BookingConfirmed", "BookingCancelled", "BookingExpired"),
      event: fc.integer({ min: 1, max: 4 }),
      quantity: fc.integer({ min: 1, max: 8 }),
      cents: fc.integer({ min: 0, max: 100_000 }),
      day: fc.integer({ min: 0, max: 29 }),
      user: fc.integer({ min: 1, max: 5 }),
      again: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(message, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 3 }),
        async (batches) => {
          const api = await newTenant();
          const known: (typeof batches)[number] = [];
          for (const batch of batches) {
            const events = batch.map(({ type, event, quantity, cents, day, user }) => ({
              ...booking(type, event, quantity, cents / 100, daysAgo(day), user),
            }));
            const keyed = events.map((value, i) => ({
              type: value.type,
              id: `${known.length + i}`,
              time: daysAgo(batch[i]?.day ?? 0),
              user: String(value.user_id),
              subject: String(value.event_id),
              amount: { value: String((batch[i]?.cents ?? 0) / 100) },
              properties: value,
            }));
            await api.events([...keyed, ...keyed.filter((_, i) => batch[i]?.again)]);
            known.push(...batch);
            expectEvents(known, (await data(api, "/events")).events);
            expectDays(known, (await data(api, "/daily?days=30")).daily_stats);
          }
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe("documents", () => {
  it("are what the contract says, errors by both of their names", async () => {
    const api = await newTenant();
    const track = (event_type: string, event_data: object, more: object = {}) =>
      api.send("POST", "/api/analytics/track", {
        event_type,
        event_data,
        service_name: "pdf-service",
        user_id: "u1",
        ...more,
      });
    for (let i = 0; i < 10; i++)
      expect((await track("document_processed", { processing_time_ms: 1000 + i })).body).toEqual({
        success: true,
        message: "Event tracked successfully",
      });
    await track("processing_error", { error_type: "ocr_failure" });
    await track("error", { error_type: "ocr_failure", service: "ocr" });
    for (const device_type of ["SiC-MOSFET", "SiC-MOSFET", "GaN-HEMT"])
      await track("spice_model_generated", { device_type, model_complexity: "advanced" }, { user_id: "u2" });
    await track("custom_thing", {}, { user_id: null });
    await gateway.app.events.stored();
    const processing = (await api.get("/api/analytics/metrics/processing?time_range=7d")).body;
    expect(processing).toMatchObject({
      total_processed: 10,
      total_errors: 2,
      success_rate: 80,
      avg_processing_time: 1004.5,
    });
    expect(processing.service_breakdown).toEqual([
      { service_name: "pdf-service", requests: 15, errors: 1 },
      { service_name: "ocr", requests: 1, errors: 1 },
    ]);
    expect(processing.time_series).toContainEqual({ event_type: "custom_thing", count: 1, date: TODAY });
    const business = (await api.get("/api/analytics/metrics/business")).body;
    expect(business).toMatchObject({
      device_types: [
        { device_type: "SiC-MOSFET", count: 2 },
        { device_type: "GaN-HEMT", count: 1 },
      ],
      model_complexity: [{ complexity: "advanced", count: 3 }],
      top_users: [
        { user_id: "u1", activity_count: 12 },
        { user_id: "u2", activity_count: 3 },
      ],
      total_models_generated: 3,
    });
    const { summary, errors } = (await api.get("/api/analytics/summary")).body;
    expect(summary).toEqual({
      total_processed: 10,
      success_rate: 80,
      total_models: 3,
      total_errors: 2,
      active_users: 2,
    });
    expect(errors).toMatchObject({
      total_errors: 2,
      error_timeline: [{ date: TODAY, error_count: 2 }],
      most_common_error: { error_type: "ocr_failure", count: 1 },
    });
    expect((await api.get("/api/analytics/metrics/processing?time_range=fortnight")).status).toBe(422);
  });
});

describe("product", () => {
  it("counts users of a UTC day by the time of events, for whoever is signed in", async () => {
    const api = await newTenant();
    const view = (user_id: string, ts: string, page: string) => ({
      ts,
      user_id,
      type: "page_view",
      src: "web_app",
      payload: { page },
    });
    const now = new Date().toISOString();
    const batch = [
      view("a", now, "/x"),
      view("a", now, "/x"),
      view("b", now, "/y"),
      view("c", daysAgo(1), "/x"),
      view("d", "2024-01-01T23:59:59Z", "/x"),
    ];
    expect((await api.send("POST", "/api/analytics/ingest", batch)).body).toEqual({ ingested: 5 });
    await api.events([
      { event_type: "driver.location.updated", event_timestamp: now, driver_id: "d7", lat: 6, lon: 3 },
    ]);
    expect((await api.get("/api/analytics/reports/dau", "TECHNICIAN")).body).toMatchObject({
      dau: 2,
      date: TODAY,
      period: "24h",
    });
    expect((await api.get("/api/analytics/reports/dau?date=2024-01-01")).body).toMatchObject({
      dau: 1,
      date: "2024-01-01",
    });
    expect((await api.get("/api/analytics/reports/dau?date=2024-02-30")).status).toBe(422);
    expect((await api.get("/api/analytics/dashboard")).body).toMatchObject({
      overview: { total_users: 4, active_users_today: 2, active_users_week: 3, active_users_month: 3 },
      engagement: { page_views_today: 3, avg_session_duration: 0, bounce_rate: 0.5 },
      top_pages: [
        { page: "/x", views: 3, unique_visitors: 2 },
        { page: "/y", views: 1, unique_visitors: 1 },
      ],
    });
  });
});
