import type { Field, Step } from "../insights/plan.js";
import {
  AMOUNT,
  count,
  distinct,
  type Metric,
  mean,
  metricsOf,
  numberAt,
  ofTypes,
  percent,
  sum,
  textAt,
  USER,
} from "./metric.js";

const REGISTERED = ofTypes("user.registered");
const UPGRADED = ofTypes("user.upgraded_to_driver");
const VERIFIED: Step = { types: ["user.kyc_verified"], where: { field: textAt("kyc_status"), in: ["VERIFIED"] } };
const booking = (step: string) => ofTypes(`booking.${step}`);
const payment = (step: string) => ofTypes(`payment.${step}`);
const trip = (step: string) => ofTypes(`trip.${step}`);
const ON_TIME: Step = { types: ["trip.completed"], where: { field: textAt("on_time"), in: ["true"] } };
const DRIVER: Field = textAt("driver_id");
/** Everything but positions: a driver's car is no sign of a user. */
export const RIDE_ACTIVITY = ofTypes(
  ...["user.registered", "user.kyc_verified", "user.upgraded_to_driver", "route.searched"],
  ...["booking.created", "booking.confirmed", "booking.cancelled", "booking.completed"],
  ...["payment.initiated", "payment.success", "payment.failed", "payment.refunded"],
  ...["trip.started", "trip.completed", "trip.cancelled"],
);

const counted = (id: string, title: string, description: string, of: Step, dimensions: readonly string[] = []) => ({
  id,
  title,
  description,
  formula: count(of),
  formulaText: `count of ${of.types?.join(", ")}`,
  dimensions,
});

/** Definitions of the rides contract, section 3, in its corrected reading. */
export const RIDE_METRICS: readonly Metric[] = metricsOf(
  "rides",
  ["route", "driver"],
  [
    {
      id: "active_users",
      title: "Active users",
      description: "Riders and drivers with any event but positions.",
      formula: distinct(USER, RIDE_ACTIVITY),
      formulaText: "distinct users of ride events",
    },
    counted("new_registrations", "New registrations", "Users who registered.", REGISTERED, ["role"]),
    counted("kyc_verified", "Verified users", "Users whose identity was verified; rejections do not count.", VERIFIED),
    counted("driver_upgrades", "New drivers", "Riders who became drivers.", UPGRADED),
    {
      id: "kyc_completion_rate",
      title: "Verification rate",
      description: "Verified users for each hundred registrations in the same period.",
      unit: "PERCENT",
      formula: percent(count(VERIFIED), count(REGISTERED)),
      formulaText: "kyc_verified / new_registrations × 100",
    },
    {
      id: "driver_activation_rate",
      title: "Driver activation rate",
      description: "New drivers for each hundred registrations in the same period.",
      unit: "PERCENT",
      formula: percent(count(UPGRADED), count(REGISTERED)),
      formulaText: "driver_upgrades / new_registrations × 100",
    },
    counted("bookings_created", "Bookings created", "Bookings that were made.", booking("created")),
    counted("bookings_confirmed", "Bookings confirmed", "Bookings that were paid and confirmed.", booking("confirmed")),
    counted("bookings_cancelled", "Bookings cancelled", "Bookings that were cancelled.", booking("cancelled"), [
      "cancelled_by",
    ]),
    counted("bookings_completed", "Bookings completed", "Bookings whose trip has ended.", booking("completed")),
    {
      id: "conversion_rate",
      title: "Conversion rate",
      description: "Confirmed bookings for each hundred created in the same period.",
      unit: "PERCENT",
      formula: percent(count(booking("confirmed")), count(booking("created"))),
      formulaText: "bookings_confirmed / bookings_created × 100",
    },
    {
      id: "cancellation_rate",
      title: "Cancellation rate",
      description: "Cancelled bookings for each hundred created in the same period.",
      unit: "PERCENT",
      formula: percent(count(booking("cancelled")), count(booking("created"))),
      formulaText: "bookings_cancelled / bookings_created × 100",
    },
    {
      id: "total_booking_value",
      title: "Booking value",
      description: "Price of all confirmed bookings.",
      unit: "MONEY",
      formula: sum(AMOUNT, booking("confirmed")),
      formulaText: "sum of total_price over booking.confirmed",
    },
    {
      id: "avg_booking_value",
      title: "Average booking value",
      description: "Price of a confirmed booking, each weighing the same.",
      unit: "MONEY",
      formula: mean(sum(AMOUNT, booking("confirmed")), count(booking("confirmed"))),
      formulaText: "total_booking_value / bookings_confirmed",
    },
    {
      id: "seats_booked",
      title: "Seats booked",
      description: "Seats of all confirmed bookings.",
      formula: sum(numberAt("seats_booked"), booking("confirmed")),
      formulaText: "sum of seats_booked over booking.confirmed",
    },
    counted("payments_initiated", "Payments started", "Payments that were started.", payment("initiated"), [
      "payment_method",
      "provider",
    ]),
    counted("payments_success", "Payments succeeded", "Payments that succeeded.", payment("success"), [
      "payment_method",
      "provider",
    ]),
    counted("payments_failed", "Payments failed", "Payments that failed.", payment("failed"), [
      "payment_method",
      "provider",
      "error_code",
    ]),
    counted("payments_refunded", "Refunds", "Payments of which money was paid back.", payment("refunded")),
    {
      id: "success_rate",
      title: "Payment success rate",
      description: "Successful payments for each hundred started in the same period.",
      unit: "PERCENT",
      formula: percent(count(payment("success")), count(payment("initiated"))),
      formulaText: "payments_success / payments_initiated × 100",
      dimensions: ["payment_method", "provider"],
    },
    {
      id: "avg_processing_time_ms",
      title: "Payment processing time",
      description: "Time from start to success of a payment.",
      unit: "MILLISECONDS",
      formula: mean(sum(numberAt("processing_time_ms"), payment("success")), count(payment("success"))),
      formulaText: "sum of processing_time_ms / payments_success",
      dimensions: ["payment_method", "provider"],
    },
    {
      id: "revenue",
      title: "Revenue",
      description: "Amounts of successful payments; refunds are not deducted.",
      unit: "MONEY",
      formula: sum(AMOUNT, payment("success")),
      formulaText: "sum of amount over payment.success",
      dimensions: ["payment_method", "provider"],
    },
    {
      id: "refunds",
      title: "Refunded",
      description: "What was paid back.",
      unit: "MONEY",
      formula: sum(AMOUNT, payment("refunded")),
      formulaText: "sum of refund_amount over payment.refunded",
    },
    {
      id: "unique_payers",
      title: "Payers",
      description: "Different riders with a successful payment.",
      formula: distinct(textAt("rider_id"), payment("success")),
      formulaText: "distinct rider_id over payment.success",
      dimensions: ["payment_method", "provider"],
    },
    counted("trips_started", "Trips started", "Trips that began.", trip("started")),
    counted("trips_completed", "Trips completed", "Trips that ended where they should.", trip("completed")),
    counted("trips_cancelled", "Trips cancelled", "Trips that were cancelled.", trip("cancelled"), ["cancelled_by"]),
    {
      id: "completion_rate",
      title: "Trip completion rate",
      description: "Completed trips for each hundred started in the same period.",
      unit: "PERCENT",
      formula: percent(count(trip("completed")), count(trip("started"))),
      formulaText: "trips_completed / trips_started × 100",
    },
    {
      id: "avg_duration_minutes",
      title: "Trip duration",
      description: "Length of a completed trip.",
      unit: "MINUTES",
      formula: mean(sum(numberAt("duration_minutes"), trip("completed")), count(trip("completed"))),
      formulaText: "sum of duration_minutes / trips_completed",
    },
    {
      id: "avg_distance_km",
      title: "Trip distance",
      description: "Distance of a completed trip.",
      unit: "KILOMETRES",
      formula: mean(sum(numberAt("distance_km"), trip("completed")), count(trip("completed"))),
      formulaText: "sum of distance_km / trips_completed",
    },
    {
      id: "total_distance_km",
      title: "Distance",
      description: "Distance of all completed trips.",
      unit: "KILOMETRES",
      formula: sum(numberAt("distance_km"), trip("completed")),
      formulaText: "sum of distance_km over trip.completed",
    },
    {
      id: "on_time_performance",
      title: "On time",
      description: "Completed trips that left within ten minutes of their schedule, for each hundred completed.",
      unit: "PERCENT",
      formula: percent(count(ON_TIME), count(trip("completed"))),
      formulaText: "on-time trips / trips_completed × 100",
    },
    {
      id: "total_driver_earnings",
      title: "Driver earnings",
      description: "What drivers earned with completed trips.",
      unit: "MONEY",
      formula: sum(numberAt("driver_earnings"), trip("completed")),
      formulaText: "sum of driver_earnings over trip.completed",
    },
    {
      id: "total_platform_commission",
      title: "Commission",
      description: "What the platform kept of completed trips.",
      unit: "MONEY",
      formula: sum(numberAt("platform_commission"), trip("completed")),
      formulaText: "sum of platform_commission over trip.completed",
    },
    {
      id: "active_drivers",
      title: "Active drivers",
      description: "Different drivers with a trip that began, ended or was cancelled.",
      formula: distinct(DRIVER, ofTypes("trip.started", "trip.completed", "trip.cancelled")),
      formulaText: "distinct driver_id over trip events",
    },
    counted("searches", "Route searches", "Searches for routes.", ofTypes("route.searched")),
  ],
);
