import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { STANDINS } from "../../../tests/support/standins.js";
import type { JsonSchema } from "./event-type.js";
import { createValidator, type Validator } from "./validator.js";

const SUITE = `${STANDINS}/data/standards/jsonschema`;
const DRAFTS = {
  "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
  draft7: "http://json-schema.org/draft-07/schema#",
} as const;
type Draft = keyof typeof DRAFTS;

/** Required cases that come out otherwise than the suite wants, by the reason; no event type of ours needs them. */
const EXCEPTIONS = Object.values(
  readJson(fileURLToPath(new URL("./json-schema-exceptions.json", import.meta.url))) as Record<string, string[]>,
).flat();

function nameOf(draft: Draft, file: string, group: string, test: string): string {
  return `${draft}/${file}: ${group}: ${test}`;
}

interface Group {
  readonly description: string;
  readonly schema: JsonSchema | boolean;
  readonly tests: readonly { readonly description: string; readonly data: unknown; readonly valid: boolean }[];
}

describe.skipIf(!existsSync(SUITE))("the JSON Schema Test Suite", () => {
  it.each([
    ["draft2020-12", 1299],
    ["draft7", 927],
  ] as const)("has its required cases for %s met, but for the exceptions listed", (draft, cases) => {
    const validator = createValidator({ known: remotes(draft) });
    let run = 0;
    const failed: string[] = [];
    for (const file of readdirSync(`${SUITE}/tests/${draft}`).filter((name) => name.endsWith(".json"))) {
      for (const group of readJson(`${SUITE}/tests/${draft}/${file}`) as Group[]) {
        run += group.tests.length;
        for (const test of failures(validator, group, draft)) failed.push(nameOf(draft, file, group.description, test));
      }
    }
    expect(run).toBe(cases);
    expect(failed.toSorted()).toEqual(EXCEPTIONS.filter((name) => name.startsWith(`${draft}/`)).toSorted());
  });
});

function failures(validator: Validator, { schema, tests }: Group, draft: Draft): string[] {
  try {
    const check = validator.compile(withDraft(schema, draft));
    return tests.filter(({ data, valid }) => (check(data) === null) !== valid).map(({ description }) => description);
  } catch {
    return tests.map(({ description }) => description);
  }
}

function withDraft(schema: JsonSchema | boolean, draft: Draft): JsonSchema | boolean {
  return typeof schema === "boolean" ? schema : { $schema: DRAFTS[draft], ...schema };
}

/** The schemas that cases refer to, by the address at which the suite puts them. */
function remotes(draft: Draft): Record<string, JsonSchema | boolean> {
  const files = readdirSync(`${SUITE}/remotes`, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".json") && (!/^(draft|v1)/.test(file) || file.startsWith(`${draft}/`)),
  );
  return Object.fromEntries(
    files.map((file) => [
      `http://localhost:1234/${file}`,
      withDraft(readJson(`${SUITE}/remotes/${file}`) as JsonSchema | boolean, draft),
    ]),
  );
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}

describe("the validator", () => {
  const validator = createValidator();

  it("asserts formats", () => {
    const check = validator.compile({ type: "string", format: "email" });
    expect(check("ada@example.org")).toBeNull();
    expect(check("ada")).toHaveLength(1);
  });

  it("finds fields that are called like methods of every object missing", () => {
    expect(validator.compile({ required: ["toString"] })({})).toHaveLength(1);
  });

  it("takes two schemas with one $id, each for what it says", () => {
    const $id = "https://example.org/booking";
    expect(validator.compile({ $id, type: "string" })("x")).toBeNull();
    expect(validator.compile({ $id, type: "number" })("x")).toHaveLength(1);
  });

  it("follows a reference to the schema itself", () => {
    const check = validator.compile({ type: "object", additionalProperties: { $ref: "#" } });
    expect(check({ a: { b: {} } })).toBeNull();
    expect(check({ a: { b: 1 } })).toHaveLength(1);
  });

  it("refuses a value instead of breaking down when references lead in a circle", () => {
    const check = validator.compile({ allOf: [{ $ref: "#" }] });
    expect(check({})).toMatchObject([{ keyword: "schema" }]);
  });

  it("never fetches what a schema refers to", () => {
    expect(() => validator.compile({ $ref: "http://localhost:1/x.json" })).toThrow("can't resolve reference");
  });

  it("refuses schemas that would only answer later", () => {
    expect(() => validator.compile({ $async: true, type: "object" })).toThrow("$async");
  });

  it.each([
    ["2024-02-29T00:00:00Z", true],
    ["2024-02-29", true],
    [1_709_164_800, true],
    ["2023-02-29T00:00:00Z", false],
    ["soon", false],
    [1e300, false],
  ])("reads %s with x-time: %s", (value, valid) => {
    expect(validator.compile({ "x-time": true })(value) === null).toBe(valid);
  });

  it.each([
    ["12345678.99", true],
    [19.99, true],
    ["19.990", true],
    ["123456789", false],
    ["0.001", false],
    ["1e2", true],
    ["twelve", false],
  ])("reads %s with x-decimal of ten digits, two after the point: %s", (value, valid) => {
    expect(validator.compile({ "x-decimal": [8, 2] })(value) === null).toBe(valid);
  });
});
