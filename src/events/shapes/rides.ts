import { idText, isObject, type Json, noObject, typeName } from "./reading.js";
import type { Message, MessagePaths, RawMessage, Refused, Shape } from "./shape.js";

/** Searches come without a name: their topic is their type. */
const SEARCH_TOPIC = "openride.events.search";
const SEARCHED = "route.searched";

/** Topics of the producers that write one kind of message per topic, in camel case and without a name. */
const SISTER_TOPICS: ReadonlyMap<string, string> = new Map([
  ["booking.created", "booking.created"],
  ["booking.confirmed", "booking.confirmed"],
  ["booking.cancelled", "booking.cancelled"],
  ["booking.completed", "booking.completed"],
  ["payment.completed", "payment.success"],
  ["trip.completed", "trip.completed"],
]);

/** What those producers call the fields. Fields that are not listed keep their names. */
const SISTER_FIELDS: ReadonlyMap<string, string> = new Map([
  ["eventId", "event_id"],
  ["eventTimestamp", "event_timestamp"],
  ["bookingId", "booking_id"],
  ["riderId", "rider_id"],
  ["driverId", "driver_id"],
  ["routeId", "route_id"],
  ["tripId", "trip_id"],
  ["paymentId", "payment_id"],
  ["numberOfSeats", "seats_booked"],
  ["seatsBooked", "seats_booked"],
  ["totalAmount", "total_price"],
  ["totalPrice", "total_price"],
  ["basePrice", "base_price"],
  ["bookingStatus", "booking_status"],
  ["pickupStopId", "pickup_stop_id"],
  ["dropoffStopId", "dropoff_stop_id"],
  ["pickupLat", "pickup_lat"],
  ["pickupLon", "pickup_lon"],
  ["dropoffLat", "dropoff_lat"],
  ["dropoffLon", "dropoff_lon"],
  ["endLat", "end_lat"],
  ["endLon", "end_lon"],
  ["scheduledDeparture", "scheduled_departure"],
  ["actualDeparture", "actual_departure"],
  ["actualArrival", "actual_arrival"],
  ["tripStartedAt", "actual_departure"],
  ["completedAt", "actual_arrival"],
  ["durationMinutes", "duration_minutes"],
  ["distanceKm", "distance_km"],
  ["driverEarnings", "driver_earnings"],
  ["platformCommission", "platform_commission"],
  ["onTime", "on_time"],
  ["confirmationCode", "confirmation_code"],
  ["cancellationReason", "cancellation_reason"],
  ["cancelledBy", "cancelled_by"],
  ["refundInitiated", "refund_initiated"],
  ["paymentMethod", "payment_method"],
  ["providerTransactionId", "provider_transaction_id"],
  ["processingTimeMs", "processing_time_ms"],
  ["cardLast4", "card_last4"],
]);

const PATHS: MessagePaths = { type: ["event_type"], id: ["event_id"], time: ["event_timestamp"] };
const SEARCH_PATHS: MessagePaths = { ...PATHS, time: ["timestamp"] };

/** Flat JSON whose `event_type` says what it is; the payload is the whole message. A message without value is `{}`. */
export const ridesShape: Shape = {
  name: "rides",
  read(raw) {
    const value = raw.value === null ? {} : raw.value;
    if (!isObject(value)) return noObject(raw);
    const topic = raw.hints?.topic;
    if (isNamed(value) || topic === undefined) return flat(value, value.event_type, raw);
    if (topic === SEARCH_TOPIC) return flat(value, SEARCHED, raw);
    const type = SISTER_TOPICS.get(topic);
    return type === undefined ? flat(value, undefined, raw) : ofSister(value, type);
  },
};

function isNamed(value: Json): boolean {
  return value.event_type !== undefined && value.event_type !== null && value.event_type !== "";
}

function flat(data: Json, name: unknown, raw: RawMessage): Message | Refused {
  const type = typeName(name, "event_type");
  if (typeof type !== "string") return type;
  const search = type === SEARCHED && (data.event_timestamp ?? null) === null;
  return {
    type,
    id: idText(data.event_id),
    time: search ? data.timestamp : data.event_timestamp,
    timeRequired: true,
    declaredOnly: true,
    data,
    text: raw.text,
    paths: search ? SEARCH_PATHS : PATHS,
  };
}

/** Those producers tell the moment of the event in `eventTimestamp`, or else when the trip was completed. */
function ofSister(value: Json, type: string): Message {
  const fields = Object.entries(value).map(([name, field]) => [SISTER_FIELDS.get(name) ?? name, field] as const);
  const data: Json = Object.fromEntries([...fields, ["event_type", type]]);
  return {
    type,
    id: idText(data.event_id),
    time: data.event_timestamp ?? data.actual_arrival,
    timeRequired: true,
    declaredOnly: true,
    data,
    paths: PATHS,
  };
}
