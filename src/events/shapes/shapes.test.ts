import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { STANDINS } from "../../../tests/support/standins.js";
import { encodeEvent, type StoredEvent } from "../event.js";
import { EVENT_TYPES, EventRegistry } from "../registry/index.js";
import { isRefused, type RawMessage, SHAPES, type ShapeName } from "./index.js";

const registry = new EventRegistry(EVENT_TYPES, { unknown: "accept" });
const NAMES = Object.keys(SHAPES) as ShapeName[];

function take(shape: ShapeName, raw: Partial<RawMessage>) {
  const message = SHAPES[shape].read({ value: undefined, fallbackId: null, origin: "test", ...raw });
  if (isRefused(message)) return message;
  return registry.read(message, { tenant: "t", received: 1, origin: "test", fallbackId: null, newId: () => "made" });
}

/** What a message becomes in store: its line read back. Null when it is refused. */
function stored(shape: ShapeName, raw: Partial<RawMessage>): (StoredEvent & { properties: unknown }) | null {
  const read = take(shape, raw);
  if (isRefused(read)) {
    expect(read.faults.length).toBeGreaterThan(0);
    for (const { path, message, type } of read.faults) {
      expect(Array.isArray(path) && message.length > 0 && type.length > 0).toBe(true);
    }
    return null;
  }
  const line = encodeEvent(read.event);
  expect(line).not.toMatch(/[\n\r]/);
  // Without escaped backslashes: two and `ud83d` are text about an escape.
  expect(line.replaceAll("\\\\", "")).not.toMatch(/\\ud[89a-f]/i);
  return JSON.parse(line);
}

describe("every shape", () => {
  it("is listed under its own name", () => {
    for (const name of NAMES) expect(SHAPES[name].name).toBe(name);
  });

  it("answers whatever it is given with an event or with faults", () => {
    const names =
      "type event_type event_id event_data event_timestamp ts timestamp user_id payload data data_base64 src specversion id source time subject properties booking_data";
    const key = fc.oneof(fc.constantFrom(...names.split(" ")), fc.string());
    const types = fc.constantFrom(...EVENT_TYPES.map(({ name }) => name));
    const value = fc.oneof(
      types,
      fc.constantFrom("1.0", "2024-01-01", 1, "{}"),
      fc.jsonValue(),
      fc.dictionary(key, fc.jsonValue()),
    );
    const hint = fc.constantFrom(
      "topic",
      "stream",
      "channel",
      "event_type",
      "ce-specversion",
      "ce-id",
      "ce-source",
      "ce-type",
      "ce_x",
    );
    const hints = fc.option(fc.dictionary(hint, fc.string()), { nil: undefined });
    fc.assert(
      fc.property(
        fc.oneof(fc.dictionary(key, value), fc.jsonValue()),
        hints,
        fc.boolean(),
        (message, given, withText) => {
          const text = withText ? JSON.stringify(message) : undefined;
          for (const name of NAMES) stored(name, { value: message, text, hints: given });
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("the auto shape", () => {
  const example = (type: string) => EVENT_TYPES.find(({ name }) => name === type)?.example;

  it.each([
    ["plain", { type: "ping", properties: { a: 1 } }],
    ["cloudevents", { specversion: "1.0", id: "1", source: "/a", type: "ping" }],
    ["fleet", { event_type: "alert.resolved", payload: example("alert.resolved") }],
    ["documents", { event_type: "error", event_data: { error_type: "x" }, service_name: "s" }],
    ["documents", { event_type: "error" }],
    ["rides", example("trip.started")],
    ["product", { ts: "2024-01-01", user_id: "u", type: "page_view", payload: {} }],
    ["bookings", example("BookingCreated")],
    ["bookings", example("EventCreated")],
    ["bookings", example("WaitlistJoined")],
  ] as const)("reads with the %s shape what only that can be", (shape, value) => {
    const read = take("auto", { value });
    expect(read).toHaveProperty("event");
    expect(read).toEqual(take(shape, { value }));
  });

  it("reads what has CloudEvents headers as such, whatever it looks like", () => {
    const hints = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "ping" };
    expect(take("auto", { value: { type: "pong" }, hints })).toMatchObject({ event: { type: "ping" } });
  });

  it("explains the plain form where it cannot tell", () => {
    expect(take("auto", { value: { event_type: "ping", colour: "red" } })).toMatchObject({
      kind: "missing_event_type",
      faults: expect.arrayContaining([
        expect.objectContaining({ path: ["event_type"], message: expect.stringContaining("did you mean type?") }),
      ]),
    });
    expect(take("auto", { value: 7 })).toMatchObject({ kind: "validation" });
    expect(take("auto", {})).toMatchObject({ kind: "json_decode" });
  });
});

const NAUGHTY = `${STANDINS}/payloads/blns.json`;

describe.skipIf(!existsSync(NAUGHTY))("naughty strings", () => {
  const own = ["\ud83d", "a\udc00b", "\u0000", "\u2028", '":', "\\ud83d", "\\", "😀", "\ufeff", "x".repeat(10_000)];
  const strings: string[] = existsSync(NAUGHTY) ? [...JSON.parse(readFileSync(NAUGHTY, "utf8")), ...own] : own;

  it("come back the same as ids, users and types, or are refused", () => {
    let kept = 0;
    for (const text of strings) {
      const event = stored("plain", { value: { type: text, id: text, user: text, subject: text } });
      if (event === null) continue;
      kept++;
      const same = text.toWellFormed();
      expect(event).toMatchObject({ type: same, id: same, user: same, subject: same });
    }
    expect(kept).toBeGreaterThan(300);
  });

  it("come back the same as values and names of the payload, with or without its text", () => {
    for (const text of strings) {
      const properties = { [text]: text, list: [text] };
      const same = text.toWellFormed();
      const expected = { [same]: same, list: [same] };
      expect(stored("plain", { value: { type: "ping", properties } })?.properties).toEqual(expected);
      const flat = { type: "ping", ...properties };
      for (const json of [JSON.stringify(flat), JSON.stringify(flat, null, 2), JSON.stringify(flat).toWellFormed()]) {
        expect(stored("bookings", { value: JSON.parse(json), text: json })?.properties).toMatchObject(expected);
      }
    }
  });

  it("come back the same out of headers", () => {
    for (const text of strings) {
      const hints = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "ping" };
      const event = stored("cloudevents", {
        value: {},
        hints: { ...hints, "ce-subject": encodeURIComponent(text.toWellFormed()) },
      });
      if (event !== null) expect(event.subject).toBe(text.toWellFormed());
    }
  });
});
