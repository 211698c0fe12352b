import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRefused } from "../shapes/shape.js";
import { EVENT_TYPES, EventRegistry, loadOverrides, mergeOverrides, OverrideError } from "./index.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "overrides-"));
});
afterAll(() => rm(folder, { recursive: true }));

function merge(...entries: readonly unknown[]) {
  return mergeOverrides(EVENT_TYPES, entries, "types.json");
}

function problems(...entries: readonly unknown[]): string {
  try {
    merge(...entries);
  } catch (error) {
    expect(error).toBeInstanceOf(OverrideError);
    return (error as Error).message;
  }
  return "";
}

describe("an operator's file of event types", () => {
  it("mends the schema of a known type, so that what was refused is taken in", async () => {
    const file = join(folder, "types.json");
    const schema = { type: "object", required: ["user_id"], properties: { phone: { type: "string" } } };
    await writeFile(file, JSON.stringify([{ name: "user.registered", schema }]));
    const take = (types: typeof EVENT_TYPES) =>
      new EventRegistry(types, { unknown: "refuse" }).read(
        { type: "user.registered", id: "1", data: { user_id: "u1", phone: "+44 20 7946 0000" } },
        { tenant: "t", received: 0, origin: "load", fallbackId: null, newId: () => "" },
      );
    expect(isRefused(take(EVENT_TYPES))).toBe(true);
    const types = await loadOverrides(file, EVENT_TYPES);
    expect(take(types)).toMatchObject({ event: { user: "u1" } });
    expect(types).toHaveLength(EVENT_TYPES.length);
    expect(types.find(({ name }) => name === "user.registered")).toMatchObject({ area: "rides", retentionDays: 90 });
  });

  it("adds types, in the custom area unless it says otherwise", () => {
    const types = merge({ name: "cart.emptied" }, { name: "cart.paid", area: "product", retentionDays: 7 });
    expect(types.slice(-2)).toMatchObject([
      { name: "cart.emptied", area: "custom", schema: { type: "object" }, retentionDays: null },
      { name: "cart.paid", area: "product", retentionDays: 7 },
    ]);
  });

  it("replaces columns one by one", () => {
    const columns = { city: { paths: ["town"], always: "Lagos" } };
    const type = merge({ name: "user.registered", columns }).find(({ name }) => name === "user.registered");
    expect(type?.columns).toMatchObject({ city: columns.city, region: { paths: ["state"] } });
  });

  it("leaves the types it is given as they are", () => {
    const before = structuredClone(EVENT_TYPES);
    merge({ name: "user.registered", schema: { type: "object" }, personal: [] });
    expect(EVENT_TYPES).toEqual(before);
  });

  it.each([
    ["no list", {}, "types.json: Invalid input: expected array, received object"],
    ["no name", [{}], "types.json, entry 1, name: Invalid input"],
    ["an unknown field", [{ name: "a", colums: {} }], 'types.json, entry 1 (a): Unrecognized key: "colums"'],
    ["an unknown column", [{ name: "a", columns: { town: {} } }], "entry 1 (a), columns: Unrecognized key"],
    [
      "no path",
      [{ name: "a", columns: { city: { paths: ["a..b"] } } }],
      "entry 1 (a), columns.city.paths.0: must be a dotted path",
    ],
    ["an unknown area", [{ name: "a" }, { name: "b", area: "trains" }], "entry 2 (b), area: Invalid option"],
    ["days that are none", [{ name: "a", retentionDays: 0 }], "entry 1 (a), retentionDays: Too small"],
    ["no schema", [{ name: "a", schema: { type: "text" } }], "entry 1 (a), schema: schema is invalid"],
    [
      "a reference to elsewhere",
      [{ name: "a", schema: { $ref: "https://x.org/y" } }],
      "entry 1 (a), schema: can't resolve reference",
    ],
    [
      "an example that is wrong",
      [{ name: "a", schema: { required: ["b"] } }],
      "entry 1 (a), example: the payload must have required property 'b'",
    ],
    ["an entry that is there twice", [{ name: "a" }, { name: "a" }], "entry 2 (a), name: this entry is there twice"],
  ])("is refused for %s, with the place", (_what, content, message) => {
    expect(() => mergeOverrides(EVENT_TYPES, content, "types.json")).toThrow(message);
  });

  it("tells everything that is wrong at once", () => {
    expect(
      problems({ name: "a", schema: { type: "text" } }, { name: "b", schema: { type: "text" } }).split("\n"),
    ).toHaveLength(2);
    expect(problems({ name: "" }, { area: "trains" }).split("\n")).toHaveLength(3);
  });

  it("is named when it cannot be read", async () => {
    const file = join(folder, "broken.json");
    await writeFile(file, "[{");
    await expect(loadOverrides(file, [])).rejects.toThrow(`${file}: `);
    await expect(loadOverrides(join(folder, "none.json"), [])).rejects.toThrow("ENOENT");
  });
});
