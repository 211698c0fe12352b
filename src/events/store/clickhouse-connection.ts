import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { translated } from "./clickhouse-errors.js";
import { converterOf } from "./clickhouse-values.js";
import { StoreUnavailable, type Value } from "./store.js";

export interface ConnectionOptions {
  readonly url: string;
  readonly database: string;
  readonly requestTimeoutMs: number;
  /** Rows of one result: more is an error. */
  readonly maxRows: number;
}

type Parameters = Readonly<Record<string, Value>>;

/** Requests to the server: errors by class, values as the store gives them, and an end to what runs when it closes. */
export class ClickHouseConnection {
  readonly #client: ClickHouseClient;
  readonly #maxRows: number;
  readonly #running = new Set<AbortController>();
  #closed = false;

  constructor({ url, database, requestTimeoutMs, maxRows }: ConnectionOptions) {
    this.#maxRows = maxRows;
    this.#client = createClient({
      url,
      database,
      application: "crowsnest",
      request_timeout: requestTimeoutMs,
      log: { level: ClickHouseLogLevel.OFF },
      clickhouse_settings: {
        // An answer is only sent when all of it is known: an error in the middle is then an error, not a short result.
        wait_end_of_query: 1,
        // An insert is stored when it is acknowledged.
        async_insert: 0,
        cancel_http_readonly_queries_on_client_close: 1,
        output_format_json_quote_64bit_integers: 1,
        output_format_json_quote_decimals: 1,
        session_timezone: "UTC",
      },
    });
  }

  /** A statement without a result. */
  async run(sql: string, parameters: Parameters = {}, queryId?: string): Promise<void> {
    await this.#guarded(async (abort_signal) => {
      await this.#client.command({
        query: sql,
        query_params: { ...parameters },
        abort_signal,
        ...(queryId ? { query_id: queryId } : {}),
      });
    });
  }

  /** Sends the bytes of a stream behind a statement. */
  async send(sql: string, values: Readable): Promise<void> {
    await this.#guarded(async (abort_signal) => {
      const { stream } = await this.#client.exec({ query: sql, values, abort_signal });
      // The connection is free again when the answer has been read.
      for await (const _ of stream);
    });
  }

  async rows<Row extends object>(sql: string, parameters: Parameters = {}): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const batch of this.batches<Row>(sql, parameters)) {
      rows.push(...batch);
      if (rows.length > this.#maxRows) {
        throw new Error(`The result has more than ${this.#maxRows} rows: ask for fewer, or for aggregates`);
      }
    }
    return rows;
  }

  /** Rows as they come, however many. */
  async *batches<Row extends object>(sql: string, parameters: Parameters = {}): AsyncGenerator<Row[]> {
    const controller = this.#begin();
    try {
      const result = await this.#client.query({
        query: sql,
        format: "JSONCompactEachRowWithNamesAndTypes",
        query_params: { ...parameters },
        abort_signal: controller.signal,
      });
      yield* read<Row>(result.stream());
    } catch (error) {
      throw translated(error);
    } finally {
      controller.abort();
      this.#running.delete(controller);
    }
  }

  /** Cuts off what runs. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const controller of this.#running) controller.abort();
    while (this.#running.size > 0) await delay(5);
    await this.#client.close();
  }

  #begin(): AbortController {
    if (this.#closed) throw new StoreUnavailable("The event store is closed");
    const controller = new AbortController();
    this.#running.add(controller);
    return controller;
  }

  async #guarded<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = this.#begin();
    try {
      return await work(controller.signal);
    } catch (error) {
      throw translated(error);
    } finally {
      this.#running.delete(controller);
    }
  }
}

async function* read<Row>(stream: AsyncIterable<readonly { json<T>(): T }[]>): AsyncGenerator<Row[]> {
  let names: string[] | null = null;
  let converters: ((value: unknown) => unknown)[] | null = null;
  for await (const part of stream) {
    const rows: Row[] = [];
    for (const line of part) {
      const values = line.json<unknown[]>();
      if (!names) names = values.map(String);
      else if (!converters) converters = values.map((type) => converterOf(String(type)));
      else rows.push(rowOf<Row>(names, converters, values));
    }
    if (rows.length > 0) yield rows;
  }
}

function rowOf<Row>(names: string[], converters: ((value: unknown) => unknown)[], values: unknown[]): Row {
  const row: Record<string, unknown> = {};
  for (let i = 0; i < names.length; i++) row[names[i] ?? ""] = converters[i]?.(values[i]);
  return row as Row;
}
