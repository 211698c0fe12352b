import type { Worker } from "node:worker_threads";
import { messages } from "@electric-sql/pglite";
import { startThread } from "../ops/thread.js";
import type { Failure, QueryResult, Reply, Request } from "./embedded-rpc.js";

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Queries {
  /** Rows as arrays. @throws DatabaseError what Postgres says of the query */
  query(
    sql: string,
    values?: readonly unknown[],
    options?: { readonly parsers?: Readonly<Record<number, (text: string) => unknown>> },
  ): Promise<QueryResult>;
  /** Statements without parameters. */
  exec(sql: string): Promise<void>;
}

/** A transaction that has begun: over when the work is, undone when that throws or asks for it. */
interface EmbeddedTransaction extends Queries {
  rollback(): Promise<void>;
}

/** What the driver says of a connection that breaks. */
const ENDED = "Connection terminated: the embedded database's thread has ended";

/**
 * Postgres in WebAssembly, in a thread of its own: the part of PGlite's interface that Prisma's adapter needs. A thread
 * that ends by itself fails what is under way; the next query starts another, which recovers like a server after a crash.
 */
export class EmbeddedPostgres implements Queries {
  #worker: Worker | null = null;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #closed = false;

  constructor(
    readonly path: string,
    readonly start = () => startThread(new URL("./embedded-worker.js", import.meta.url), path),
  ) {}

  query(...[sql, values, options]: Parameters<Queries["query"]>): Promise<QueryResult> {
    return this.#query(null, sql, values, options);
  }

  exec(sql: string): Promise<void> {
    return this.#send({ call: "exec", tx: null, sql });
  }

  async transaction<T>(work: (transaction: EmbeddedTransaction) => Promise<T>): Promise<T> {
    const tx = ++this.#lastId;
    await this.#send({ call: "begin", tx });
    let undone = false;
    const transaction: EmbeddedTransaction = {
      query: (sql, values, options) => this.#query(tx, sql, values, options),
      exec: (sql) => this.#send({ call: "exec", tx, sql }),
      rollback: async () => {
        undone = true;
      },
    };
    try {
      const result = await work(transaction);
      await this.#send({ call: "end", tx, commit: !undone });
      return result;
    } catch (error) {
      // Already over where ending it is what failed.
      await this.#send({ call: "end", tx, commit: false }).catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const worker = this.#worker;
    const ended = worker && new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    const closing = worker && this.#send({ call: "close" }).catch(() => worker.terminate());
    this.#closed = true;
    await closing;
    await ended;
  }

  async #query(tx: number | null, ...[sql, values = [], options]: Parameters<Queries["query"]>): Promise<QueryResult> {
    const parsers = options?.parsers ?? {};
    const asText = Object.keys(parsers).map(Number);
    const result = await this.#send<QueryResult>({ call: "query", tx, sql, values: [...values], asText });
    const parsed = result.fields.map(({ dataTypeID }) => parsers[dataTypeID]);
    if (!parsed.some(Boolean)) return result;
    for (const row of result.rows) {
      parsed.forEach((parser, i) => {
        const text = row[i];
        if (parser && typeof text === "string") row[i] = parser(text);
      });
    }
    return result;
  }

  #send<T = void>(request: WithoutId): Promise<T> {
    if (this.#closed) return Promise.reject(new Error(ENDED));
    this.#worker ??= this.#start();
    const id = ++this.#lastId;
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
    this.#worker.postMessage({ id, ...request });
    return answered as Promise<T>;
  }

  #start(): Worker {
    const worker = this.start();
    let cause = "";
    worker.on("message", (reply: Reply) => this.#receive(reply));
    worker.on("error", (error) => {
      cause = `: ${error.message}`;
    });
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = null;
      for (const { reject } of this.#pending.values()) reject(new Error(ENDED + cause));
      this.#pending.clear();
    });
    return worker;
  }

  #receive(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ("error" in reply) pending?.reject(errorOf(reply.error));
    else pending?.resolve(reply.result);
  }
}

type WithoutId = Request extends infer R ? (R extends Request ? Omit<R, "id"> : never) : never;

function errorOf({ message, postgres }: Failure): Error {
  return postgres ? Object.assign(new messages.DatabaseError(message, 0, "error"), postgres) : new Error(message);
}
