import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { STANDINS } from "../../../tests/support/standins.js";
import { EVENT_TYPES, EventRegistry } from "../registry/index.js";
import { cloudeventsShape } from "./cloudevents.js";
import { isRefused, type RawMessage } from "./shape.js";

const registry = new EventRegistry(EVENT_TYPES, { unknown: "accept" });

function take(value: unknown, raw: Partial<RawMessage> = {}) {
  const message = cloudeventsShape.read({ value, fallbackId: "fallback", origin: "http", ...raw });
  if (isRefused(message)) return message;
  return registry.read(message, {
    tenant: "t",
    received: 1,
    origin: "http",
    fallbackId: "fallback",
    newId: () => "made",
  });
}

const EVENT = {
  specversion: "1.0",
  id: "A234-1234-1234",
  source: "https://github.com/cloudevents/spec/pull",
  type: "com.github.pull_request.opened",
  subject: "123",
  time: "2018-04-05T17:31:00Z",
  datacontenttype: "application/json",
  comexampleextension1: "value",
  comexampleothervalue: 5,
  data: { user_id: "u1", title: "an event" },
};
const KEPT = {
  source: EVENT.source,
  datacontenttype: "application/json",
  comexampleextension1: "value",
  comexampleothervalue: 5,
};

function propertiesOf(value: unknown, raw?: Partial<RawMessage>): unknown {
  const read = take(value, raw);
  return isRefused(read) ? read : JSON.parse(read.event.properties);
}

describe("a structured CloudEvent", () => {
  it("is taken in, identified by source and id together, extensions and all", () => {
    expect(take(EVENT)).toMatchObject({
      event: {
        id: "https://github.com/cloudevents/spec/pull A234-1234-1234",
        type: "com.github.pull_request.opened",
        time: Date.UTC(2018, 3, 5, 17, 31),
        user: "u1",
        subject: "123",
        properties: JSON.stringify({ ...EVENT.data, _cloudevents: KEPT }),
      },
    });
  });

  it("may bring any data, or none", () => {
    const { data: _, ...event } = EVENT;
    expect(propertiesOf(event)).toEqual({ _cloudevents: KEPT });
    for (const data of ["Simple text", 7, false, [1, 2]]) {
      expect(propertiesOf({ ...event, data })).toEqual({ data, _cloudevents: KEPT });
    }
  });

  it("may bring data in base64: read when it is JSON, kept when not", () => {
    const { data: _, ...event } = EVENT;
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    expect(propertiesOf({ ...event, data_base64: base64('{"a":1}') })).toEqual({ a: 1, _cloudevents: KEPT });
    expect(propertiesOf({ ...event, data_base64: base64("no JSON") })).toMatchObject({
      data_base64: base64("no JSON"),
    });
    expect(propertiesOf({ ...event, datacontenttype: "image/png", data_base64: "AAEC" })).toMatchObject({
      data_base64: "AAEC",
    });
    expect(take({ ...event, data_base64: "not base64!" })).toMatchObject({
      faults: [{ path: ["data_base64"], type: "base64" }],
    });
  });

  it("is read with its type's schema", () => {
    const search = EVENT_TYPES.find(({ name }) => name === "route.searched")?.example;
    expect(take({ ...EVENT, type: "route.searched", data: search })).toMatchObject({
      event: { user: "rider-1", latitude: 6.6018 },
    });
    expect(take({ ...EVENT, type: "route.searched", data: { ...search, dest_lat: 100 } })).toMatchObject({
      faults: [{ path: ["data", "dest_lat"], type: "maximum" }],
    });
    expect(take({ ...EVENT, type: "booking.cancelled", data: "text" })).toMatchObject({ kind: "validation" });
  });

  it("tells each attribute that is wrong", () => {
    expect(take({ ...EVENT, specversion: "0.3", time: "2018-04-05", Ext: 1, big: 2 ** 40, list: [] })).toMatchObject({
      kind: "validation",
      eventType: EVENT.type,
      faults: [
        { path: ["specversion"], type: "specversion" },
        { path: ["time"], type: "time" },
        { path: ["Ext"], type: "extension_name" },
        { path: ["big"], type: "type" },
        { path: ["list"], type: "type" },
      ],
    });
    expect(take({ ...EVENT, source: "a b" })).toMatchObject({ faults: [{ path: ["source"], type: "source" }] });
    expect(take({ ...EVENT, dataschema: "relative" })).toMatchObject({ faults: [{ path: ["dataschema"] }] });
    expect(take({ ...EVENT, type: undefined })).toMatchObject({
      kind: "missing_event_type",
      faults: [{ path: ["type"], type: "missing" }],
    });
  });
});

describe("a binary CloudEvent", () => {
  const hints = {
    "content-type": "application/json; charset=utf-8",
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/shop",
    "ce-type": "order.placed",
    "ce-time": "2018-04-05T17:31:00Z",
    "ce-subject": "Euro%20%E2%82%AC%20%F0%9F%98%80%20100%",
    "ce-region": '"a \\"b\\""',
    host: "example.org",
  };

  it("has its attributes in headers, percent-encoded, and its data as the message", () => {
    const text = '{"user_id":"u1"}';
    expect(take(JSON.parse(text), { hints, text })).toMatchObject({
      event: {
        id: "/shop 1",
        type: "order.placed",
        time: Date.UTC(2018, 3, 5, 17, 31),
        user: "u1",
        subject: "Euro € 😀 100%",
      },
    });
    expect(propertiesOf({}, { hints })).toEqual({
      _cloudevents: { source: "/shop", region: 'a "b"', datacontenttype: "application/json; charset=utf-8" },
    });
  });

  it("has headers of Kafka as they are", () => {
    const kafka = {
      ce_specversion: "1.0",
      ce_id: "1",
      ce_source: "/shop",
      ce_type: "order.placed",
      ce_subject: "100%25",
    };
    expect(take({}, { hints: kafka })).toMatchObject({ event: { id: "/shop 1", subject: "100%25" } });
  });

  it("may bring text, or nothing", () => {
    expect(propertiesOf(undefined, { hints: { ...hints, "content-type": "text/plain" }, text: "hello" })).toMatchObject(
      { data: "hello" },
    );
    expect(propertiesOf(undefined, { hints })).toMatchObject({ _cloudevents: { source: "/shop" } });
    expect(take(undefined, { hints, text: "{" })).toMatchObject({ kind: "json_decode" });
    expect(take(undefined, { hints, bytes: Buffer.from("{") })).toMatchObject({ kind: "json_decode" });
    const png = { hints: { ...hints, "content-type": "image/png" }, bytes: Buffer.from([0, 1, 2]) };
    expect(propertiesOf(undefined, png)).toMatchObject({ data_base64: "AAEC" });
  });

  it("is a structured one when its content type says so", () => {
    const structured = { ...hints, "content-type": "application/cloudevents+json" };
    expect(take(EVENT, { hints: structured })).toEqual(take(EVENT));
  });

  it("is refused for headers that no event has", () => {
    expect(take({}, { hints: { ...hints, "ce-subject": "%C0%A0" } })).toMatchObject({
      faults: [{ path: ["ce-subject"], type: "percent_encoding" }],
    });
    expect(take({}, { hints: { ...hints, "ce-data": "x" } })).toMatchObject({
      faults: [{ path: ["ce-data"], type: "header" }],
    });
    expect(take({}, { hints: { ...hints, "ce-id": "" } })).toMatchObject({ faults: [{ path: ["id"], type: "id" }] });
    expect(take({}, { hints: { ...hints, "ce-my-ext": "x" } })).toMatchObject({
      faults: [{ path: ["my-ext"], type: "extension_name" }],
    });
  });
});

const CASES = `${STANDINS}/data/standards/cloudevents`;

describe.skipIf(!existsSync(CASES))("the CloudEvents conformance cases", () => {
  interface Case {
    readonly id: string;
    readonly event?: unknown;
    readonly batch?: readonly unknown[];
  }
  const cases = (file: string): Case[] =>
    existsSync(CASES) ? JSON.parse(readFileSync(`${CASES}/${file}.json`, "utf8")).tests : [];
  const anyRefused = (events: readonly unknown[]) => events.some((event) => isRefused(take(event)));

  it.each(cases("valid-events"))("takes in: $id", ({ event }) => {
    expect(take(event)).toHaveProperty("event");
  });

  it.each(cases("invalid-events"))("refuses: $id", ({ event }) => {
    expect(take(event)).toHaveProperty("faults");
  });

  it.each(cases("valid-batches"))("takes all in: $id", ({ batch = ["missing"] }) => {
    expect(anyRefused(batch)).toBe(false);
  });

  it.each(cases("invalid-batches"))("refuses one at least: $id", ({ batch = [] }) => {
    expect(anyRefused(batch)).toBe(true);
  });
});
