import { describe, expect, it } from "vitest";
import { z } from "zod";
import { UpstreamError } from "./errors.js";
import {
  day,
  finite,
  id,
  instant,
  listOf,
  optional,
  parseItems,
  parsePage,
  parseShape,
  score,
  text,
  tolerantEnum,
} from "./shapes.js";

const AT = Date.parse("2026-01-28T22:00:00Z");

describe("instants", () => {
  it.each([
    "2026-01-28T22:00:00Z",
    "2026-01-28T22:00:00.000Z",
    "2026-01-28T22:00:00",
    "2026-01-28 22:00:00",
    "2026-01-29T03:30:00+05:30",
    "2026-01-29T03:30:00+0530",
  ])("reads %s, as UTC where no offset is told", (value) => {
    expect(instant.parse(value)).toBe(AT);
  });

  it("reads days and instants, as UTC wherever the gateway runs", () => {
    const zone = process.env.TZ;
    process.env.TZ = "America/New_York";
    try {
      expect(instant.parse("2026-01-28")).toBe(Date.parse("2026-01-28T00:00:00Z"));
      expect(day.parse("2026-01-28")).toBe(Date.parse("2026-01-28T00:00:00Z"));
      expect(day.parse("2026-01-28T22:00:00")).toBe(AT);
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });

  it.each(["soon", "", "2026-13-40T00:00:00Z"])("refuses %j", (value) => {
    expect(instant.safeParse(value).success).toBe(false);
    expect(day.safeParse(value).success).toBe(false);
  });
});

describe("tolerances", () => {
  it("takes what is absent, null or there, and nothing of another kind", () => {
    const shape = z.object({ a: optional(text), list: listOf(text) });
    for (const value of [{}, { a: null, list: null }, { a: "x", list: ["y"] }])
      expect(shape.parse(value)).toEqual(value);
    expect(shape.safeParse({ a: 1 }).success).toBe(false);
    expect(shape.safeParse({ list: "y" }).success).toBe(false);
  });

  it("keeps ids opaque, takes numbers for text, and refuses an empty one", () => {
    expect([id.parse("V001"), id.parse(17)]).toEqual(["V001", "17"]);
    expect(id.safeParse("").success).toBe(false);
  });

  it.each([
    ["IN_PROGRESS", "IN_PROGRESS"],
    ["in-progress", "IN_PROGRESS"],
    ["In Progress", "IN_PROGRESS"],
    ["pending", "UNKNOWN"],
    [null, "UNKNOWN"],
    [undefined, "UNKNOWN"],
  ])("reads the status %j as %s", (word, expected) => {
    expect(tolerantEnum(["IN_PROGRESS", "COMPLETED"]).parse(word)).toBe(expected);
  });

  it("refuses percentages for scores, and numbers that are none", () => {
    expect([0, 1, 72, -0.1].map((value) => score.safeParse(value).success)).toEqual([true, true, false, false]);
    expect([Number.POSITIVE_INFINITY, Number.NaN, "3"].some((value) => finite.safeParse(value).success)).toBe(false);
  });
});

describe("lists", () => {
  it.each([
    "items",
    "data",
    "vehicles",
    "alerts",
    "claims",
    "appointments",
    "decisions",
    "technicians",
    "history",
  ])("may be wrapped under %s", (key) => {
    expect(parsePage("alert", { [key]: [1, 2] })).toEqual({ items: [1, 2], total: null });
  });

  it("may be a bare array, and may tell their total", () => {
    expect(parsePage("alert", [1])).toEqual({ items: [1], total: null });
    expect(parsePage("alert", { items: [1], total: 7, limit: 1, offset: 0 })).toEqual({ items: [1], total: 7 });
  });

  it.each([{ status: "ok" }, { items: "none" }, "text", null, undefined, 5])("are not %j", (body) => {
    expect(() => parsePage("alert", body)).toThrow(
      expect.objectContaining({ code: "UPSTREAM_MALFORMED", service: "alert", reason: "expected a list" }),
    );
  });
});

describe("what does not fit", () => {
  const shape = z.object({ claim_id: id, nested: z.object({ amount: finite }) });

  it("is told by service and field", () => {
    const attempt = () => parseShape("warranty", shape, { claim_id: "c", nested: { amount: "12" } });
    expect(attempt).toThrow(UpstreamError);
    expect(attempt).toThrow(/^warranty-service: field nested\.amount: /);
    expect(() => parseShape("warranty", shape, null)).toThrow(/^warranty-service: field body: /);
  });

  it("is told by its place in a list", () => {
    const good = { claim_id: "c", nested: { amount: 1 } };
    expect(() => parseItems("warranty", shape, [good, { ...good, claim_id: "" }])).toThrow(
      /field items\[1\]\.claim_id: /,
    );
  });
});
