import { describe, expect, it } from "vitest";
import {
  bucketOf,
  bucketsIn,
  bucketText,
  GRANULARITIES,
  isZone,
  localDay,
  offsetAt,
  offsetPieces,
  startOfBucket,
  startOfLocalDay,
} from "./calendar.js";
import { DAY, HOUR } from "./clock.js";

const at = (text: string): number => Date.parse(text);
const lengthOfDay = (date: string, zone: string): number => {
  const day = at(`${date}T00:00:00Z`) / DAY;
  return (startOfLocalDay(day + 1, zone) - startOfLocalDay(day, zone)) / HOUR;
};

describe("zones", () => {
  it.each(["UTC", "Europe/Berlin", "Africa/Lagos", "America/St_Johns", "Australia/Lord_Howe"])("knows %s", (zone) =>
    expect(isZone(zone)).toBe(true));
  it.each(["", "Mars/Olympus", "+01:00", "Europe/Berlin; DROP TABLE events", "1"])("does not know %j", (zone) =>
    expect(isZone(zone)).toBe(false));
  it("says how far local time is ahead", () => {
    expect(offsetAt(at("2026-01-15T12:00:00Z"), "Europe/Berlin")).toBe(HOUR);
    expect(offsetAt(at("2026-07-15T12:00:00Z"), "Europe/Berlin")).toBe(2 * HOUR);
    expect(offsetAt(at("2026-07-15T12:00:00.500Z"), "Asia/Kolkata")).toBe(5.5 * HOUR);
    expect(offsetAt(at("1960-01-15T12:00:00.500Z"), "America/New_York")).toBe(-5 * HOUR);
  });
  it("finds each change of the clocks within a range, to the millisecond", () => {
    const found = offsetPieces("Europe/Berlin", at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    expect(found).toEqual([
      { from: at("2026-01-01T00:00:00Z"), offset: HOUR },
      { from: at("2026-03-29T01:00:00Z"), offset: 2 * HOUR },
      { from: at("2026-10-25T01:00:00Z"), offset: HOUR },
    ]);
  });
});

describe("days", () => {
  it("have 23 and 25 hours when clocks change", () => {
    expect(lengthOfDay("2026-03-29", "Europe/Berlin")).toBe(23);
    expect(lengthOfDay("2026-10-25", "Europe/Berlin")).toBe(25);
    expect(lengthOfDay("2026-10-26", "Europe/Berlin")).toBe(24);
    expect(lengthOfDay("2026-04-05", "Australia/Lord_Howe")).toBe(24.5);
  });
  it("begin when clocks go forward at midnight, and not before", () => {
    // Beirut, 2026-03-29: 00:00 becomes 01:00.
    const day = at("2026-03-29T00:00:00Z") / DAY;
    expect(startOfLocalDay(day, "Asia/Beirut")).toBe(at("2026-03-28T22:00:00Z"));
    expect(lengthOfDay("2026-03-29", "Asia/Beirut")).toBe(23);
    // Santiago, 2026-04-05: 24:00 becomes 23:00 of the day before.
    expect(lengthOfDay("2026-04-04", "America/Santiago")).toBe(25);
  });
});

describe("buckets", () => {
  it("are the hours of local clocks, each one its own when clocks go back", () => {
    const start = at("2026-10-24T22:00:00Z");
    const hours = bucketsIn(start, start + 25 * HOUR, "hour", "Europe/Berlin");
    expect(hours).toHaveLength(25);
    expect(hours.slice(0, 4).map((hour) => bucketText(hour, "hour", "Europe/Berlin"))).toEqual([
      "2026-10-25 00:00",
      "2026-10-25 01:00",
      "2026-10-25 02:00",
      "2026-10-25 02:00",
    ]);
    const [first = 0] = bucketsIn(start, start + HOUR, "hour", "Asia/Kolkata");
    expect(startOfBucket(first, "hour", "Asia/Kolkata")).toBe(at("2026-10-24T21:30:00Z"));
  });
  it("are ISO weeks, calendar months, quarters and years", () => {
    const text = (instant: string, granularity: (typeof GRANULARITIES)[number]) =>
      bucketText(bucketOf(at(instant), granularity, "UTC"), granularity, "UTC");
    expect(text("2024-01-01T00:00:00Z", "week")).toBe("2024-W01");
    expect(text("2023-01-01T12:00:00Z", "week")).toBe("2022-W52");
    expect(text("2020-12-31T12:00:00Z", "week")).toBe("2020-W53");
    expect(text("1969-12-29T00:00:00Z", "week")).toBe("1970-W01");
    expect(text("2024-01-31T23:59:59Z", "month")).toBe("2024-01");
    expect(text("1969-11-30T00:00:00Z", "quarter")).toBe("1969-Q4");
    expect(text("2024-07-01T00:00:00Z", "quarter")).toBe("2024-Q3");
    expect(text("1969-11-30T00:00:00Z", "year")).toBe("1969");
  });
  it("hold their own first instant, and not the one before", () => {
    for (const zone of ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Beirut", "Asia/Kolkata", "Pacific/Apia"]) {
      for (const granularity of GRANULARITIES) {
        for (let instant = at("2026-01-01T00:30:00Z"); instant < at("2027-01-01T00:00:00Z"); instant += 13 * HOUR) {
          const bucket = bucketOf(instant, granularity, zone);
          const start = startOfBucket(bucket, granularity, zone);
          expect(start).toBeLessThanOrEqual(instant);
          expect(bucketOf(start, granularity, zone)).toBe(bucket);
          expect(bucketOf(start - 1, granularity, zone)).toBe(bucket - 1);
        }
      }
    }
  });
  it("count days by the local date", () => {
    expect(localDay(at("2026-01-01T23:30:00Z"), "Europe/Berlin")).toBe(at("2026-01-02T00:00:00Z") / DAY);
    expect(localDay(at("2026-01-02T03:30:00Z"), "America/New_York")).toBe(at("2026-01-01T00:00:00Z") / DAY);
  });
});
