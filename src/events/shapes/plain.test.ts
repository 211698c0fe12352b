import { describe, expect, it } from "vitest";
import { EVENT_TYPES, EventRegistry } from "../registry/index.js";
import { plainShape } from "./plain.js";
import { isRefused } from "./shape.js";

const registry = new EventRegistry(EVENT_TYPES, { unknown: "accept" });

function take(value: unknown) {
  const message = plainShape.read({ value, fallbackId: null, origin: "http" });
  if (isRefused(message)) return message;
  return registry.read(message, { tenant: "t", received: 1, origin: "http", fallbackId: null, newId: () => "made" });
}

describe("the plain shape", () => {
  it("reads everything that an event can say", () => {
    const event = {
      type: "cart.emptied",
      id: "e1",
      time: "2024-01-01T12:00:00Z",
      user: "u1",
      session: "s1",
      subject: "c1",
      properties: { items: 3 },
    };
    expect(take(event)).toMatchObject({
      event: {
        id: "e1",
        type: "cart.emptied",
        time: Date.UTC(2024, 0, 1, 12),
        user: "u1",
        session: "s1",
        subject: "c1",
        properties: '{"items":3}',
      },
    });
  });

  it("needs nothing but a type", () => {
    expect(take({ type: "ping" })).toMatchObject({ event: { id: "made", time: 1, user: null, properties: "{}" } });
    expect(take({ type: "ping", id: null, time: null, user: null, properties: null })).toMatchObject({
      event: { id: "made" },
    });
  });

  it("takes whole numbers for ids", () => {
    expect(take({ type: "ping", id: 7, user: 8 })).toMatchObject({ event: { id: "7", user: "8" } });
  });

  it("brings events of every contract in, without their envelopes", () => {
    const example = EVENT_TYPES.find(({ name }) => name === "booking.cancelled")?.example ?? {};
    const { event_type: _, event_timestamp: __, ...properties } = example;
    expect(take({ type: "booking.cancelled", time: 1_731_654_300, properties })).toMatchObject({
      event: { type: "booking.cancelled", user: "rider-1", time: 1_731_654_300_000 },
    });
    expect(take({ type: "booking.cancelled", properties: {} })).toMatchObject({
      faults: expect.arrayContaining([
        expect.objectContaining({ path: ["properties", "booking_id"], type: "missing" }),
      ]),
    });
  });

  it("helps with names that it does not know", () => {
    expect(take({ type: "ping", user_id: "u1", colour: "red", constructor: 1 })).toMatchObject({
      kind: "validation",
      eventType: "ping",
      faults: [
        { path: ["user_id"], type: "unknown_field", message: expect.stringContaining("did you mean user?") },
        { path: ["colour"], type: "unknown_field", message: expect.stringContaining("put it into properties") },
        { path: ["constructor"], message: expect.stringContaining("put it into properties") },
      ],
    });
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`x${i}`, 1]));
    const refused = take({ type: "ping", ...many });
    expect(isRefused(refused) && refused.faults.length).toBe(20);
  });

  it.each([
    [{}, "missing_event_type", ["type"], "missing"],
    [{ type: "" }, "missing_event_type", ["type"], "missing"],
    [{ type: 7 }, "validation", ["type"], "type"],
    [{ type: "ping", id: "" }, "validation", ["id"], "type"],
    [{ type: "ping", id: 1.5 }, "validation", ["id"], "type"],
    [{ type: "ping", user: 2 ** 53 }, "validation", ["user"], "type"],
    [{ type: "ping", session: [] }, "validation", ["session"], "type"],
    [{ type: "ping", subject: true }, "validation", ["subject"], "type"],
    [{ type: "ping", properties: [] }, "validation", ["properties"], "type"],
    [{ type: "ping", properties: "{}" }, "validation", ["properties"], "type"],
    [{ type: "ping", time: "soon" }, "validation", ["time"], "time"],
    [{ type: "ping", time: {} }, "validation", ["time"], "time"],
    [[], "validation", [], "type"],
    [null, "validation", [], "type"],
    [undefined, "json_decode", [], "json_decode"],
  ])("refuses %j", (value, kind, path, type) => {
    expect(take(value)).toMatchObject({ kind, faults: [{ path, type }] });
  });
});
