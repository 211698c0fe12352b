import type { EventType } from "./event-type.js";
import { RIDE_BOOKING_TYPES } from "./rides/bookings.js";
import { RIDE_PAYMENT_TYPES } from "./rides/payments.js";
import { RIDE_ROUTE_TYPES } from "./rides/routes.js";
import { RIDE_TRIP_TYPES } from "./rides/trips.js";
import { RIDE_USER_TYPES } from "./rides/users.js";

/** Events of the ride-hailing platform. Kept 90 days, positions 30. */
export const RIDE_TYPES: readonly EventType[] = [
  ...RIDE_USER_TYPES,
  ...RIDE_BOOKING_TYPES,
  ...RIDE_PAYMENT_TYPES,
  ...RIDE_TRIP_TYPES,
  ...RIDE_ROUTE_TYPES,
];
