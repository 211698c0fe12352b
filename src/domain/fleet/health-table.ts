import { Column } from "../../base/column.js";
import { type Columns, type Rows, tableOf } from "./columns.js";
import type { Health } from "./records.js";

export interface ComponentColumns {
  readonly scores: Float64Array;
  readonly rulKm: Float64Array;
}

/** Health of a list of vehicles, in its order. NaN stands for what is not known. */
export interface HealthTable {
  readonly ids: readonly string[];
  readonly scores: Float64Array;
  /** By type of component. Of several of one type in a vehicle, the first. */
  readonly components: ReadonlyMap<string, ComponentColumns>;
}

export class HealthColumns implements Columns<Health, HealthTable> {
  readonly #score = new Column();
  readonly #components = new Map<string, { readonly scores: Column; readonly rulKm: Column }>();

  set(row: number, health: Health | null): boolean {
    let changed = this.#score.set(row, health?.score ?? Number.NaN);
    for (const { type } of health?.components ?? []) {
      if (!this.#components.has(type)) this.#components.set(type, { scores: new Column(), rulKm: new Column() });
    }
    for (const [type, { scores, rulKm }] of this.#components) {
      const part = health?.components.find((component) => component.type === type);
      const isOther = scores.set(row, part?.score ?? Number.NaN);
      changed = rulKm.set(row, part?.rulKm ?? Number.NaN) || isOther || changed;
    }
    return changed;
  }

  table({ ids, rows }: Rows, instead: ReadonlyMap<number, Health | null>): HealthTable {
    const components = [...this.#components].map(
      ([type, { scores, rulKm }]) => [type, { scores: scores.at(rows), rulKm: rulKm.at(rows) }] as const,
    );
    const table = { ids, scores: this.#score.at(rows), components: new Map(components) };
    if (instead.size === 0) return table;
    const own = new HealthColumns();
    own.#score.values = table.scores;
    for (const [type, { scores, rulKm }] of table.components) {
      own.#components.set(type, { scores: new Column(scores), rulKm: new Column(rulKm) });
    }
    for (const [place, health] of instead) own.set(place, health);
    return own.table({ ids, rows: Uint32Array.from(ids.keys()) }, new Map());
  }
}

/** A table of these records, one row each. */
export function healthTable(healths: readonly Health[]): HealthTable {
  return tableOf(
    new HealthColumns(),
    healths.map(({ vehicleId }) => vehicleId),
    healths,
  );
}
