import { type DocumentNode, parse } from "graphql";
import { describe, expect, it } from "vitest";
import { readEndpoints } from "../http/documents.js";
import { CompiledOperations } from "./compiled.js";
import { createSchema } from "./schema.js";

const schema = createSchema();
const twice = (operations: CompiledOperations, document: DocumentNode, operationName: string | null) =>
  [1, 2].map(() => operations.find({ document, operationName }));

describe("operations", () => {
  it("are compiled when they come again, once", () => {
    const operations = new CompiledOperations(schema);
    const document = parse("query A { version } query B { me { id } }");
    const [first, second] = twice(operations, document, "A");
    expect(first).toBeUndefined();
    expect(second).toBeDefined();
    expect(operations.find({ document, operationName: "A" })).toBe(second);
    expect(operations.find({ document, operationName: "B" })).toBeUndefined();
    expect(operations.find({ document: parse("query A { version }"), operationName: "A" })).toBeUndefined();
  });

  it("that change something are interpreted", () => {
    const document = parse('mutation { alertResolve(input: { id: "A1" }) { errors { code } } }');
    expect(twice(new CompiledOperations(schema), document, null)[1]).toBeUndefined();
  });

  it("that are long are interpreted: compiling them would hold up everybody else", () => {
    const document = parse(
      `{ ${Array.from({ length: 200 }, (_, i) => `v${i}: vehicle(id: "V${i}") { id }`).join(" ")} }`,
    );
    expect(twice(new CompiledOperations(schema), document, null)[1]).toBeUndefined();
  });

  it("of REST endpoints that read can all be compiled", () => {
    const operations = new CompiledOperations(schema);
    const reading = readEndpoints(schema).filter(({ operation }) => operation.operation === "query");
    expect(reading.length).toBeGreaterThan(30);
    const left = reading.filter(({ document }) => twice(operations, document, null)[1] === undefined);
    expect(left.map(({ path }) => path)).toEqual([]);
  });
});
