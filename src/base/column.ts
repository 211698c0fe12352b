/** Numbers by row, NaN where there is none. Grows with the rows that are set. */
export class Column {
  constructor(public values: Float64Array = new Float64Array(0)) {}

  get(row: number): number {
    return this.values[row] ?? Number.NaN;
  }

  /** @returns whether it is another value than before */
  set(row: number, value: number): boolean {
    if (Object.is(this.get(row), value)) return false;
    if (row >= this.values.length) {
      const larger = new Float64Array(Math.max(64, row + 1, Math.ceil(this.values.length * 1.5))).fill(Number.NaN);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[row] = value;
    return true;
  }

  /** The values of these rows, in their order, as a copy. */
  at(rows: Uint32Array): Float64Array {
    const found = new Float64Array(rows.length);
    for (let i = 0; i < rows.length; i++) found[i] = this.get(rows[i] ?? 0);
    return found;
  }
}
