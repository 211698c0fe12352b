import { defineTypes, from } from "../define.js";
import { choice, matching, text, withDefault } from "../fields.js";
import { happened, IDS, RIDES } from "./family.js";

/** Ride events about users. */
export const RIDE_USER_TYPES = defineTypes(RIDES, [
  {
    name: "user.registered",
    description: "A user registered.",
    required: {
      user_id: IDS.user_id,
      phone: matching("Nigerian mobile number, +234 and ten digits", "^\\+234[7-9][0-1]\\d{8}$"),
      role: choice("Role of the user", "RIDER", "DRIVER", "ADMIN"),
    },
    optional: {
      full_name: text("Name of the user"),
      email: text("E-mail address"),
      city: text("City where the user lives"),
      state: text("State where the user lives"),
      referral_code: text("Code of the user who referred this one"),
    },
    columns: { city: from("city"), region: from("state") },
    example: {
      ...happened("user.registered", "2024-11-15T06:00:00Z"),
      user_id: "rider-1",
      phone: "+2348012345678",
      role: "RIDER",
      full_name: "Ada Obi",
      city: "Ikeja",
      state: "Lagos",
    },
  },
  {
    name: "user.kyc_verified",
    description: "The identity of a user was checked: it was accepted or rejected.",
    required: { user_id: IDS.user_id, kyc_status: choice("Outcome of the check", "VERIFIED", "REJECTED") },
    optional: { verification_notes: text("Notes of the check"), verified_by: text("Who or what checked") },
    example: {
      ...happened("user.kyc_verified", "2024-11-15T06:30:00Z"),
      user_id: "driver-1",
      kyc_status: "VERIFIED",
      verified_by: "system",
    },
  },
  {
    name: "user.upgraded_to_driver",
    description: "A rider became a driver.",
    required: { user_id: IDS.user_id },
    optional: {
      previous_role: withDefault(text("Role before"), "RIDER"),
      new_role: withDefault(text("Role after"), "DRIVER"),
    },
    example: {
      ...happened("user.upgraded_to_driver", "2024-11-15T06:45:00Z"),
      user_id: "driver-1",
      previous_role: "RIDER",
      new_role: "DRIVER",
    },
  },
]);
