import {
  BIGINT,
  BOOLEAN,
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBScalarFunction,
  type DuckDBType,
  type DuckDBVector,
  LIST,
  listValue,
  UBIGINT,
  UHUGEINT,
  UINTEGER,
  VARCHAR,
} from "@duckdb/node-api";
import { KeyFilter } from "./key-filter.js";
import type { Appended, KeyedBatch } from "./store.js";
import { UserKeys } from "./user-keys.js";

/** The fields of a spool line. A line without `type` is the spool's own. */
const LINE = `{
  tenant: 'VARCHAR', id: 'VARCHAR', type: 'VARCHAR', time: 'BIGINT', received: 'BIGINT', origin: 'VARCHAR',
  "user": 'VARCHAR', session: 'VARCHAR', subject: 'VARCHAR', country: 'VARCHAR', region: 'VARCHAR', city: 'VARCHAR',
  latitude: 'DOUBLE', longitude: 'DOUBLE', amount: 'DECIMAL(18, 4)', currency: 'VARCHAR', properties: 'JSON',
  batch: 'JSON'
}`;

/** Two halves of the low 64 bits of a 128-bit hash: what the tables in memory are keyed by. */
const halves = (hash: string): string => `(${hash} & 4294967295)::UINTEGER, ((${hash} >> 32) & 4294967295)::UINTEGER`;

export const USER_HASH = "md5_number(tenant || chr(0) || user_id)";

/** Lines with their place: numbering them also makes DuckDB read them one after the other, so that the first wins. */
const LINES = `SELECT *,
  md5_number(tenant || chr(0) || id) AS key,
  md5_number(tenant || chr(0) || "user") AS user_hash
  FROM (
    SELECT *, (row_number() OVER ())::UBIGINT AS position
    FROM read_json($segments, format = 'newline_delimited', records = 'true', compression = 'uncompressed',
      hive_partitioning = false, columns = ${LINE})
  )`;

const ROW = `SELECT tenant, id, key, type, make_timestamp_ms(time)::TIMESTAMP_MS AS time,
  make_timestamp_ms(received)::TIMESTAMP_MS, origin, "user", crowsnest_user(${halves("user_hash")}), session, subject,
  country, region, city, latitude, longitude, amount, currency, properties`;

/** Batches are sorted since readers ask by type and time: whole vectors of other types are then passed over. */
const INSERT_NEW = `INSERT INTO events ${ROW}
  FROM (SELECT *, crowsnest_admit(${halves("key")}, key, position, batch::VARCHAR) AS admitted FROM (${LINES}))
  WHERE admitted ORDER BY tenant, type, time`;

const FIND_ADDITIONS = `CREATE OR REPLACE TEMP TABLE additions AS
  SELECT min(position) AS position FROM suspects
  WHERE key NOT IN (SELECT key FROM events WHERE key IN (SELECT key FROM suspects))
  GROUP BY key`;

const INSERT_ADDITIONS = `INSERT INTO events ${ROW}
  FROM (${LINES}) WHERE type IS NOT NULL AND position IN (SELECT position FROM additions)
  ORDER BY tenant, type, time`;

interface Suspect {
  readonly key: bigint;
  readonly position: bigint;
}

/**
 * Moves spool segments into `events`.
 *
 * The work is one INSERT that reads, checks, numbers and sorts the lines: DuckDB hands each 2,048 of them to two
 * functions here. One asks the key filter: what is new goes in at once, what may be known is set aside and then looked
 * up exactly, so the stored keys are only scanned when something probably came twice. The other gives users their keys.
 */
export class DuckDbAppender {
  readonly #connection: DuckDBConnection;
  #filter = new KeyFilter(0);
  #users = new UserKeys(0);
  #suspects: Suspect[] = [];
  #batches = new Map<string, KeyedBatch>();
  #events = 0;
  #appending = false;

  private constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** Reads keys and users that are stored already: about 0.3 s per million. */
  static async open(connection: DuckDBConnection): Promise<DuckDbAppender> {
    const appender = new DuckDbAppender(connection);
    appender.#register();
    await appender.#load();
    return appender;
  }

  async append(segments: readonly string[]): Promise<Appended> {
    if (segments.length === 0) return { stored: 0, duplicates: 0 };
    this.#begin();
    try {
      await this.#connection.run("BEGIN");
      let stored = await this.#run(INSERT_NEW, segments);
      if (this.#suspects.length > 0) stored += await this.#additions(segments);
      await this.#addUsers();
      await this.#addBatches();
      await this.#connection.run("COMMIT");
      this.#filter.commit();
      this.#users.commit();
      return { stored, duplicates: this.#events - stored };
    } catch (error) {
      this.#filter.rollback();
      this.#users.rollback();
      await this.#connection.run("ROLLBACK").catch(() => undefined);
      throw error;
    } finally {
      this.#appending = false;
    }
  }

  /** Forgets a user who has been erased: should the same id come again, it is a new user. */
  forgetUser(low: number, high: number): void {
    this.#users.delete(low, high);
  }

  #begin(): void {
    this.#suspects = [];
    this.#batches = new Map();
    this.#events = 0;
    this.#appending = true;
  }

  async #run(sql: string, segments: readonly string[]): Promise<number> {
    const paths = listValue(segments.map(literalPath));
    const result = await this.#connection.run(sql, { segments: paths }, { segments: LIST(VARCHAR) });
    return result.rowsChanged;
  }

  /** Looks the suspects up and adds the first of each key that is not stored after all. */
  async #additions(segments: readonly string[]): Promise<number> {
    await this.#connection.run("CREATE OR REPLACE TEMP TABLE suspects (key UHUGEINT, position UBIGINT)");
    const appender = await this.#connection.createAppender("suspects", "main", "temp");
    for (const { key, position } of this.#suspects) {
      appender.appendUHugeInt(key);
      appender.appendUBigInt(position);
      appender.endRow();
    }
    appender.closeSync();
    await this.#connection.run(FIND_ADDITIONS);
    const found = await this.#connection.runAndReadAll("SELECT count(*) FROM additions");
    // Mostly there are none, and the segments need not be read again.
    const added = Number(found.getRows()[0]?.[0]) > 0 ? await this.#run(INSERT_ADDITIONS, segments) : 0;
    await this.#connection.run("DROP TABLE suspects; DROP TABLE additions");
    return added;
  }

  async #addUsers(): Promise<void> {
    if (this.#users.next === this.#users.committed) return;
    // Row groups from before this batch hold smaller keys only and are passed over by their statistics.
    await this.#connection.run(
      `INSERT INTO users SELECT DISTINCT tenant, user_id, user_key FROM events WHERE user_key >= ${this.#users.committed}`,
    );
  }

  async #addBatches(): Promise<void> {
    const batches = [...this.#batches.values()];
    if (batches.length === 0) return;
    const texts = { tenant: LIST(VARCHAR), key: LIST(VARCHAR), hash: LIST(VARCHAR) };
    await this.#connection.run(
      `INSERT INTO keyed_batches
       SELECT tenant, key, hash, events, make_timestamp_ms(received) FROM (
         SELECT unnest($tenant) AS tenant, unnest($key) AS key, unnest($hash) AS hash,
           unnest($events) AS events, unnest($received) AS received)
       ON CONFLICT DO NOTHING`,
      {
        tenant: listValue(batches.map(({ tenant }) => tenant)),
        key: listValue(batches.map(({ key }) => key)),
        hash: listValue(batches.map(({ hash }) => hash)),
        events: listValue(batches.map(({ events }) => BigInt(events))),
        received: listValue(batches.map(({ received }) => BigInt(received))),
      },
      { ...texts, events: LIST(BIGINT), received: LIST(BIGINT) },
    );
  }

  #register(): void {
    this.#connection.registerScalarFunction(
      scalarFunction("crowsnest_admit", BOOLEAN, [UINTEGER, UINTEGER, UHUGEINT, UBIGINT, VARCHAR], (chunk, result) =>
        this.#admit(chunk, result),
      ),
    );
    this.#connection.registerScalarFunction(
      scalarFunction("crowsnest_user", UINTEGER, [UINTEGER, UINTEGER], (chunk, result) => this.#user(chunk, result)),
    );
  }

  #admit(chunk: DuckDBDataChunk, result: DuckDBVector): void {
    if (!this.#appending) throw new Error("Only an append may call this function");
    const low = chunk.getColumnVector(0);
    const high = chunk.getColumnVector(1);
    for (let i = 0; i < low.itemCount; i++) {
      const half = low.getItem(i) as number | null;
      if (half === null) {
        this.#note(chunk.getColumnVector(4).getItem(i) as string | null);
        result.setItem(i, false);
        continue;
      }
      this.#events++;
      const fresh = this.#filter.admit(half, high.getItem(i) as number);
      result.setItem(i, fresh);
      if (fresh) continue;
      this.#suspects.push({
        key: chunk.getColumnVector(2).getItem(i) as bigint,
        position: chunk.getColumnVector(3).getItem(i) as bigint,
      });
    }
    result.flush();
  }

  #note(text: string | null): void {
    if (text === null) return;
    const batch = JSON.parse(text) as KeyedBatch;
    const name = JSON.stringify([batch.tenant, batch.key]);
    if (!this.#batches.has(name)) this.#batches.set(name, batch);
  }

  #user(chunk: DuckDBDataChunk, result: DuckDBVector): void {
    if (!this.#appending) throw new Error("Only an append may call this function");
    const low = chunk.getColumnVector(0);
    const high = chunk.getColumnVector(1);
    for (let i = 0; i < low.itemCount; i++) {
      const half = low.getItem(i) as number | null;
      result.setItem(i, half === null ? null : this.#users.keyOf(half, high.getItem(i) as number));
    }
    result.flush();
  }

  async #load(): Promise<void> {
    const rows = await this.#connection.runAndReadAll(
      "SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM users) AS users",
    );
    const [events, users] = (rows.getRows()[0] ?? []).map(Number);
    this.#filter = new KeyFilter(Math.max(1_000_000, (events ?? 0) * 1.3));
    this.#users = new UserKeys(Math.max(100_000, (users ?? 0) * 1.3));
    for await (const chunk of await this.#connection.stream(`SELECT ${halves("key")} FROM events`)) {
      const [low, high] = [chunk.getColumnVector(0), chunk.getColumnVector(1)];
      for (let i = 0; i < chunk.rowCount; i++) {
        this.#filter.admit(low.getItem(i) as number, high.getItem(i) as number);
      }
      this.#filter.commit();
    }
    for await (const chunk of await this.#connection.stream(`SELECT ${halves(USER_HASH)}, user_key FROM users`)) {
      const [low, high, key] = [chunk.getColumnVector(0), chunk.getColumnVector(1), chunk.getColumnVector(2)];
      for (let i = 0; i < chunk.rowCount; i++) {
        this.#users.load(low.getItem(i) as number, high.getItem(i) as number, key.getItem(i) as number);
      }
    }
  }
}

function scalarFunction(
  name: string,
  returnType: DuckDBType,
  parameterTypes: DuckDBType[],
  main: (chunk: DuckDBDataChunk, result: DuckDBVector) => void,
): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name,
    returnType,
    parameterTypes,
    // Called once per row, and for null too: it keeps count of what it saw.
    volatile: true,
    specialHandling: true,
    mainFunction: (info, chunk, result) => {
      try {
        main(chunk, result);
      } catch (error) {
        info.setError(String(error));
      }
    },
  });
}

/** A path in which no character stands for others. */
function literalPath(path: string): string {
  return path.replace(/[*?[]/g, "[$&]");
}
