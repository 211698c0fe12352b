import { describe, expect, it } from "vitest";
import { decimalNumber, decimalText, toDecimal } from "./decimal.js";

describe("decimals", () => {
  it.each([
    ["0", 2, "0.00"],
    ["2550.00", 2, "2550.00"],
    ["-0.005", 2, "-0.01"],
    ["0.005", 2, "0.01"],
    ["-0.004", 2, "0.00"],
    ["99999999999999.9999", 4, "99999999999999.9999"],
    [".5", 0, "1"],
    ["7", 0, "7"],
  ])("%s to %i places is %s", (text, digits, expected) => expect(decimalText(toDecimal(text), digits)).toBe(expected));
  it("add up without loss", () => {
    const tenth = toDecimal("0.1");
    expect(decimalText(tenth + tenth + tenth, 1)).toBe("0.3");
    expect(decimalNumber(toDecimal("12.5"))).toBe(12.5);
  });
  it("are nothing else", () => {
    for (const text of ["", "1e3", "abc", "1,5", "--1"].filter(Boolean))
      expect(() => toDecimal(text)).toThrow(SyntaxError);
  });
});
