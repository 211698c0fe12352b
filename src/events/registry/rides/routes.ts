import { defineTypes, from } from "../define.js";
import { choice, type Fields, integer, list, matching, money, text, withDefault } from "../fields.js";
import { happened, IDS, RIDES, seats } from "./family.js";

const ROUTE: Fields = { route_id: IDS.route_id, driver_id: IDS.driver_id, route_name: text("Name of the route") };
const EXAMPLE = { route_id: "route-1", driver_id: "driver-1", route_name: "Ikeja to Victoria Island" };

/** Ride events about routes. They have no amount: the price of a seat is an offer. */
export const RIDE_ROUTE_TYPES = defineTypes(RIDES, [
  {
    name: "route.created",
    description: "A driver offered a route.",
    required: {
      ...ROUTE,
      origin_city: text("City where it starts"),
      destination_city: text("City where it ends"),
      origin_state: text("State where it starts"),
      destination_state: text("State where it ends"),
      stops_count: integer("Number of stops", { minimum: 0 }),
      seats_total: seats("Seats on offer"),
      base_price: money("Price of a seat, naira"),
      departure_time: matching("Local time of departure, HH:MM:SS", "^([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?$"),
      active_days: list(
        "Days of the week on which it is driven",
        choice("Day of the week", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"),
      ),
    },
    columns: { city: from("origin_city"), region: from("origin_state") },
    example: {
      ...happened("route.created", "2024-11-10T12:00:00Z"),
      ...EXAMPLE,
      origin_city: "Ikeja",
      destination_city: "Victoria Island",
      origin_state: "Lagos",
      destination_state: "Lagos",
      stops_count: 5,
      seats_total: 4,
      base_price: "1500.00",
      departure_time: "07:00:00",
      active_days: ["MON", "TUE", "WED", "THU", "FRI"],
    },
  },
  {
    name: "route.activated",
    description: "A route is driven again.",
    required: ROUTE,
    optional: {
      previous_status: withDefault(text("Status before"), "PAUSED"),
      new_status: withDefault(text("Status after"), "ACTIVE"),
    },
    example: { ...happened("route.activated", "2024-11-11T12:00:00Z"), ...EXAMPLE, new_status: "ACTIVE" },
  },
  {
    name: "route.cancelled",
    description: "A route is driven no longer.",
    required: ROUTE,
    optional: {
      cancellation_reason: text("Why"),
      active_bookings_count: withDefault(integer("Bookings that this ends"), 0),
    },
    example: {
      ...happened("route.cancelled", "2024-12-01T12:00:00Z"),
      ...EXAMPLE,
      cancellation_reason: "car sold",
      active_bookings_count: 2,
    },
  },
  {
    name: "route.updated",
    description: "A route was changed.",
    required: { ...ROUTE, updated_fields: list("Names of what was changed", text("Name of a field")) },
    example: {
      ...happened("route.updated", "2024-11-12T12:00:00Z"),
      ...EXAMPLE,
      updated_fields: ["base_price"],
    },
  },
]);
