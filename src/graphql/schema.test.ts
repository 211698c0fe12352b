import { isObjectType, lexicographicSortSchema, printSchema } from "graphql";
import { describe, expect, it } from "vitest";
import { ACCESS_RULES } from "../domain/access/rules.js";
import { createSchema } from "./schema.js";

const schema = createSchema();
const objects = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !type.name.startsWith("__"));
const fields = objects.flatMap((type) =>
  isObjectType(type) ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`) : [],
);
const ruled = Object.entries(ACCESS_RULES).flatMap(([type, rules]) =>
  Object.keys(rules).map((field) => `${type}.${field}`),
);

describe("the public schema", () => {
  it("is the committed schema.graphql (mend with: npm run schema)", async () => {
    await expect(`${printSchema(lexicographicSortSchema(schema))}\n`).toMatchFileSnapshot("../../schema.graphql");
  });

  it("has an access rule for every field", () => {
    expect(fields.filter((field) => !ruled.includes(field))).toEqual([]);
  });

  it("has no rule without a field", () => {
    expect(ruled.filter((field) => !fields.includes(field))).toEqual([]);
  });

  it("opens nothing to the public but signing in and the version", () => {
    const open = ["Query", "Mutation"].flatMap((type) =>
      Object.entries(ACCESS_RULES[type] ?? {}).flatMap(([field, rule]) => (rule.public ? [field] : [])),
    );
    expect(open).toEqual(["version", "login", "tokenRefresh"]);
  });
});
