import { existsSync, readdirSync, readFileSync } from "node:fs";
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

const DYNAMIC = "ajv follows $dynamicRef by fragment alone and through the outermost schema only";
const EMPTY_ENUM = "ajv refuses an enum without values when the schema is read, instead of refusing every value";
const PROTO = "ajv leaves fields called __proto__ out of the code that it generates";
const NESTED_ID = "ajv reads a reference beside or below a nested $id from the wrong base, and finds itself";
const SIBLINGS = "ajv heeds keywords beside $ref, as later drafts do";
const UNEVALUATED = "ajv does not carry what contains, nested items and an if without then have evaluated";
const VOCABULARY = "ajv always validates with all vocabularies";
const FORMATS = "formats are asserted here, which the specification leaves to the program";

/** Required cases that come out otherwise than the suite wants, and why; nobody's event types need them. */
const EXCEPTIONS: readonly (readonly [Draft, file: string, group: string, reason: string, tests: readonly string[]])[] =
  [
    [
      "draft2020-12",
      "dynamicRef.json",
      "A $dynamicRef to a $dynamicAnchor in the same schema resource behaves like a normal $ref to an $anchor",
      DYNAMIC,
      ["An array of strings is valid"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "A $dynamicRef to an $anchor in the same schema resource behaves like a normal $ref to an $anchor",
      DYNAMIC,
      ["An array of strings is valid"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "A $dynamicRef resolves to the first $dynamicAnchor still in scope that is encountered when the schema is evaluated",
      DYNAMIC,
      ["An array of strings is valid"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "A $dynamicRef without anchor in fragment behaves identical to $ref",
      DYNAMIC,
      ["An array of numbers is valid"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "A $dynamicRef with intermediate scopes that don't include a matching $dynamicAnchor does not affect dynamic scope resolution",
      DYNAMIC,
      ["An array of strings is valid"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "An $anchor with the same name as a $dynamicAnchor is not used for dynamic scope resolution",
      DYNAMIC,
      ["Any array is valid"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "A $dynamicRef without a matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor",
      DYNAMIC,
      ["Any array is valid"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "A $dynamicRef with a non-matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor",
      DYNAMIC,
      ["Any array is valid"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "A $dynamicRef that initially resolves to a schema with a matching $dynamicAnchor resolves to the first $dynamicAnchor in the dynamic scope",
      DYNAMIC,
      ["The recursive part is valid against the root", "The recursive part is not valid against the root"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "A $dynamicRef that initially resolves to a schema without a matching $dynamicAnchor behaves like a normal $ref to $anchor",
      DYNAMIC,
      ["The recursive part doesn't need to validate against the root"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "multiple dynamic paths to the $dynamicRef keyword",
      DYNAMIC,
      ["number list with string values", "string list with number values"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "after leaving a dynamic scope, it is not used by a $dynamicRef",
      DYNAMIC,
      [
        "string matches /$defs/thingy, but the $dynamicRef does not stop here",
        "first_scope is not in dynamic scope for the $dynamicRef",
        "/then/$defs/thingy is the final stop for the $dynamicRef",
      ],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "tests for implementation dynamic anchor and reference link",
      DYNAMIC,
      ["correct extended schema"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "$ref and $dynamicAnchor are independent of order - $defs first",
      DYNAMIC,
      ["correct extended schema"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "$ref and $dynamicAnchor are independent of order - $ref first",
      DYNAMIC,
      ["correct extended schema"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "$ref to $dynamicRef finds detached $dynamicAnchor",
      DYNAMIC,
      ["number is valid"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "$dynamicRef points to a boolean schema",
      DYNAMIC,
      ["follow $dynamicRef to a false schema"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "$dynamicRef skips over intermediate resources - direct reference",
      DYNAMIC,
      ["integer property passes"],
    ],
    [
      "draft2020-12",
      "dynamicRef.json",
      "$dynamicRef avoids the root of each schema, but scopes are still registered",
      DYNAMIC,
      ["data is sufficient for schema at second#/$defs/length"],
    ],
    [
      "draft2020-12",
      "enum.json",
      "empty enum",
      EMPTY_ENUM,
      [
        "string is invalid",
        "number is invalid",
        "null is invalid",
        "object is invalid",
        "array is invalid",
        "boolean is invalid",
      ],
    ],
    [
      "draft2020-12",
      "properties.json",
      "properties whose names are Javascript object property names",
      PROTO,
      ["__proto__ not valid"],
    ],
    [
      "draft2020-12",
      "ref.json",
      "refs with relative uris and defs",
      NESTED_ID,
      ["invalid on inner field", "invalid on outer field", "valid on both fields"],
    ],
    [
      "draft2020-12",
      "ref.json",
      "relative refs with absolute uris and defs",
      NESTED_ID,
      ["invalid on inner field", "invalid on outer field", "valid on both fields"],
    ],
    [
      "draft2020-12",
      "ref.json",
      "URN ref with nested pointer ref",
      NESTED_ID,
      ["a string is valid", "a non-string is invalid"],
    ],
    [
      "draft2020-12",
      "unevaluatedItems.json",
      "unevaluatedItems with nested items",
      UNEVALUATED,
      ["with no additional items", "with invalid additional item"],
    ],
    [
      "draft2020-12",
      "unevaluatedItems.json",
      "unevaluatedItems with $dynamicRef",
      DYNAMIC,
      ["with no unevaluated items"],
    ],
    [
      "draft2020-12",
      "unevaluatedItems.json",
      "unevaluatedItems depends on adjacent contains",
      UNEVALUATED,
      ["contains passes, second item is not evaluated"],
    ],
    [
      "draft2020-12",
      "unevaluatedItems.json",
      "unevaluatedItems depends on multiple nested contains",
      UNEVALUATED,
      ["7 not evaluated, fails unevaluatedItems"],
    ],
    [
      "draft2020-12",
      "unevaluatedItems.json",
      "unevaluatedItems and contains interact to control item dependency relationship",
      UNEVALUATED,
      ["only b's are invalid", "only c's are invalid", "only b's and c's are invalid", "only a's and c's are invalid"],
    ],
    [
      "draft2020-12",
      "unevaluatedItems.json",
      "unevaluatedItems with minContains = 0",
      UNEVALUATED,
      ["all items evaluated by contains"],
    ],
    [
      "draft2020-12",
      "unevaluatedItems.json",
      "unevaluatedItems can see annotations from if without then and else",
      UNEVALUATED,
      ["valid in case if is evaluated"],
    ],
    [
      "draft2020-12",
      "unevaluatedProperties.json",
      "unevaluatedProperties with if/then/else, then not defined",
      UNEVALUATED,
      ["when if is true and has no unevaluated properties", "when if is false and has unevaluated properties"],
    ],
    [
      "draft2020-12",
      "unevaluatedProperties.json",
      "unevaluatedProperties with $dynamicRef",
      DYNAMIC,
      ["with no unevaluated properties"],
    ],
    [
      "draft2020-12",
      "unevaluatedProperties.json",
      "unevaluatedProperties can see annotations from if without then and else",
      UNEVALUATED,
      ["valid in case if is evaluated"],
    ],
    [
      "draft2020-12",
      "vocabulary.json",
      "schema that uses custom metaschema with with no validation vocabulary",
      VOCABULARY,
      ["no validation: invalid number, but it still validates"],
    ],
    [
      "draft7",
      "properties.json",
      "properties whose names are Javascript object property names",
      PROTO,
      ["__proto__ not valid"],
    ],
    ["draft7", "ref.json", "ref overrides any sibling keywords", SIBLINGS, ["ref valid, maxItems ignored"]],
    [
      "draft7",
      "ref.json",
      "$ref prevents a sibling $id from changing the base uri",
      SIBLINGS,
      [
        "$ref resolves to /definitions/base_foo, data does not validate",
        "$ref resolves to /definitions/base_foo, data validates",
      ],
    ],
  ];
const ASSERTED = [
  "email",
  "regex",
  "ipv4",
  "ipv6",
  "hostname",
  "date",
  "date-time",
  "time",
  "json-pointer",
  "relative-json-pointer",
  "uri",
  "uri-reference",
  "uri-template",
  "uuid",
  "duration",
];

const exceptions = new Map<string, string>([
  ...EXCEPTIONS.flatMap(([draft, file, group, reason, tests]) =>
    tests.map((test): [string, string] => [nameOf(draft, file, group, test), reason]),
  ),
  ...ASSERTED.map((format): [string, string] => [
    nameOf(
      "draft2020-12",
      "format.json",
      `${format} format`,
      `invalid ${format} string is only an annotation by default`,
    ),
    FORMATS,
  ]),
]);

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
    expect(failed.toSorted()).toEqual([...exceptions.keys()].filter((name) => name.startsWith(`${draft}/`)).toSorted());
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
