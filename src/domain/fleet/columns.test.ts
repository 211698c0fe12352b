import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY, HOUR } from "../../base/clock.js";
import { known, scoresOf } from "./health.js";
import { HealthColumns, healthTable } from "./health-table.js";
import { HistoryColumns, historiesOf } from "./history-columns.js";
import type { Health, HealthHistoryPoint } from "./records.js";

const TYPES = ["engine", "brakes", "battery"];
const score = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
const parts = fc.dictionary(fc.constantFrom(...TYPES), score);

const health = fc.record({ score, parts }).map(
  ({ score: overall, parts: scores }): Health => ({
    vehicleId: "V",
    score: overall,
    computedAt: null,
    components: Object.entries(scores).map(([type, value]) => ({
      ...{ vehicleId: "V", type, score: value, rulKm: Math.round(value * 1000), rulDays: null, confidence: null },
      ...{ riskFactors: [], recommendedActions: [] },
    })),
  }),
);
const history = fc.array(
  fc
    .record({ hour: fc.integer({ min: 0, max: 24 * 6 }), score, parts })
    .map(({ hour, score: overall, parts: scores }): HealthHistoryPoint => {
      return { computedAt: hour * HOUR, score: overall, components: new Map(Object.entries(scores)) };
    }),
  { maxLength: 8 },
);

/** Rows are set again and again; then some of them are asked for, with others in place of some. */
function changing<T>(value: fc.Arbitrary<T>) {
  const maybe = fc.option(value);
  return fc.record({
    sets: fc.array(fc.record({ row: fc.nat(9), value: maybe }), { maxLength: 40 }),
    rows: fc.uniqueArray(fc.nat(9), { minLength: 1 }),
    instead: fc.array(fc.tuple(fc.nat(3), maybe), { maxLength: 2 }),
  });
}

function played<T>({
  sets,
  rows,
  instead,
}: {
  sets: { row: number; value: T | null }[];
  rows: number[];
  instead: [number, T | null][];
}) {
  const last = new Map(sets.map(({ row, value }) => [row, value]));
  const changed = new Map(instead.filter(([place]) => place < rows.length));
  const values = rows.map((row, place) => (changed.has(place) ? changed.get(place) : last.get(row)) ?? null);
  const list = { ids: rows.map(String), rows: Uint32Array.from(rows) };
  return { values, list, changed };
}

describe("columns that are kept current", () => {
  it("hold of health what a table made anew holds", () => {
    fc.assert(
      fc.property(changing(health), (changes) => {
        const columns = new HealthColumns();
        for (const { row, value } of changes.sets) columns.set(row, value);
        const { values, list, changed } = played(changes);
        const table = columns.table(list, changed);
        for (const component of [null, ...TYPES]) {
          const expected = values.map((each) =>
            component === null ? each?.score : each?.components.find(({ type }) => type === component)?.score,
          );
          expect([...scoresOf(table, component)]).toEqual(expected.map((each) => each ?? Number.NaN));
          expect([...known(scoresOf(table, component))]).toEqual(expected.filter((each) => each !== undefined));
        }
      }),
    );
  });

  it("sum histories as histories put in at once are summed, several records a day among them", () => {
    fc.assert(
      fc.property(
        changing(history),
        fc.tuple(fc.nat(24 * 6), fc.nat(24 * 6)),
        fc.constantFrom(null, ...TYPES),
        (changes, [a, b], component) => {
          const columns = new HistoryColumns();
          for (const { row, value } of changes.sets) columns.set(row, value);
          const { values, list, changed } = played<HealthHistoryPoint[]>(changes);
          const range = { start: Math.min(a, b) * HOUR, end: Math.max(a, b) * HOUR };
          const sums = columns.table(list, changed).sums(range, component);
          const expected = byHand(values, range, component);
          expect(rounded(sums)).toEqual(rounded(expected));
          expect(rounded(historiesOf(values.map((each) => each ?? [])).sums(range, component))).toEqual(
            rounded(expected),
          );
        },
      ),
    );
  });

  it("tell whether anything is different", () => {
    const columns = new HealthColumns();
    const [record] = fc.sample(health, 1) as [Health];
    expect([columns.set(3, record), columns.set(3, { ...record, computedAt: 7 }), columns.set(3, null)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(healthTable([record]).scores).toEqual(Float64Array.of(record.score));
  });
});

function byHand(
  histories: readonly (readonly HealthHistoryPoint[] | null)[],
  range: { start: number; end: number },
  component: string | null,
) {
  const days = new Map<number, { sum: number; count: number }>();
  for (const points of histories) {
    const within = (points ?? [])
      .map((point) => ({
        at: point.computedAt,
        score: component === null ? point.score : point.components.get(component),
      }))
      .filter(({ at, score: told }) => told !== undefined && at >= range.start && at < range.end);
    for (const day of new Set(within.map(({ at }) => Math.floor(at / DAY)))) {
      const own = within.filter(({ at }) => Math.floor(at / DAY) === day);
      const latest = Math.max(...own.map(({ at }) => at));
      const told = own.findLast(({ at }) => at === latest)?.score ?? 0;
      const { sum, count } = days.get(day) ?? { sum: 0, count: 0 };
      days.set(day, { sum: sum + told, count: count + 1 });
    }
  }
  return days;
}

function rounded(sums: ReadonlyMap<number, { sum: number; count: number }>) {
  return [...sums].sort(([a], [b]) => a - b).map(([day, { sum, count }]) => [day, sum.toFixed(9), count]);
}
