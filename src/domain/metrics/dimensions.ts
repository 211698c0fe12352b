import type { Field } from "../insights/plan.js";
import type { Dimension } from "./metric.js";

const dimension = (id: string, description: string, field: Field, personal = false): Dimension => ({
  id,
  description,
  field,
  personal,
});
const at = (...property: string[]): Field => ({ property, type: "text" });
const first = (...paths: string[][]): Field => ({ firstOf: paths.map((path) => at(...path)) });

/** What every event has, or may have. */
export const COMMON_DIMENSIONS: readonly Dimension[] = [
  dimension("type", "Type of the event", { column: "type" }),
  dimension("subject", "What it is about: a page, a booking, a vehicle, by its id", { column: "subject" }),
  dimension("user", "Id of the user", { column: "user" }, true),
  dimension("session", "Id of the session", { column: "session" }, true),
  dimension("country", "Country", { column: "country" }),
  dimension("region", "State, province or region", { column: "region" }),
  dimension("city", "City", { column: "city" }),
  dimension("currency", "Currency of the amount, ISO 4217", { column: "currency" }),
  dimension("origin", "Where the event came from", { column: "origin" }),
  dimension("hour_of_day", "Hour of the day by local clocks, 0 to 23", { part: "hour" }),
  dimension("weekday", "Day of the week by local clocks, 1 (Monday) to 7", { part: "weekday" }),
];

const OF_AREAS: readonly Dimension[] = [
  dimension("payment_method", "How a ride is paid", at("payment_method")),
  dimension("provider", "Company that carries a payment out", at("provider")),
  dimension("error_code", "Code of a failed payment", at("error_code")),
  dimension("driver", "Id of the driver", at("driver_id"), true),
  dimension("route", "Id of the route", at("route_id")),
  dimension("role", "Role of a registered user", at("role")),
  dimension("cancelled_by", "Who cancelled", at("cancelled_by")),
  dimension("device_type", "Type of the semiconductor device", at("device_type")),
  dimension("complexity", "Complexity of a simulation model", at("model_complexity")),
  dimension("error_type", "Kind of the error", at("error_type")),
  dimension("service", "Service where it happened", first(["service"], ["_service_name"])),
  dimension("event", "Id of the bookable event", { column: "subject" }),
  dimension("booking_currency", "Currency of the booking", { column: "currency" }),
  dimension("page", "Page", at("page")),
  dimension("referrer", "Page that the user came from", at("referrer")),
  dimension("source", "Program that sent the event", at("_src")),
  dimension("severity", "Severity of an alert", at("severity")),
  dimension("component", "Component of the vehicle", at("component")),
];

const BY_ID = new Map([...COMMON_DIMENSIONS, ...OF_AREAS].map((each) => [each.id, each]));
const PROPERTY = "properties.";

/**
 * A dimension by its id; `properties.a.b` is whatever stands there in the payload.
 * @returns null when there is none of that name
 */
export function dimensionOf(id: string): Dimension | null {
  const known = BY_ID.get(id);
  if (known || !id.startsWith(PROPERTY)) return known ?? null;
  const path = id.slice(PROPERTY.length).split(".");
  const isNamed = path.length <= 8 && path.every((name) => name !== "" && name.length <= 200 && !/\p{Cc}/u.test(name));
  // Payloads may hold anything, names and addresses too: what is not known to be harmless counts as personal.
  return isNamed ? dimension(id, `The payload's ${path.join(".")}`, at(...path), true) : null;
}
