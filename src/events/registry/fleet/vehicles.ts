import { defineTypes, from } from "../define.js";
import { latitude, list, longitude, number, object, score, text, time } from "../fields.js";
import { component, FLEET, VEHICLE } from "./family.js";

const VIN = text("Vehicle identification number, 17 characters");
const STATUS = text("Band of the score: EXCELLENT, GOOD, FAIR, POOR or CRITICAL");

const COMPONENT_HEALTH = {
  component,
  health_score: score("Health of the component"),
  status: STATUS,
  rul_km: number("Remaining useful life, kilometres"),
  rul_days: number("Remaining useful life, days"),
  detected_at: time("When it was found"),
};

/** Events about vehicles, their telemetry and their health. */
export const VEHICLE_TYPES = defineTypes(FLEET, [
  {
    name: "vehicle.telemetry.received",
    description: "A vehicle sent readings.",
    required: VEHICLE,
    optional: {
      vin: VIN,
      timestamp: time("When the readings were taken"),
      protocol: text("Protocol of the readings: OBD2, CANBUS or IOT"),
      metrics: object("Readings by name; the name ends with the unit: engine_temp_c, speed_kmh"),
      odometer_km: number("Distance driven in the vehicle's life, kilometres"),
      location: object("Where the vehicle was", {
        lat: latitude("Position of the vehicle"),
        lon: longitude("Position of the vehicle"),
        region: text("Region"),
      }),
    },
    columns: {
      time: from("timestamp"),
      latitude: from("location.lat"),
      longitude: from("location.lon"),
      region: from("location.region"),
    },
    example: {
      vehicle_id: "V001",
      vin: "1HGBH41JXMN109186",
      timestamp: "2026-01-28T22:00:00Z",
      protocol: "OBD2",
      metrics: { rpm: 3200, engine_temp_c: 95, speed_kmh: 80 },
      odometer_km: 45000,
      location: { lat: 19.07, lon: 72.87 },
    },
  },
  {
    name: "vehicle.telemetry.validation_failed",
    description: "Readings of a vehicle were refused.",
    required: VEHICLE,
    optional: { vin: VIN, timestamp: time("When the readings were taken"), errors: list("What was wrong") },
    columns: { time: from("timestamp") },
    example: { vehicle_id: "V001", timestamp: "2026-01-28T22:00:00Z", errors: ["PID_05: not a number"] },
  },
  {
    name: "vehicle.health.computed",
    description: "The health of a vehicle was computed.",
    required: VEHICLE,
    optional: {
      overall_health_score: score("Health of the vehicle"),
      health_score: score("Health of the vehicle, as older producers call it"),
      components: list("Health of each component", object("One component")),
      last_computed_at: time("When it was computed"),
    },
    columns: { time: from("last_computed_at") },
    example: {
      vehicle_id: "V001",
      overall_health_score: 0.72,
      components: [{ type: "engine", health_score: 0.65, status: "GOOD", rul_km: 8500, rul_days: 180 }],
      last_computed_at: "2026-01-28T22:15:00Z",
    },
  },
  {
    name: "vehicle.health.changed",
    description: "The health of a component changed.",
    required: VEHICLE,
    optional: {
      component,
      previous_score: score("Health before"),
      health_score: score("Health now"),
      status: STATUS,
      changed_at: time("When it changed"),
    },
    columns: { time: from("changed_at") },
    example: { vehicle_id: "V001", component: "engine", previous_score: 0.65, health_score: 0.41, status: "FAIR" },
  },
  {
    name: "component.degraded",
    description: "A component's health fell below the threshold of wear, 0.3.",
    required: VEHICLE,
    optional: COMPONENT_HEALTH,
    columns: { time: from("detected_at") },
    example: {
      vehicle_id: "V001",
      component: "brakes",
      health_score: 0.28,
      status: "POOR",
      rul_km: 1500,
      rul_days: 30,
    },
  },
  {
    name: "component.critical",
    description: "A component's health fell below the threshold of danger, 0.2.",
    required: VEHICLE,
    optional: COMPONENT_HEALTH,
    columns: { time: from("detected_at") },
    example: {
      vehicle_id: "V001",
      component: "engine",
      health_score: 0.18,
      status: "CRITICAL",
      rul_km: 200,
      rul_days: 4,
    },
  },
]);
