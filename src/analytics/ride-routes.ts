import { decimalText, toDecimal } from "../base/decimal.js";
import { groupBy } from "../base/groups.js";
import { round } from "../base/numbers.js";
import type { Condition } from "../domain/insights/plan.js";
import type { Asker } from "./analytics.js";
import { aggregate, numberOf, textOf, utc } from "./figures.js";
import { COUNT, number, ofType, type RidePeriod, text, USERS } from "./ride-events.js";

/** Where rides go: routes, and the places where they begin. */

interface RouteInfo {
  readonly name: string | null;
  readonly originCity: string | null;
  readonly originState: string | null;
  readonly destinationCity: string | null;
  readonly driver: string | null;
  readonly seats: number;
}

/** What the last `route.created` of each route says. */
async function routesById(asker: Asker, ids: readonly string[] | null): Promise<ReadonlyMap<string, RouteInfo>> {
  const names = [
    "route_id",
    "route_name",
    "origin_city",
    "origin_state",
    "destination_city",
    "driver_id",
    "seats_total",
  ];
  const where: Condition[] = ids ? [{ field: text("route_id"), in: ids }] : [];
  const rows = await aggregate(asker, {
    range: utc({ start: Date.UTC(1970, 0), end: asker.now + 1 }),
    types: ["route.created"],
    where,
    by: names.map((name) => ({ name, field: text(name) })),
    measures: [{ name: "last", figure: "last" }],
    order: { by: "last", descending: false },
  });
  return new Map(
    rows.map((row) => [
      textOf(row, "route_id") ?? "",
      {
        name: textOf(row, "route_name"),
        originCity: textOf(row, "origin_city"),
        originState: textOf(row, "origin_state"),
        destinationCity: textOf(row, "destination_city"),
        driver: textOf(row, "driver_id"),
        seats: numberOf(row, "seats_total"),
      },
    ]),
  );
}

/** Routes with most confirmed bookings. Occupancy: passengers of the trips that began, for each seat on offer. */
export async function rideRoutes(asker: Asker, period: RidePeriod, limit: number) {
  const rows = await aggregate(asker, {
    range: utc(period),
    types: ["booking.confirmed", "trip.started"],
    where: [{ field: text("route_id"), isSet: true }],
    by: [{ name: "route", field: text("route_id") }],
    measures: [
      { name: "bookings", figure: "count", where: ofType("booking.confirmed") },
      { name: "revenue", figure: "sum", of: { column: "amount" }, where: ofType("booking.confirmed") },
      { name: "passengers", figure: "average", of: number("passengers_count"), where: ofType("trip.started") },
    ],
    order: { by: "bookings", descending: true },
    limit,
  });
  const booked = rows.filter((row) => numberOf(row, "bookings") > 0);
  const routes = await routesById(
    asker,
    booked.map((row) => textOf(row, "route") ?? ""),
  );
  return booked.map((row) => {
    const id = textOf(row, "route") ?? "";
    const route = routes.get(id);
    const occupancy = route && route.seats > 0 ? numberOf(row, "passengers") / route.seats : 0;
    return {
      routeId: id,
      routeName: route?.name ?? "",
      originCity: route?.originCity ?? "",
      destinationCity: route?.destinationCity ?? "",
      driverId: asker.masked(route?.driver ?? ""),
      totalBookings: numberOf(row, "bookings"),
      totalRevenue: decimalText(toDecimal(textOf(row, "revenue") ?? "0"), 2),
      avgOccupancy: round(occupancy, 4),
      avgOccupancyRate: round(occupancy * 100, 2),
      seatsTotal: route?.seats ?? 0,
    };
  });
}

export type RideGeoMetric = "bookings" | "revenue" | "users";
const MOST_PLACES = 100;

/** Where users live; where routes begin that are booked, and what is paid for them. */
export async function rideGeography(asker: Asker, period: RidePeriod, metric: RideGeoMetric) {
  const found = metric === "users" ? await homes(asker, period) : await origins(asker, period, metric);
  const points = found
    .filter(({ state, city }) => state !== null || city !== null)
    .sort((a, b) => b.value - a.value)
    .slice(0, MOST_PLACES)
    .map(({ state, city, value }) => ({ state: state ?? "", city: city ?? "", value }));
  return {
    points,
    total: round(
      points.reduce((sum, { value }) => sum + value, 0),
      2,
    ),
  };
}

interface PlaceValue {
  readonly state: string | null;
  readonly city: string | null;
  readonly value: number;
}

async function homes(asker: Asker, period: RidePeriod): Promise<PlaceValue[]> {
  const rows = await aggregate(asker, {
    range: utc(period),
    types: ["user.registered"],
    by: [
      { name: "state", field: { column: "region" } },
      { name: "city", field: { column: "city" } },
    ],
    measures: [USERS],
  });
  return rows.map((row) => ({ state: textOf(row, "state"), city: textOf(row, "city"), value: numberOf(row, "users") }));
}

/** Bookings and payments tell no city: their routes do, and payments are for bookings. */
async function origins(asker: Asker, period: RidePeriod, metric: "bookings" | "revenue"): Promise<PlaceValue[]> {
  const routes = await routesById(asker, null);
  const type = metric === "bookings" ? "booking.created" : "booking.confirmed";
  const rows = await aggregate(asker, {
    range: utc(period),
    types: [type],
    by: [{ name: "route", field: text("route_id") }],
    measures: [COUNT, { name: "amount", figure: "sum", of: { column: "amount" } }],
  });
  const placed = rows.map((row) => {
    const route = routes.get(textOf(row, "route") ?? "");
    const value = numberOf(row, metric === "bookings" ? "events" : "amount");
    return { state: route?.originState ?? null, city: route?.originCity ?? null, value };
  });
  return [...groupBy(placed, ({ state, city }) => JSON.stringify([state, city])).values()].map((same) => ({
    state: same[0]?.state ?? null,
    city: same[0]?.city ?? null,
    value: round(
      same.reduce((sum, { value }) => sum + value, 0),
      2,
    ),
  }));
}
