import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExact, withoutNaN } from "./exact-json.js";

describe("parsing JSON exactly", () => {
  it.each([
    ['{"id":9007199254740993}', { id: "9007199254740993" }],
    ['{"id":-12345678901234567890}', { id: "-12345678901234567890" }],
    ['{"id":9007199254740991}', { id: 9007199254740991 }],
    ['[12345678901234.5678,"x"]', ["12345678901234.5678", "x"]],
    ['{"amount":1234567890123456.70}', { amount: "1234567890123456.70" }],
    ['{"x":0.30000000000000004}', { x: 0.30000000000000004 }],
    ['{"x":1234567890123456.0}', { x: 1234567890123456 }],
    ['{"x":1.7976931348623157e308}', { x: 1.7976931348623157e308 }],
    ['{"card":"4111111111111111 \\" 12345678901234567890"}', { card: '4111111111111111 " 12345678901234567890' }],
  ])("%s", (text, expected) => expect(parseExact(text)).toEqual(expected));

  it("agrees with JSON.parse on all doubles and texts", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const hasLargeInteger = /\d{16,}(?![\d.eE])/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, ""));
        if (!hasLargeInteger) expect(parseExact(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("takes null for NaN and Infinity, except in text", () => {
    const text = '{"a":NaN,"b":-Infinity,"c":[Infinity],"d":"NaN, \\" Infinity"}';
    expect(JSON.parse(withoutNaN(text))).toEqual({ a: null, b: null, c: [null], d: 'NaN, " Infinity' });
  });
});
