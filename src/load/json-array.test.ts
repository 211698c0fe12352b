import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrayElements } from "./json-array.js";

async function elementsOf(text: string | Buffer, size = 5): Promise<string[]> {
  const bytes = Buffer.from(text);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield { bytes: bytes.subarray(at, at + size), fraction: 1 };
  }
  const elements: string[] = [];
  for await (const { rows } of arrayElements(chunks(), "utf-8")) elements.push(...rows);
  return elements;
}

describe("the elements of a JSON array", () => {
  it("are found in any array, however it is written and in whatever pieces it arrives", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue()),
        fc.constantFrom(0, 2),
        fc.integer({ min: 1, max: 20 }),
        async (values, indent, size) => {
          const elements = await elementsOf(JSON.stringify(values, null, indent), size);
          expect(elements.map((text) => JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(values)));
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    ["[]", []],
    [" [ ] \n", []],
    ['[{"a":"]},["},2]', ['{"a":"]},["}', "2"]],
    ['["\\"",["\\\\"]]', ['"\\""', '["\\\\"]']],
    ["[1,2,]", ["1", "2"]],
    ["[1,,2]", ["1", "", "2"]],
    ['[{"a" oops},{"b":1}]', ['{"a" oops}', '{"b":1}']],
  ])("of %s", async (text, expected) => expect(await elementsOf(text)).toEqual(expected));

  it.each([
    ["[1,2", "does not end"],
    ['[{"a":1}', "does not end"],
    ["[1] [2]", "stands behind the end"],
  ])("of %s: %s", async (text, message) => expect(elementsOf(text)).rejects.toThrow(message));

  it("are refused where bytes are no UTF-8", async () => {
    await expect(elementsOf(Buffer.from([0x5b, 0x22, 0xe9, 0x22, 0x5d]))).rejects.toThrow("not valid utf-8");
  });
});
