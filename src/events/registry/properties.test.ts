import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countMembers, propertiesText } from "./properties.js";

/** The stored text of a payload that came as this text. */
function stored(text: string): string {
  const data = JSON.parse(text);
  return propertiesText(data, text, countMembers(data), undefined);
}

describe("the stored text of a payload", () => {
  it.each([
    ["{}"],
    ['{"a":1,"b":{"c":[{"d":null}]}}'],
    ['{"a": 1, "b": "x"}'],
    ['{"n":12345678901234567890.123456789}'],
    ['{"emoji":"😀","a":"\\"quoted\\""}'],
  ])("is %s itself where that is safe", (text) => {
    expect(stored(text)).toBe(text);
  });

  it.each([
    ["a name that is there twice", '{"a":1,"a":2}', '{"a":2}'],
    ["a name twice, told apart by blanks", '{"a" :1,"a":2}', '{"a":2}'],
    ["a name twice, told apart by a tab", '{"a"\t:1,"a":2}', '{"a":2}'],
    ["a name twice, further in", '{"x":[{"a":1,"a":2}]}', '{"x":[{"a":2}]}'],
    ["line breaks", '{\n"a": 1\r\n}', '{"a":1}'],
    ["a pair of surrogates as escapes", '{"a":"\\ud83d\\ude00"}', '{"a":"😀"}'],
    ["blanks around it", ' {"a":1}', '{"a":1}'],
    ["half a pair", '{"a":"x\\ud83dx"}', '{"a":"x\ufffdx"}'],
    ["the other half", '{"a":"\\uDE00\\ud83d"}', '{"a":"\ufffd\ufffd"}'],
    ["half a pair in a name", '{"\\ud83d":1,"b":"\\\\ud83d"}', '{"\ufffd":1,"b":"\\\\ud83d"}'],
    ["names that become the same", '{"\\ud83d":1,"\\ud83e":2}', '{"\ufffd":2}'],
    ["text that looks like a member", '{"a":"\\":"}', '{"a":"\\":"}'],
    ["a name that is no ordinary one", '{"__proto__":"\\ud83d"}', '{"__proto__":"\ufffd"}'],
  ])("is written again for %s", (_what, text, expected) => {
    expect(stored(text)).toBe(expected);
  });

  it("is written again when half characters stand in the text as such", () => {
    expect(propertiesText({ a: "\ud83d" }, '{"a":"\ud83d"}', 1, undefined)).toBe('{"a":"\ufffd"}');
  });

  it("says what the payload says, each name once, in one line", () => {
    const name = fc.constantFrom("a", "b", '":', " :", "\u2028", "é");
    const value = fc.jsonValue({ maxDepth: 2 });
    const member = fc.tuple(name, fc.constantFrom(":", " :", ": ", "\t:\n"), value);
    fc.assert(
      fc.property(fc.array(member), (members) => {
        const text = `{${members.map(([key, colon, item]) => JSON.stringify(key) + colon + JSON.stringify(item)).join(",")}}`;
        const kept = stored(text);
        expect(kept).not.toMatch(/[\n\r]/);
        expect(JSON.parse(kept)).toEqual(JSON.parse(text.toWellFormed()));
        const names = Object.keys(JSON.parse(kept));
        for (const key of names) expect(kept.split(`${JSON.stringify(key)}:`).length).toBeGreaterThan(1);
        expect(countMembers(JSON.parse(kept))).toBe(countMembers(JSON.parse(text)));
      }),
    );
  });
});
