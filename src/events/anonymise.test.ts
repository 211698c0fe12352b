import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anonymise, anonymiseUser, refusesConsent, withoutPerson } from "./anonymise.js";
import type { StoredEvent } from "./event.js";
import { EVENT_TYPES, type EventType } from "./registry/index.js";

const USER = "user-123";
const STAND_IN = "fcdec6df4d44dbc6";

function event(properties: string | object, change: Partial<StoredEvent> = {}): StoredEvent {
  return {
    tenant: "t",
    id: "e1",
    type: "user.registered",
    time: 1,
    received: 2,
    origin: "http",
    user: USER,
    session: "s1",
    subject: null,
    country: null,
    region: null,
    city: null,
    latitude: null,
    longitude: null,
    amount: null,
    currency: null,
    properties: typeof properties === "string" ? properties : JSON.stringify(properties),
    ...change,
  };
}
const typeWith = (...personal: string[]): EventType => ({ ...(EVENT_TYPES[0] as EventType), personal });
const propertiesAfter = (
  properties: string | object,
  personal: string[] = [],
  change: Partial<StoredEvent> = {},
): string => anonymise(event(properties, change), typeWith(...personal), null).properties;

describe("an event without consent", () => {
  it("keeps that it happened, and nothing that leads to the person or from one event to the next", () => {
    const payload = { user_id: USER, session_id: "s1", phone: "+491701234567", page: "/", friend_id: "user-9" };
    const type = typeWith("phone", "friend_id", "user_id");
    const [one, two] = [1, 2].map(() => withoutPerson(event(payload, { subject: USER }), type));
    for (const kept of [one, two]) {
      expect(kept).toMatchObject({ id: "e1", type: "user.registered", time: 1, user: null, session: null });
      for (const secret of [USER, STAND_IN, "s1", "+49", "user-9"])
        expect(JSON.stringify(kept)).not.toContain(`"${secret}`);
      expect(kept?.properties).toContain('"page":"/"');
    }
    expect(one?.subject).not.toBe(two?.subject);
    expect(one?.properties).not.toBe(two?.properties);
  });

  it("is told by the event itself or by a header, and only by a clear no", () => {
    const raw = { fallbackId: null, origin: "http" };
    expect(refusesConsent({ ...raw, value: { consent: false } })).toBe(true);
    expect(refusesConsent({ ...raw, value: {}, hints: { consent: "denied" } })).toBe(true);
    for (const value of [{}, { consent: true }, { consent: null }, { consent: "false" }, [false], undefined]) {
      expect(refusesConsent({ ...raw, value })).toBe(false);
    }
  });
});

describe("the stand-in for a user", () => {
  it("is the one that the product contract gives", () => {
    expect(anonymiseUser(USER, null)).toBe(STAND_IN);
  });

  it("is keyed where there is a secret, and another one for every secret", () => {
    for (const secret of ["one", "two", ""]) {
      expect(anonymiseUser(USER, secret)).toBe(createHmac("sha256", secret).update(USER).digest("hex").slice(0, 16));
    }
    expect(anonymiseUser(USER, null)).toBe(STAND_IN);
  });

  it("is the same for the same user and another one for every other", () => {
    const users = Array.from({ length: 50_000 }, (_, i) => `user-${i}`);
    const hashes = users.map((user) => anonymiseUser(user, "secret"));
    expect(new Set(hashes).size).toBe(users.length);
    expect(users.map((user) => anonymiseUser(user, "secret"))).toEqual(hashes);
  });
});

describe("an anonymised event", () => {
  it("has the stand-in for its user, and is else as it was", () => {
    const given = event({ page: "/start" });
    expect(anonymise(given, null, null)).toEqual({ ...given, user: STAND_IN });
    const nobodys = event({ page: "/start" }, { user: null });
    expect(anonymise(nobodys, null, null)).toEqual(nobodys);
  });

  it("names the user nowhere: not as its subject, nor anywhere in the payload, as text, number or key", () => {
    expect(anonymise(event({}, { subject: USER }), null, null).subject).toBe(STAND_IN);
    expect(anonymise(event({}, { subject: "V1" }), null, null).subject).toBe("V1");
    const properties = { user_id: USER, riders: [{ id: USER }, { id: "other" }], [USER]: 1, text: `of ${USER}` };
    expect(JSON.parse(propertiesAfter(properties))).toEqual({
      user_id: STAND_IN,
      riders: [{ id: STAND_IN }, { id: "other" }],
      [STAND_IN]: 1,
      text: `of ${USER}`,
    });
    const number = anonymiseUser("42", null);
    expect(propertiesAfter('{"user_id":42,"n":142}', [], { user: "42" })).toBe(`{"user_id":"${number}","n":142}`);
    const long = "9007199254740993";
    expect(propertiesAfter(`{"user_id":${long}}`, [], { user: long })).toBe(
      `{"user_id":"${anonymiseUser(long, null)}"}`,
    );
    expect(propertiesAfter('{"user_id":"user-\\u0031\\u0032\\u0033"}')).toBe(`{"user_id":"${STAND_IN}"}`);
  });

  it("has nothing at the personal paths of its type, lists and dotted keys among them", () => {
    const properties = {
      ip: "10.0.0.1",
      contact: { email: "m@x.org", phone: "1", kept: true },
      guests: [
        { name: "a", seat: 1 },
        { name: "b", seat: 2 },
      ],
      "device.ip": "::1",
      email: "not this path",
    };
    const personal = ["ip", "contact.email", "contact.phone", "guests.name", "device.ip", "missing.entirely"];
    expect(JSON.parse(propertiesAfter(properties, personal))).toEqual({
      contact: { kept: true },
      guests: [{ seat: 1 }, { seat: 2 }],
      email: "not this path",
    });
    expect(propertiesAfter({ contact: null, guests: 1 }, personal)).toBe('{"contact":null,"guests":1}');
    expect(propertiesAfter('{"i\\u0070":"10.0.0.1"}', ["ip"])).toBe("{}");
  });

  it("replaces ids of people and removes what else is personal", () => {
    const other = anonymiseUser("other", null);
    const payload = { user_id: USER, rider_id: "other", driver_id: 7, backup_id: null, phone: "+234" };
    expect(JSON.parse(propertiesAfter(payload, ["user_id", "rider_id", "driver_id", "backup_id", "phone"]))).toEqual({
      user_id: STAND_IN,
      rider_id: other,
      driver_id: anonymiseUser("7", null),
    });
  });

  it("keeps every digit of every number, and every other character", () => {
    const text =
      '{"user":"user-123","big":9007199254740993,"price":12345678901234.1234,"huge":1e400,"s":"1e400 \\"9007199254740993\\"","n":-0.5}';
    expect(propertiesAfter(text)).toBe(text.replace(USER, STAND_IN));
  });

  it("is left alone where there is nothing to remove", () => {
    const text = '{ "spaces" : 1.50 }';
    expect(propertiesAfter(text, ["ip"])).toBe(text);
  });

  it("never lets through a personal value, whatever the payload looks like", () => {
    const anything = fc.jsonValue({ depthSize: "small" });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), anything), anything, (rest, secret) => {
        const properties = JSON.parse(
          propertiesAfter({ ...rest, user_id: USER, ip: secret, deep: { ip: secret } }, ["ip", "deep.ip"]),
        );
        expect(properties).not.toHaveProperty("ip");
        expect(properties.deep).toEqual({});
        expect(properties.user_id).toBe(STAND_IN);
        const { user_id: _, deep: __, ...kept } = properties;
        const { user_id: ___, deep: ____, ip: _____, ...given } = JSON.parse(JSON.stringify(rest));
        expect(kept).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  it("of every known type still has its payload, without the personal part", () => {
    for (const type of EVENT_TYPES) {
      const { properties } = anonymise(event(type.example, { type: type.name }), type, "secret");
      const kept = JSON.parse(properties);
      for (const path of type.personal) {
        const value = valueAt(kept, path.split("."));
        if (path.endsWith("_id")) expect(value ?? "0".repeat(16), `${type.name} ${path}`).toMatch(/^[\da-f]{16}$/);
        else expect(value, `${type.name} ${path}`).toBeUndefined();
      }
    }
  });
});

function valueAt(value: unknown, [head, ...rest]: readonly string[]): unknown {
  if (head === undefined) return value;
  if (Array.isArray(value))
    return value.map((item) => valueAt(item, [head, ...rest])).find((item) => item !== undefined);
  return typeof value === "object" && value !== null
    ? valueAt((value as Record<string, unknown>)[head], rest)
    : undefined;
}
