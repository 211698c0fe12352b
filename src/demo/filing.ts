/** What clients do with alerts and warranty claims. */
import { type Alert, alertStatus } from "./alerts.js";
import { type Claim, type ClaimRequest, makeClaim } from "./claims.js";
import { COMPONENTS } from "./components.js";
import type { Fields } from "./fields.js";
import type { Fleet } from "./fleet.js";
import { conflict, invalid, notFound } from "./problem.js";
import { hash, Random, STREAM } from "./random.js";
import { HOUR } from "./time.js";

function knownAlert(fleet: Fleet, id: string, now: number): Alert {
  const alert = fleet.alerts.find(id, now);
  if (alert === undefined) throw notFound("alert");
  return alert;
}

/** Acknowledges an open alert; 409 for any other. */
export function acknowledge(fleet: Fleet, id: string, now: number): Alert {
  const alert = knownAlert(fleet, id, now);
  const status = alertStatus(alert, now);
  if (status !== "open") throw conflict(`alert is already ${status}`);
  alert.acknowledgedAt = now;
  return alert;
}

/** Resolves an alert, which also acknowledges it; 409 if it is resolved already. */
export function resolve(fleet: Fleet, id: string, now: number): Alert {
  const alert = knownAlert(fleet, id, now);
  const status = alertStatus(alert, now);
  if (status === "resolved") throw conflict("alert is already resolved");
  if (status === "open") alert.acknowledgedAt = now;
  alert.resolvedAt = now;
  return alert;
}

/** Files a claim; 409 if the same failure has been claimed before. Mileage in km. */
export function fileClaim(fleet: Fleet, fields: Fields, now: number): Claim {
  const vehicle = fleet.vehicle(fields.text("vehicle_id"));
  if (vehicle === undefined) throw invalid("vehicle_id: no such vehicle");
  if ((fields.optionalText("vin") ?? vehicle.vin) !== vehicle.vin) throw invalid("vin: does not belong to the vehicle");
  const component = fields.choice("component", COMPONENTS);
  const date = fields.date("failure_date");
  if (date > now) throw invalid("failure_date: must not be in the future");
  if (date < vehicle.inServiceSince) throw invalid("failure_date: before the vehicle was in service");
  const request: ClaimRequest = {
    vehicle,
    component,
    description: fields.text("failure_description"),
    failedAt: Math.min(now, date + 12 * HOUR),
    mileage: fields.number("mileage_at_failure", 0, 5_000_000),
    estimate: fields.number("repair_cost_estimate", 1, 1_000_000),
    documents: fields.optionalTexts("supporting_documents") ?? [],
  };
  const isSame = (claim: Claim): boolean =>
    claim.component === component && Math.abs(claim.failedAt - date - 12 * HOUR) <= 12 * HOUR;
  if (fleet.claims.ofVehicle(vehicle.id, now).some(isSame)) throw conflict("this failure has already been claimed");
  const id = fleet.newId("claim");
  const random = new Random(vehicle.seed, STREAM.claim, vehicle.number, COMPONENTS.indexOf(component), hash(now, date));
  const claim = makeClaim(id, request, now, random);
  fleet.file(claim);
  return claim;
}
