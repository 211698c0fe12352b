import { describe, expect, it } from "vitest";
import { EVENT_TYPES, EventRegistry } from "../registry/index.js";
import { ridesShape } from "./rides.js";
import { isRefused, type RawMessage } from "./shape.js";

const registry = new EventRegistry(EVENT_TYPES, { unknown: "accept" });

function take(value: unknown, raw: Partial<RawMessage> = {}) {
  const message = ridesShape.read({ value, fallbackId: "topic/0/7", origin: "kafka:topic/0/7", ...raw });
  if (isRefused(message)) return message;
  const { origin, fallbackId } = { origin: "kafka:topic/0/7", fallbackId: "topic/0/7" };
  return registry.read(message, { tenant: "t", received: 1, origin, fallbackId, newId: () => "made" });
}

const COMPLETED =
  '{"event_type":"trip.completed","event_timestamp":"2024-11-15T08:25:00Z","trip_id":"t1","booking_id":"b1","driver_id":"d1","rider_id":"r1","route_id":"rt1",' +
  '"actual_departure":"2024-11-15T07:05:00Z","actual_arrival":"2024-11-15T08:25:00Z","duration_minutes":80,"distance_km":25.5,"end_lat":6.4281,"end_lon":3.4219,' +
  '"driver_earnings":"2550.00","platform_commission":"450.00","on_time":true}';

describe("the rides shape", () => {
  it("takes a flat message in as it is", () => {
    expect(take(JSON.parse(COMPLETED), { text: COMPLETED })).toEqual({
      event: {
        tenant: "t",
        id: "topic/0/7",
        type: "trip.completed",
        time: Date.UTC(2024, 10, 15, 8, 25),
        received: 1,
        origin: "kafka:topic/0/7",
        user: "r1",
        session: null,
        subject: "b1",
        country: null,
        region: null,
        city: null,
        latitude: 6.4281,
        longitude: 3.4219,
        amount: "2550",
        currency: "NGN",
        properties: COMPLETED,
      },
    });
  });

  it("takes the message's own id before that of the topic", () => {
    expect(take({ ...JSON.parse(COMPLETED), event_id: "e-1" })).toMatchObject({ event: { id: "e-1" } });
  });

  it("finds the user in rider or driver, and the subject in booking, trip or route", () => {
    const location = {
      event_type: "driver.location.updated",
      event_timestamp: 1_731_654_300,
      driver_id: "d1",
      lat: 6.5,
      lon: 3.4,
    };
    expect(take(location)).toMatchObject({ event: { user: "d1", subject: null } });
    expect(take({ ...location, trip_id: "t1" })).toMatchObject({ event: { user: "d1", subject: "t1" } });
    const paid = EVENT_TYPES.find(({ name }) => name === "payment.refunded")?.example;
    expect(take(paid)).toMatchObject({
      event: { user: "rider-1", subject: "booking-1", amount: "1500", currency: "NGN" },
    });
  });

  it("takes money as text or number, and ids that are no UUIDs", () => {
    const created = EVENT_TYPES.find(({ name }) => name === "booking.created")?.example;
    for (const total_price of ["3000.00", 3000, 3000.5, "3000.50"]) {
      expect(isRefused(take({ ...created, total_price, rider_id: "user-123" }))).toBe(false);
    }
    for (const total_price of ["3000.001", "a lot", "123456789.00", "", 0.001]) {
      expect(take({ ...created, total_price })).toMatchObject({ faults: [{ path: ["total_price"], type: "decimal" }] });
    }
    expect(take({ ...created, rider_id: "" })).toMatchObject({ faults: [{ path: ["rider_id"], type: "minLength" }] });
  });

  it.each([
    ["a phone number from elsewhere", "user.registered", { phone: "+447700900123" }, "phone", "pattern"],
    ["an unknown role", "user.registered", { role: "PILOT" }, "role", "enum"],
    ["nine seats", "booking.created", { seats_booked: 9 }, "seats_booked", "maximum"],
    ["half a seat", "booking.created", { seats_booked: 1.5 }, "seats_booked", "type"],
    ["a place beyond the pole", "booking.created", { pickup_lat: 91 }, "pickup_lat", "maximum"],
    ["a full circle", "driver.location.updated", { bearing: 360 }, "bearing", "exclusiveMaximum"],
    ["a day that is none", "route.created", { active_days: ["FRI", "FUN"] }, "active_days", "enum"],
    ["a time of day without seconds", "route.created", { departure_time: "07:00" }, "departure_time", "pattern"],
    ["a moment that is none", "trip.completed", { actual_arrival: "later" }, "actual_arrival", "time"],
  ])("refuses %s", (_what, type, change, field, fault) => {
    const { example } = EVENT_TYPES.find(({ name }) => name === type) ?? {};
    expect(take({ ...example, ...change })).toMatchObject({
      kind: "validation",
      faults: [{ path: expect.arrayContaining([field]), type: fault }],
    });
  });

  it("wants a timestamp in every message", () => {
    const { event_timestamp: _, ...rest } = JSON.parse(COMPLETED);
    expect(take(rest)).toMatchObject({
      kind: "validation",
      eventType: "trip.completed",
      faults: [{ path: ["event_timestamp"], type: "missing" }],
    });
    expect(take({ ...rest, event_timestamp: "yesterday" })).toMatchObject({
      faults: [{ path: ["event_timestamp"], type: "time" }],
    });
  });

  it.each([
    ["a message without value", null],
    ["no name", { event_timestamp: 1 }],
    ["an empty name", { event_type: "" }],
    ["a name that is no text", { event_type: 7 }],
  ])("misses the type of %s", (_what, value) => {
    expect(take(value)).toMatchObject({ kind: "missing_event_type", faults: [{ path: ["event_type"] }] });
  });

  it("tells unknown types, text that is no JSON and JSON that is no object apart", () => {
    expect(take({ event_type: "user.slept", event_timestamp: 1 })).toMatchObject({ kind: "unknown_event_type" });
    expect(take(undefined)).toMatchObject({ kind: "json_decode" });
    expect(take([COMPLETED])).toMatchObject({ kind: "validation", faults: [{ path: [], type: "type" }] });
  });

  it("knows searches by their topic", () => {
    const search = EVENT_TYPES.find(({ name }) => name === "route.searched")?.example ?? {};
    const hints = { topic: "openride.events.search" };
    expect(take(search, { hints })).toMatchObject({
      event: { type: "route.searched", time: Date.UTC(2024, 10, 15, 6, 45), user: "rider-1", subject: "search-1" },
    });
    expect(take({ ...search, timestamp: undefined }, { hints })).toMatchObject({
      faults: [{ path: ["timestamp"], type: "missing" }],
    });
    expect(take(search, { hints: { topic: "openride.events.trip" } })).toMatchObject({ kind: "missing_event_type" });
  });

  it("reads the sister producers' messages by their topic", () => {
    const confirmed = {
      eventId: "ev-9",
      eventTimestamp: "2024-11-15T06:52:00Z",
      bookingId: "b1",
      riderId: "r1",
      driverId: "d1",
      routeId: "rt1",
      numberOfSeats: 2,
      totalAmount: 3000.5,
      paymentId: "p1",
      confirmationCode: "K7Q2",
      channel: "app",
    };
    expect(take(confirmed, { hints: { topic: "booking.confirmed" }, text: JSON.stringify(confirmed) })).toMatchObject({
      event: {
        id: "ev-9",
        type: "booking.confirmed",
        time: Date.UTC(2024, 10, 15, 6, 52),
        user: "r1",
        subject: "b1",
        amount: "3000.5",
        properties: expect.stringContaining('"seats_booked":2,"total_price":3000.5'),
      },
    });
    expect(take(confirmed, { hints: { topic: "ride.confirmed" } })).toMatchObject({ kind: "missing_event_type" });
    const trip = {
      tripId: "t1",
      totalPrice: 10,
      completedAt: "2024-11-15T08:25:00Z",
      tripStartedAt: "2024-11-15T07:05:00Z",
    };
    const refused = take(trip, { hints: { topic: "trip.completed" } });
    const missing = isRefused(refused) ? refused.faults.map(({ path }) => path[0]) : [];
    expect(missing).toContain("driver_earnings");
    expect(missing).not.toContain("actual_departure");
  });
});
