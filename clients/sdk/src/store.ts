import type { AnalyticsStorage } from "./types.js";

/** A storage that may be missing, full or forbidden at any call: small values then live in memory. */
export class Store {
  readonly #memory = new Map<string, string>();
  readonly #storage: AnalyticsStorage | null;

  constructor(storage: AnalyticsStorage | null) {
    this.#storage = storage;
  }

  get(key: string): string | null {
    return this.#memory.get(key) ?? this.#try((storage) => storage.getItem(key)) ?? null;
  }

  /** Keeps the value, in memory if need be. */
  set(key: string, value: string): void {
    if (this.put(key, value)) this.#memory.delete(key);
    else this.#memory.set(key, value);
  }

  /** Whether the value is in the storage now. */
  put(key: string, value: string): boolean {
    return (
      this.#try((storage) => {
        storage.setItem(key, value);
        return true;
      }) ?? false
    );
  }

  remove(key: string): void {
    this.#memory.delete(key);
    this.#try((storage) => storage.removeItem(key));
  }

  /** Keys in the storage, those of other pages included. */
  keys(prefix: string): string[] {
    const keys = this.#try((storage) => Array.from({ length: storage.length }, (_, i) => storage.key(i) ?? ""));
    return (keys ?? []).filter((key) => key.startsWith(prefix));
  }

  #try<T>(use: (storage: AnalyticsStorage) => T): T | undefined {
    try {
      return this.#storage ? use(this.#storage) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** The browser's storage. Node has none, or one that warns when it is touched; some browsers throw on a mere look. */
export function browserStorage(): AnalyticsStorage | null {
  try {
    return typeof document === "undefined" ? null : localStorage;
  } catch {
    return null;
  }
}
