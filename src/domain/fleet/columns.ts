/** A list of vehicles, and where each of them is in columns. */
export interface Rows {
  readonly ids: readonly string[];
  readonly rows: Uint32Array;
}

/** Something of many vehicles, column by column and kept current row by row; a table holds some rows as they are at a moment. */
export interface Columns<T, Table> {
  /** Null: the vehicle has none. @returns whether anything is different now */
  set(row: number, value: T | null): boolean;
  /** `instead`: what stands at these places of the list in place of what the columns hold. */
  table(list: Rows, instead: ReadonlyMap<number, T | null>): Table;
}

/** Records as they are. The table: those of all rows. */
export class RecordColumns<T> implements Columns<readonly T[], T[]> {
  readonly #records: (readonly T[] | null)[] = [];

  set(row: number, records: readonly T[] | null): boolean {
    this.#records[row] = records;
    return true;
  }

  table({ rows }: Rows, instead: ReadonlyMap<number, readonly T[] | null>): T[] {
    const found: T[] = [];
    rows.forEach((row, place) => {
      const own = instead.has(place) ? instead.get(place) : this.#records[row];
      if (own) found.push(...own);
    });
    return found;
  }
}

/** The rows of a table that is made of these values alone. */
export function tableOf<T, Table>(
  columns: Columns<T, Table>,
  ids: readonly string[],
  values: readonly (T | null)[],
): Table {
  values.forEach((value, row) => {
    columns.set(row, value);
  });
  return columns.table({ ids, rows: Uint32Array.from(values.keys()) }, new Map());
}
