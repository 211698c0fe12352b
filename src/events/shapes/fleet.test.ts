import { describe, expect, it } from "vitest";
import { EVENT_TYPES, EventRegistry } from "../registry/index.js";
import { fleetShape } from "./fleet.js";
import { isRefused } from "./shape.js";

const registry = new EventRegistry(EVENT_TYPES, { unknown: "accept" });
const ENTRY_ID = "1706479200000-0";

function take(value: unknown, stream?: string) {
  const message = fleetShape.read({
    value,
    fallbackId: ENTRY_ID,
    origin: `redis:${stream}/${ENTRY_ID}`,
    hints: { stream },
  });
  if (isRefused(message)) return message;
  return registry.read(message, { tenant: "t", received: 1, origin: "x", fallbackId: ENTRY_ID, newId: () => "made" });
}

const HEALTH = { vehicle_id: "V001", component: "engine", previous_score: 0.65, health_score: 0.41, status: "FAIR" };
const ENTRY = {
  event_id: "e-1",
  event_type: "vehicle.health.changed",
  timestamp: "2026-01-28T22:15:00Z",
  source: "health-service",
  version: "1.0",
  payload: JSON.stringify(HEALTH),
};
const TIME = Date.UTC(2026, 0, 28, 22, 15);

describe("the fleet shape", () => {
  it("takes a stream entry in, and keeps who sent it", () => {
    expect(take(ENTRY)).toMatchObject({
      event: {
        id: "e-1",
        type: "vehicle.health.changed",
        time: TIME,
        subject: "V001",
        properties: JSON.stringify({ ...HEALTH, _source: "health-service", _version: "1.0" }),
      },
    });
  });

  it("takes the payload as an object too", () => {
    expect(take({ ...ENTRY, payload: HEALTH })).toEqual(take(ENTRY));
  });

  it.each(["data", "payload", "event"])("takes an entry in whose field %s holds the whole message", (field) => {
    expect(take({ [field]: JSON.stringify(ENTRY) })).toEqual(take(ENTRY));
    expect(take({ [field]: JSON.stringify(HEALTH) }, "fleet:vehicle.health.changed")).toMatchObject({
      event: {
        id: ENTRY_ID,
        type: "vehicle.health.changed",
        time: 1,
        subject: "V001",
        properties: JSON.stringify(HEALTH),
      },
    });
  });

  it("takes the stream's name for a missing type", () => {
    const { event_type: _, ...entry } = ENTRY;
    expect(take(entry, "vehicle.health.changed")).toEqual(take(ENTRY));
    expect(take(entry)).toMatchObject({ kind: "missing_event_type", faults: [{ path: ["event_type"] }] });
  });

  it("takes an entry without payload for the payload itself", () => {
    const { payload: _, ...envelope } = ENTRY;
    expect(take({ ...envelope, ...HEALTH })).toMatchObject({ event: { id: "e-1", time: TIME, subject: "V001" } });
  });

  it("takes unknown types in", () => {
    expect(take({ ...ENTRY, event_type: "vehicle.washed" })).toMatchObject({
      event: { type: "vehicle.washed", time: TIME },
    });
  });

  it("finds what happened and who did it in the payload", () => {
    const payload = {
      alert_id: "a1",
      vehicle_id: "V001",
      severity: "CRITICAL",
      user_id: "owner_123",
      acknowledged_at: "2026-01-28T22:20:00Z",
    };
    expect(take({ event_type: "alert.acknowledged", payload })).toMatchObject({
      event: { id: ENTRY_ID, user: "owner_123", subject: "V001", time: Date.UTC(2026, 0, 28, 22, 20) },
    });
    const report = EVENT_TYPES.find(({ name }) => name === "analytics.report.generated")?.example;
    expect(take({ event_type: "analytics.report.generated", payload: report })).toMatchObject({
      event: { user: "owner_123", subject: "rep_1" },
    });
  });

  it("says where in the payload a fault is", () => {
    expect(take({ ...ENTRY, payload: { component: "engine", health_score: 41 } })).toMatchObject({
      eventType: "vehicle.health.changed",
      faults: [
        { path: ["payload", "vehicle_id"], type: "missing" },
        { path: ["payload", "health_score"], type: "maximum" },
      ],
    });
    expect(take({ ...ENTRY, timestamp: "now" })).toMatchObject({ faults: [{ path: ["timestamp"], type: "time" }] });
  });

  it("refuses a payload that is no JSON, or no object", () => {
    expect(take({ ...ENTRY, payload: "{" })).toMatchObject({
      kind: "json_decode",
      eventType: "vehicle.health.changed",
      faults: [{ path: ["payload"] }],
    });
    expect(take({ event: "{" }, "vehicle.health.changed")).toMatchObject({
      kind: "json_decode",
      faults: [{ path: ["event"] }],
    });
    expect(take({ ...ENTRY, payload: "[1]" })).toMatchObject({
      kind: "validation",
      faults: [{ path: ["payload"], type: "type" }],
    });
    expect(take(undefined)).toMatchObject({ kind: "json_decode" });
    expect(take("x")).toMatchObject({ kind: "validation" });
  });
});
