import { defineTypes, type Entry, type Family, from, fromOr } from "./define.js";
import type { EventType } from "./event-type.js";
import { amount, type Field, integer, numericId, object, text, time, withDefault } from "./fields.js";

/** Events of the platform that sells tickets. Subject is always the (bookable) event, user who books. */
const BOOKINGS: Family = {
  area: "bookings",
  optional: { type: text("Name of the event") },
  columns: { user: from("user_id", "booking_data.user_id", "waitlist_data.user_id"), subject: from("event_id") },
  personal: ["user_id"],
};

const EVENT_ID = numericId("Id of the bookable event");
const USER_ID = numericId("Id of the user");
const STATUS = "Status of the booking: pending, confirmed, cancelled, expired, refunded or completed";

/** What a bookable event consists of. Stands in `event_data` or, of older producers, at the top. */
const EVENT_FIELDS = {
  id: numericId("Id of the bookable event"),
  name: text("Name; the title stands in for a missing one"),
  title: text("Title"),
  category: text("Category"),
  capacity: integer("Tickets that can be sold"),
  price: amount("Price of a ticket"),
  status: text("Status: draft, published, cancelled or completed"),
  event_date: time("When the bookable event takes place"),
  created_at: time("When it was entered"),
  updated_at: time("When it was changed"),
};

const BOOKING_FIELDS = {
  id: numericId("Id of the booking"),
  event_id: EVENT_ID,
  user_id: USER_ID,
  booking_reference: text("Reference that the user sees"),
  quantity: withDefault(integer("Tickets"), 1),
  total_amount: withDefault(amount("Price of all tickets"), 0),
  currency: text("Currency, ISO 4217"),
  status: text(STATUS),
  payment_status: text("Status of the payment: pending, processing, completed, failed or refunded"),
  cancellation_reason: text("Why the booking was cancelled"),
};

const WAITLIST_FIELDS = {
  id: numericId("Id of the entry in the waiting list"),
  event_id: EVENT_ID,
  user_id: USER_ID,
  quantity: withDefault(integer("Tickets"), 1),
  priority: integer("Place in the waiting list"),
  status: text("Status: pending, notified, booked, expired or cancelled"),
};

const EVENT_EXAMPLE = {
  id: 1,
  name: "Test Event",
  title: "Test Event",
  category: null,
  capacity: 100,
  price: 25.5,
  status: "published",
  event_date: "2024-06-15T18:00:00+00:00",
};

const has = (field: string) => ({ required: [field] });
/** The id of a bookable event stands at the top or in `event_data`, as `event_id` or as `id`. */
const SOME_ID = [
  has("event_id"),
  has("id"),
  { ...has("event_data"), properties: { event_data: { type: "object", anyOf: [has("id"), has("event_id")] } } },
];

/** A bookable event came or changed; `stamp` is the field that says when. */
function bookable(name: string, description: string, stamp: "created_at" | "updated_at"): Entry {
  const nested = object("The bookable event", { ...EVENT_FIELDS, event_id: EVENT_ID });
  return {
    name,
    description,
    optional: { ...EVENT_FIELDS, event_id: EVENT_ID, event_data: nested },
    anyOf: SOME_ID,
    columns: {
      time: from(`event_data.${stamp}`, stamp),
      subject: from("event_id", "id", "event_data.id", "event_data.event_id"),
    },
    example: { type: name, event_id: 1, event_data: { ...EVENT_EXAMPLE, [stamp]: "2024-01-01T12:00:00+00:00" } },
  };
}

/** A booking took a step; `stamp` is the field that says when. */
function booking(name: string, description: string, stamp: string, status: string): Entry {
  const fields = { ...BOOKING_FIELDS, [stamp]: time("When it happened") };
  const { id: _, event_id: __, ...flat } = fields;
  return {
    name,
    description,
    required: { booking_id: numericId("Id of the booking"), event_id: EVENT_ID },
    optional: {
      ...flat,
      booking_data: object("The booking", { ...fields, expires_at: time("When it lapses unpaid") }),
    },
    columns: {
      time: from(`booking_data.${stamp}`, stamp),
      amount: fromOr("0", "booking_data.total_amount", "total_amount"),
      currency: from("booking_data.currency", "currency"),
    },
    personal: ["booking_data.user_id"],
    example: {
      type: name,
      booking_id: 1,
      event_id: 100,
      user_id: 50,
      booking_data: {
        id: 1,
        event_id: 100,
        user_id: 50,
        booking_reference: "BK-12345",
        quantity: 2,
        total_amount: 50.0,
        currency: "USD",
        status,
        [stamp]: "2024-01-01T12:00:00+00:00",
      },
    },
  };
}

/** Somebody entered or left a waiting list. */
function waiting(name: string, description: string, stamps: readonly string[], status: string): Entry {
  const times = Object.fromEntries(stamps.map((stamp): [string, Field] => [stamp, time("When it happened")]));
  return {
    name,
    description,
    required: { waitlist_entry_id: numericId("Id of the entry in the waiting list"), event_id: EVENT_ID },
    optional: {
      user_id: USER_ID,
      ...times,
      waitlist_data: object("The entry", { ...WAITLIST_FIELDS, ...times, created_at: time("When it was entered") }),
    },
    columns: { time: from(...stamps.map((stamp) => `waitlist_data.${stamp}`), ...stamps) },
    personal: ["waitlist_data.user_id"],
    example: {
      type: name,
      waitlist_entry_id: 1,
      event_id: 100,
      user_id: 50,
      waitlist_data: {
        id: 1,
        event_id: 100,
        user_id: 50,
        quantity: 1,
        priority: 1,
        status,
        [stamps[0] ?? ""]: "2024-01-01T12:00:00+00:00",
      },
    },
  };
}

/** Events of the ticket platform. The amount of a booking's event is the price of all its tickets. */
export const BOOKING_TYPES: readonly EventType[] = defineTypes(BOOKINGS, [
  bookable("EventCreated", "A bookable event was entered.", "created_at"),
  bookable("EventUpdated", "A bookable event was changed.", "updated_at"),
  {
    name: "EventDeleted",
    description: "A bookable event was deleted.",
    required: { event_id: EVENT_ID },
    example: { type: "EventDeleted", event_id: 123 },
  },
  booking("BookingCreated", "Tickets were booked.", "created_at", "pending"),
  booking("BookingConfirmed", "A booking was confirmed.", "confirmed_at", "confirmed"),
  booking("BookingCancelled", "A booking was cancelled.", "cancelled_at", "cancelled"),
  booking("BookingExpired", "A booking lapsed unpaid.", "expired_at", "expired"),
  booking("BookingPaymentCompleted", "A booking was paid.", "payment_completed_at", "confirmed"),
  waiting("WaitlistJoined", "A user entered the waiting list of a bookable event.", ["joined_at"], "pending"),
  waiting("WaitlistCancelled", "A user left a waiting list.", ["cancelled_at", "updated_at"], "cancelled"),
  {
    name: "WaitlistNotificationsSent",
    description: "Users in a waiting list were told that tickets are free.",
    required: { event_id: EVENT_ID },
    optional: {
      notifications_sent: integer("Users who were told"),
      timestamp: text("Not a time: producers write a fixed text here"),
    },
    example: { type: "WaitlistNotificationsSent", event_id: 1, notifications_sent: 3 },
  },
  {
    name: "WaitlistAvailabilityUpdated",
    description: "The number of tickets for those who wait changed.",
    required: { event_id: EVENT_ID },
    optional: {
      available_capacity: integer("Tickets that are free"),
      timestamp: text("Not a time: producers write a fixed text here"),
    },
    example: { type: "WaitlistAvailabilityUpdated", event_id: 1 },
  },
]);
