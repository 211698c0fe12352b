import { DAY, HOUR, MINUTE } from "../base/clock.js";

/** When recurring work is due: an interval in milliseconds, or the first due time after a moment. */
export type Schedule = number | ((after: Date) => Date);

/**
 * The first due time after a moment. Intervals are counted from the epoch, so that all replicas mean the same times.
 * @throws Error when the schedule gives none
 */
export function nextDue(schedule: Schedule, after: number): number {
  const due =
    typeof schedule === "number" ? (Math.floor(after / schedule) + 1) * schedule : schedule(new Date(after)).getTime();
  if (!(due > after)) {
    throw new Error(
      `A schedule must give a time after ${new Date(after).toISOString()}, got ${Number.isNaN(due) ? "none" : new Date(due).toISOString()}`,
    );
  }
  return due;
}

/** Every day at this time, UTC. */
export function dailyAt(hour: number, minute = 0): (after: Date) => Date {
  const offset = hour * HOUR + minute * MINUTE;
  return (after) => new Date((Math.floor((after.getTime() - offset) / DAY) + 1) * DAY + offset);
}
