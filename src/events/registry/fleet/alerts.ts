import { defineTypes, from } from "../define.js";
import { choice, type Fields, id, list, number, object, score, text, time } from "../fields.js";
import { component, FLEET, metadata, VEHICLE } from "./family.js";

const DECISION: Fields = { decision_id: id("Id of the decision"), ...VEHICLE };
const ALERT: Fields = { alert_id: id("Id of the alert"), ...VEHICLE };
const ACTIONS = list("What to do", text("One action"));
const SEVERITY = choice("Severity of the alert, in rising order", "INFO", "WARNING", "CRITICAL", "EMERGENCY");

/** What an alert consists of. */
const ALERT_FIELDS = {
  severity: SEVERITY,
  title: text("Title"),
  message: text("What it says"),
  created_at: time("When it was raised"),
  acknowledged_at: time("When somebody took it on"),
  resolved_at: time("When it was settled"),
  recipients: list("Who was told, how, and whether it arrived", object("One recipient")),
  metadata,
};
const BY_USER = { severity: SEVERITY, user_id: id("Id of the user who did it") };

/** What agents decided, and alerts. */
export const ALERT_TYPES = defineTypes(FLEET, [
  {
    name: "agent.decision.made",
    description: "An agent decided what to do about a component.",
    required: DECISION,
    optional: {
      component,
      agent_used: text("Name of the agent"),
      decision: text("What was decided"),
      severity: text("Severity: LOW, MEDIUM, HIGH or CRITICAL"),
      confidence: score("Confidence of the agent"),
      reasoning: text("Why"),
      recommended_actions: ACTIONS,
      estimated_cost: {
        type: ["string", "number"],
        description: "Cost of the repair, a number or a range such as $150-300",
      },
      urgency: text("How soon"),
      llm_model_used: text("Language model that was asked"),
      created_at: time("When it was decided"),
    },
    columns: { time: from("created_at") },
    example: {
      decision_id: "dec_abc123",
      vehicle_id: "V001",
      agent_used: "Engine Agent",
      decision: "Immediate service required",
      severity: "HIGH",
      confidence: 0.92,
      recommended_actions: ["Check the thermostat"],
      estimated_cost: "$150-300",
      urgency: "Within 48 hours",
      llm_model_used: "gemini-1.5-pro",
    },
  },
  {
    name: "agent.escalation",
    description: "An agent was not sure enough and asks a person.",
    required: DECISION,
    optional: { reason: text("Why"), confidence: score("Confidence of the agent"), created_at: time("When") },
    columns: { time: from("created_at") },
    example: { decision_id: "dec_abc123", vehicle_id: "V001", reason: "confidence 0.55", confidence: 0.55 },
  },
  {
    name: "agent.recommendation",
    description: "An agent recommends actions.",
    required: DECISION,
    optional: { reason: text("Why"), recommended_actions: ACTIONS, created_at: time("When") },
    columns: { time: from("created_at") },
    example: {
      decision_id: "dec_abc123",
      vehicle_id: "V001",
      recommended_actions: ["Schedule oil change within 1000km"],
    },
  },
  {
    name: "alert.created",
    description: "An alert was raised.",
    required: ALERT,
    optional: ALERT_FIELDS,
    columns: { time: from("created_at") },
    example: {
      alert_id: "alert_xyz789",
      vehicle_id: "V001",
      severity: "CRITICAL",
      title: "Engine Overheating Detected",
      message: "Stop driving",
      created_at: "2026-01-28T22:00:00Z",
      acknowledged_at: null,
      resolved_at: null,
      recipients: [
        { user_id: "owner_123", channels: ["email", "sms"], delivery_status: { email: "sent", sms: "failed" } },
      ],
      metadata: { component: "engine", health_score: 0.18, decision_id: "dec_abc123" },
    },
  },
  {
    name: "alert.acknowledged",
    description: "Somebody took an alert on.",
    required: ALERT,
    optional: { ...BY_USER, acknowledged_at: time("When") },
    columns: { time: from("acknowledged_at") },
    example: {
      alert_id: "alert_xyz789",
      vehicle_id: "V001",
      severity: "CRITICAL",
      user_id: "owner_123",
      acknowledged_at: "2026-01-28T22:20:00Z",
    },
  },
  {
    name: "alert.resolved",
    description: "An alert was settled.",
    required: ALERT,
    optional: { ...BY_USER, resolved_at: time("When") },
    columns: { time: from("resolved_at") },
    example: {
      alert_id: "alert_xyz789",
      vehicle_id: "V001",
      severity: "CRITICAL",
      user_id: "tech_001",
      resolved_at: "2026-01-29T10:00:00Z",
    },
  },
  {
    name: "alert.escalated",
    description: "Nobody took an alert on in time: it went a level up.",
    required: ALERT,
    optional: {
      ...BY_USER,
      level: { type: ["integer", "string"], description: "Level that it went to" },
      escalated_at: time("When"),
    },
    columns: { time: from("escalated_at") },
    example: { alert_id: "alert_xyz789", vehicle_id: "V001", severity: "CRITICAL", level: 2 },
  },
  {
    name: "analytics.report.generated",
    description: "This gateway made a report.",
    required: { report_id: id("Id of the report"), report_type: text("Type of the report") },
    optional: {
      format: text("Format of the file: csv, xlsx, pdf or json"),
      requested_by: id("Id of the user who asked for it"),
      generated_at: time("When it was made"),
    },
    columns: { time: from("generated_at"), subject: from("report_id") },
    example: {
      report_id: "rep_1",
      report_type: "fleet",
      format: "pdf",
      requested_by: "owner_123",
      generated_at: "2026-01-28T23:00:00Z",
    },
  },
  {
    name: "analytics.threshold.exceeded",
    description: "This gateway found a metric beyond its threshold.",
    required: {
      metric: id("Name of the metric"),
      value: number("Value, in the metric's unit"),
      threshold: number("Threshold, in the metric's unit"),
    },
    optional: {
      direction: text("On which side of the threshold: above or below"),
      fleet_id: id("Id of the fleet"),
      observed_at: time("When it was found"),
    },
    columns: { time: from("observed_at"), subject: from("fleet_id", "metric") },
    example: {
      metric: "critical_alerts",
      value: 12,
      threshold: 10,
      direction: "above",
      fleet_id: "fleet_1",
      observed_at: "2026-01-28T23:00:00Z",
    },
  },
]);
