import { describe, expect, it } from "vitest";
import { UsageError } from "./errors.js";
import { timeReader } from "./times.js";

const iso = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());
const read = (value: unknown, format: string | null = null, zone = "UTC"): string | null =>
  iso(timeReader(format, zone)(value));

describe("times without a format", () => {
  it.each<[unknown, string | null]>([
    ["2015-09-12T00:46:58.771Z", "2015-09-12T00:46:58.771Z"],
    [" 2015-09-12 00:46:58 ", "2015-09-12T00:46:58.000Z"],
    ["2015-09-12T02:46:58+02:00", "2015-09-12T00:46:58.000Z"],
    ["2015-09-12 02:46:58+02", "2015-09-12T00:46:58.000Z"],
    ["2015-09-12", "2015-09-12T00:00:00.000Z"],
    [1442018818, "2015-09-12T00:46:58.000Z"],
    ["1442018818771", "2015-09-12T00:46:58.771Z"],
    ["0014-11-18 15:40:26", null],
    ["yesterday", null],
    ["", null],
    [null, null],
    [undefined, null],
    [true, null],
  ])("%j is %s", (value, expected) => expect(read(value)).toBe(expected));
});

describe("times in a zone", () => {
  it.each([
    ["2024-01-15 12:00:00", "2024-01-15T11:00:00.000Z"],
    ["2024-07-15 12:00:00", "2024-07-15T10:00:00.000Z"],
    ["2024-07-15", "2024-07-14T22:00:00.000Z"],
    ["2024-07-15T12:00:00Z", "2024-07-15T12:00:00.000Z"],
    ["2024-07-15T12:00:00-05", "2024-07-15T17:00:00.000Z"],
    // 02:00 to 03:00 occurs twice on 27 October, and not at all on 31 March.
    ["2024-10-27 01:59:59", "2024-10-26T23:59:59.000Z"],
    ["2024-10-27 02:30:00", "2024-10-27T00:30:00.000Z"],
    ["2024-10-27 03:00:00", "2024-10-27T02:00:00.000Z"],
    ["2024-03-31 01:59:59", "2024-03-31T00:59:59.000Z"],
    ["2024-03-31 02:30:00", "2024-03-31T01:30:00.000Z"],
    ["2024-03-31 03:00:00", "2024-03-31T01:00:00.000Z"],
  ])("%s in Berlin is %s", (text, expected) => expect(read(text, null, "Europe/Berlin")).toBe(expected));

  it("knows zones of half hours", () => {
    expect(read("2024-01-15 12:00:00", null, "Asia/Kolkata")).toBe("2024-01-15T06:30:00.000Z");
  });

  it("leaves numbers alone: they count from one moment everywhere", () => {
    expect(read(1442018818, null, "Europe/Berlin")).toBe("2015-09-12T00:46:58.000Z");
  });

  it("refuses a zone that does not exist", () => {
    expect(() => timeReader(null, "Mars/Olympus")).toThrow(UsageError);
  });
});

describe("times in a format", () => {
  it.each([
    ["00%y-%m-%d %H:%M:%S", "0014-11-18 15:40:26", "2014-11-18T15:40:26.000Z"],
    ["%d/%m/%Y %H:%M", "1/2/2024 3:04", "2024-02-01T03:04:00.000Z"],
    ["%m/%d/%y %I:%M %p", "12/31/99 12:05 am", "1999-12-31T00:05:00.000Z"],
    ["%I:%M%p %d.%m.%Y", "12:05PM 31.12.2023", "2023-12-31T12:05:00.000Z"],
    ["%F %T.%f", "2024-02-29 23:59:59.123456", "2024-02-29T23:59:59.123Z"],
    ["%a %b %d %H:%M:%S %z %Y", "Thu Jul  4 12:00:00 -0700 2024", "2024-07-04T19:00:00.000Z"],
    ["%d %B %Y", "4 July 2024", "2024-07-04T00:00:00.000Z"],
    ["%Y%m%d", "20240704", "2024-07-04T00:00:00.000Z"],
    ["%Y-%j", "2024-060", "2024-02-29T00:00:00.000Z"],
    ["%Y-%m-%dT%H:%M:%S%z", "2024-07-04T12:00:00Z", "2024-07-04T12:00:00.000Z"],
    ["%d.%m.%Y %%", "04.07.2024 %", "2024-07-04T00:00:00.000Z"],
    ["%Y (%m)", "2024 (07)", "2024-07-01T00:00:00.000Z"],
    ["s", "1442018818", "2015-09-12T00:46:58.000Z"],
    ["us", 1442018818771000, "2015-09-12T00:46:58.771Z"],
    ["ns", "1442018818771000000", "2015-09-12T00:46:58.771Z"],
  ])("%s reads %s", (format, value, expected) => expect(read(value, format)).toBe(expected));

  it.each([
    ["%d/%m/%Y", "31/02/2024"],
    ["%d/%m/%Y", "2024-02-01"],
    ["%d/%m/%Y", "1/13/2024"],
    ["%Y %H", "2024 24"],
    ["%Y %I %p", "2024 13 pm"],
    ["%Y-%j", "2023-366"],
    ["%b %Y", "Xyz 2024"],
    ["00%y-%m-%d", "2014-11-18"],
    ["%Y", "0014"],
    ["ms", "soon"],
  ])("%s refuses %s", (format, value) => expect(read(value, format)).toBeNull());

  it("is in the zone, unless the text names one", () => {
    expect(read("04.07.2024 12", "%d.%m.%Y %H", "Europe/Berlin")).toBe("2024-07-04T10:00:00.000Z");
    expect(read("04.07.2024 12 +0000", "%d.%m.%Y %H %z", "Europe/Berlin")).toBe("2024-07-04T12:00:00.000Z");
  });

  it.each(["%Q", "%H:%M", "%Y %y %Y", "%", "hours"])("%s is refused as a format", (format) => {
    expect(() => timeReader(format, "UTC")).toThrow(UsageError);
  });
});
