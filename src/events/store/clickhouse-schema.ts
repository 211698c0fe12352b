import type { Migration } from "./migrations.js";

export interface ClickHouseLayout {
  readonly database: string;
  /** Statements that define something run `ON CLUSTER` of this name. */
  readonly cluster: string | null;
  /** Tables are copied between the replicas of the cluster. */
  readonly replicated: boolean;
}

/** A name in backquotes. */
export function named(name: string): string {
  return `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``;
}

export function onCluster({ cluster }: ClickHouseLayout): string {
  return cluster === null ? "" : ` ON CLUSTER ${named(cluster)}`;
}

export function createDatabase(database: string, layout: ClickHouseLayout): string {
  return `CREATE DATABASE IF NOT EXISTS ${named(database)}${onCluster(layout)}`;
}

export function createMigrationsTable(layout: ClickHouseLayout): string {
  return `CREATE TABLE IF NOT EXISTS schema_migrations${onCluster(layout)}
    (version UInt32, name String, applied DateTime64(3, 'UTC')) ENGINE = ${engine(layout)} ORDER BY version`;
}

/**
 * In order of their numbers. ClickHouse cannot take back a statement: each can be run again where one was cut off.
 * One that has been released is never changed: the next one mends it.
 */
export function clickHouseMigrations(layout: ClickHouseLayout): readonly Migration[] {
  const cluster = onCluster(layout);
  return [
    {
      version: 1,
      name: "events, users and keyed batches",
      statements: [
        `CREATE TABLE IF NOT EXISTS events${cluster} (
          tenant LowCardinality(String),
          id String,
          key UInt128 COMMENT 'MD5 of tenant, a NUL and id, read as a little-endian number: the identity of the event',
          type LowCardinality(String),
          time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
          received DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
          origin String CODEC(ZSTD(1)),
          user_id Nullable(String) CODEC(ZSTD(1)),
          user_key Nullable(UInt64) COMMENT 'First 8 bytes of the MD5 of tenant, a NUL and user_id: the same everywhere without a sequence',
          session Nullable(String) CODEC(ZSTD(1)),
          subject Nullable(String) CODEC(ZSTD(1)),
          country LowCardinality(Nullable(String)),
          region LowCardinality(Nullable(String)),
          city LowCardinality(Nullable(String)),
          latitude Nullable(Float64),
          longitude Nullable(Float64),
          amount Nullable(Decimal(18, 4)),
          currency LowCardinality(Nullable(String)),
          properties String CODEC(ZSTD(1)),
          PROJECTION by_key (SELECT key ORDER BY key)
        ) ENGINE = ${engine(layout)} PARTITION BY toYYYYMM(time) ORDER BY (tenant, type, time, id)
        SETTINGS ${layout.replicated ? "" : "non_replicated_deduplication_window = 1000, "}old_parts_lifetime = 480`,
        `CREATE VIEW IF NOT EXISTS users${cluster} AS
          SELECT DISTINCT tenant, user_id, user_key FROM events WHERE user_id IS NOT NULL`,
        `CREATE TABLE IF NOT EXISTS keyed_batches${cluster}
          (tenant String, key String, hash String, events UInt32, received DateTime64(3, 'UTC'))
          ENGINE = ${engine(layout)} ORDER BY (tenant, key)`,
        `CREATE TABLE IF NOT EXISTS incoming${cluster} (
          tenant String, id String, type Nullable(String), time Int64, received Int64, origin String,
          user Nullable(String), session Nullable(String), subject Nullable(String), country Nullable(String),
          region Nullable(String), city Nullable(String), latitude Nullable(Float64), longitude Nullable(Float64),
          amount Nullable(Decimal(18, 4)), currency Nullable(String), properties String, batch Nullable(String),
          key UInt128 MATERIALIZED reinterpretAsUInt128(MD5(concat(tenant, '\\0', id)))
        ) ENGINE = Memory`,
        `CREATE TABLE IF NOT EXISTS incoming_new${cluster} (position UInt64) ENGINE = Memory`,
      ],
    },
    {
      version: 2,
      name: "changes by type and day",
      statements: [
        `CREATE TABLE IF NOT EXISTS changes${cluster}
          (tenant LowCardinality(String), type LowCardinality(String), day Date32, count UInt64)
          ENGINE = ${engine(layout, "SummingMergeTree")} ORDER BY (tenant, type, day)
          COMMENT 'What was added or deleted, by whichever replica: sums only ever grow, and so tell versions apart'`,
        `CREATE MATERIALIZED VIEW IF NOT EXISTS changes_by_events${cluster} TO changes AS
          SELECT tenant, type, toDate32(time) AS day, count() AS count FROM events GROUP BY tenant, type, day`,
      ],
    },
    {
      version: 3,
      name: "what was sealed of deleted events",
      statements: [
        `CREATE TABLE IF NOT EXISTS sealed${cluster} (
          batch String, tenant LowCardinality(String), type LowCardinality(String), time DateTime64(3, 'UTC'),
          user_id Nullable(String), user_key Nullable(UInt64), subject Nullable(String),
          currency LowCardinality(Nullable(String)), amount Nullable(Decimal(38, 4)), properties String
        ) ENGINE = ${engine(layout)} ORDER BY (tenant, type, time)`,
      ],
    },
  ];
}

/** Without arguments the server's own default path and replica name hold. */
function engine({ replicated }: ClickHouseLayout, kind = "MergeTree"): string {
  return replicated ? `Replicated${kind}` : kind;
}
