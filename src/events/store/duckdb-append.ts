import {
  BIGINT,
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
  UTINYINT,
  VARCHAR,
} from "@duckdb/node-api";
import {
  FIND_ADDITIONS,
  halves,
  INSERT_ADDITIONS,
  INSERT_BATCHES,
  INSERT_NEW,
  INSERT_USERS,
  NO_USER,
  NOT_NOW,
  OWN_LINE,
  userHash,
  WITH_USER,
} from "./duckdb-append-sql.js";
import { KeyFilter } from "./key-filter.js";
import { type Appended, type KeyedBatch, StoreUnavailable } from "./store.js";
import { UserKeys } from "./user-keys.js";

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

  #loaded: Promise<void> | null = null;

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
    this.#register();
  }

  /** Reads the keys and users that are stored already, about 0.3 s per million; what failed is tried anew when asked again. */
  ready(): Promise<void> {
    this.#loaded ??= this.#load().catch((error: unknown) => {
      this.#loaded = null;
      throw error;
    });
    return this.#loaded;
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
    await this.#connection.run(INSERT_USERS, { first: this.#users.committed });
  }

  async #addBatches(): Promise<void> {
    const batches = [...this.#batches.values()];
    if (batches.length === 0) return;
    const texts = { tenant: LIST(VARCHAR), key: LIST(VARCHAR), hash: LIST(VARCHAR) };
    await this.#connection.run(
      INSERT_BATCHES,
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
    const user = [UINTEGER, UINTEGER];
    const admit = [UTINYINT, UINTEGER, UINTEGER, ...user, UHUGEINT, UBIGINT, VARCHAR];
    this.#connection.registerScalarFunction(
      scalarFunction("crowsnest_admit", admit, (chunk, answers) => this.#admitAll(chunk, answers)),
    );
    this.#connection.registerScalarFunction(
      scalarFunction("crowsnest_user", [UTINYINT, ...user], (chunk, answers) => this.#userOfAll(chunk, answers)),
    );
  }

  #admitAll(chunk: DuckDBDataChunk, answers: DuckDBVector): void {
    if (!this.#appending) throw new Error("Only an append may call this function");
    const [kind, low, high, userLow, userHigh] = columnsOf(chunk);
    const rows = chunk.rowCount;
    for (let i = 0; i < rows; i++) {
      const of = kind.getItem(i);
      let answer = NOT_NOW;
      if (of === OWN_LINE) this.#note(chunk.getColumnVector(7).getItem(i) as string | null);
      else if (this.#filter.admit(low.getItem(i), high.getItem(i))) {
        answer = of === WITH_USER ? this.#users.keyOf(userLow.getItem(i), userHigh.getItem(i)) : NO_USER;
        this.#events++;
      } else {
        this.#suspect(chunk, i);
        this.#events++;
      }
      answers.setItem(i, answer);
    }
    answers.flush();
  }

  #userOfAll(chunk: DuckDBDataChunk, answers: DuckDBVector): void {
    if (!this.#appending) throw new Error("Only an append may call this function");
    const [kind, low, high] = columnsOf(chunk);
    const rows = chunk.rowCount;
    for (let i = 0; i < rows; i++) {
      answers.setItem(i, kind.getItem(i) === WITH_USER ? this.#users.keyOf(low.getItem(i), high.getItem(i)) : NO_USER);
    }
    answers.flush();
  }

  #suspect(chunk: DuckDBDataChunk, row: number): void {
    this.#suspects.push({
      key: chunk.getColumnVector(5).getItem(row) as bigint,
      position: chunk.getColumnVector(6).getItem(row) as bigint,
    });
  }

  #note(text: string | null): void {
    if (text === null) return;
    const batch = JSON.parse(text) as KeyedBatch;
    const name = JSON.stringify([batch.tenant, batch.key]);
    if (!this.#batches.has(name)) this.#batches.set(name, batch);
  }

  async #load(): Promise<void> {
    const counted = await this.#connection.runAndReadAll(
      "SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM users) AS users",
    );
    const [events = 0, users = 0] = (counted.getRows()[0] ?? []).map(Number);
    this.#filter = new KeyFilter(Math.max(1_000_000, events * 1.3));
    this.#users = new UserKeys(Math.max(100_000, users * 1.3));
    let [keysRead, usersRead] = [0, 0];
    for await (const chunk of await this.#connection.stream(`SELECT ${halves("hash(key)")} FROM events`)) {
      const [low, high] = columnsOf(chunk);
      const rows = chunk.rowCount;
      keysRead += rows;
      for (let i = 0; i < rows; i++) this.#filter.admit(low.getItem(i), high.getItem(i));
      this.#filter.commit();
    }
    const stored = `SELECT ${halves(userHash("user_id"))}, user_key FROM users`;
    for await (const chunk of await this.#connection.stream(stored)) {
      const [low, high, key] = columnsOf(chunk);
      const rows = chunk.rowCount;
      usersRead += rows;
      for (let i = 0; i < rows; i++) this.#users.load(low.getItem(i), high.getItem(i), key.getItem(i));
    }
    // The driver takes an error in the middle of a stream for its end: keys left out would let duplicates in.
    if (keysRead !== events || usersRead !== users) {
      throw new StoreUnavailable(`read only ${keysRead} of ${events} keys and ${usersRead} of ${users} users`);
    }
  }
}

/** A column of numbers without nulls. Its length is asked of the chunk, once: that is a call into the driver. */
interface Numbers {
  getItem(row: number): number;
}

function columnsOf(chunk: DuckDBDataChunk): [Numbers, Numbers, Numbers, Numbers, Numbers] {
  const column = (i: number): Numbers =>
    chunk.getColumnVector(Math.min(i, chunk.columnCount - 1)) as unknown as Numbers;
  return [column(0), column(1), column(2), column(3), column(4)];
}

function scalarFunction(
  name: string,
  parameterTypes: DuckDBType[],
  main: (chunk: DuckDBDataChunk, answers: DuckDBVector) => void,
): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name,
    returnType: UINTEGER,
    parameterTypes,
    // Called once per row, and for null too: it keeps count of what it saw.
    volatile: true,
    specialHandling: true,
    mainFunction: (info, chunk, answers) => {
      try {
        main(chunk, answers);
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
