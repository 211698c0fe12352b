import { describe, expect, it } from "vitest";
import { EVENT_TYPES, EventRegistry } from "../registry/index.js";
import { bookingsShape } from "./bookings.js";
import { isRefused, type RawMessage } from "./shape.js";

const registry = new EventRegistry(EVENT_TYPES, { unknown: "accept" });
const CHANNEL = { origin: "pubsub:evently:bookings:created", hints: { channel: "evently:bookings:created" } };
const RECEIVED = Date.UTC(2024, 5, 1);
let made = 0;

function take(value: unknown, raw: Partial<RawMessage> = CHANNEL) {
  const message = bookingsShape.read({ value, fallbackId: null, origin: "http", ...raw });
  if (isRefused(message)) return message;
  const newId = () => `made-${++made}`;
  return registry.read(message, {
    tenant: "t",
    received: RECEIVED,
    origin: "x",
    fallbackId: raw.fallbackId ?? null,
    newId,
  });
}

function idOf(value: unknown, raw?: Partial<RawMessage>): string {
  const read = take(value, raw);
  return isRefused(read) ? JSON.stringify(read) : read.event.id;
}

const CREATED = {
  type: "EventCreated",
  event_id: 1,
  event_data: {
    id: 1,
    name: "Test Event",
    title: "Test Event",
    category: "Technology",
    capacity: 100,
    price: 25.5,
    status: "published",
    event_date: "2024-06-15T18:00:00+00:00",
    created_at: "2024-01-01T12:00:00+00:00",
  },
};
const BOOKED = {
  type: "BookingCreated",
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
    status: "pending",
    payment_status: "pending",
    created_at: "2024-01-01T12:00:00+00:00",
    expires_at: "2024-01-01T13:00:00+00:00",
  },
};
const NOTIFIED = {
  type: "WaitlistNotificationsSent",
  event_id: 1,
  notifications_sent: 3,
  timestamp: '{"timestamp": "now"}',
};
const NOON = Date.UTC(2024, 0, 1, 12);

describe("the bookings shape", () => {
  it("takes a booking in, at the moment that it says itself", () => {
    expect(take(BOOKED)).toMatchObject({
      event: {
        type: "BookingCreated",
        time: NOON,
        user: "50",
        subject: "100",
        amount: "50",
        currency: "USD",
        properties: JSON.stringify(BOOKED),
      },
    });
  });

  it.each([
    ["BookingConfirmed", "confirmed_at"],
    ["BookingCancelled", "cancelled_at"],
    ["BookingExpired", "expired_at"],
    ["BookingPaymentCompleted", "payment_completed_at"],
  ])("finds the moment of %s in %s, and not in when the booking began", (type, stamp) => {
    const { created_at: _, ...data } = BOOKED.booking_data;
    expect(take({ ...BOOKED, type, booking_data: { ...data, [stamp]: "2024-01-03" } })).toMatchObject({
      event: { time: Date.UTC(2024, 0, 3) },
    });
    expect(take({ ...BOOKED, type })).toMatchObject({ event: { time: RECEIVED } });
  });

  it("takes bookable events in, with their fields nested or flat", () => {
    const { event_data, ...flat } = CREATED;
    expect(take(CREATED)).toMatchObject({
      event: { type: "EventCreated", time: NOON, subject: "1", user: null, amount: null },
    });
    expect(take({ ...flat, ...event_data, category: null })).toMatchObject({ event: { time: NOON, subject: "1" } });
    expect(take({ type: "EventCreated", ...event_data })).toMatchObject({ event: { subject: "1" } });
    expect(take({ type: "EventCreated", event_data: { event_id: 7, title: "Only a title" } })).toMatchObject({
      event: { subject: "7" },
    });
    expect(take({ type: "EventDeleted", event_id: 123 })).toMatchObject({ event: { subject: "123", time: RECEIVED } });
    expect(take({ type: "EventCreated", event_data: { name: "nobody knows which" } })).toMatchObject({
      kind: "validation",
    });
  });

  it("counts a booking without amount as nothing paid", () => {
    const { total_amount: _, quantity: __, ...data } = BOOKED.booking_data;
    expect(take({ ...BOOKED, booking_data: data })).toMatchObject({ event: { amount: "0", currency: "USD" } });
    expect(take({ ...BOOKED, booking_data: { ...data, total_amount: null } })).toMatchObject({
      event: { amount: "0" },
    });
  });

  it("takes what waiting lists say in, junk in a timestamp included", () => {
    expect(take(NOTIFIED)).toMatchObject({ event: { subject: "1", time: RECEIVED } });
    const waitlist_data = {
      id: 1,
      event_id: 100,
      user_id: 50,
      quantity: 1,
      priority: 1,
      status: "pending",
      joined_at: "2024-01-01T12:00:00",
    };
    expect(
      take({ type: "WaitlistJoined", waitlist_entry_id: 1, event_id: 100, user_id: 50, waitlist_data }),
    ).toMatchObject({
      event: { user: "50", subject: "100", time: NOON },
    });
  });

  it("misses the type, and takes unknown ones in", () => {
    expect(take({ event_id: 1 })).toMatchObject({
      kind: "missing_event_type",
      faults: [{ path: ["type"], type: "missing" }],
    });
    expect(take({ type: "BookingMoved", booking_id: 1, user_id: 50 })).toMatchObject({
      event: { type: "BookingMoved", user: "50" },
    });
    expect(take(undefined)).toMatchObject({ kind: "json_decode" });
    expect(take("x")).toMatchObject({ kind: "validation" });
  });
});

describe("the id of a message from a channel", () => {
  it("is the same for every process that hears it, whenever that is", () => {
    expect(idOf(BOOKED)).toMatch(/^[0-9a-f]{64}$/);
    expect(idOf(structuredClone(BOOKED))).toBe(idOf(BOOKED));
    expect(idOf(BOOKED, { ...CHANNEL, fallbackId: "letter" })).toBe(idOf(BOOKED));
    expect(idOf(NOTIFIED)).toBe(idOf(NOTIFIED));
  });

  it("differs with type, ids and timestamps", () => {
    const others = [
      { ...BOOKED, type: "BookingConfirmed" },
      { ...BOOKED, booking_id: 2 },
      { ...BOOKED, user_id: 51 },
      { ...BOOKED, booking_data: { ...BOOKED.booking_data, created_at: "2024-01-01T12:00:01+00:00" } },
      { ...NOTIFIED },
      { ...NOTIFIED, notifications_sent: 4 },
      { type: "EventDeleted", event_id: 1 },
      { type: "EventDeleted", event_id: 2 },
    ];
    expect(new Set([BOOKED, ...others].map((value) => idOf(value))).size).toBe(others.length + 1);
  });

  it("is not made for messages that come another way", () => {
    expect(idOf(BOOKED, { origin: "http", fallbackId: "key/0" })).toBe("key/0");
    expect(idOf(BOOKED, { origin: "http" })).not.toBe(idOf(BOOKED, { origin: "http" }));
  });
});
