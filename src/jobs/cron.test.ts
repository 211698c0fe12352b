import { describe, expect, it } from "vitest";
import { localDay, offsetAt, startOfLocalDay } from "../base/calendar.js";
import { DAY, HOUR, MINUTE } from "../base/clock.js";
import { cronSchedule, FREQUENCIES, nextRuns } from "./cron.js";

const ZONES = ["Africa/Lagos", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut"];
const FROM = Date.UTC(2026, 0, 1);
const TO = Date.UTC(2028, 0, 1);

/** All due times of two years, by schedule. */
function dueTimes(expression: string, zone: string): number[] {
  const schedule = cronSchedule(expression, zone);
  const found: number[] = [];
  for (let at = schedule(new Date(FROM)); at.getTime() < TO; at = schedule(at)) found.push(at.getTime());
  return found;
}

describe.each(ZONES)("on the clocks of %s, over two years", (zone) => {
  it.each(["0 0", "30 0", "30 2", "0 6", "59 23"])("%s is due once on each day", (time) => {
    const [minute = 0, hour = 0] = time.split(" ").map(Number);
    const due = dueTimes(`${time} * * *`, zone);
    const days = due.map((at) => localDay(at, zone));
    const firstDay = days[0] ?? 0;
    expect(days).toEqual(days.map((_, i) => firstDay + i));
    for (const [i, at] of due.entries()) {
      const local = at + offsetAt(at, zone) - (firstDay + i) * DAY;
      const wanted = hour * HOUR + minute * MINUTE;
      // Where clocks jump over it, the first moment after: never before.
      const isGap = offsetAt(at, zone) !== offsetAt(at - 2 * HOUR, zone) && local > wanted;
      expect(isGap || local === wanted).toBe(true);
    }
  });

  it("weekly, monthly and quarterly reports are due on their days alone", () => {
    const days = (expression: string) => dueTimes(expression, zone).map((at) => new Date(localDay(at, zone) * DAY));
    const weeks = days(FREQUENCIES.weekly);
    expect(weeks.map((day) => day.getUTCDay())).toEqual(weeks.map(() => 1));
    expect(weeks.length).toBe(104);
    expect(days(FREQUENCIES.monthly).map((day) => day.getUTCDate())).toEqual(Array.from({ length: 24 }, () => 1));
    // East of Greenwich the first day of the two years is over before they begin in UTC.
    const quarters = days(FREQUENCIES.quarterly).map((day) => day.getUTCMonth());
    expect(quarters.toSorted((a, b) => a - b)).toEqual([0, 0, 3, 3, 6, 6, 9, 9]);
  });

  it("every hour is due in each hour that passes", () => {
    const start = startOfLocalDay(localDay(Date.UTC(2026, 2, 1), zone), zone);
    const runs = nextRuns(cronSchedule("0 * * * *", zone), new Date(start - 1), 24 * 60).map(Number);
    const gaps = new Set(runs.slice(1).map((at, i) => at - (runs[i] ?? 0)));
    // Half an hour is what clocks move by on Lord Howe Island.
    expect([...gaps].every((gap) => gap === HOUR || (zone === "Australia/Lord_Howe" && gap % (HOUR / 2) === 0))).toBe(
      true,
    );
  });
});

describe("a schedule", () => {
  it("lists its next times", () => {
    const runs = nextRuns(cronSchedule("0 6 L * *", "Africa/Lagos"), new Date("2026-11-30T05:00:00Z"), 3);
    expect(runs.map((run) => run.toISOString())).toEqual([
      "2026-12-31T05:00:00.000Z",
      "2027-01-31T05:00:00.000Z",
      "2027-02-28T05:00:00.000Z",
    ]);
  });

  it.each(["", "* * *", "61 * * * *", "* * * * * *", "@daily", "0 6 * * someday"])("refuses %j", (expression) => {
    expect(() => cronSchedule(expression, "UTC")).toThrow(/is no cron expression/);
  });

  it("refuses what is never due, and zones that there are not", () => {
    expect(() => cronSchedule("0 0 31 2 *", "UTC")).toThrow('"0 0 31 2 *" is never due');
    expect(() => cronSchedule("0 6 * * *", "Europe/Atlantis")).toThrow("There is no time zone Europe/Atlantis");
  });
});
