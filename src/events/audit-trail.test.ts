import { describe, expect, it } from "vitest";
import { auditRecordOf } from "./audit-trail.js";
import { encodeEvent, type StoredEvent } from "./event.js";

const EVENT: StoredEvent = {
  tenant: "t",
  id: "e1",
  type: "vehicle.health.changed",
  time: 1,
  received: 2,
  origin: "redis:stream/1",
  user: null,
  session: null,
  subject: null,
  country: null,
  region: null,
  city: null,
  latitude: null,
  longitude: null,
  amount: null,
  currency: null,
  properties: "{}",
};
const spooled = (event: StoredEvent) => JSON.parse(encodeEvent(event)) as StoredEvent;

describe("the audit entry of an event", () => {
  it("names nobody and nothing that the event does not name, also as a spool holds it", () => {
    for (const event of [EVENT, spooled(EVENT)]) {
      expect(auditRecordOf(event)).toMatchObject({ userId: null, resource: "vehicle.health.changed", eventId: "e1" });
    }
    const named = { ...EVENT, user: "u", subject: "V1" };
    expect(auditRecordOf(spooled(named))).toMatchObject({ userId: "u", resource: "vehicle.health.changed/V1" });
  });

  it("is the same entry however often the event comes", () => {
    expect(auditRecordOf(spooled(EVENT)).id).toBe(auditRecordOf({ ...EVENT, received: 3 }).id);
    expect(auditRecordOf(EVENT).id).not.toBe(auditRecordOf({ ...EVENT, tenant: "other" }).id);
  });
});
