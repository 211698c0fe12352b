import { DAY } from "../../base/clock.js";
import { Column } from "../../base/column.js";
import { contains, startOfUtcDay, type TimeRange } from "../../base/time-range.js";
import { type Columns, type Rows, tableOf } from "./columns.js";
import type { HealthHistoryPoint } from "./records.js";

type History = readonly HealthHistoryPoint[];

/** Scores of one UTC day by vehicle. */
class DayColumns {
  readonly at = new Column();
  readonly score = new Column();
  readonly components = new Map<string, Column>();
  recorded = 0;

  set(row: number, point: HealthHistoryPoint | undefined): boolean {
    const had = !Number.isNaN(this.at.get(row));
    this.recorded += Number(point !== undefined) - Number(had);
    let changed = this.at.set(row, point?.computedAt ?? Number.NaN);
    changed = this.score.set(row, point?.score ?? Number.NaN) || changed;
    for (const type of point?.components.keys() ?? []) {
      if (!this.components.has(type)) this.components.set(type, new Column());
    }
    for (const [type, column] of this.components) {
      changed = column.set(row, point?.components.get(type) ?? Number.NaN) || changed;
    }
    return changed;
  }
}

/** Scores of a UTC day (days since 1970-01-01), one of each vehicle. */
export type DaySums = Map<number, { readonly sum: number; readonly count: number }>;

/** Histories of a list of vehicles. */
export interface Histories {
  /** By day: of each vehicle's last record of the day within the range that tells a score, the sum. */
  sums(range: TimeRange, component: string | null): DaySums;
}

/**
 * Health over time by day and vehicle. A vehicle mostly has one record a day; of those that have several on any day the
 * records are kept as they came.
 */
export class HistoryColumns implements Columns<History, Histories> {
  readonly #days = new Map<number, DayColumns>();
  readonly #several = new Map<number, History>();

  set(row: number, history: History | null): boolean {
    const byDay = new Map((history ?? []).map((point) => [dayOf(point), point]));
    const hadSeveral = this.#several.delete(row);
    if (history && byDay.size < history.length) {
      this.#several.set(row, history);
      byDay.clear();
    }
    let changed = hadSeveral || this.#several.has(row);
    for (const day of byDay.keys()) if (!this.#days.has(day)) this.#days.set(day, new DayColumns());
    for (const [day, columns] of this.#days) {
      changed = columns.set(row, byDay.get(day)) || changed;
      if (columns.recorded === 0) this.#days.delete(day);
    }
    return changed;
  }

  table(list: Rows, instead: ReadonlyMap<number, History | null>): Histories {
    return { sums: (range, component) => this.#sums(list, instead, range, component) };
  }

  #sums({ rows }: Rows, instead: ReadonlyMap<number, History | null>, range: TimeRange, component: string | null) {
    const days: DaySums = new Map();
    const places = instead.size === 0 ? rows : rows.filter((_, place) => !instead.has(place));
    for (const [day, columns] of this.#days) {
      const scores = component === null ? columns.score : columns.components.get(component);
      if (!scores || (day + 1) * DAY <= range.start || day * DAY >= range.end) continue;
      const total = sumWithin(places, columns.at, scores, range);
      if (total.count > 0) days.set(day, total);
    }
    if (this.#several.size > 0) {
      for (const row of places) addLastOfEachDay(days, this.#several.get(row), range, component);
    }
    for (const history of instead.values()) addLastOfEachDay(days, history, range, component);
    return days;
  }
}

/** Of these histories, one vehicle each. */
export function historiesOf(histories: readonly History[]): Histories {
  return tableOf(
    new HistoryColumns(),
    histories.map((_, row) => String(row)),
    histories,
  );
}

function dayOf({ computedAt }: HealthHistoryPoint): number {
  return startOfUtcDay(computedAt) / DAY;
}

function sumWithin(rows: Uint32Array, at: Column, scores: Column, { start, end }: TimeRange) {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    const instant = at.get(row);
    if (!(instant >= start && instant < end)) continue;
    const score = scores.get(row);
    if (Number.isNaN(score)) continue;
    sum += score;
    count += 1;
  }
  return { sum, count };
}

function addLastOfEachDay(
  days: DaySums,
  history: History | null | undefined,
  range: TimeRange,
  component: string | null,
) {
  const last = new Map<number, { at: number; score: number }>();
  for (const point of history ?? []) {
    const score = component === null ? point.score : point.components.get(component);
    if (score === undefined || !contains(range, point.computedAt)) continue;
    const seen = last.get(dayOf(point));
    if (!seen || point.computedAt >= seen.at) last.set(dayOf(point), { at: point.computedAt, score });
  }
  for (const [day, { score }] of last) {
    const total = days.get(day) ?? { sum: 0, count: 0 };
    days.set(day, { sum: total.sum + score, count: total.count + 1 });
  }
}
