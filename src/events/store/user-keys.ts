const GONE = 0xffffffff;

/**
 * The dictionary of users in memory: from a 64-bit hash of tenant and user to the user's small integer key. New users
 * get the next key; `rollback` takes back those since the last `commit`. About 24 to 48 bytes a user.
 */
export class UserKeys {
  /** Three numbers a slot, side by side in memory: both halves of the hash, and the key, which is 0 in a free slot. */
  #slots = new Uint32Array(0);
  #mask = 0;
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
    const known = this.#slots[this.#find(low, high) + 2];
    if (known) return known;
    const key = this.#next++;
    this.#put(low, high, key);
    this.#added.push({ low, high });
    return key;
  }

  delete(low: number, high: number): void {
    const at = this.#find(low, high);
    if (this.#slots[at + 2]) this.#slots[at + 2] = GONE;
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
    if (this.#used * 2 > this.#mask) this.#resize(this.#used + 1);
    const at = this.#find(low, high);
    if (this.#slots[at + 2] === 0) this.#used++;
    this.#slots[at] = low;
    this.#slots[at + 1] = high;
    this.#slots[at + 2] = key;
  }

  /** Where this user's slot begins, or else the free slot where it belongs. */
  #find(low: number, high: number): number {
    const slots = this.#slots;
    let slot = low & this.#mask;
    for (;;) {
      const at = slot * 3;
      const key = slots[at + 2];
      if (key === 0 || (slots[at] === low && slots[at + 1] === high && key !== GONE)) return at;
      slot = (slot + 1) & this.#mask;
    }
  }

  #resize(users: number): void {
    const old = this.#slots;
    const size = 2 ** Math.max(12, Math.ceil(Math.log2(users * 4)));
    this.#slots = new Uint32Array(size * 3);
    this.#mask = size - 1;
    this.#used = 0;
    for (let at = 0; at < old.length; at += 3) {
      const key = old[at + 2];
      if (key && key !== GONE) this.#put(old[at] ?? 0, old[at + 1] ?? 0, key);
    }
  }
}
