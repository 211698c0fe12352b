import { timeOf } from "./ids.js";
import type { Ownership } from "./ownership.js";
import type { Store } from "./store.js";

/** An event that waits. */
export interface Entry {
  readonly id: string;
  /** The event as it goes over the wire. */
  readonly json: string;
  /** Where the storage has it; null where only this page's memory does. */
  readonly key: string | null;
}

/** Without locks, a page that has not sent an event for so long is taken for gone. */
const ABANDONED_AFTER_MS = 30_000;

export interface OutboxOptions {
  readonly store: Store;
  readonly ownership: Ownership;
  /** Start of the keys of all pages that send to the same gateway. */
  readonly prefix: string;
  /** Names this page's part; no other page has the same. */
  readonly page: string;
  readonly now: () => number;
}

/**
 * The events that wait, in order. Each one is a storage entry of its own, so that neither a crash nor another page's
 * write can tear it, and a write costs the same however many wait.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #entries: readonly Entry[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
    options.ownership.hold(options.prefix + options.page);
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Whether it is in the storage too. */
  add(id: string, json: string): boolean {
    const { store, prefix, page } = this.#options;
    const key = `${prefix}${page}.${id}`;
    const isStored = store.put(key, json);
    this.#entries = [...this.#entries, { id, json, key: isStored ? key : null }];
    return isStored;
  }

  remove(entries: readonly Entry[]): void {
    const gone = new Set(entries);
    this.#entries = this.#entries.filter((entry) => !gone.has(entry));
    for (const { key } of entries) if (key !== null) this.#options.store.remove(key);
  }

  /** Throws everything away, also what other pages left or still hold. */
  clear(): void {
    this.#entries = [];
    const { store, prefix } = this.#options;
    for (const key of store.keys(prefix)) store.remove(key);
  }

  /**
   * Takes over what pages that are gone have left. At worst two pages take the same events: ids keep them single at
   * the gateway, while events that nobody takes would be lost.
   */
  async adopt(): Promise<void> {
    const { store, ownership, prefix, page, now } = this.#options;
    for (const owner of new Set(store.keys(prefix).map((key) => key.slice(prefix.length).split(".")[0] ?? ""))) {
      const isOurs = owner === page ? false : await ownership.take(prefix + owner);
      if (isOurs === false) continue;
      const known = new Set(this.#entries.map(({ key }) => key));
      const found = store.keys(`${prefix}${owner}.`).flatMap((key) => {
        const id = key.slice(prefix.length + owner.length + 1);
        const json = store.get(key);
        const isLeft = isOurs || now() - timeOf(id) >= ABANDONED_AFTER_MS;
        return json !== null && isJson(json) && isLeft && !known.has(key) ? [{ id, json, key }] : [];
      });
      this.#entries = [...this.#entries, ...found].sort((a, b) => (a.id < b.id ? -1 : 1));
    }
  }

  /** Back from the browser's page cache, where another page may have sent what this one holds. */
  resume(): void {
    const { store, ownership, prefix, page } = this.#options;
    ownership.hold(prefix + page);
    this.#entries = this.#entries.filter(({ key }) => key === null || store.get(key) !== null);
  }
}

/** Anybody may write to a page's storage; one torn text would spoil every batch that it is part of. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
