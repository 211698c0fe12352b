/** Entries that share a cache line; one look-up touches one line almost always. */
const BUCKET = 16;
const FULL = 0.75;

/**
 * Remembers keys by 32-bit fingerprints, about 5 to 10 bytes a key: what it calls new certainly is, what it calls known
 * is so but for one in some hundred millions. The caller looks up the known ones exactly, and only those.
 *
 * It grows by adding a table as large as all before it, since a fingerprint does not say where it would go in a larger
 * one. What was added since the last `commit` is forgotten by `rollback`.
 */
export class KeyFilter {
  readonly #tables: { readonly slots: Uint32Array; readonly mask: number; used: number }[] = [];
  #added: { table: number; slot: number }[] = [];

  constructor(expected: number) {
    this.#grow(expected);
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#tables.reduce((sum, { slots }) => sum + slots.byteLength, 0);
  }

  /** Two independent 32-bit halves of a key's hash. @returns true when the key is new, and known from now on */
  admit(low: number, high: number): boolean {
    const fingerprint = high || 1;
    const last = this.#tables.length - 1;
    for (let i = 0; i < last; i++) if (this.#find(i, low, fingerprint) === -1) return false;
    const slot = this.#find(last, low, fingerprint);
    if (slot === -1) return false;
    const table = this.#table(last);
    table.slots[slot] = fingerprint;
    table.used++;
    this.#added.push({ table: last, slot });
    if (table.used > table.slots.length * FULL) this.#grow(table.used * 2);
    return true;
  }

  commit(): void {
    this.#added = [];
  }

  rollback(): void {
    // Last in, first out: a slot that was passed over because it was taken must still be taken when it is cleared.
    for (let i = this.#added.length - 1; i >= 0; i--) {
      const added = this.#added[i];
      if (!added) continue;
      const table = this.#table(added.table);
      table.slots[added.slot] = 0;
      table.used--;
    }
    this.#added = [];
  }

  /** The free slot where the fingerprint belongs, or -1 when it is there. */
  #find(index: number, low: number, fingerprint: number): number {
    const { slots, mask } = this.#table(index);
    const start = (low & mask) * BUCKET;
    for (let i = 0; i < slots.length; i++) {
      const slot = start + i < slots.length ? start + i : start + i - slots.length;
      const value = slots[slot];
      if (value === fingerprint) return -1;
      if (value === 0) return slot;
    }
    throw new Error("The key filter is full");
  }

  #table(index: number) {
    const table = this.#tables[index];
    if (!table) throw new Error(`The key filter has no table ${index}`);
    return table;
  }

  #grow(capacity: number): void {
    const buckets = 2 ** Math.max(10, Math.ceil(Math.log2(capacity / FULL / BUCKET)));
    this.#tables.push({ slots: new Uint32Array(buckets * BUCKET), mask: buckets - 1, used: 0 });
  }
}
