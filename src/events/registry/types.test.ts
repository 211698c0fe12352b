import { describe, expect, it } from "vitest";
import type { Message, Refused } from "../shapes/shape.js";
import { isRefused } from "../shapes/shape.js";
import type { EventType } from "./event-type.js";
import { EVENT_TYPES } from "./index.js";
import { EventRegistry, type ReadResult } from "./registry.js";
import { createValidator } from "./validator.js";

const strict = createValidator({ strict: true });
const registry = new EventRegistry(EVENT_TYPES, { unknown: "refuse" });

function read(type: EventType, data: Message["data"]): ReadResult {
  return registry.read(
    { type: type.name, id: "e1", data },
    { tenant: "t", received: 0, origin: "http", fallbackId: null, newId: () => "new" },
  );
}

type Field = { readonly description?: string; readonly properties?: Fields; readonly items?: Field };
type Fields = Readonly<Record<string, Field>>;

const fieldsOf = (type: EventType): Fields => (type.schema.properties ?? {}) as Fields;
const requiredOf = (type: EventType): readonly string[] => type.schema.required as string[];

describe.each(EVENT_TYPES.map((type) => [type.name, type] as const))("%s", (_name, type) => {
  it("has an example that is taken in", () => {
    expect(read(type, type.example)).toMatchObject({ event: { type: type.name } });
  });

  it("is refused without any one of its required fields, and says which", () => {
    for (const field of requiredOf(type)) {
      const { [field]: _, ...rest } = type.example;
      const refused = read(type, rest) as Refused;
      expect(refused).toEqual({
        kind: "validation",
        eventType: type.name,
        faults: [{ path: [field], type: "missing", message: `${field} is missing` }],
      });
    }
  });

  it("may have every other field missing or null, and fields that nobody knows", () => {
    const optional = Object.keys(fieldsOf(type)).filter((field) => !requiredOf(type).includes(field));
    const known = Object.fromEntries(requiredOf(type).map((field) => [field, type.example[field]]));
    const nulls = Object.fromEntries(optional.map((field) => [field, null]));
    const id = type.schema.anyOf === undefined ? {} : { event_id: 1 };
    expect(isRefused(read(type, { ...known, ...id, unheard_of: [1] }))).toBe(false);
    expect(isRefused(read(type, { ...known, ...nulls, ...id }))).toBe(false);
  });

  it("describes itself and each field", () => {
    expect(type.description).toMatch(/^[A-Z].*\.$/);
    for (const [name, field] of Object.entries(fieldsOf(type))) {
      expect(field.description, name).toBeTruthy();
      for (const [inner, within] of Object.entries(field.properties ?? {})) {
        expect(within.description, `${name}.${inner}`).toBeTruthy();
      }
    }
  });

  it("has a schema that a strict reader takes", () => {
    expect(() => strict.compile(type.schema)).not.toThrow();
  });

  it("names only fields in its columns and personal data that it describes", () => {
    const columns = Object.entries(type.columns).filter(([name]) => name !== "user" && name !== "subject");
    const paths = columns.flatMap(([, source]) => source.paths);
    for (const path of [...paths, ...type.personal]) {
      if (path !== "sessionId") expect(describes(fieldsOf(type), path.split(".")), path).toBe(true);
    }
  });
});

/** Lists are described by one item. */
function describes(fields: Fields, [head = "", ...rest]: readonly string[]): boolean {
  const field = fields[head];
  if (field === undefined || rest.length === 0) return field !== undefined;
  const within = field.properties ?? field.items?.properties;
  return within === undefined || Object.keys(within).length === 0 || describes(within, rest);
}

describe("the list of event types", () => {
  it("has no name twice", () => {
    expect(new Set(EVENT_TYPES.map(({ name }) => name)).size).toBe(EVENT_TYPES.length);
  });

  it("has the types of every area", () => {
    const counts: Record<string, number> = {};
    for (const { area } of EVENT_TYPES) counts[area] = (counts[area] ?? 0) + 1;
    expect(counts).toEqual({ fleet: 23, rides: 20, documents: 5, bookings: 12, product: 25 });
  });

  it("keeps rides 90 days and positions 30, and leaves the rest to the installation", () => {
    const days = (type: EventType) =>
      type.area === "rides" ? (type.name === "driver.location.updated" ? 30 : 90) : null;
    for (const type of EVENT_TYPES) expect(type.retentionDays, type.name).toBe(days(type));
  });
});
