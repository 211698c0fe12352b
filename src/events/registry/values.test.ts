import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EARLIEST_TIME, LATEST_TIME, readAmount, readTime } from "./values.js";

describe("readTime", () => {
  it.each([
    ["2024-01-01T12:00:00Z", "2024-01-01T12:00:00.000Z"],
    ["2024-01-01t12:00:00z", "2024-01-01T12:00:00.000Z"],
    ["2024-01-01 12:00:00", "2024-01-01T12:00:00.000Z"],
    ["2024-01-01T12:00", "2024-01-01T12:00:00.000Z"],
    ["2024-01-01", "2024-01-01T00:00:00.000Z"],
    ["2024-01-01T12:00:00.5Z", "2024-01-01T12:00:00.500Z"],
    ["2024-01-01T12:00:00,123456789Z", "2024-01-01T12:00:00.123Z"],
    ["2024-01-01T12:00:00.9999Z", "2024-01-01T12:00:00.999Z"],
    ["2024-01-01T12:00:00+01:00", "2024-01-01T11:00:00.000Z"],
    ["2024-01-01T00:00:00-0530", "2024-01-01T05:30:00.000Z"],
    ["2024-01-01T12:00:00+00", "2024-01-01T12:00:00.000Z"],
    ["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000Z"],
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"],
    ["1900-01-01T00:00:00Z", "1900-01-01T00:00:00.000Z"],
    ["2299-12-31T23:59:59.999Z", "2299-12-31T23:59:59.999Z"],
    [1_704_110_400, "2024-01-01T12:00:00.000Z"],
    [1_704_110_400.25, "2024-01-01T12:00:00.250Z"],
    [1_704_110_400_123, "2024-01-01T12:00:00.123Z"],
    ["1704110400", "2024-01-01T12:00:00.000Z"],
    ["1704110400123", "2024-01-01T12:00:00.123Z"],
    [0, "1970-01-01T00:00:00.000Z"],
    [-86_400, "1969-12-31T00:00:00.000Z"],
  ])("reads %s as %s", (value, expected) => {
    expect(new Date(readTime(value) ?? Number.NaN).toISOString()).toBe(expected);
  });

  it.each([
    "lunchtime",
    "",
    " ",
    "2024-13-01",
    "2024-00-10",
    "2023-02-29",
    "1900-02-29",
    "2024-04-31T00:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T12:60:00Z",
    "2024-01-01T12:30:60Z",
    "2024-01-01T12:00:61Z",
    "2024-01-01T12:00:00.Z",
    "2024-01-01T12:00:00X",
    "2024-01-01T12:00:00+25:00",
    "2024-01-01T12:00:00+01:60",
    "2024-01-01T12:00:00+01:0",
    "2024-01-01T12:00:00Z ",
    "2024-01-01T1:00:00Z",
    "2024-1-1",
    "1899-12-31T23:59:59Z",
    "2300-01-01T00:00:00Z",
    "0050-01-01",
    "1e9",
    "0x10",
    "Infinity",
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e18,
    null,
    undefined,
    true,
    [],
    {},
    [2024],
  ])("does not read %j", (value) => {
    expect(readTime(value)).toBeNull();
  });

  it("reads back every moment that Date writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: EARLIEST_TIME, max: LATEST_TIME }), (time) => {
        expect(readTime(new Date(time).toISOString())).toBe(time);
      }),
    );
  });
});

describe("readAmount", () => {
  it.each([
    ["3000.00", "3000"],
    ["0.10", "0.1"],
    ["007.5", "7.5"],
    ["-12.30", "-12.3"],
    ["+5", "5"],
    [".5", "0.5"],
    ["5.", "5"],
    ["-0.00", "0"],
    ["0", "0"],
    ["000", "0"],
    ["99999999999999.9999", "99999999999999.9999"],
    ["-99999999999999.9999", "-99999999999999.9999"],
    ["1.50000", "1.5"],
    ["1e3", "1000"],
    ["1.5E+2", "150"],
    ["25e-4", "0.0025"],
    ["-1200e-2", "-12"],
    ["0e999", "0"],
    [25.5, "25.5"],
    [0.1, "0.1"],
    [1e-4, "0.0001"],
    [-0, "0"],
    [50, "50"],
    [1e13, "10000000000000"],
  ])("reads %s as %s", (value, expected) => {
    expect(readAmount(value)).toBe(expected);
  });

  it.each([
    "",
    ".",
    "-",
    "1,5",
    "1 000",
    " 1",
    "0x1F",
    "NaN",
    "Infinity",
    "1.00001",
    "100000000000000",
    "1e14",
    "1e-5",
    "1e99999",
    "1".repeat(100),
    `0.${"0".repeat(1_000_000)}`,
    0.1 + 0.2,
    1e-7,
    1e21,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    undefined,
    true,
    ["1"],
    {},
  ])("does not read %j", (value) => {
    expect(readAmount(value)).toBeNull();
  });

  it("keeps every digit of a decimal number, and reads its own text the same", () => {
    const digits = (maxLength: number) => fc.stringMatching(new RegExp(`^\\d{1,${maxLength}}$`));
    fc.assert(
      fc.property(fc.constantFrom("", "-"), digits(14), digits(4), (sign, whole, fraction) => {
        const text = readAmount(`${sign}${whole}.${fraction}`);
        expect(readAmount(text)).toBe(text);
        const units = BigInt(whole + fraction.padEnd(4, "0"));
        const [, minus = "", before = "", after = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text ?? "") ?? [];
        expect(BigInt(before + after.padEnd(4, "0"))).toBe(units);
        expect(minus).toBe(units === 0n ? "" : sign);
      }),
    );
  });
});
