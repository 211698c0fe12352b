import { describe, expect, it } from "vitest";
import type { SentEvent } from "../../tests/support/loading.js";
import { UsageError } from "./errors.js";
import { readMapping } from "./fields.js";
import { checkColumns, createMapper, type MappingOptions } from "./mapping.js";

const NO_MAPPING = { map: [], set: [] };

function options(map: string[], others: Partial<MappingOptions> & { set?: string[] } = {}): MappingOptions {
  const { set = [], ...rest } = others;
  return {
    mapping: readMapping({ map, set, type: "visit" }),
    timeFormat: null,
    timeZone: "UTC",
    properties: "all",
    numbers: [],
    idPrefix: "",
    ...rest,
  };
}

function mapped(record: Record<string, unknown>, given: MappingOptions): SentEvent {
  return JSON.parse(createMapper(given, "identity")({ record }, 1).line) as SentEvent;
}

describe("what the command line maps", () => {
  it("may be given in one or several options", () => {
    const mapping = readMapping({
      map: ["time=created, user=userId", "subject=a,b"],
      set: ["country=Côte d'Ivoire, west"],
      type: "t",
    });
    expect(Object.fromEntries(mapping)).toEqual({
      time: { column: "created" },
      user: { column: "userId" },
      subject: { column: "a,b" },
      country: { constant: "Côte d'Ivoire, west" },
      type: { constant: "t" },
    });
  });

  it.each([
    [{ ...NO_MAPPING }, "--type NAME"],
    [{ ...NO_MAPPING, map: ["colour=x"], type: "t" }, 'no field "colour"'],
    [{ ...NO_MAPPING, map: ["time"], type: "t" }, "expected field=COLUMN"],
    [{ ...NO_MAPPING, map: ["time="], type: "t" }, "expected field=COLUMN"],
    [{ ...NO_MAPPING, set: ["currency"], type: "t" }, "expected field=VALUE"],
    [{ ...NO_MAPPING, map: ["time=a,time=b"], type: "t" }, "given twice"],
    [{ ...NO_MAPPING, set: ["currency=USD"], currency: "EUR", type: "t" }, "given twice"],
    [{ ...NO_MAPPING, type: "t", "type-from": "x" }, "given twice"],
  ])("is refused when it is %j", (given, message) => {
    expect(() => readMapping(given)).toThrow(UsageError);
    expect(() => readMapping(given)).toThrow(message);
  });

  it("names only columns that there are", () => {
    const columns = ["a", "b"];
    const check = (given: MappingOptions) => () => checkColumns(given, columns, "f.csv");
    expect(check(options(["time=a,user=b.c"]))).not.toThrow();
    expect(check(options(["time=when"]))).toThrow('f.csv has no column "when" (time=when). It has: a, b');
    expect(check(options([], { properties: ["a", "x"] }))).toThrow('no column "x"');
    expect(check(options([], { numbers: ["y"] }))).toThrow('no column "y"');
  });
});

describe("an event", () => {
  it("has its fields from columns and constants, and all columns as properties", () => {
    const given = options(
      [
        "time=at,user=who,session=visit,subject=page,id=key",
        "country=land,region=state,city=town,latitude=lat,longitude=lon,amount=price",
      ],
      { set: ["currency=EUR"] },
    );
    const record = {
      at: "2024-07-04 12:00:00",
      who: "7",
      visit: "s1",
      page: "/",
      key: "k1",
      land: "DE",
      state: "BE",
      town: "Berlin",
      lat: "52.5",
      lon: "13.4",
      price: "12.50",
    };
    expect(mapped(record, given)).toEqual({
      type: "visit",
      id: "k1",
      time: "2024-07-04T12:00:00.000Z",
      user: "7",
      session: "s1",
      subject: "/",
      place: { country: "DE", region: "BE", city: "Berlin", latitude: 52.5, longitude: 13.4 },
      amount: { value: "12.50", currency: "EUR" },
      properties: record,
    });
  });

  it("has no field whose column is empty", () => {
    const given = options(["user=who,country=land,amount=price"], { set: ["currency=EUR"] });
    const { id: _, ...event } = mapped({ who: "", land: null, other: 1 }, given);
    expect(event).toEqual({ type: "visit", properties: { who: "", land: null, other: 1 } });
  });

  it("takes its type from a column, and is faulty without one", () => {
    const given = { ...options([]), mapping: readMapping({ ...NO_MAPPING, "type-from": "kind" }) };
    expect(mapped({ kind: "click" }, given).type).toBe("click");
    expect(createMapper(given, "i")({ record: {} }, 1)).toMatchObject({ fault: "it has no type" });
  });

  it("takes keys inside objects, unless a column has the whole name", () => {
    const given = options(["user=actor.login"]);
    expect(mapped({ actor: { login: "ada" } }, given).user).toBe("ada");
    expect(mapped({ "actor.login": "bob", actor: { login: "ada" } }, given).user).toBe("bob");
    expect(mapped({ actor: "none" }, given).user).toBeUndefined();
    expect(mapped({}, options(["user=constructor"])).user).toBeUndefined();
  });

  it("keeps types of values, and ids of numbers as text", () => {
    const record = { who: 7, flag: true, nested: { a: [1, null] } };
    expect(mapped(record, options(["user=who,session=flag"]))).toMatchObject({
      user: "7",
      session: "true",
      properties: record,
    });
  });

  it("passes the text of JSON on as it is, with every digit", () => {
    const text = '{"n":12345678901234567890,"f":1.10}';
    const { line } = createMapper(options([]), "i")({ record: {}, text }, 1);
    expect(line.endsWith(`"properties":${text}}`)).toBe(true);
  });

  it("makes numbers of texts where told, and of nothing else", () => {
    const record = { a: "1.50", b: "02139", c: "n/a", d: "12345678901234567890", e: "-3e2", f: "7" };
    expect(mapped(record, options([], { numbers: ["a", "b", "c", "d", "e"] })).properties).toEqual({
      ...record,
      a: 1.5,
      e: -300,
    });
  });

  it("has the properties that are asked for", () => {
    const record = { a: 1, b: { c: 2 }, d: 3 };
    expect(mapped(record, options([], { properties: "none" })).properties).toEqual({});
    expect(mapped(record, options([], { properties: ["d", "b.c", "x"] })).properties).toEqual({ d: 3, "b.c": 2 });
  });

  it("rounds amounts that are doubles, never those that are text", () => {
    const amount = (price: unknown) => mapped({ price }, options(["amount=price"])).amount?.value;
    expect(amount(12.340000000000002)).toBe("12.34");
    expect(amount(0)).toBe("0");
    expect(amount("12.340000000000002")).toBe("12.340000000000002");
    expect(amount(" 5 ")).toBe("5");
  });
});

describe("an id", () => {
  const id = (row: number, { type = "t", identity = "file", prefix = "" } = {}): string => {
    const mapping = readMapping({ ...NO_MAPPING, type });
    const { line } = createMapper({ ...options([]), mapping, idPrefix: prefix }, identity)({ record: {} }, row);
    return (JSON.parse(line) as SentEvent).id;
  };

  it("is the same for the same file, type and row, and for no other", () => {
    expect(id(1)).toBe(id(1));
    const others = [id(1), id(2), id(1, { type: "u" }), id(1, { identity: "other" }), id(1, { prefix: "again-" })];
    expect(new Set(others).size).toBe(5);
  });
});

describe("a faulty row", () => {
  it("keeps a time that cannot be read, in a form that the gateway refuses too", () => {
    const map = createMapper(options(["time=at"], { timeFormat: "%d/%m/%Y" }), "i");
    const time = (at: unknown) => (JSON.parse(map({ record: { at } }, 1).line) as SentEvent).time;
    expect(map({ record: { at: "soon" } }, 1).fault).toBe('its time is not %d/%m/%Y: "soon"');
    expect(time("soon")).toBe("soon");
    expect(time("2024-07-04")).toBe("not %d/%m/%Y: 2024-07-04");
    expect(time(undefined)).toBe("not %d/%m/%Y: null");
    expect(time("")).toBe("not %d/%m/%Y: ");
  });

  it("goes on as it stands when JSON was expected, and without a type when not", () => {
    const map = createMapper(options([]), "i");
    expect(map({ fault: "bad", raw: '{"a":', isJson: true }, 3).line).toBe('{"a":');
    expect(JSON.parse(map({ fault: "bad", raw: '1,"x' }, 3).line)).toEqual({ row: 3, fault: "bad", raw: '1,"x' });
    expect(JSON.parse(map({ fault: "bad", raw: "{\n", isJson: true }, 3).line)).toEqual({
      row: 3,
      fault: "bad",
      raw: "{\n",
    });
  });

  it("is one that is larger than the gateway takes", () => {
    const { line, fault } = createMapper(options([]), "i")({ record: { a: "ä".repeat(4_600_000) } }, 1);
    expect(fault).toContain("larger than");
    expect(line.length).toBeLessThan(200_000);
  });
});
