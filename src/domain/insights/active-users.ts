import { localDay, startOfLocalDay } from "../../base/calendar.js";
import { percent } from "../../base/numbers.js";
import { type Asking, selectionOf } from "./asking.js";
import type { ActiveUsersPlan, Condition, PlanRow } from "./plan.js";
import type { LocalRange } from "./range.js";

/** Users of one local day and of the days up to it. */
export interface ActiveUsersDay {
  /** Days since 1970-01-01. */
  readonly day: number;
  readonly dau: number;
  /** Of the seven days up to this one. */
  readonly wau: number;
  /** Of the thirty days up to this one. */
  readonly mau: number;
  /** DAU for each hundred MAU: how many of a month's users come on a day. */
  readonly stickiness: number | null;
}

const [WEEK, MONTH] = [7, 30];

/** `isDaily`: only DAU is wanted, for which the days before need not be looked at. */
export function activeUsersPlan(
  asking: Asking,
  range: LocalRange,
  types: readonly string[] | null,
  where: readonly Condition[],
  isDaily: boolean,
): ActiveUsersPlan {
  const window = isDaily ? 1 : MONTH;
  const first = localDay(range.start, range.zone) - window + 1;
  const from = isDaily ? range.start : Math.min(range.start, startOfLocalDay(first, range.zone));
  return { kind: "activeUsers", selection: selectionOf(asking, { ...range, start: from }, types, where), window };
}

/** The days of a range, of which rows tell when users were active and until when they were not again. */
export function activeUsersByDay(rows: readonly PlanRow[], range: LocalRange): ActiveUsersDay[] {
  const [first, last] = [localDay(range.start, range.zone), localDay(range.end - 1, range.zone)];
  const [dau, wau, mau] = [1, WEEK, MONTH].map((window) => within(rows, window, first, last));
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const [daily = 0, weekly = 0, monthly = 0] = [dau?.[i], wau?.[i], mau?.[i]];
    return { day: first + i, dau: daily, wau: weekly, mau: monthly, stickiness: percent(daily, monthly) };
  });
}

/** Each stay of a user counts from its day until the next one begins, or the window is over. */
function within(rows: readonly PlanRow[], window: number, first: number, last: number): number[] {
  const changes = new Map<number, number>();
  for (const row of rows) {
    const [day, next, users] = [Number(row.day), Number(row.next), Number(row.users)];
    const end = Math.min(next, day + window);
    changes.set(day, (changes.get(day) ?? 0) + users);
    changes.set(end, (changes.get(end) ?? 0) - users);
  }
  let level = 0;
  const earlier = [...changes.keys()].filter((day) => day < first);
  for (const day of earlier) level += changes.get(day) ?? 0;
  return Array.from({ length: last - first + 1 }, (_, i) => {
    level += changes.get(first + i) ?? 0;
    return level;
  });
}
