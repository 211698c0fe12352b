import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeEvents, type StoredEvent } from "../../src/events/event.js";
import { type EventStore, openClickHouseStore, openDuckDbStore } from "../../src/events/store/index.js";
import { HAS_CLICKHOUSE, startClickHouse } from "./chdb.js";

/** Every kind of event store, each empty and real; ClickHouse's only where its engine is. */
export interface Stores {
  readonly all: readonly { readonly name: string; readonly store: EventStore }[];
  /** Puts events into each. */
  keep(events: readonly StoredEvent[]): Promise<void>;
  close(): Promise<void>;
}

export async function openStores(): Promise<Stores> {
  const folder = await mkdtemp(join(tmpdir(), "crowsnest-stores-"));
  const server = HAS_CLICKHOUSE ? await startClickHouse() : null;
  const all = [
    { name: "DuckDB", store: await openDuckDbStore({ folder }) },
    ...(server ? [{ name: "ClickHouse", store: await openClickHouseStore({ url: server.url }) }] : []),
  ];
  let segments = 0;
  return {
    all,
    async keep(events) {
      if (events.length === 0) return;
      const path = join(folder, `${++segments}.ndjson`);
      await writeFile(path, encodeEvents(events));
      for (const { store } of all) await store.append([path]);
    },
    async close() {
      for (const { store } of all) await store.close();
      await server?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
