import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Worker } from "node:worker_threads";
import type { AggregatePlan, Plan, PlanRow } from "../../domain/insights/plan.js";
import type { Sealing } from "../../domain/insights/sealing.js";
import { startThread } from "../../ops/thread.js";
import { DataVersions } from "./data-versions.js";
import { countsQuery, eventsQuery } from "./duckdb-reads.js";
import type { CallName, DuckDbCalls, DuckDbSettings, ReadRequest, Reply, Request } from "./duckdb-rpc.js";
import { DUCKDB } from "./sql/duckdb-dialect.js";
import { planQuery } from "./sql/index.js";
import { sealStatements } from "./sql/seal.js";
import {
  type Appended,
  type Basis,
  type EventCount,
  type EventCursor,
  type EventFilter,
  type EventRow,
  type EventStore,
  type Granularity,
  type KeyedBatch,
  type Outdated,
  StoreUnavailable,
  type Touch,
  type Value,
} from "./store.js";

export interface DuckDbOptions {
  /** Where the file is; made when absent. */
  readonly folder: string;
  /** What DuckDB may hold in memory, e.g. `512MB`; more goes to files in the folder. */
  readonly memoryLimit?: string;
  /**
   * What one query may use, half of the machine's by default; while a plan is answered, all of them. With more than one,
   * the caller of DuckDB spins while the others work: on two cores appending then costs half as much again.
   */
  readonly threads?: number;
  /** Reads at the same time. */
  readonly readers?: number;
  /** Rows of one result: more is an error. */
  readonly maxRows?: number;
}

/**
 * Opens the store in a DuckDB file of its own folder, on a thread of its own.
 * @throws StoreUnavailable when another process has the file
 */
export async function openDuckDbStore(options: DuckDbOptions): Promise<EventStore> {
  const store = new DuckDbStore({
    folder: options.folder,
    memoryLimit: options.memoryLimit ?? "512MB",
    threads: options.threads ?? Math.max(1, Math.floor(availableParallelism() / 2)),
    analyticThreads: options.threads ?? availableParallelism(),
    readers: options.readers ?? 3,
    maxRows: options.maxRows ?? 2_000_000,
  });
  try {
    await store.ping();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

const STREAMED_AT_ONCE = 1000;

interface Pending {
  readonly rows: object[];
  resolve(result: unknown): void;
  reject(error: Error): void;
}

class DuckDbStore implements EventStore {
  readonly dialect = "duckdb";
  readonly description: string;
  readonly #settings: DuckDbSettings;
  readonly #pending = new Map<number, Pending>();
  readonly #versions = new DataVersions();
  /** Versions are counted from the start of the process: those of another one mean something else. */
  readonly #life = randomUUID();
  #worker: Worker | null = null;
  #lastId = 0;
  #closed: Promise<void> | null = null;

  constructor(settings: DuckDbSettings) {
    this.#settings = settings;
    this.description = `DuckDB ${join(settings.folder, "events.duckdb")}`;
  }

  async append(segments: readonly string[], touches?: readonly Touch[]): Promise<Appended> {
    const appended = await this.#call("append", segments);
    if (appended.stored > 0) this.#versions.touch(touches);
    return appended;
  }

  async version(basis: Basis): Promise<string> {
    return `${this.#life}-${this.#versions.version(basis)}`;
  }

  async counts(filter: EventFilter, granularity: Granularity): Promise<EventCount[]> {
    type Row = { start: number | null; events: string; users: string; amount: string | null };
    const rows = await this.#read<Row>(countsQuery(filter, granularity));
    return rows
      .filter(({ events }) => events !== "0")
      .map(({ start, events, users, amount }) => ({ start, events: Number(events), users: Number(users), amount }));
  }

  events(filter: EventFilter, limit: number, after?: EventCursor): Promise<EventRow[]> {
    return this.#read<EventRow>(eventsQuery(filter, limit, after));
  }

  async answer(plan: Plan): Promise<PlanRow[]> {
    const { sql, parameters, named } = planQuery(plan, DUCKDB);
    return (await this.#read<PlanRow>({ sql, parameters, analytic: true })).map(named);
  }

  async *stream(plan: AggregatePlan): AsyncIterable<readonly PlanRow[]> {
    const { sql, parameters, named } = planQuery(plan, DUCKDB);
    const path = join(this.#settings.folder, "tmp", `rows-${randomUUID()}.ndjson`);
    await mkdir(dirname(path), { recursive: true });
    try {
      await this.#call("copy", { sql, parameters }, path);
      let batch: PlanRow[] = [];
      for await (const line of createInterface({
        input: createReadStream(path),
        crlfDelay: Number.POSITIVE_INFINITY,
      })) {
        batch.push(named(JSON.parse(line) as PlanRow));
        if (batch.length < STREAMED_AT_ONCE) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    } finally {
      await rm(path, { force: true });
    }
  }

  async keyedBatch(tenant: string, key: string): Promise<KeyedBatch | null> {
    const [batch] = await this.#read<KeyedBatch>({
      sql: "SELECT tenant, key, hash, events, received FROM keyed_batches WHERE tenant = $tenant AND key = $key",
      parameters: { tenant, key },
    });
    return batch ?? null;
  }

  query<Row extends object>(sql: string, parameters: Readonly<Record<string, Value>> = {}): Promise<Row[]> {
    return this.#read<Row>({ sql, parameters });
  }

  async deleteReceivedBefore(
    tenant: string,
    types: Outdated["types"],
    before: number,
    sealing?: Sealing,
  ): Promise<number> {
    const outdated = { tenant, types, before };
    const seal = sealing ? sealStatements(outdated, sealing, DUCKDB, String(before)) : [];
    const deleted = await this.#call("deleteOutdated", outdated, seal);
    if (deleted > 0) this.#versions.touchTenant(tenant);
    return deleted;
  }

  async eraseUser(tenant: string, user: string): Promise<number> {
    const erased = await this.#call("eraseUser", tenant, user);
    // Also when only something sealed had the name.
    this.#versions.touchTenant(tenant);
    return erased;
  }

  async tenants(): Promise<string[]> {
    const rows = await this.#read<{ tenant: string }>({
      sql: "SELECT DISTINCT tenant FROM events ORDER BY tenant",
      parameters: {},
    });
    return rows.map(({ tenant }) => tenant);
  }

  tenantViews(tenant: string): Promise<string> {
    return this.#call("tenantViews", tenant);
  }

  async ping(): Promise<void> {
    await this.#read({ sql: "SELECT 1", parameters: {} });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    // A store that never opened cannot be closed in good order either.
    await this.#send<void>((id) => ({ id, call: "close", values: [] })).catch(() => worker.terminate());
    await ended;
  }

  #call<Name extends CallName>(call: Name, ...values: Parameters<DuckDbCalls[Name]>): ReturnType<DuckDbCalls[Name]> {
    return this.#request((id) => ({ id, call, values })) as ReturnType<DuckDbCalls[Name]>;
  }

  #read<Row extends object>(read: ReadRequest): Promise<Row[]> {
    return this.#request<Row[]>((id) => ({ id, read }));
  }

  #request<T>(request: (id: number) => Request): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreUnavailable("The event store is closed"));
    return this.#send<T>(request);
  }

  #send<T>(request: (id: number) => Request): Promise<T> {
    this.#worker ??= this.#start();
    const id = ++this.#lastId;
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { rows: [], resolve, reject });
    });
    this.#worker.postMessage(request(id));
    return answered as Promise<T>;
  }

  /** Starts the thread, which opens the file. When it ends by itself, the next request starts another. */
  #start(): Worker {
    const worker = startThread(new URL("./duckdb-worker.js", import.meta.url), this.#settings);
    worker.on("message", (reply: Reply) => this.#receive(reply));
    let cause = "";
    worker.on("error", (error) => {
      cause = `: ${error.message}`;
    });
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = null;
      this.#abandon(`The event store's thread has ended${cause}`);
    });
    return worker;
  }

  #receive(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    if ("columns" in reply) {
      addRows(pending.rows, reply.names, reply.columns);
      return;
    }
    this.#pending.delete(reply.id);
    if ("error" in reply) {
      const { unavailable, message } = reply.error;
      pending.reject(unavailable ? new StoreUnavailable(message) : new Error(message));
    } else {
      pending.resolve(reply.result ?? pending.rows);
    }
  }

  #abandon(message: string): void {
    for (const { reject } of this.#pending.values()) reject(new StoreUnavailable(message));
    this.#pending.clear();
  }
}

function addRows(rows: object[], names: readonly string[], columns: readonly (readonly unknown[])[]): void {
  const length = columns[0]?.length ?? 0;
  for (let i = 0; i < length; i++) {
    const row: Record<string, unknown> = {};
    for (let c = 0; c < names.length; c++) row[names[c] ?? ""] = columns[c]?.[i];
    rows.push(row);
  }
}
