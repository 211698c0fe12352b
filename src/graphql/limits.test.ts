import { getIntrospectionQuery, getOperationAST, parse, specifiedRules, validate } from "graphql";
import { describe, expect, it } from "vitest";
import { excessOf, limitRule, type QueryLimits, sizeOf } from "./limits.js";
import { createSchema } from "./schema.js";

const schema = createSchema();
const LIMITS: QueryLimits = { depth: 12, aliases: 500, directives: 100, cost: 1_000_000 };

function size(text: string, variables: Record<string, unknown> = {}) {
  const document = parse(text);
  const operation = getOperationAST(document);
  if (!operation) throw new Error("no operation");
  return sizeOf(schema, document, operation, variables);
}
const faults = (text: string) =>
  validate(schema, parse(text), [...specifiedRules, limitRule(LIMITS)], { maxErrors: 10 });

describe("the size of an operation", () => {
  it("is levels, aliases, directives and cost", () => {
    expect(size("{ version }")).toEqual({ depth: 1, aliases: 0, directives: 0, cost: 1 });
    expect(size("query @a { v: version @include(if: true) me { id } }")).toEqual({
      depth: 2,
      aliases: 1,
      directives: 2,
      cost: 3,
    });
  });

  it("multiplies what is below a list by its length: argument, variable, default, or ten", () => {
    expect(size("{ vehicles(first: 100) { nodes { id } } }").cost).toBe(1 + 100 * 2);
    expect(size("query ($n: Int) { vehicles(first: $n) { nodes { id } } }", { n: 30 }).cost).toBe(1 + 30 * 2);
    expect(size("query ($n: Int = 20) { vehicles(first: $n) { nodes { id } } }").cost).toBe(1 + 20 * 2);
    expect(size("{ vehicles { nodes { id } } }").cost).toBe(1 + 50 * 2);
    expect(size("{ roles { id name } }").cost).toBe(1 + 10 * 2);
    expect(size("{ vehicles(first: 10) { nodes { alerts(first: 10) { nodes { id } } } } }").cost).toBe(
      1 + 10 * (1 + 21),
    );
    expect(size("query ($n: Int) { vehicles(first: $n) { nodes { id } } }", { n: "x" }).cost).toBe(1 + 50 * 2);
    expect(size("query ($n: Int) { vehicles(first: $n) { nodes { id } } }", { n: null }).cost).toBe(1 + 50 * 2);
  });

  it("counts fragments wherever they are used", () => {
    const fragments = "fragment U on User { a: id } fragment V on User { ...U b: email }";
    expect(size(`{ me { ...V ... on User { ...U } } } ${fragments}`)).toMatchObject({ depth: 2, aliases: 3, cost: 4 });
  });

  it("does not count what introspection asks for", () => {
    expect(size(getIntrospectionQuery())).toEqual({ depth: 0, aliases: 0, directives: 0, cost: 1 });
    expect(faults(getIntrospectionQuery())).toEqual([]);
  });

  it("comes to an end for fragments that spread themselves", () => {
    expect(size("{ me { ...A } } fragment A on User { id ...B } fragment B on User { ...A }").cost).toBeGreaterThan(0);
  });
});

describe("limits", () => {
  const nested = (depth: number) =>
    `{ vehicles { nodes ${"{ vehicle: alerts { nodes { vehicle ".repeat(depth)} { id } ${"} } }".repeat(depth)} } }`;
  const fan = (levels: number) => {
    const fragments = Array.from({ length: levels }, (_, i) =>
      i + 1 < levels
        ? `fragment F${i} on User { ...F${i + 1} ... on User { ...F${i + 1} } }`
        : `fragment F${i} on User { id }`,
    );
    return `{ me { ...F0 } } ${fragments.join(" ")}`;
  };
  const ABUSE: Record<string, [text: string, what: string]> = {
    "6,000 aliases": [`{ ${Array.from({ length: 6000 }, (_, i) => `a${i}: version`).join(" ")} }`, "aliases"],
    "a depth of 1,000": [nested(250), "depth"],
    "4,000 directives": [`{ version ${"@include(if: true) ".repeat(2400)} }`, "directives"],
    "a fan-out of 2^24": [fan(25), "cost"],
    "lists of lists of lists": [
      "{ vehicles(first: 500) { nodes { alerts(first: 500) { nodes { vehicle { claims(first: 500) { nodes { id } } } } } } } }",
      "cost",
    ],
  };

  it.each(Object.entries(ABUSE))("refuse %s by a typed error", (_name, [text, what]) => {
    const found = faults(text).find(({ extensions }) => extensions.code === "QUERY_TOO_COMPLEX");
    expect(found?.message).toContain(`its ${what} of`);
    expect(found?.extensions).toMatchObject({ limit: LIMITS[what as keyof QueryLimits] });
  });

  it("wait for the variables where a list's length depends on them", () => {
    const query =
      "query ($n: Int) { vehicles(first: $n) { nodes { alerts(first: $n) { nodes { vehicle { claims(first: $n) { nodes { id } } } } } } } }";
    expect(validate(schema, parse(query), [...specifiedRules, limitRule({ ...LIMITS, cost: 100 })])).toEqual([]);
    expect(size(query, { n: 1 }).cost).toBeLessThan(100);
    expect(size(query, { n: 500 }).cost).toBeGreaterThan(LIMITS.cost);
  });

  it("let pass what is just within", () => {
    expect(excessOf({ depth: 12, aliases: 500, directives: 100, cost: 1_000_000 }, LIMITS)).toBeNull();
    expect(excessOf({ depth: 13, aliases: 0, directives: 0, cost: 0 }, LIMITS)).not.toBeNull();
  });
});
