import { Cron } from "croner";
import { isZone } from "../base/calendar.js";
import { PublicError } from "../base/errors.js";

/** The usual frequencies, in the morning: reports should be there when work begins. */
export const FREQUENCIES = {
  daily: "0 6 * * *",
  weekly: "0 6 * * 1",
  monthly: "0 6 1 * *",
  quarterly: "0 6 1 1,4,7,10 *",
} as const;
export type Frequency = keyof typeof FREQUENCIES;

/**
 * The first due time after a moment, of a cron expression of five fields read on the clocks of a zone. On days when
 * clocks change it is due as often as on others: a time that is left out is due right after the gap, one that comes twice
 * is due the first time.
 * @throws PublicError BAD_USER_INPUT for what is no zone or no expression, or is never due
 */
export function cronSchedule(expression: string, zone: string): (after: Date) => Date {
  const refuse = (field: string, message: string): never => {
    throw new PublicError("BAD_USER_INPUT", message, { field });
  };
  if (!isZone(zone)) refuse("zone", `There is no time zone ${zone}; expected an IANA name such as Europe/Berlin`);
  const cron = parsed(expression, zone);
  if (!cron) {
    return refuse(
      "cron",
      `"${expression}" is no cron expression: expected minute, hour, day, month and day of the week`,
    );
  }
  const next = (after: Date): Date => cron.nextRun(after) ?? refuse("cron", `"${expression}" is never due`);
  next(new Date());
  return next;
}

function parsed(expression: string, zone: string): Cron | null {
  if (expression.trim().split(/\s+/).length !== 5) return null;
  try {
    return new Cron(expression.trim(), { timezone: zone, paused: true });
  } catch {
    return null;
  }
}

/** The next due times after a moment, soonest first. */
export function nextRuns(schedule: (after: Date) => Date, after: Date, count: number): Date[] {
  const runs: Date[] = [];
  for (let last = after; runs.length < count; runs.push(last)) last = schedule(last);
  return runs;
}
