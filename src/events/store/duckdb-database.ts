import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { DuckDbSettings } from "./duckdb-rpc.js";
import { DUCKDB_MIGRATIONS } from "./duckdb-schema.js";
import { pending } from "./migrations.js";
import { StoreUnavailable } from "./store.js";

/**
 * Rows per row group. An append of at least so many is written once, straight to the file; a smaller one goes to the
 * log first and again to the file at the next checkpoint. Also the grain in which reading passes over what it need not
 * see: DuckDB's own 122,880 made both appending and filtered reading slower here.
 */
const ROW_GROUP_SIZE = 16_384;

/** The instance with the store's file attached. Its connections see that file's tables first. */
export class DuckDbDatabase {
  readonly #instance: DuckDBInstance;
  readonly #connections: DuckDBConnection[] = [];

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance;
  }

  static async open(settings: DuckDbSettings): Promise<DuckDbDatabase> {
    await mkdir(settings.folder, { recursive: true });
    const instance = await DuckDBInstance.create(":memory:", {
      memory_limit: settings.memoryLimit,
      threads: String(settings.threads),
      temp_directory: join(settings.folder, "tmp"),
      // Nothing may be fetched from outside; all that is used is built in.
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    const database = new DuckDbDatabase(instance);
    try {
      const connection = await instance.connect();
      const file = join(settings.folder, "events.duckdb");
      await connection
        .run(`ATTACH ${quoted(file)} AS store (ROW_GROUP_SIZE ${ROW_GROUP_SIZE}, STORAGE_VERSION 'v1.5.0')`)
        .catch((error: unknown) => {
          throw explainLock(error, file);
        });
      connection.disconnectSync();
      await migrate(await database.connect(), file);
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

  close(): void {
    for (const connection of this.#connections) connection.disconnectSync();
    this.#instance.closeSync();
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
