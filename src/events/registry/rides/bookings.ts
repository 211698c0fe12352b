import { defineTypes } from "../define.js";
import { flag, id, money, text, time, withDefault } from "../fields.js";
import {
  at,
  BOOKING,
  BOOKING_EXAMPLE,
  cancelledBy,
  happened,
  IDS,
  minutes,
  place,
  priced,
  RIDES,
  seats,
} from "./family.js";

const PRICED = { seats_booked: seats("Seats booked"), total_price: money("Price of all seats") };

/** Ride events about bookings. Their amount is the price of all seats. */
export const RIDE_BOOKING_TYPES = defineTypes(RIDES, [
  {
    name: "booking.created",
    description: "A rider booked seats on a route.",
    required: {
      ...BOOKING,
      ...PRICED,
      pickup_stop_id: id("Id of the stop where the rider gets on"),
      dropoff_stop_id: id("Id of the stop where the rider gets off"),
      ...place("pickup_", "Where the rider gets on"),
      ...place("dropoff_", "Where the rider gets off"),
      scheduled_departure: time("Planned departure"),
    },
    optional: { booking_status: withDefault(text("Status of the booking"), "PENDING") },
    columns: { ...priced("total_price"), ...at("pickup_") },
    example: {
      ...happened("booking.created", "2024-11-15T06:50:00Z"),
      ...BOOKING_EXAMPLE,
      seats_booked: 2,
      total_price: "3000.00",
      booking_status: "PENDING",
      pickup_stop_id: "stop-1",
      dropoff_stop_id: "stop-2",
      pickup_lat: 6.6018,
      pickup_lon: 3.3515,
      dropoff_lat: 6.4281,
      dropoff_lon: 3.4219,
      scheduled_departure: "2024-11-15T07:00:00Z",
    },
  },
  {
    name: "booking.confirmed",
    description: "A booking was paid and confirmed.",
    required: {
      ...BOOKING,
      ...PRICED,
      payment_id: IDS.payment_id,
      confirmation_code: text("Code that the rider shows to the driver"),
    },
    columns: priced("total_price"),
    example: {
      ...happened("booking.confirmed", "2024-11-15T06:52:00Z"),
      ...BOOKING_EXAMPLE,
      seats_booked: 2,
      total_price: "3000.00",
      payment_id: "payment-1",
      confirmation_code: "K7Q2",
    },
  },
  {
    name: "booking.cancelled",
    description: "A booking was cancelled.",
    required: { ...BOOKING, cancelled_by: cancelledBy },
    optional: {
      cancellation_reason: text("Why"),
      refund_initiated: withDefault(flag("Whether a refund is under way"), false),
    },
    example: {
      ...happened("booking.cancelled", "2024-11-15T06:55:00Z"),
      ...BOOKING_EXAMPLE,
      cancelled_by: "RIDER",
      cancellation_reason: "change of plans",
      refund_initiated: true,
    },
  },
  {
    name: "booking.completed",
    description: "The trip of a booking ended.",
    required: {
      ...BOOKING,
      trip_id: IDS.trip_id,
      ...PRICED,
      actual_departure: time("Departure"),
      actual_arrival: time("Arrival"),
      duration_minutes: minutes("Length of the trip"),
    },
    columns: priced("total_price"),
    example: {
      ...happened("booking.completed", "2024-11-15T08:25:00Z"),
      ...BOOKING_EXAMPLE,
      trip_id: "trip-1",
      seats_booked: 2,
      total_price: "3000.00",
      actual_departure: "2024-11-15T07:05:00Z",
      actual_arrival: "2024-11-15T08:25:00Z",
      duration_minutes: 80,
    },
  },
]);
