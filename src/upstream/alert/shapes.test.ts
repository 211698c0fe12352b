import { describe, expect, it } from "vitest";
import { parseShape as fitted } from "../shapes.js";
import { alertShape } from "./shapes.js";

const ALERT = {
  alert_id: "alert_xyz789",
  vehicle_id: "V001",
  severity: "CRITICAL",
  title: "Engine Overheating Detected",
  message: "...",
  created_at: "2026-01-28T22:00:00Z",
  acknowledged_at: null,
  resolved_at: "2026-01-28T23:00:00Z",
  recipients: [{ user_id: "owner_123", channels: ["email", "sms"], delivery_status: { email: "sent", sms: "failed" } }],
  metadata: { component: "engine", health_score: 0.18, decision_id: "dec_abc123" },
};

describe("an alert", () => {
  it("is read as documented, its component out of the metadata", () => {
    expect(fitted("alert", alertShape, ALERT)).toEqual({
      id: "alert_xyz789",
      vehicleId: "V001",
      severity: "CRITICAL",
      title: "Engine Overheating Detected",
      message: "...",
      createdAt: Date.parse("2026-01-28T22:00:00Z"),
      acknowledgedAt: null,
      resolvedAt: Date.parse("2026-01-28T23:00:00Z"),
      component: "engine",
      recipients: [
        { userId: "owner_123", channels: ["email", "sms"], deliveryStatus: { email: "sent", sms: "failed" } },
      ],
      metadata: { component: "engine", health_score: 0.18, decision_id: "dec_abc123" },
    });
  });

  it("does without message, recipients, metadata and outcome", () => {
    const { alert_id, vehicle_id, title, created_at } = ALERT;
    const least = { alert_id, vehicle_id, title, created_at, severity: "info" };
    expect(fitted("alert", alertShape, least)).toMatchObject({
      severity: "INFO",
      message: null,
      acknowledgedAt: null,
      resolvedAt: null,
      component: null,
      recipients: [],
      metadata: {},
    });
    const recipients = [{ user_id: "u" }];
    expect(fitted("alert", alertShape, { ...least, recipients, metadata: null }).recipients).toEqual([
      { userId: "u", channels: [], deliveryStatus: {} },
    ]);
  });

  it("takes a component that is no text for none", () => {
    expect(fitted("alert", alertShape, { ...ALERT, metadata: { component: 7 } }).component).toBeNull();
  });

  it.each([
    ["severity", { severity: "CATASTROPHIC" }],
    ["created_at", { created_at: null }],
    ["alert_id", { alert_id: undefined }],
  ])("is refused over a bad %s: no figure could count it", (field, change) => {
    expect(() => fitted("alert", alertShape, { ...ALERT, ...change })).toThrow(`alert-service: field ${field}: `);
  });
});
