import type { AggregatePlan, Plan, PlanRow } from "../../domain/insights/plan.js";
import type { Sealing } from "../../domain/insights/sealing.js";
import { ClickHouseAppender } from "./clickhouse-append.js";
import { ClickHouseConnection } from "./clickhouse-connection.js";
import { hasCode } from "./clickhouse-errors.js";
import { countsQuery, eventsQuery, versionQuery } from "./clickhouse-reads.js";
import {
  type ClickHouseLayout,
  clickHouseMigrations,
  createDatabase,
  createMigrationsTable,
  named,
  onCluster,
} from "./clickhouse-schema.js";
import { clickHouseViews } from "./clickhouse-views.js";
import { pending } from "./migrations.js";
import { CLICKHOUSE } from "./sql/clickhouse-dialect.js";
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
  type Value,
} from "./store.js";

export interface ClickHouseOptions {
  /** `http://user:password@host:8123/database`. One node: an append takes several requests that must meet. */
  readonly url: string;
  /** Definitions run `ON CLUSTER` of this name. */
  readonly cluster?: string | undefined;
  /** Tables are copied between replicas; with a cluster unless said otherwise. */
  readonly replicated?: boolean | undefined;
  /** Days after which the server drops events by itself, from their receipt; without it the server keeps them. */
  readonly retentionDays?: number | undefined;
  readonly requestTimeoutMs?: number | undefined;
  /** Rows of one result: more is an error. */
  readonly maxRows?: number | undefined;
}

/**
 * Opens the store on a ClickHouse server, whose database and tables are made where they are missing.
 * @throws StoreUnavailable when the server cannot be reached
 */
export async function openClickHouseStore(options: ClickHouseOptions): Promise<EventStore> {
  const url = new URL(options.url);
  const database = decodeURIComponent(url.pathname.slice(1)) || "default";
  const description = `ClickHouse ${url.host}/${database}`;
  url.pathname = "";
  const cluster = options.cluster ?? null;
  const layout = { database, cluster, replicated: options.replicated ?? cluster !== null };
  const connect = (name: string): ClickHouseConnection =>
    new ClickHouseConnection({
      url: url.href,
      database: name,
      requestTimeoutMs: options.requestTimeoutMs ?? 120_000,
      maxRows: options.maxRows ?? 2_000_000,
    });
  const connection = connect(database);
  const writer = connect(database);
  try {
    await ensureDatabase(connection, connect, layout);
    await migrate(connection, layout, description);
    await setRetention(connection, layout, options.retentionDays);
  } catch (error) {
    await Promise.all([connection.close(), writer.close()]);
    throw error;
  }
  return new ClickHouseStore(connection, writer, layout, description);
}

async function ensureDatabase(
  connection: ClickHouseConnection,
  connect: (database: string) => ClickHouseConnection,
  layout: ClickHouseLayout,
): Promise<void> {
  try {
    await connection.rows("SELECT 1");
  } catch (error) {
    if (!hasCode(error, "81")) throw error;
    const bootstrap = connect("default");
    await bootstrap.run(createDatabase(layout.database, layout)).finally(() => bootstrap.close());
  }
}

async function migrate(connection: ClickHouseConnection, layout: ClickHouseLayout, store: string): Promise<void> {
  await connection.run(createMigrationsTable(layout));
  const rows = await connection.rows<{ version: number }>("SELECT DISTINCT version FROM schema_migrations");
  const applied = rows.map(({ version }) => version);
  for (const { version, name, statements } of pending(clickHouseMigrations(layout), applied, store)) {
    for (const statement of statements) await connection.run(statement);
    await connection.run("INSERT INTO schema_migrations SELECT {version:UInt32}, {name:String}, now64(3)", {
      version,
      name,
    });
  }
}

async function setRetention(
  connection: ClickHouseConnection,
  layout: ClickHouseLayout,
  days: number | undefined,
): Promise<void> {
  const [table] = await connection.rows<{ definition: string }>(
    "SELECT engine_full AS definition FROM system.tables WHERE database = {database:String} AND name = 'events'",
    { database: layout.database },
  );
  const now = /toIntervalDay\((\d+)\)/.exec(table?.definition ?? "")?.[1];
  if (now === (days === undefined ? undefined : String(days))) return;
  const change =
    days === undefined ? "REMOVE TTL" : `MODIFY TTL toDateTime(received) + toIntervalDay(${Math.trunc(days)})`;
  await connection.run(`ALTER TABLE ${named(layout.database)}.events${onCluster(layout)} ${change}`);
}

/** Type of the row that comes last of what was sealed together. */
const ALL_SEALED = "sealed.all";

class ClickHouseStore implements EventStore {
  readonly dialect = "clickhouse";
  readonly description: string;
  readonly #connection: ClickHouseConnection;
  /** Its own, so that closing cuts off what reads and lets an append come to its end. */
  readonly #writer: ClickHouseConnection;
  readonly #layout: ClickHouseLayout;
  readonly #appender: ClickHouseAppender;
  readonly #views = new Map<string, Promise<unknown>>();
  #writes: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | null = null;

  constructor(
    connection: ClickHouseConnection,
    writer: ClickHouseConnection,
    layout: ClickHouseLayout,
    description: string,
  ) {
    this.#connection = connection;
    this.#writer = writer;
    this.#layout = layout;
    this.#appender = new ClickHouseAppender(writer, layout);
    this.description = description;
  }

  append(segments: readonly string[]): Promise<Appended> {
    return this.#write(() => this.#appender.append(segments));
  }

  async *stream(plan: AggregatePlan): AsyncIterable<readonly PlanRow[]> {
    const { sql, parameters, named } = planQuery(plan, CLICKHOUSE);
    for await (const rows of this.#connection.batches<PlanRow>(sql, parameters)) yield rows.map(named);
  }

  async version(basis: Basis): Promise<string> {
    const { sql, parameters } = versionQuery(basis);
    const [row] = await this.#connection.rows<{ version: string }>(sql, parameters);
    return row?.version ?? "0";
  }

  async counts(filter: EventFilter, granularity: Granularity): Promise<EventCount[]> {
    type Row = { start: number | null; events: string; users: string; amount: string | null };
    const { sql, parameters } = countsQuery(filter, granularity);
    const rows = await this.#connection.rows<Row>(sql, parameters);
    return rows
      .filter(({ events }) => events !== "0")
      .map(({ start, events, users, amount }) => ({ start, events: Number(events), users: Number(users), amount }));
  }

  events(filter: EventFilter, limit: number, after?: EventCursor): Promise<EventRow[]> {
    const { sql, parameters } = eventsQuery(filter, limit, after);
    return this.#connection.rows<EventRow>(sql, parameters);
  }

  async answer(plan: Plan): Promise<PlanRow[]> {
    const { sql, parameters, named } = planQuery(plan, CLICKHOUSE);
    return (await this.#connection.rows<PlanRow>(sql, parameters)).map(named);
  }

  async keyedBatch(tenant: string, key: string): Promise<KeyedBatch | null> {
    const [batch] = await this.#connection.rows<KeyedBatch>(
      `SELECT tenant, key, hash, events, received FROM keyed_batches
       WHERE tenant = {tenant:String} AND key = {key:String} LIMIT 1`,
      { tenant, key },
    );
    return batch ?? null;
  }

  query<Row extends object>(sql: string, parameters: Readonly<Record<string, Value>> = {}): Promise<Row[]> {
    return this.#connection.rows<Row>(sql, parameters);
  }

  deleteReceivedBefore(tenant: string, types: Outdated["types"], before: number, sealing?: Sealing): Promise<number> {
    const [condition, list] = "only" in types ? ["type IN", types.only] : ["type NOT IN", types.except];
    const seal = sealing ? () => this.#seal({ tenant, types, before }, sealing) : undefined;
    return this.#delete(
      `tenant = {tenant:String} AND received < fromUnixTimestamp64Milli({before:Int64}, 'UTC')
       AND ${condition} {types:Array(String)}`,
      { tenant, before, types: list },
      seal,
    );
  }

  async eraseUser(tenant: string, user: string): Promise<number> {
    const condition = "tenant = {tenant:String} AND user_id = {user:String}";
    const erased = await this.#delete(condition, { tenant, user });
    await this.#write(async () => {
      await this.#writer.run(`ALTER TABLE sealed DELETE WHERE ${condition} SETTINGS mutations_sync = 1`, {
        tenant,
        user,
      });
      await this.#changed(tenant);
    });
    return erased;
  }

  async tenants(): Promise<string[]> {
    const rows = await this.#connection.rows<{ tenant: string }>("SELECT DISTINCT tenant FROM events ORDER BY tenant");
    return rows.map(({ tenant }) => tenant);
  }

  tenantViews(tenant: string): Promise<string> {
    const { schema, statements } = clickHouseViews(tenant, this.#layout);
    // Made anew once per start, since a newer program may define them differently.
    const made = this.#views.get(tenant) ?? this.#write(() => this.#runAll(statements));
    this.#views.set(tenant, made);
    made.catch(() => this.#views.delete(tenant));
    return made.then(() => schema);
  }

  async ping(): Promise<void> {
    await this.#connection.rows("SELECT 1");
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#connection.close();
    await this.#writes;
    await this.#writer.close();
  }

  /** Rewrites the parts concerned: a lightweight delete would leave what is deleted in the files until a merge. */
  #delete(
    condition: string,
    parameters: Readonly<Record<string, Value>> & { readonly tenant: string },
    before?: () => Promise<void>,
  ): Promise<number> {
    return this.#write(async () => {
      const [found] = await this.#writer.rows<{ events: string }>(
        `SELECT count() AS events FROM events WHERE ${condition}`,
        parameters,
      );
      const events = Number(found?.events);
      if (events > 0) {
        await before?.();
        await this.#writer.run(`ALTER TABLE events DELETE WHERE ${condition} SETTINGS mutations_sync = 1`, parameters);
        await this.#changed(parameters.tenant);
      }
      return events;
    });
  }

  /**
   * Without transactions: a last row says that all the rows of these events are there. Where that is missing, whatever
   * an attempt that was cut off has left is taken away first; where it is there, deleting had begun already.
   */
  async #seal(outdated: Outdated, sealing: Sealing): Promise<void> {
    const { tenant, types, before } = outdated;
    const batch = JSON.stringify([before, types]);
    const rows = await this.#writer.rows<{ type: string }>(
      "SELECT DISTINCT type FROM sealed WHERE tenant = {tenant:String} AND batch = {batch:String}",
      { tenant, batch },
    );
    if (rows.some(({ type }) => type === ALL_SEALED)) return;
    if (rows.length > 0) {
      const own = "tenant = {tenant:String} AND batch = {batch:String}";
      await this.#writer.run(`ALTER TABLE sealed DELETE WHERE ${own} SETTINGS mutations_sync = 1`, { tenant, batch });
    }
    for (const { sql, parameters } of sealStatements(outdated, sealing, CLICKHOUSE, batch)) {
      await this.#writer.run(sql, parameters);
    }
    await this.#writer.run(
      "INSERT INTO sealed (batch, tenant, type, time, properties) SELECT {batch:String}, {tenant:String}, {type:String}, now64(3), '{}'",
      { batch, tenant, type: ALL_SEALED },
    );
  }

  /** Of no type: a deletion counts for all of them. */
  async #changed(tenant: Value): Promise<void> {
    await this.#writer.run("INSERT INTO changes SELECT {tenant:String}, '', toDate32(0), 1", { tenant });
  }

  async #runAll(statements: readonly string[]): Promise<void> {
    for (const statement of statements) await this.#writer.run(statement);
  }

  /** Changes happen one after the other. */
  #write<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreUnavailable("The event store is closed"));
    const done = this.#writes.then(work);
    this.#writes = done.catch(() => undefined);
    return done;
  }
}
