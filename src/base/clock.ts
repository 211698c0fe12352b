/** The source of "now" in epoch milliseconds (UTC). Passed in by argument, so that tests decide what time it is. */
export type Clock = () => number;

export const systemClock: Clock = Date.now;

/** A clock that stood at `startAt` when it was made and has run on since: for replaying historic data. */
export function clockStartingAt(startAt: number, clock: Clock = systemClock): Clock {
  const offset = startAt - clock();
  return () => clock() + offset;
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
