import type { DuckDBConnection } from "@duckdb/node-api";
import { StoreUnavailable } from "./store.js";

interface Waiting {
  resolve(connection: DuckDBConnection): void;
  reject(error: StoreUnavailable): void;
}

/** A few connections for reading; who finds all in use waits for the next that is free. */
export class ConnectionPool {
  readonly #free: DuckDBConnection[];
  readonly #size: number;
  readonly #used = new Set<DuckDBConnection>();
  #waiting: Waiting[] = [];
  #closed = false;
  #idle: () => void = () => undefined;

  constructor(connections: readonly DuckDBConnection[]) {
    this.#free = [...connections];
    this.#size = connections.length;
  }

  async use<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = await this.#take();
    this.#used.add(connection);
    try {
      return await work(connection);
    } finally {
      this.#used.delete(connection);
      const next = this.#waiting.shift();
      if (next) next.resolve(connection);
      else this.#free.push(connection);
      if (this.#used.size === 0) this.#idle();
    }
  }

  /** Waits until all that read are done, and lets nobody read meanwhile. Only one at a time may ask for this. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const next = (left: number): Promise<T> => (left === 0 ? work() : this.use(() => next(left - 1)));
    return next(this.#size);
  }

  /** Cuts off what runs, refuses what waits, and resolves when no connection is in use. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting) reject(closed());
    this.#waiting = [];
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    for (const connection of this.#used) connection.interrupt();
    if (this.#used.size > 0) await idle;
  }

  #take(): Promise<DuckDBConnection> {
    if (this.#closed) return Promise.reject(closed());
    const connection = this.#free.pop();
    if (connection) return Promise.resolve(connection);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}

function closed(): StoreUnavailable {
  return new StoreUnavailable("The event store is closed");
}
