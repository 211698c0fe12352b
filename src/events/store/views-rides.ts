import {
  type DailyView,
  EVENT_ID,
  EVENT_TIMESTAMP,
  EVENT_TYPE,
  type EventView,
  first,
  INGESTED_AT,
  METADATA,
  type Measure,
  property,
  type ViewColumn,
} from "./view.js";

/** A table of the rides contract for one family of events. */
const family = (name: string, types: readonly string[], columns: readonly ViewColumn[]): EventView => ({
  name,
  types,
  columns: [EVENT_ID, EVENT_TYPE, EVENT_TIMESTAMP, ...columns, METADATA, INGESTED_AT],
});

const USER = ["user.registered", "user.kyc_verified", "user.upgraded_to_driver"];
const BOOKING = ["booking.created", "booking.confirmed", "booking.cancelled", "booking.completed"];
const PAYMENT = ["payment.initiated", "payment.success", "payment.failed", "payment.refunded"];
const TRIP = ["trip.started", "trip.completed", "trip.cancelled"];
const ROUTE = ["route.created", "route.activated", "route.cancelled", "route.updated"];
const LOCATION = ["driver.location.updated"];

/** The rides contract's tables that hold one row per event. */
export const RIDES: readonly EventView[] = [
  {
    name: "events_raw",
    types: [...USER, ...BOOKING, ...PAYMENT, ...TRIP, ...ROUTE, ...LOCATION],
    columns: [
      EVENT_ID,
      EVENT_TYPE,
      EVENT_TIMESTAMP,
      first(
        "entity_id",
        "text",
        "",
        ...["user_id", "booking_id", "trip_id", "route_id"].map((name) => ({ property: [name] })),
      ),
      { name: "entity_type", source: { family: true }, type: "text" },
      property("user_id"),
      METADATA,
      { name: "kafka_partition", source: { kafka: "partition" }, type: "integer" },
      { name: "kafka_offset", source: { kafka: "offset" }, type: "integer" },
      INGESTED_AT,
    ],
  },
  family("user_events", USER, [
    property("user_id"),
    property("phone"),
    first("role", "text", null, { property: ["role"] }, { property: ["new_role"] }),
    property("kyc_status"),
    property("city"),
    property("state"),
  ]),
  family("booking_events", BOOKING, [
    property("booking_id"),
    property("rider_id"),
    property("driver_id"),
    property("route_id"),
    property("seats_booked", "integer"),
    property("total_price", "decimal"),
    first(
      "booking_status",
      "text",
      null,
      { property: ["booking_status"] },
      {
        byType: {
          "booking.created": "PENDING",
          "booking.confirmed": "CONFIRMED",
          "booking.cancelled": "CANCELLED",
          "booking.completed": "COMPLETED",
        },
      },
    ),
    property("pickup_lat", "float"),
    property("pickup_lon", "float"),
    property("dropoff_lat", "float"),
    property("dropoff_lon", "float"),
    property("scheduled_departure", "time"),
  ]),
  family("payment_events", PAYMENT, [
    property("payment_id"),
    property("booking_id"),
    property("rider_id"),
    first("amount", "decimal", null, { property: ["amount"] }, { property: ["refund_amount"] }),
    property("currency"),
    property("payment_method"),
    {
      name: "payment_status",
      source: {
        byType: {
          "payment.initiated": "INITIATED",
          "payment.success": "SUCCESS",
          "payment.failed": "FAILED",
          "payment.refunded": "REFUNDED",
        },
      },
      type: "text",
    },
    property("provider"),
    property("processing_time_ms", "integer"),
    property("error_code"),
  ]),
  family("trip_events", TRIP, [
    property("trip_id"),
    property("booking_id"),
    property("driver_id"),
    property("rider_id"),
    property("route_id"),
    {
      name: "trip_status",
      source: {
        byType: { "trip.started": "STARTED", "trip.completed": "COMPLETED", "trip.cancelled": "CANCELLED" },
      },
      type: "text",
    },
    property("actual_departure", "time"),
    property("actual_arrival", "time"),
    property("duration_minutes", "integer"),
    property("distance_km", "float"),
    property("driver_earnings", "decimal"),
    property("platform_commission", "decimal"),
    property("on_time", "boolean"),
  ]),
  family("route_events", ROUTE, [
    property("route_id"),
    property("driver_id"),
    property("route_name"),
    property("origin_city"),
    property("origin_state"),
    property("destination_city"),
    property("destination_state"),
    property("seats_total", "integer"),
    property("base_price", "decimal"),
    first(
      "route_status",
      "text",
      null,
      { property: ["new_status"] },
      { byType: { "route.created": "ACTIVE", "route.cancelled": "CANCELLED" } },
    ),
  ]),
  {
    name: "location_events",
    types: LOCATION,
    columns: [
      EVENT_ID,
      EVENT_TIMESTAMP,
      property("driver_id"),
      property("trip_id"),
      property("lat", "float"),
      property("lon", "float"),
      property("speed_kmh", "float"),
      property("bearing", "float"),
      property("accuracy_meters", "float"),
      property("city"),
      property("state"),
      INGESTED_AT,
    ],
  },
];

const count = (name: string, type: string): Measure => ({ name, figure: "count", when: { type } });
const of = (figure: Measure["figure"], name: string, column: string, type?: string): Measure => ({
  name,
  figure,
  of: column,
  ...(type ? { when: { type } } : {}),
});

/** The rides contract's daily tables, always as a recount of the events: averages are weighted, users counted once. */
export const RIDES_DAILY: readonly DailyView[] = [
  {
    name: "mv_daily_user_metrics",
    over: "user_events",
    groups: [{ name: "user_type", column: "role" }],
    measures: [
      count("new_registrations", "user.registered"),
      count("kyc_verified_count", "user.kyc_verified"),
      count("driver_upgrades", "user.upgraded_to_driver"),
    ],
  },
  {
    name: "mv_daily_booking_metrics",
    over: "booking_events",
    groups: [],
    measures: [
      count("bookings_created", "booking.created"),
      count("bookings_confirmed", "booking.confirmed"),
      count("bookings_cancelled", "booking.cancelled"),
      count("bookings_completed", "booking.completed"),
      of("sum", "total_booking_value", "total_price", "booking.confirmed"),
      of("average", "avg_booking_value", "total_price", "booking.confirmed"),
      of("sum", "total_seats_booked", "seats_booked", "booking.confirmed"),
    ],
  },
  {
    name: "mv_daily_payment_metrics",
    over: "payment_events",
    groups: [{ name: "payment_method", column: "payment_method" }],
    measures: [
      count("payments_initiated", "payment.initiated"),
      count("payments_success", "payment.success"),
      count("payments_failed", "payment.failed"),
      count("payments_refunded", "payment.refunded"),
      of("sum", "total_revenue", "amount", "payment.success"),
      of("average", "avg_processing_time_ms", "processing_time_ms", "payment.success"),
      of("distinct", "unique_payers", "rider_id", "payment.success"),
    ],
  },
  {
    name: "mv_daily_trip_metrics",
    over: "trip_events",
    groups: [],
    measures: [
      count("trips_started", "trip.started"),
      count("trips_completed", "trip.completed"),
      count("trips_cancelled", "trip.cancelled"),
      of("average", "avg_duration_minutes", "duration_minutes", "trip.completed"),
      of("average", "avg_distance_km", "distance_km", "trip.completed"),
      of("sum", "total_driver_earnings", "driver_earnings", "trip.completed"),
      of("sum", "total_platform_commission", "platform_commission", "trip.completed"),
      { name: "on_time_trips", figure: "count", when: { type: "trip.completed", isTrue: "on_time" } },
      of("distinct", "active_drivers", "driver_id"),
    ],
  },
  {
    name: "agg_driver_earnings",
    over: "trip_events",
    only: "trip.completed",
    groups: [{ name: "driver_id", column: "driver_id" }],
    measures: [
      { name: "total_trips", figure: "count" },
      of("sum", "total_earnings", "driver_earnings"),
      of("average", "avg_earnings_per_trip", "driver_earnings"),
      of("sum", "total_distance_km", "distance_km"),
      of("hours", "active_hours", "duration_minutes"),
    ],
  },
];
