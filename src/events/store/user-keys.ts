const GONE = 0xffffffff;

/**
 * The dictionary of users in memory: from a 64-bit hash of tenant and user to the user's small integer key. New users
 * get the next key; `rollback` takes back those since the last `commit`. About 24 bytes a user.
 */
export class UserKeys {
  #low = new Uint32Array(0);
  #high = new Uint32Array(0);
  /** 0 is a free slot. */
  #keys = new Uint32Array(0);
  #used = 0;
  #next = 1;
  #committed = 1;
  #added: { low: number; high: number }[] = [];

  constructor(expected: number) {
    this.#resize(expected);
  }

  /** The key that the next new user gets; all users since the last `commit` have `committed` or more. */
  get next(): number {
    return this.#next;
  }

  get committed(): number {
    return this.#committed;
  }

  /** Takes over a user that is stored already. */
  load(low: number, high: number, key: number): void {
    this.#put(low, high, key);
    if (key >= this.#next) this.#next = key + 1;
    this.#committed = this.#next;
  }

  keyOf(low: number, high: number): number {
    const slot = this.#slot(low, high);
    const known = this.#keys[slot];
    if (known) return known;
    const key = this.#next++;
    this.#put(low, high, key);
    this.#added.push({ low, high });
    return key;
  }

  delete(low: number, high: number): void {
    const slot = this.#slot(low, high);
    if (this.#keys[slot]) this.#keys[slot] = GONE;
  }

  commit(): void {
    this.#added = [];
    this.#committed = this.#next;
  }

  rollback(): void {
    for (const { low, high } of this.#added) this.delete(low, high);
    this.#added = [];
    this.#next = this.#committed;
  }

  #put(low: number, high: number, key: number): void {
    if (this.#used * 2 >= this.#keys.length) this.#resize(this.#used + 1);
    const slot = this.#slot(low, high);
    if (this.#keys[slot] === 0) this.#used++;
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#keys[slot] = key;
  }

  /** Where this user is, or else the free slot where it belongs. */
  #slot(low: number, high: number): number {
    const mask = this.#keys.length - 1;
    let slot = low & mask;
    while (
      this.#keys[slot] !== 0 &&
      (this.#keys[slot] === GONE || this.#low[slot] !== low || this.#high[slot] !== high)
    ) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #resize(users: number): void {
    const [low, high, keys] = [this.#low, this.#high, this.#keys];
    const size = 2 ** Math.max(12, Math.ceil(Math.log2(users * 4)));
    this.#low = new Uint32Array(size);
    this.#high = new Uint32Array(size);
    this.#keys = new Uint32Array(size);
    this.#used = 0;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key && key !== GONE) this.#put(low[i] ?? 0, high[i] ?? 0, key);
    }
  }
}
