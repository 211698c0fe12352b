import { type Family, from, fromOr } from "../define.js";
import { choice, type Fields, id, integer, latitude, longitude, text, time } from "../fields.js";

/**
 * What all ride events share. The user is the first of user, rider and driver; the subject the first of user, booking,
 * trip and route: a payment's subject is therefore its booking, and so is a trip's.
 */
export const RIDES: Family = {
  area: "rides",
  optional: {
    event_type: text("Name of the event"),
    event_timestamp: time("When it happened"),
  },
  columns: {
    time: from("event_timestamp"),
    user: from("user_id", "rider_id", "driver_id"),
    subject: from("user_id", "booking_id", "trip_id", "route_id"),
  },
  personal: ["user_id", "rider_id", "driver_id", "phone", "email", "full_name", "card_last4"],
  retentionDays: 90,
};

/** Ids by the names that they have everywhere. */
export const IDS = {
  user_id: id("Id of the user"),
  booking_id: id("Id of the booking"),
  rider_id: id("User id of the rider"),
  driver_id: id("User id of the driver"),
  route_id: id("Id of the route"),
  trip_id: id("Id of the trip"),
  payment_id: id("Id of the payment"),
} as const satisfies Fields;

const { booking_id, rider_id, driver_id, route_id, trip_id } = IDS;

/** The four ids of every booking event. */
export const BOOKING: Fields = { booking_id, rider_id, driver_id, route_id };
/** The five ids of every trip event. */
export const TRIP: Fields = { trip_id, booking_id, driver_id, rider_id, route_id };

export const seats = (description: string) => integer(`${description}, 1 to 8`, { minimum: 1, maximum: 8 });
export const minutes = (description: string) => integer(`${description}, minutes`);
export const cancelledBy = choice("Who cancelled", "RIDER", "DRIVER", "SYSTEM");

/** Two fields of a place: `pickup_lat` and `pickup_lon`. */
export function place(prefix: string, description: string): Fields {
  return { [`${prefix}lat`]: latitude(description), [`${prefix}lon`]: longitude(description) };
}

/** Columns of a place: the two fields of `place`. */
export const at = (prefix: string) => ({ latitude: from(`${prefix}lat`), longitude: from(`${prefix}lon`) });

/** Columns of a payment. */
export const paid = (path: string) => ({ amount: from(path), currency: fromOr("NGN", "currency") });

/** Columns of a price. Prices come without a currency; it is naira, as the default of payments says. */
export const priced = (path: string) => ({ amount: from(path), currency: fromOr("NGN") });

export const BOOKING_EXAMPLE = {
  booking_id: "booking-1",
  rider_id: "rider-1",
  driver_id: "driver-1",
  route_id: "route-1",
};
export const TRIP_EXAMPLE = { trip_id: "trip-1", ...BOOKING_EXAMPLE };

/** The beginning of an example. */
export const happened = (event_type: string, event_timestamp: string) => ({ event_type, event_timestamp });
