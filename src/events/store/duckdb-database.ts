import { existsSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { DuckDbSettings } from "./duckdb-rpc.js";
import { DUCKDB_MIGRATIONS } from "./duckdb-schema.js";
import { fileHasAny } from "./file-search.js";
import { pending } from "./migrations.js";
import { StoreUnavailable } from "./store.js";

/**
 * Rows per row group. An append of at least so many is written once, straight to the file; a smaller one goes to the
 * log first and again to the file at the next checkpoint. Also the grain in which reading passes over what it need not
 * see: DuckDB's own 122,880 made both appending and filtered reading slower here.
 */
const ROW_GROUP_SIZE = 16_384;
/** Smaller than DuckDB's 256 KiB, since the columns of so small a row group would leave much of such blocks empty. */
const BLOCK_SIZE = 65_536;

/** The instance with the store's file attached as `store`. Its connections see that file's tables first. */
export class DuckDbDatabase {
  readonly #instance: DuckDBInstance;
  readonly #file: string;
  readonly #connections: DuckDBConnection[] = [];

  private constructor(instance: DuckDBInstance, file: string) {
    this.#instance = instance;
    this.#file = file;
  }

  static async open(settings: DuckDbSettings): Promise<DuckDbDatabase> {
    await mkdir(settings.folder, { recursive: true });
    const instance = await DuckDBInstance.create(":memory:", {
      memory_limit: settings.memoryLimit,
      threads: String(settings.threads),
      temp_directory: join(settings.folder, "tmp"),
      // How much of small row groups one checkpoint joins: by default so much that a commit took seconds now and then.
      max_vacuum_tasks: "4",
      // Nothing may be fetched from outside; all that is used is built in.
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    const database = new DuckDbDatabase(instance, join(settings.folder, "events.duckdb"));
    try {
      await rm(database.#copy, { force: true });
      const connection = await instance.connect();
      await attach(connection, database.#file, "store");
      connection.disconnectSync();
      await migrate(await database.connect(), database.#file);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  async connect(): Promise<DuckDBConnection> {
    const connection = await this.#instance.connect();
    await connection.run("USE store");
    await connection.run("SET TimeZone = 'UTC'");
    this.#connections.push(connection);
    return connection;
  }

  async bytes(): Promise<number> {
    return (await stat(this.#file)).size;
  }

  /**
   * Writes all that is stored into a new file. DuckDB only marks deleted rows and never overwrites what it frees, so
   * this is the way to have deleted text leave the disk. `views` are statements that make what is no table.
   * @returns whether the new file is free of these texts: DuckDB writes whole blocks, whose unused parts may hold what
   *   was in that memory before
   */
  async copy(connection: DuckDBConnection, views: readonly string[], texts: readonly string[]): Promise<boolean> {
    await rm(this.#copy, { force: true });
    await attach(connection, this.#copy, "fresh");
    await connection.run("USE fresh");
    try {
      await migrate(connection, this.#copy);
      for (const table of ["events", "users", "keyed_batches", "sealed"]) {
        await connection.run(`INSERT INTO fresh.main.${table} SELECT * FROM store.main.${table}`);
      }
      for (const statement of views) await connection.run(statement);
    } finally {
      await connection.run("USE store");
      await connection.run("DETACH fresh");
    }
    return !(await fileHasAny(this.#copy, texts));
  }

  /** Puts the new file in the place of the old one. No other connection may be in use. */
  async swap(connection: DuckDBConnection): Promise<void> {
    await connection.run("USE memory");
    await connection.run("DETACH store");
    try {
      // The log belongs to the old file: what is in it would be read into the new one.
      if (!existsSync(`${this.#file}.wal`)) await rename(this.#copy, this.#file);
    } finally {
      await attach(connection, this.#file, "store");
      await connection.run("USE store");
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.disconnectSync();
    this.#instance.closeSync();
  }

  get #copy(): string {
    return `${this.#file}.new`;
  }
}

async function attach(connection: DuckDBConnection, file: string, name: string): Promise<void> {
  try {
    // A file keeps the block size that it was made with.
    const blocks = existsSync(file) ? "" : `, BLOCK_SIZE ${BLOCK_SIZE}`;
    await connection.run(
      `ATTACH ${quoted(file)} AS ${name} (ROW_GROUP_SIZE ${ROW_GROUP_SIZE}, STORAGE_VERSION 'v1.5.0'${blocks})`,
    );
  } catch (error) {
    throw explainLock(error, file);
  }
}

async function migrate(connection: DuckDBConnection, file: string): Promise<void> {
  await connection.run(
    "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL, applied TIMESTAMP NOT NULL)",
  );
  const rows = await connection.runAndReadAll("SELECT version FROM schema_migrations");
  const applied = rows.getRows().map(([version]) => Number(version));
  for (const { version, name, statements } of pending(DUCKDB_MIGRATIONS, applied, `The event store ${file}`)) {
    await connection.run("BEGIN");
    for (const statement of statements) await connection.run(statement);
    await connection.run("INSERT INTO schema_migrations VALUES ($version, $name, now()::TIMESTAMP)", { version, name });
    await connection.run("COMMIT");
  }
}

/** Text as an SQL literal, for statements that take no parameters. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function explainLock(error: unknown, file: string): unknown {
  const message = String(error);
  if (!message.includes("Could not set lock")) return error;
  const owner = /PID (\d+)/.exec(message)?.[1];
  return new StoreUnavailable(
    `The event store ${file} belongs to another process${owner ? ` (PID ${owner})` : ""}: stop that one, or give this one its own DATA_DIR`,
  );
}
