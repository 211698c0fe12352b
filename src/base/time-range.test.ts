import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY } from "./clock.js";
import { PublicError } from "./errors.js";
import {
  calendarYears,
  contains,
  dayWider,
  formatDate,
  formatInstant,
  hull,
  isDateOrInstant,
  monthToDate,
  requestedRange,
  trailing,
  wholeDays,
} from "./time-range.js";

const at = (text: string): number => Date.parse(text);
const NOW = at("2026-07-14T12:34:56Z");

describe("a requested period", () => {
  it("is the 30 days up to now unless told otherwise", () => {
    expect(requestedRange(null, undefined, NOW)).toEqual({ start: NOW - 30 * DAY, end: NOW });
  });

  it("includes the whole UTC day that a date-only end names, and starts with the first instant of a date-only start", () => {
    expect(requestedRange("2026-01-01", "2026-01-31", NOW)).toEqual({
      start: at("2026-01-01T00:00:00Z"),
      end: at("2026-02-01T00:00:00Z"),
    });
  });

  it("may be a single day", () => {
    expect(requestedRange("2024-02-29", "2024-02-29", NOW)).toEqual({
      start: at("2024-02-29T00:00:00Z"),
      end: at("2024-03-01T00:00:00Z"),
    });
  });

  it("takes instants as they are, whatever their offset", () => {
    expect(requestedRange("2026-01-01T05:30:00+05:30", "2026-01-02T00:00:00.500Z", NOW)).toEqual({
      start: at("2026-01-01T00:00:00Z"),
      end: at("2026-01-02T00:00:00.500Z"),
    });
  });

  it("reaches back 30 days from a given end, and up to now from a given start", () => {
    expect(requestedRange(null, "2026-01-30", NOW).start).toBe(at("2026-01-01T00:00:00Z"));
    expect(requestedRange("2026-07-01", null, NOW)).toEqual({ start: at("2026-07-01T00:00:00Z"), end: NOW });
  });

  it.each([
    ["2026-02-02", "2026-02-01"],
    ["2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"],
    ["2027-01-01", null],
  ])("is refused when %s is not before %s", (start, end) => {
    const ask = () => requestedRange(start, end, NOW);
    expect(ask).toThrow(PublicError);
    expect(ask).toThrow(expect.objectContaining({ code: "BAD_USER_INPUT", httpStatus: 422 }));
  });

  it.each([
    "2026-02-30",
    "2025-02-29",
    "2026-13-01",
    "2026-1-1",
    "yesterday",
    "2026-01-01T00:00:00",
    "2026-02-30T00:00:00Z",
    "2026-01-01T25:00:00Z",
    "1769904000000",
    "2026-01-01\n",
  ])("refuses %j as a bound, naming the argument", (text) => {
    expect(isDateOrInstant(text)).toBe(false);
    expect(() => requestedRange(null, text, NOW)).toThrow(
      expect.objectContaining({ code: "BAD_USER_INPUT", details: { field: "end_date" } }),
    );
  });
});

describe("parts of a period", () => {
  it("excludes the end", () => {
    const range = { start: 10, end: 20 };
    expect([9, 10, 19, 20, null].map((instant) => contains(range, instant))).toEqual([false, true, true, false, false]);
  });

  it("counts the month of the last instant, so that an end at midnight of the first is still the month before", () => {
    const until = (end: string) => formatInstant(monthToDate({ start: 0, end: at(end) }).start);
    expect(until("2026-03-01T00:00:00Z")).toBe("2026-02-01T00:00:00Z");
    expect(until("2026-03-01T00:00:00.001Z")).toBe("2026-03-01T00:00:00Z");
    expect(until("2026-01-01T00:00:00Z")).toBe("2025-12-01T00:00:00Z");
    expect(monthToDate({ start: 0, end: NOW }).end).toBe(NOW);
  });

  it("widens to whole days without taking in the day after an end at midnight", () => {
    const range = { start: at("2026-01-01T10:00:00Z"), end: at("2026-01-03T00:00:00Z") };
    expect(wholeDays(range)).toEqual({ start: at("2026-01-01"), end: at("2026-01-03") });
    expect(wholeDays({ ...range, end: range.end + 1 }).end).toBe(at("2026-01-04"));
  });

  it("stays the same all day while now moves on", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: DAY }), (ms) => {
        const midnight = at("2026-07-14T00:00:00Z");
        expect(wholeDays({ start: midnight - 1, end: midnight + ms })).toEqual({
          start: midnight - DAY,
          end: midnight + DAY,
        });
      }),
    );
  });

  it("reaches back, holds several periods, and widens by a day", () => {
    expect(trailing({ start: 0, end: 400 * DAY }, 365)).toEqual({ start: 35 * DAY, end: 400 * DAY });
    expect(hull({ start: 5, end: 9 }, { start: 1, end: 4 })).toEqual({ start: 1, end: 9 });
    expect(dayWider({ start: DAY, end: 2 * DAY })).toEqual({ start: 0, end: 3 * DAY });
  });
});

describe("calendar years", () => {
  it.each([
    ["2024-01-01", "2025-01-01"],
    ["2023-01-01", "2024-01-01"],
    ["2024-02-28", "2025-02-28"],
    ["2023-06-15T08:00:00Z", "2024-06-15T08:00:00Z"],
  ])("from %s to %s are exactly 1", (from, to) => {
    expect(calendarYears(at(from), at(to))).toBe(1);
  });

  it("count the share of the year then running by its own length", () => {
    expect(calendarYears(at("2023-01-01"), at("2023-02-01"))).toBeCloseTo(31 / 365, 12);
    expect(calendarYears(at("2024-01-01"), at("2024-02-01"))).toBeCloseTo(31 / 366, 12);
    expect(calendarYears(at("2020-07-01"), at("2023-10-01"))).toBeCloseTo(3 + 92 / 366, 12);
  });

  it("are none between an instant and itself, and never fall as time goes on, even from 29 February", () => {
    const from = at("2020-02-29");
    expect(calendarYears(from, from)).toBe(0);
    expect(calendarYears(from, at("2024-02-29"))).toBe(4);
    const daily = Array.from({ length: 1500 }, (_, day) => calendarYears(from, from + day * DAY));
    expect(daily.every((years, i) => i === 0 || years > (daily[i - 1] ?? 0))).toBe(true);
  });
});

describe("instants as text", () => {
  it("carry a fraction only when there is one, and reach back into days", () => {
    expect(formatInstant(at("2026-01-28T22:00:00Z"))).toBe("2026-01-28T22:00:00Z");
    expect(formatInstant(at("2026-01-28T22:00:00.120Z"))).toBe("2026-01-28T22:00:00.120Z");
    expect(formatDate(at("2026-01-28T23:59:59.999Z"))).toBe("2026-01-28");
  });
});
