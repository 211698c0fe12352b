import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeEvent } from "../event.js";
import { isRefused, type Message } from "../shapes/shape.js";
import type { ColumnSources, EventType } from "./event-type.js";
import { MAX_FAULTS } from "./faults.js";
import { EventRegistry, type ReadContext, type ReadResult } from "./registry.js";

const CONTEXT: ReadContext = {
  tenant: "t1",
  received: Date.UTC(2024, 0, 2),
  origin: "http",
  fallbackId: null,
  newId: () => "made",
};

function typeOf(columns: ColumnSources, schema: EventType["schema"] = { type: "object" }): EventType {
  return {
    name: "thing.done",
    area: "custom",
    description: "",
    schema,
    columns,
    personal: [],
    example: {},
    retentionDays: null,
  };
}

function read(type: EventType, message: Partial<Message>, context: Partial<ReadContext> = {}): ReadResult {
  const registry = new EventRegistry([type], { unknown: "refuse" });
  return registry.read({ type: "thing.done", id: null, data: {}, ...message }, { ...CONTEXT, ...context });
}

/** The event, or the test fails and shows the faults. */
function event(result: ReadResult) {
  expect(result).toHaveProperty("event");
  return (result as Extract<ReadResult, { event: unknown }>).event;
}

const anything = typeOf({});

describe("types", () => {
  const custom: Message = { type: "cart emptied", id: null, data: { userId: 7, sessionId: "s1", amount: 3 } };

  it("takes an unlisted type in where the installation wants that, and looks for user and session", () => {
    const registry = new EventRegistry([], { unknown: "accept" });
    expect(event(registry.read(custom, CONTEXT))).toMatchObject({
      type: "cart emptied",
      user: "7",
      session: "s1",
      amount: null,
    });
  });

  it("refuses an unlisted type where the contract wants that", () => {
    const registry = new EventRegistry([], { unknown: "accept" });
    expect(registry.read({ ...custom, declaredOnly: true }, CONTEXT)).toMatchObject({ kind: "unknown_event_type" });
  });

  it("refuses an unlisted type where it does not", () => {
    const registry = new EventRegistry([anything], { unknown: "refuse" });
    expect(registry.read({ ...custom, paths: { type: ["event_type"] } }, CONTEXT)).toMatchObject({
      kind: "unknown_event_type",
      eventType: "cart emptied",
      faults: [{ path: ["event_type"], type: "unknown_event_type" }],
    });
  });

  it.each(["", "a\nb", "a\u0000b", "a\u007fb", "x".repeat(201)])("refuses %j as a name", (type) => {
    const registry = new EventRegistry([], { unknown: "accept" });
    expect(registry.read({ type, id: null, data: {} }, CONTEXT)).toMatchObject({
      kind: "validation",
      eventType: null,
      faults: [{ path: ["type"], type: "type_name" }],
    });
  });

  it.each(["__proto__", "constructor", "toString"])("does not take %s for a type that it knows", (type) => {
    const registry = new EventRegistry([anything], { unknown: "refuse" });
    expect(registry.get(type)).toBeUndefined();
    expect(registry.read({ type, id: null, data: {} }, CONTEXT)).toMatchObject({ kind: "unknown_event_type" });
  });

  it("does not take two types of one name", () => {
    expect(() => new EventRegistry([anything, anything], { unknown: "accept" })).toThrow("same name");
  });
});

describe("identity", () => {
  it("takes the message's id, else the transport's, else makes one", () => {
    expect(event(read(anything, { id: "own" }, { fallbackId: "topic/0/7" })).id).toBe("own");
    expect(event(read(anything, {}, { fallbackId: "topic/0/7" })).id).toBe("topic/0/7");
    expect(event(read(anything, { id: "" })).id).toBe("made");
  });

  it("refuses ids longer than 512", () => {
    expect(event(read(anything, { id: "x".repeat(512) })).id).toHaveLength(512);
    for (const column of ["id", "user", "session", "subject"]) {
      expect(read(anything, { [column]: "x".repeat(513) })).toMatchObject({
        faults: [{ path: [column], type: "too_long" }],
      });
    }
  });
});

describe("columns", () => {
  const user: ColumnSources = { user: { paths: ["user_id", "rider.id", "deep.er.id"] } };

  it("are the first value that a path leads to; empty text is none", () => {
    expect(
      event(read(typeOf(user), { data: { user_id: "", rider: { id: "r1" }, deep: { er: { id: "d" } } } })).user,
    ).toBe("r1");
    expect(event(read(typeOf(user), { data: { rider: "flat", deep: { er: { id: "d" } } } })).user).toBe("d");
    expect(event(read(typeOf(user), { data: {} })).user).toBeNull();
  });

  it("let the envelope go before the payload", () => {
    expect(event(read(typeOf(user), { user: "outer", data: { user_id: "inner" } })).user).toBe("outer");
  });

  it("make text of numbers, and refuse integers that are no longer exact", () => {
    expect(event(read(typeOf(user), { data: { user_id: 9_007_199_254_740_991 } })).user).toBe("9007199254740991");
    expect(read(typeOf(user), { data: { user_id: 2 ** 53 }, paths: { data: ["payload"] } })).toMatchObject({
      faults: [{ path: ["payload", "user_id"], type: "inexact" }],
    });
  });

  it("leave what is neither text nor number in the properties", () => {
    expect(event(read(typeOf(user), { data: { user_id: { id: 1 } } }))).toMatchObject({
      user: null,
      properties: '{"user_id":{"id":1}}',
    });
  });

  it("do not take what objects inherit for a value", () => {
    expect(event(read(typeOf({ user: { paths: ["constructor", "__proto__", "toString.name"] } }), {})).user).not.toBe(
      "Object",
    );
  });

  it("leave long names out of place and subject, since the properties have them", () => {
    const columns = { city: { paths: ["page"] }, subject: { paths: ["page"] } };
    expect(event(read(typeOf(columns), { data: { page: "x".repeat(513) } }))).toMatchObject({
      city: null,
      subject: null,
    });
  });

  it("fall back to what always holds", () => {
    const columns = { amount: { paths: ["total"], always: "0" }, currency: { paths: [], always: "NGN" } };
    expect(event(read(typeOf(columns), {}))).toMatchObject({ amount: "0", currency: "NGN" });
  });

  it("hold amounts as canonical text", () => {
    const amount = typeOf({ amount: { paths: ["total"] } });
    expect(event(read(amount, { data: { total: "2550.00" } })).amount).toBe("2550");
    expect(event(read(amount, { data: { total: 25.5 } })).amount).toBe("25.5");
    for (const total of ["1.23456", "lots", 1e30, {}, true]) {
      expect(read(amount, { data: { total } })).toMatchObject({ faults: [{ path: ["total"], type: "decimal" }] });
    }
  });

  it("hold currencies as three capitals", () => {
    const currency = typeOf({ currency: { paths: ["currency"] } });
    expect(event(read(currency, { data: { currency: "usd" } })).currency).toBe("USD");
    for (const wrong of ["dollars", "U$", 840]) {
      expect(read(currency, { data: { currency: wrong } })).toMatchObject({ faults: [{ type: "currency" }] });
    }
  });

  it("hold degrees within their range", () => {
    const place = typeOf({ latitude: { paths: ["at.lat"] }, longitude: { paths: ["at.lon"] } });
    expect(event(read(place, { data: { at: { lat: "-90", lon: 180 } } }))).toMatchObject({
      latitude: -90,
      longitude: 180,
    });
    expect(event(read(place, { data: { at: { lat: 0, lon: 0 } } }))).toMatchObject({ latitude: 0, longitude: 0 });
    expect(read(place, { data: { at: { lat: 90.1, lon: "east" } } })).toMatchObject({
      faults: [
        { path: ["at", "lat"], type: "latitude" },
        { path: ["at", "lon"], type: "longitude" },
      ],
    });
    for (const lat of [" ", "0x10", true, []]) expect(isRefused(read(place, { data: { at: { lat } } }))).toBe(true);
  });
});

describe("time", () => {
  const timed = typeOf({ time: { paths: ["at"] } });

  it("is the envelope's, else the payload's, else that of receipt", () => {
    expect(event(read(timed, { time: "2024-01-01", data: { at: 1 } })).time).toBe(Date.UTC(2024, 0, 1));
    expect(event(read(timed, { time: null, data: { at: "2023-01-01T00:00" } })).time).toBe(Date.UTC(2023, 0, 1));
    expect(event(read(timed, {})).time).toBe(CONTEXT.received);
  });

  it("is told to be wrong where it stands", () => {
    expect(read(timed, { time: "soon", paths: { time: ["ts"] } })).toMatchObject({
      faults: [{ path: ["ts"], type: "time" }],
    });
    expect(read(timed, { data: { at: "soon" } })).toMatchObject({ faults: [{ path: ["at"], type: "time" }] });
    expect(read(timed, { time: "1899-12-31" })).toMatchObject({ faults: [{ path: ["time"], type: "time" }] });
  });

  it("is missed where the message should have said it", () => {
    expect(read(timed, { timeRequired: true, paths: { time: ["event_timestamp"] } })).toMatchObject({
      faults: [{ path: ["event_timestamp"], type: "missing", message: "event_timestamp is missing" }],
    });
    expect(event(read(timed, { timeRequired: true, data: { at: "2024-01-01" } })).time).toBe(Date.UTC(2024, 0, 1));
  });
});

describe("faults", () => {
  const strict = typeOf(
    {},
    {
      type: "object",
      required: ["role"],
      properties: {
        role: { enum: ["RIDER", "DRIVER"] },
        phone: { type: "string", pattern: "^\\+234" },
        legs: { type: "array", items: { type: "object", properties: { "a/b": { type: "integer" } } } },
        only: { type: "object", additionalProperties: false },
        fixed: { const: 1 },
      },
    },
  );

  it("lead to the place in the message and say what was expected, without quoting what may be personal", () => {
    const data = { role: "ADMIN", phone: "08012345678", legs: [{}, { "a/b": "x" }], only: { more: 1 }, fixed: 2 };
    const result = read(strict, { data, paths: { data: ["payload"] } });
    expect(result).toEqual({
      kind: "validation",
      eventType: "thing.done",
      faults: [
        { path: ["payload", "role"], type: "enum", message: 'must be one of "RIDER","DRIVER"' },
        { path: ["payload", "phone"], type: "pattern", message: 'must match pattern "^\\+234"' },
        { path: ["payload", "legs", 1, "a/b"], type: "type", message: "must be integer, got string" },
        {
          path: ["payload", "only", "more"],
          type: "additionalProperties",
          message: "must NOT have additional properties",
        },
        { path: ["payload", "fixed"], type: "const", message: "must be 1" },
      ],
    });
    expect(JSON.stringify(result)).not.toContain("08012345678");
  });

  it("name a missing field", () => {
    expect(read(strict, {})).toMatchObject({
      faults: [{ path: ["role"], type: "missing", message: "role is missing" }],
    });
  });

  it("are told up to a number and counted beyond", () => {
    const legs = Array.from({ length: 1000 }, () => ({ "a/b": "x" }));
    const { faults } = read(strict, { data: { role: "RIDER", legs } }) as Extract<ReadResult, { faults: unknown }>;
    expect(faults).toHaveLength(MAX_FAULTS + 1);
    expect(faults.at(-1)).toMatchObject({ message: `and ${1000 - MAX_FAULTS} more`, type: "more" });
  });
});

describe("a flood of faults", () => {
  it("is not listed for a long message: the first has to do", () => {
    const numbers = typeOf({}, { properties: { list: { type: "array", items: { type: "string" } } } });
    const list = new Array(1_000_000).fill(1);
    expect(read(numbers, { data: { list } })).toMatchObject({ faults: [{ path: ["list", 0], type: "type" }] });
  });
});

describe("properties", () => {
  it("refuse what is nested deeper than a hundred levels", () => {
    const nested = (depth: number) => JSON.parse(`{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`);
    expect(isRefused(read(anything, { data: nested(100) }))).toBe(false);
    for (const depth of [101, 100_000]) {
      expect(read(anything, { data: nested(depth), paths: { data: ["payload"] } })).toMatchObject({
        faults: [{ path: ["payload"], type: "depth" }],
      });
    }
  });

  it("refuse numbers beyond the range of doubles", () => {
    expect(read(anything, { data: JSON.parse('{"x":[1e999]}') })).toMatchObject({ faults: [{ type: "number" }] });
  });

  it("say what the envelope says beside the payload", () => {
    const extras = { _src: "web" };
    expect(event(read(anything, { data: { a: 1 }, extras })).properties).toBe('{"a":1,"_src":"web"}');
    expect(event(read(anything, { data: {}, extras })).properties).toBe('{"_src":"web"}');
    expect(event(read(anything, { data: { a: 1 }, text: '{"a": 1}', extras })).properties).toBe(
      '{"a": 1,"_src":"web"}',
    );
    expect(event(read(anything, { data: { a: 1 }, text: '{"a": 1} ', extras })).properties).toBe(
      '{"a":1,"_src":"web"}',
    );
    expect(event(read(anything, { data: { _src: "me", a: 1 }, extras })).properties).toBe('{"_src":"web","a":1}');
  });
});

describe("any event that is taken in", () => {
  it("is one line of JSON that reads back the same, and without half characters", () => {
    const registry = new EventRegistry([anything], { unknown: "accept" });
    const text = fc.string({ unit: "binary", maxLength: 20 });
    const message = fc.record({
      type: fc.oneof(fc.constant("thing.done"), text),
      id: fc.option(text),
      time: fc.oneof(fc.constant(undefined), text, fc.double()),
      user: fc.option(text),
      subject: fc.option(text),
      data: fc.dictionary(text, fc.jsonValue()),
      extras: fc.option(fc.dictionary(text, fc.jsonValue()), { nil: undefined }),
    });
    fc.assert(
      fc.property(message, fc.boolean(), (given, withText) => {
        const read = registry.read(withText ? { ...given, text: JSON.stringify(given.data) } : given, CONTEXT);
        if (isRefused(read)) {
          expect(read.faults.length).toBeGreaterThan(0);
          return;
        }
        const line = encodeEvent(read.event);
        expect(line).not.toMatch(/[\n\r]/);
        // Without escaped backslashes: two and `ud83d` are text about an escape.
        expect(line.replaceAll("\\\\", "")).not.toMatch(/\\ud[89a-f]/i);
        const { properties, ...back } = JSON.parse(line);
        const present = Object.entries(read.event).filter(([, value]) => value !== null);
        expect({ ...back, properties: JSON.stringify(properties) }).toEqual({
          ...Object.fromEntries(present),
          properties: JSON.stringify(JSON.parse(read.event.properties)),
        });
      }),
      { numRuns: 500 },
    );
  });
});
