import type { DuckDBConnection } from "@duckdb/node-api";
import { ConnectionPool } from "./connection-pool.js";
import { DuckDbAppender } from "./duckdb-append.js";
import { halves, userHash } from "./duckdb-append-sql.js";
import { DuckDbDatabase, quoted } from "./duckdb-database.js";
import { isFatal } from "./duckdb-errors.js";
import type { DuckDbCalls, DuckDbSettings, ReadRequest } from "./duckdb-rpc.js";
import { bound, plain } from "./duckdb-values.js";
import { duckDbViews } from "./duckdb-views.js";
import { type Appended, type Outdated, type Query, StoreUnavailable } from "./store.js";

/** Files up to this size take about a second to write anew. */
const REWRITE_AT_ONCE = 64 * 1024 * 1024;
const REWRITE_DELAY_MS = 60_000;
/** Between two questions of one who looks around. */
const NARROW_AFTER_MS = 2000;

type Receive = (names: readonly string[], columns: readonly (readonly unknown[])[]) => void;

/** What the worker thread does. Changes happen one after the other, reads beside them on their own connections. */
export class DuckDbService implements DuckDbCalls {
  readonly #settings: DuckDbSettings;
  readonly #database: DuckDbDatabase;
  readonly #writer: DuckDBConnection;
  readonly #readers: ConnectionPool;
  readonly #appender: DuckDbAppender;
  readonly #views = new Map<string, Promise<unknown>>();
  #writes: Promise<unknown> = Promise.resolve();
  #closing = false;
  /** How many reads are under way that may use all threads. */
  #analytic = 0;
  #narrowing: NodeJS.Timeout | undefined;
  /** Users who were erased since the file was last written anew. */
  readonly #erased = new Set<string>();
  #rewriting: NodeJS.Timeout | undefined;

  private constructor(
    settings: DuckDbSettings,
    database: DuckDbDatabase,
    writer: DuckDBConnection,
    readers: DuckDBConnection[],
  ) {
    this.#settings = settings;
    this.#database = database;
    this.#writer = writer;
    this.#readers = new ConnectionPool(readers);
    // Reading works meanwhile; the first append waits for it.
    this.#appender = new DuckDbAppender(writer);
    this.#appender.ready().catch(() => undefined);
  }

  static async open(settings: DuckDbSettings): Promise<DuckDbService> {
    const database = await DuckDbDatabase.open(settings);
    const readers: DuckDBConnection[] = [];
    for (let i = 0; i < settings.readers; i++) readers.push(await database.connect());
    return new DuckDbService(settings, database, await database.connect(), readers);
  }

  append(segments: readonly string[]): Promise<Appended> {
    return this.#write(() => this.#appender.append(segments));
  }

  read({ sql, parameters, analytic = false }: ReadRequest, receive: Receive): Promise<void> {
    return this.#readers.use(async (connection) => {
      const { values, types } = bound(parameters);
      // Not streamed: the driver takes an error in the middle of a stream for its end, and half a result for all of it.
      const run = () => connection.run(sql, values, types);
      const result = await (analytic ? this.#widely(connection, run) : run());
      if (result.rowCount > this.#settings.maxRows) {
        throw new Error(`The result has more than ${this.#settings.maxRows} rows: ask for fewer, or for aggregates`);
      }
      const names = result.deduplicatedColumnNames();
      for await (const chunk of result) {
        receive(
          names,
          names.map((_, i) => chunk.getColumnValues(i).map(plain)),
        );
      }
    });
  }

  copy({ sql, parameters }: ReadRequest, path: string): Promise<void> {
    return this.#readers.use(async (connection) => {
      const { values, types } = bound(parameters);
      const statement = `COPY (${sql}) TO ${quoted(path)} (FORMAT json)`;
      await this.#widely(connection, () => connection.run(statement, values, types));
    });
  }

  /** With all threads, for as long as anything is computed so and a little longer: a new thread begins with no memory of its own. */
  async #widely<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
    const { threads, analyticThreads } = this.#settings;
    if (threads === analyticThreads) return work();
    clearTimeout(this.#narrowing);
    if (this.#analytic++ === 0) await connection.run(`SET GLOBAL threads = ${analyticThreads}`);
    try {
      return await work();
    } finally {
      if (--this.#analytic === 0) this.#narrowing = setTimeout(() => this.#narrow(), NARROW_AFTER_MS);
    }
  }

  #narrow(): void {
    const narrow = `SET GLOBAL threads = ${this.#settings.threads}`;
    void this.#readers
      .use(async (connection) => {
        if (this.#analytic === 0) await connection.run(narrow);
      })
      .catch(() => undefined);
  }

  deleteOutdated({ tenant, types, before }: Outdated, seal: readonly Query[]): Promise<number> {
    const outdated = `tenant = $tenant AND received < make_timestamp_ms($before)::TIMESTAMP_MS
         AND ${"only" in types ? "" : "NOT"} list_contains($types, type)`;
    const list = "only" in types ? types.only : types.except;
    return this.#write(async () => {
      const { values, types: kinds } = bound({ tenant, types: list, before });
      const found = await this.#writer.runAndReadAll(`SELECT count(*) FROM events WHERE ${outdated}`, values, kinds);
      const count = Number(found.getRows()[0]?.[0]);
      if (count === 0) return 0;
      await this.#transaction(async () => {
        for (const { sql, parameters } of seal) {
          const { values: own, types: ownKinds } = bound(parameters);
          await this.#writer.run(sql, own, ownKinds);
        }
        await this.#writer.run(`DELETE FROM events WHERE ${outdated}`, values, kinds);
      });
      await this.#checkpoint();
      return count;
    });
  }

  eraseUser(tenant: string, user: string): Promise<number> {
    return this.#write(async () => {
      const hash = await this.#writer.runAndReadAll(
        `SELECT ${halves(userHash("user_id"))} FROM (SELECT $tenant AS tenant, $user AS user_id)`,
        { tenant, user },
      );
      let named = 0;
      const erased = await this.#transaction(async () => {
        const { rowsChanged } = await this.#writer.run(
          "DELETE FROM events WHERE tenant = $tenant AND user_id = $user",
          { tenant, user },
        );
        for (const table of ["users", "sealed"]) {
          const others = await this.#writer.run(`DELETE FROM ${table} WHERE tenant = $tenant AND user_id = $user`, {
            tenant,
            user,
          });
          named += others.rowsChanged;
        }
        named += rowsChanged;
        return rowsChanged;
      });
      const [low, high] = hash.getRows()[0] ?? [];
      this.#appender.forgetUser(Number(low), Number(high));
      if (named > 0) await this.#forget(user);
      return erased;
    });
  }

  tenantViews(tenant: string): Promise<string> {
    const { schema, statements } = duckDbViews(tenant);
    // Made anew once per start, since a newer program may define them differently.
    const made = this.#views.get(tenant) ?? this.#write(() => this.#transaction(() => this.#runAll(statements)));
    this.#views.set(tenant, made);
    made.catch(() => this.#views.delete(tenant));
    return made.then(() => schema);
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#rewriting);
    clearTimeout(this.#narrowing);
    await this.#readers.close();
    await this.#appender.ready().catch(() => undefined);
    await this.#writes;
    await this.#checkpoint().finally(() => this.#database.close());
  }

  /** Has an erased user leave the file: at once where that is quick, else once for all that are erased within a while. */
  async #forget(user: string): Promise<void> {
    this.#erased.add(user);
    await this.#checkpoint();
    clearTimeout(this.#rewriting);
    if ((await this.#database.bytes()) <= REWRITE_AT_ONCE) await this.#rewrite();
    else
      this.#rewriting = setTimeout(() => this.#write(() => this.#rewrite()).catch(() => undefined), REWRITE_DELAY_MS);
  }

  async #rewrite(): Promise<void> {
    const views = [...this.#views.keys()].flatMap((tenant) => duckDbViews(tenant).statements);
    // Short ids stand everywhere by chance.
    const texts = [...this.#erased].filter((user) => user.length >= 6);
    let clean = false;
    for (let attempt = 0; attempt < 5 && !clean; attempt++) {
      clean = await this.#database.copy(this.#writer, views, texts);
    }
    await this.#readers.exclusively(() => this.#database.swap(this.#writer));
    this.#erased.clear();
  }

  /** Moves the log into the file. Should it not be possible now, nothing is lost: the log is read at the next start. */
  async #checkpoint(): Promise<void> {
    await this.#writer.run("CHECKPOINT store").catch((error: unknown) => {
      if (isFatal(error)) throw error;
    });
  }

  async #transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.#writer.run("BEGIN");
    try {
      const result = await work();
      await this.#writer.run("COMMIT");
      return result;
    } catch (error) {
      await this.#writer.run("ROLLBACK").catch(() => undefined);
      throw error;
    }
  }

  async #runAll(statements: readonly string[]): Promise<void> {
    for (const statement of statements) await this.#writer.run(statement);
  }

  #write<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(new StoreUnavailable("The event store is closed"));
    const done = this.#writes.then(() => this.#appender.ready()).then(work);
    this.#writes = done.catch(() => undefined);
    return done;
  }
}
