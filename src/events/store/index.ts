import type { ClickHouseOptions } from "./clickhouse.js";
import type { EventStore } from "./store.js";

export type { ClickHouseOptions } from "./clickhouse.js";
export { type DuckDbOptions, openDuckDbStore } from "./duckdb.js";
export { PatientStore } from "./patient.js";
export * from "./store.js";

/** Loads its client only where it is used. @throws StoreUnavailable */
export async function openClickHouseStore(options: ClickHouseOptions): Promise<EventStore> {
  const clickhouse = await import("./clickhouse.js");
  return clickhouse.openClickHouseStore(options);
}
