/** Entries that share a cache line: one look-up touches one line almost always. */
const BUCKET = 16;
const FULL = 0.75;
const SMALLEST = 4096;
const TWO_TO_32 = 2 ** 32;

interface Table {
  /** Fingerprints; 0 is free. */
  readonly slots: Uint32Array;
  readonly buckets: number;
  used: number;
}

/**
 * Remembers keys by 32-bit fingerprints, 5 to 11 bytes a key: what it calls new certainly is, what it calls known is so
 * but for one in some hundred millions. The caller looks up the known ones exactly, and only those.
 *
 * It grows by adding a table as large as all before it, since a fingerprint does not say where it would go in a larger
 * one. What was added since the last `commit` is forgotten by `rollback`.
 */
export class KeyFilter {
  readonly #older: Table[] = [];
  #newest: Table;
  #total = 0;
  /** Slots filled since the last commit: number of the table times 2^32, plus the slot. */
  #added: number[] = [];

  constructor(expected: number) {
    this.#newest = tableFor(expected);
  }

  /** Bytes held. */
  get bytes(): number {
    return [...this.#older, this.#newest].reduce((sum, { slots }) => sum + slots.byteLength, 0);
  }

  /** Two independent 32-bit halves of a key's hash. @returns true when the key is new, and known from now on */
  admit(low: number, high: number): boolean {
    const fingerprint = high || 1;
    const older = this.#older;
    for (let i = 0; i < older.length; i++) if (slotOf(older[i] as Table, low, fingerprint) === -1) return false;
    const newest = this.#newest;
    const slot = slotOf(newest, low, fingerprint);
    if (slot === -1) return false;
    newest.slots[slot] = fingerprint;
    newest.used++;
    this.#total++;
    this.#added.push(older.length * TWO_TO_32 + slot);
    if (newest.used > newest.slots.length * FULL) {
      older.push(newest);
      this.#newest = tableFor(this.#total);
    }
    return true;
  }

  commit(): void {
    this.#added = [];
  }

  rollback(): void {
    const tables = [...this.#older, this.#newest];
    // Last in, first out: a slot that was passed over because it was taken must still be taken when it is cleared.
    for (const place of this.#added.reverse()) {
      const table = tables[Math.floor(place / TWO_TO_32)];
      if (!table) continue;
      table.slots[place % TWO_TO_32] = 0;
      table.used--;
      this.#total--;
    }
    this.#added = [];
  }
}

function tableFor(keys: number): Table {
  const buckets = Math.ceil(Math.max(SMALLEST, keys) / FULL / BUCKET);
  return { slots: new Uint32Array(buckets * BUCKET), buckets, used: 0 };
}

/** The free slot where the fingerprint belongs, or -1 when it is there. A table is never full. */
function slotOf({ slots, buckets }: Table, low: number, fingerprint: number): number {
  let slot = Math.floor((low / TWO_TO_32) * buckets) * BUCKET;
  for (;;) {
    const value = slots[slot];
    if (value === 0) return slot;
    if (value === fingerprint) return -1;
    slot = slot + 1 === slots.length ? 0 : slot + 1;
  }
}
