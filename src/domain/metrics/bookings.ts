import type { Field } from "../insights/plan.js";
import { AMOUNT, count, distinct, type Metric, metricsOf, ofTypes, percent, sum, textAt, USER } from "./metric.js";

export const CREATED = ofTypes("BookingCreated");
export const CONFIRMED = ofTypes("BookingConfirmed");
/** A booking that lapses unpaid is as good as cancelled. */
export const CANCELLED = ofTypes("BookingCancelled", "BookingExpired");
/** Tickets of a booking: one where the message does not say. */
export const TICKETS: Field = {
  firstOf: [textAt("booking_data", "quantity"), textAt("quantity")],
  otherwise: "1",
  type: "number",
};

/** Definitions of the bookings contract, section 2. Tickets are counted, not bookings. */
export const BOOKING_METRICS: readonly Metric[] = metricsOf(
  "bookings",
  ["event", "booking_currency"],
  [
    {
      id: "total_bookings",
      title: "Tickets booked",
      description: "Tickets of all bookings that were made, those cancelled later included.",
      formula: sum(TICKETS, CREATED),
      formulaText: "sum of quantity over BookingCreated",
    },
    {
      id: "confirmed_bookings",
      title: "Tickets confirmed",
      description: "Tickets of bookings that were confirmed.",
      formula: sum(TICKETS, CONFIRMED),
      formulaText: "sum of quantity over BookingConfirmed",
    },
    {
      id: "cancelled_bookings",
      title: "Tickets cancelled",
      description: "Tickets of bookings that were cancelled or lapsed unpaid.",
      formula: sum(TICKETS, CANCELLED),
      formulaText: "sum of quantity over BookingCancelled, BookingExpired",
    },
    {
      id: "revenue",
      title: "Revenue",
      description: "Price of bookings made less that of bookings cancelled or lapsed.",
      unit: "MONEY",
      formula: { subtract: [sum(AMOUNT, CREATED), sum(AMOUNT, CANCELLED)] },
      formulaText: "sum of total_amount over BookingCreated - over BookingCancelled, BookingExpired",
    },
    {
      id: "cancellation_rate",
      title: "Cancellation rate",
      description: "Tickets cancelled for each hundred booked in the same period.",
      unit: "PERCENT",
      formula: percent(sum(TICKETS, CANCELLED), sum(TICKETS, CREATED)),
      formulaText: "cancelled_bookings / total_bookings × 100",
    },
    {
      id: "avg_booking_value",
      title: "Value of a ticket",
      description: "Revenue for each ticket booked.",
      unit: "MONEY",
      formula: { ratio: [{ subtract: [sum(AMOUNT, CREATED), sum(AMOUNT, CANCELLED)] }, sum(TICKETS, CREATED)] },
      formulaText: "revenue / total_bookings",
    },
    {
      id: "active_events",
      title: "Active events",
      description: "Different bookable events with a new booking.",
      formula: distinct({ column: "subject" }, CREATED),
      formulaText: "distinct event_id over BookingCreated",
    },
    {
      id: "customers",
      title: "Customers",
      description: "Different users with a new booking.",
      formula: distinct(USER, CREATED),
      formulaText: "distinct user_id over BookingCreated",
    },
    {
      id: "waitlist_joined",
      title: "Waiting list",
      description: "Users who entered a waiting list.",
      formula: count(ofTypes("WaitlistJoined")),
      formulaText: "count of WaitlistJoined",
    },
  ],
);
