import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { Readable } from "node:stream";
import type { ClickHouseConnection } from "./clickhouse-connection.js";
import { hasCode } from "./clickhouse-errors.js";
import { type ClickHouseLayout, onCluster } from "./clickhouse-schema.js";
import type { Appended } from "./store.js";

/** The tables that one attempt works in. */
interface Desk {
  /** The lines as they came. */
  readonly lines: string;
  /** The places of those that are to be stored. */
  readonly fresh: string;
}

const IN_ORDER = "max_threads = 1, max_insert_threads = 1";
/** All rows as one block: one part per partition. */
const ONE_BLOCK = "min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 1000000000000";

const receive = ({ lines }: Desk): string => `INSERT INTO ${lines}
  SETTINGS input_format_skip_unknown_fields = 1, input_format_json_read_objects_as_strings = 1,
    input_format_parallel_parsing = 0, input_format_json_max_depth = 100000
  FORMAT JSONEachRow`;

/** Lines with their place: a Memory table gives its blocks in the order in which they came, to one thread. */
const placed = ({ lines }: Desk): string => `(SELECT *, key, rowNumberInAllBlocks() AS position FROM ${lines}) AS line`;

const findNew = (desk: Desk): string => `INSERT INTO ${desk.fresh}
  SELECT min(position) FROM ${placed(desk)}
  WHERE type IS NOT NULL AND key NOT IN (SELECT key FROM events WHERE key IN (SELECT key FROM ${desk.lines}))
  GROUP BY key SETTINGS ${IN_ORDER}`;

const look = ({ lines, fresh }: Desk): string => `SELECT countIf(type IS NOT NULL) AS events,
    countIf(batch IS NOT NULL) AS batches, (SELECT count() FROM ${fresh}) AS fresh,
    groupBitXorIf(key, type IS NOT NULL) AS content
  FROM ${lines}`;

const insertNew = (desk: Desk, token: string): string => `INSERT INTO events
  SELECT tenant, id, key, assumeNotNull(type), fromUnixTimestamp64Milli(time, 'UTC'),
    fromUnixTimestamp64Milli(received, 'UTC'), origin, user,
    reinterpretAsUInt64(substring(MD5(concat(tenant, '\\0', user)), 1, 8)),
    session, subject, country, region, city, latitude, longitude, amount, currency, properties
  FROM ${placed(desk)} WHERE position IN (SELECT position FROM ${desk.fresh})
  SETTINGS ${IN_ORDER}, ${ONE_BLOCK}, insert_deduplicate = 1, insert_deduplication_token = '${token}'`;

const insertBatches = ({ lines }: Desk): string => `INSERT INTO keyed_batches
  SELECT JSONExtractString(text, 'tenant') AS tenant, JSONExtractString(text, 'key') AS key,
    JSONExtractString(text, 'hash'), JSONExtractUInt(text, 'events'),
    fromUnixTimestamp64Milli(JSONExtractInt(text, 'received'), 'UTC')
  FROM (SELECT assumeNotNull(batch) AS text, rowNumberInAllBlocks() AS position FROM ${lines} WHERE batch IS NOT NULL)
  WHERE (tenant, key) NOT IN (SELECT tenant, key FROM keyed_batches)
  ORDER BY position LIMIT 1 BY tenant, key SETTINGS ${IN_ORDER}`;

/**
 * Moves spool segments into `events`, each event once, with one writer at a time (a lock elsewhere sees to that).
 *
 * Segments are streamed as they are into a table in memory; there the server finds the first line of each key that is
 * not stored yet, and one INSERT … SELECT moves those lines over. So a segment that comes again, whole or in part,
 * adds what is missing and nothing else, and a plain MergeTree is exact for every query: no FINAL, and no merge that
 * would have to happen first.
 *
 * That INSERT is one block, which becomes one part per month. ClickHouse makes each part visible at once and whole, but
 * not those of several months together: an append with late events of another month may for an instant be seen in part,
 * and after a crash between two parts until the same segments are appended again, which then adds the rest.
 *
 * What could still double events is a request whose answer was lost and which has its effect after the next attempt has
 * looked. Three things prevent it. Every attempt works in tables of its own, so that a statement which arrives late
 * finds nothing to work on. Before another attempt the server is told to kill an INSERT that it may still be at, and to
 * say when it has ended; at the start of the program likewise for those of its predecessor. And attempts at the same
 * lines carry the same deduplication token, under which the server takes a block of a partition only once: what a second
 * attempt would add to a partition is at most what the first one does, so whichever lands, the partition is complete.
 * The token changes with every append that succeeded: later the same lines may rightly be new again, after a deletion.
 */
export class ClickHouseAppender {
  readonly #connection: ClickHouseConnection;
  readonly #layout: ClickHouseLayout;
  readonly #queries: string;
  #succeeded = 0;
  /** Whether an INSERT of ours may still be running on the server. */
  #unsettled = true;
  readonly #instance = randomUUID();

  constructor(connection: ClickHouseConnection, layout: ClickHouseLayout) {
    this.#connection = connection;
    this.#layout = layout;
    this.#queries = `crowsnest-append-${layout.database}-`;
  }

  async append(segments: readonly string[]): Promise<Appended> {
    if (segments.length === 0) return { stored: 0, duplicates: 0 };
    // A missing file is the caller's mistake, and found before anything is sent.
    for (const path of segments) await access(path);
    await this.#settle();
    const name = randomUUID().replaceAll("-", "");
    const desk = { lines: `incoming_${name}`, fresh: `incoming_new_${name}` };
    try {
      await this.#connection.run(`CREATE TABLE ${desk.lines} AS incoming`);
      await this.#connection.run(`CREATE TABLE ${desk.fresh} AS incoming_new`);
      return await this.#append(segments, desk);
    } finally {
      await this.#drop([desk.lines, desk.fresh]);
    }
  }

  async #append(segments: readonly string[], desk: Desk): Promise<Appended> {
    await this.#connection.send(receive(desk), Readable.from(bytesOf(segments), { objectMode: false }));
    await this.#connection.run(findNew(desk));
    const [row] = await this.#connection.rows<Record<"events" | "batches" | "fresh" | "content", string>>(look(desk));
    const [events, batches, fresh] = [Number(row?.events), Number(row?.batches), Number(row?.fresh)];
    if (fresh > 0) await this.#insert(desk, `${this.#instance}-${this.#succeeded}-${events}-${row?.content}`);
    if (batches > 0) await this.#connection.run(insertBatches(desk));
    this.#succeeded++;
    return { stored: fresh, duplicates: events - fresh };
  }

  async #insert(desk: Desk, token: string): Promise<void> {
    this.#unsettled = true;
    await this.#connection.run(insertNew(desk, token), {}, this.#queries + randomUUID());
    this.#unsettled = false;
  }

  /** Tables in memory that could not be dropped are dropped before the next attempt. */
  async #drop(tables: readonly string[]): Promise<void> {
    for (const table of tables) {
      await this.#connection.run(`DROP TABLE IF EXISTS ${table}`).catch(() => {
        this.#unsettled = true;
      });
    }
  }

  /** Ends an INSERT whose answer never came, and clears up what attempts have left. */
  async #settle(): Promise<void> {
    if (!this.#unsettled) return;
    await this.#connection
      .run(`KILL QUERY${onCluster(this.#layout)} WHERE startsWith(query_id, {prefix:String}) SYNC`, {
        prefix: this.#queries,
      })
      .catch((error: unknown) => {
        // Where killing is not allowed, the token alone has to do.
        if (!hasCode(error, "497")) throw error;
      });
    const left = await this.#connection.rows<{ name: string }>(
      "SELECT name FROM system.tables WHERE database = {database:String} AND match(name, '^incoming_(new_)?[0-9a-f]{32}$')",
      { database: this.#layout.database },
    );
    this.#unsettled = false;
    await this.#drop(left.map(({ name }) => name));
  }
}

async function* bytesOf(paths: readonly string[]): AsyncGenerator<Buffer> {
  for (const path of paths) yield* createReadStream(path, { highWaterMark: 1024 * 1024 });
}
