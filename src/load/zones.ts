import { DAY, MINUTE } from "../base/clock.js";
import { UsageError } from "./errors.js";

/** Clocks change at quarters of an hour: what holds at one moment of a quarter holds for all of it. */
const QUARTER = 15 * MINUTE;
const MOST_QUARTERS = 100_000;

/**
 * Makes epoch milliseconds UTC of a wall clock's reading (given as if it were UTC). A reading that occurs twice when
 * clocks go back is taken for its first occurrence; one that is skipped when they go forward is read on, as if they had
 * not yet.
 * @throws UsageError when there is no such zone
 */
export function zoneOf(zone: string): (wall: number) => number {
  const offsetAt = offsets(zone);
  if (/^(?:UTC|Etc\/UTC|GMT|Z)$/i.test(zone)) return (wall) => wall;
  const known = new Map<number, number>();
  return (wall) => {
    const quarter = Math.floor(wall / QUARTER);
    let offset = known.get(quarter);
    if (offset === undefined) {
      offset = offsetOfWall(wall, offsetAt);
      if (known.size >= MOST_QUARTERS) known.clear();
      known.set(quarter, offset);
    }
    return wall - offset;
  };
}

function offsetOfWall(wall: number, offsetAt: (moment: number) => number): number {
  const before = offsetAt(wall - DAY);
  const after = offsetAt(wall + DAY);
  const holds = [before, after].filter((offset) => offsetAt(wall - offset) === offset);
  return holds.length > 0 ? Math.max(...holds) : before;
}

/** Milliseconds that a zone's clocks are ahead of UTC at a moment. */
function offsets(zone: string): (moment: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone === "Z" ? "UTC" : zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    throw new UsageError(`--time-zone ${zone}: expected a name such as Europe/Berlin or UTC`);
  }
  return (moment) => {
    const parts = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000;
  };
}
