import { defineTypes, from } from "../define.js";
import { amount, date, type Fields, flag, id, list, number, object, score, text, time } from "../fields.js";
import { component, FLEET, VEHICLE } from "./family.js";

const APPOINTMENT: Fields = { appointment_id: id("Id of the appointment"), ...VEHICLE };
const CLAIM: Fields = { claim_id: id("Id of the claim"), ...VEHICLE };

/** What an appointment consists of. */
const APPOINTMENT_FIELDS = {
  technician_id: id("Id of the technician"),
  type: text("Kind: ROUTINE_MAINTENANCE, DIAGNOSTIC, COMPONENT_REPAIR or EMERGENCY"),
  service_type: text("Service, such as engine_repair"),
  status: text("Status: SCHEDULED, CONFIRMED, IN_PROGRESS, COMPLETED, CANCELLED or NO_SHOW"),
  scheduled_at: time("When the vehicle is expected"),
  estimated_completion: time("When it will be ready"),
  started_at: time("When the work began"),
  completed_at: time("When the work ended"),
  cancelled_at: time("When the appointment was cancelled"),
  created_at: time("When the appointment was made"),
  service_bay: text("Bay"),
  estimated_duration_hours: number("Length of the work, hours"),
  parts: list("Parts that are needed", object("One part")),
  cost: amount("Cost of the work, currency unstated"),
  auto_booked: flag("Whether it was booked without a person"),
  alert_id: id("Id of the alert that led to it"),
};

/** What a claim consists of: what was asked for and what came of it. */
const CLAIM_FIELDS = {
  vin: text("Vehicle identification number, 17 characters"),
  component,
  failure_description: text("What failed"),
  failure_date: date("Day of the failure"),
  mileage_at_failure: number("Distance driven until the failure, kilometres"),
  repair_cost_estimate: amount("Cost of the repair, currency unstated"),
  supporting_documents: list("Names of files", text("Name of a file")),
  status: text("Status: SUBMITTED, UNDER_REVIEW, APPROVED, REJECTED, FLAGGED or PAID"),
  preliminary_decision: text("First reading: LIKELY_APPROVED, LIKELY_REJECTED or NEEDS_REVIEW"),
  confidence: score("Confidence of the first reading"),
  eligibility: object("Whether the warranty covers it"),
  telemetry_correlation: object("What the vehicle's readings say"),
  fraud_score: score("How much it looks like fraud"),
  estimated_coverage: amount("What the warranty pays, currency unstated"),
  estimated_deductible: amount("What the owner pays, currency unstated"),
  payout_amount: amount("What was paid, currency unstated"),
  evidence_pack_url: text("Address of the evidence"),
  next_steps: text("What comes next"),
  submitted_at: time("When it was handed in"),
  decided_at: time("When it was decided"),
};

const APPOINTMENT_EXAMPLE = {
  appointment_id: "appt_001",
  vehicle_id: "V001",
  technician_id: "tech_001",
  type: "COMPONENT_REPAIR",
  service_type: "engine_repair",
  scheduled_at: "2026-02-01T09:00:00Z",
  service_bay: "Bay 3",
  estimated_duration_hours: 3,
  parts: [{ name: "Thermostat", in_stock: true }],
  cost: 450.0,
  auto_booked: true,
  alert_id: "alert_xyz789",
};

const CLAIM_EXAMPLE = {
  claim_id: "claim_abc123",
  vehicle_id: "V001",
  vin: "1HGBH41JXMN109186",
  component: "engine",
  failure_date: "2026-01-28",
  mileage_at_failure: 45000,
  repair_cost_estimate: 3500,
  fraud_score: 0.12,
  estimated_coverage: 3200,
  estimated_deductible: 300,
};

/** Events of the workshop and of warranty. An appointment's amount is its cost, a claim's the cost of the repair. */
export const WORKSHOP_TYPES = defineTypes(FLEET, [
  {
    name: "appointment.scheduled",
    description: "An appointment was made.",
    required: APPOINTMENT,
    optional: APPOINTMENT_FIELDS,
    columns: { time: from("created_at"), amount: from("cost") },
    example: { ...APPOINTMENT_EXAMPLE, status: "SCHEDULED" },
  },
  {
    name: "appointment.cancelled",
    description: "An appointment was cancelled.",
    required: APPOINTMENT,
    optional: { ...APPOINTMENT_FIELDS, cancellation_reason: text("Why") },
    columns: { time: from("cancelled_at"), amount: from("cost") },
    example: { ...APPOINTMENT_EXAMPLE, status: "CANCELLED" },
  },
  {
    name: "appointment.reminder",
    description: "Somebody was reminded of an appointment.",
    required: APPOINTMENT,
    optional: APPOINTMENT_FIELDS,
    columns: { amount: from("cost") },
    example: { ...APPOINTMENT_EXAMPLE, status: "CONFIRMED" },
  },
  {
    name: "technician.assigned",
    description: "A technician was assigned to an appointment.",
    required: { ...APPOINTMENT, technician_id: APPOINTMENT_FIELDS.technician_id },
    optional: { assigned_at: time("When") },
    columns: { time: from("assigned_at") },
    example: { appointment_id: "appt_001", technician_id: "tech_001", vehicle_id: "V001" },
  },
  {
    name: "warranty.claim.submitted",
    description: "A claim was handed in.",
    required: CLAIM,
    optional: CLAIM_FIELDS,
    columns: { time: from("submitted_at"), amount: from("repair_cost_estimate") },
    example: { ...CLAIM_EXAMPLE, status: "UNDER_REVIEW" },
  },
  {
    name: "warranty.claim.validated",
    description: "A claim was accepted.",
    required: CLAIM,
    optional: CLAIM_FIELDS,
    columns: { time: from("decided_at"), amount: from("repair_cost_estimate") },
    example: { ...CLAIM_EXAMPLE, status: "APPROVED" },
  },
  {
    name: "warranty.claim.rejected",
    description: "A claim was refused.",
    required: CLAIM,
    optional: { ...CLAIM_FIELDS, rejection_reason: text("Why") },
    columns: { time: from("decided_at"), amount: from("repair_cost_estimate") },
    example: { ...CLAIM_EXAMPLE, status: "REJECTED" },
  },
  {
    name: "warranty.fraud.detected",
    description: "A claim looks like fraud.",
    required: { ...CLAIM, fraud_score: score("How much it looks like fraud") },
    optional: { patterns: list("What was noticed"), detected_at: time("When") },
    columns: { time: from("detected_at") },
    example: { claim_id: "claim_abc123", vehicle_id: "V001", fraud_score: 0.82, patterns: ["repeated part"] },
  },
]);
