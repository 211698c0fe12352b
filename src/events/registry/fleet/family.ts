import { type Family, from } from "../define.js";
import { type Fields, id, object, text } from "../fields.js";

/** What all fleet events share: they are about a vehicle. Payloads are read leniently, only ids are required. */
export const FLEET: Family = {
  area: "fleet",
  columns: { user: from("user_id", "requested_by"), subject: from("vehicle_id") },
  personal: ["vin", "user_id", "requested_by", "owner_id", "technician_id", "recipients.user_id"],
};

export const VEHICLE: Fields = { vehicle_id: id("Id of the vehicle") };

export const component = text("Component: engine, brakes, transmission, battery, suspension or another");
export const metadata = object("Further details");
