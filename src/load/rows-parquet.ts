import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { LoadFailed, messageOf, UsageError } from "./errors.js";
import type { ElementBlock } from "./json-array.js";

/** A Parquet file, read by a DuckDB of its own that has no files. */
export class ParquetFile {
  private constructor(
    readonly columns: readonly string[],
    readonly rowCount: number,
    readonly options: {
      readonly path: string;
      readonly instance: DuckDBInstance;
      readonly connection: DuckDBConnection;
    },
  ) {}

  /** @throws UsageError when it is none */
  static async open(path: string): Promise<ParquetFile> {
    const instance = await DuckDBInstance.create(":memory:", SETTINGS);
    try {
      const connection = await instance.connect();
      await connection.run("SET TimeZone = 'UTC'");
      const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${table(path)}`);
      const columns = described.getRows().map(([name]) => String(name));
      // By the file's own footer: nothing is scanned for it.
      const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${table(path)}`);
      return new ParquetFile(columns, Number(counted.getRows()[0]?.[0]), { path, instance, connection });
    } catch (error) {
      instance.closeSync();
      throw new UsageError(`it cannot be read as Parquet: ${firstLine(error)}`);
    }
  }

  /** The rows behind the first `skip`, as JSON texts without the columns that are null. */
  async *read(skip: number): AsyncGenerator<ElementBlock> {
    let done = skip;
    const result = await this.options.connection.stream(
      `SELECT CAST(to_json(crowsnest_row) AS VARCHAR) FROM (
         SELECT * EXCLUDE (file_row_number) FROM ${table(this.options.path, true)}
         WHERE file_row_number >= ${skip}
       ) crowsnest_row`,
    );
    for (;;) {
      const chunk = await result.fetchChunk();
      if (!chunk || chunk.rowCount === 0) break;
      const rows = chunk.getColumnValues(0) as string[];
      done += rows.length;
      yield { rows, fraction: done / this.rowCount };
    }
    // A stream ends at a damaged page as it does at the end of the file, without an error.
    if (done < this.rowCount) {
      throw new LoadFailed(`it is damaged: ${done} of its ${this.rowCount} rows can be read`);
    }
  }

  close(): void {
    this.options.connection.closeSync();
    this.options.instance.closeSync();
  }
}

/** Nothing is fetched, whatever the file names. */
const SETTINGS = {
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
  memory_limit: "512MB",
  threads: "2",
};

/** The path is no pattern: brackets, stars and question marks in a file's name stand for themselves. */
function table(path: string, rowNumbers = false): string {
  const literal = path.replace(/[[\]*?]/g, (character) => `[${character}]`).replaceAll("'", "''");
  return `read_parquet('${literal}', hive_partitioning = false, file_row_number = ${rowNumbers})`;
}

function firstLine(error: unknown): string {
  return messageOf(error).split("\n")[0] ?? "";
}
