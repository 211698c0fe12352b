import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeEvents } from "../../src/events/event.js";
import { openClickHouseStore, openDuckDbStore } from "../../src/events/index.js";
import { type ClickHouseServer, HAS_CLICKHOUSE, startClickHouse } from "../support/chdb.js";
import { SECRET, tokenFor } from "../support/gateway.js";
import { ended, type RunningGateway, startProcess } from "../support/processes.js";

const ROWS = 1_000_000;
const AT_ONCE = 50_000;
const START = Date.parse("2026-03-01T00:00:00Z");
/** What the rows may add to the memory of the gateway's process while they go through it: buffers, not rows. */
const GROWTH = 96 * 1024 * 1024;
const SERVICES = Object.fromEntries(
  ["INGESTION", "HEALTH", "AGENT", "ALERT", "SCHEDULING", "WARRANTY"].map((name) => [
    `${name}_SERVICE_URL`,
    "http://127.0.0.1:9",
  ]),
);
const nothing = { user: null, session: null, country: null, region: null, city: null, latitude: null, longitude: null };

async function fill(folder: string, url: string | null): Promise<void> {
  const store = url ? await openClickHouseStore({ url }) : await openDuckDbStore({ folder: join(folder, "events") });
  const path = join(folder, "events.ndjson");
  for (let from = 0; from < ROWS; from += AT_ONCE) {
    const events = Array.from({ length: AT_ONCE }, (_, i) => ({
      ...nothing,
      ...{ tenant: "default", id: `${from + i}`, type: "page_view", origin: "http", properties: "{}" },
      ...{ time: START + from + i, received: START, subject: `/page/${from + i}`, amount: "1.25", currency: "USD" },
    }));
    await writeFile(path, encodeEvents(events));
    await store.append([path]);
  }
  await store.close();
}

async function residentBytes(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

const STORES = [
  { store: "DuckDB", server: null },
  ...(HAS_CLICKHOUSE ? [{ store: "ClickHouse", server: startClickHouse }] : []),
];

describe.each(STORES)(`a table of ${ROWS} rows out of $store`, ({ store, server }) => {
  let folder: string;
  let clickHouse: ClickHouseServer | undefined;
  let gateway: RunningGateway;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "crowsnest-table-"));
    clickHouse = await server?.();
    const url = clickHouse ? `${clickHouse.url}/crowsnest` : null;
    await fill(folder, url);
    const environment = { ...SERVICES, DATA_DIR: folder, SWEEP: "off", JWT_SECRET_KEY: SECRET };
    gateway = await startProcess({ ...environment, ...(url && { CLICKHOUSE_URL: url }) }, "dist/main.js");
    // The first table fills what V8 keeps for short-lived objects: what grows after that grows with the rows.
    await downloaded(gateway, "ndjson");
  }, 300_000);
  afterAll(async () => {
    gateway?.child.kill("SIGTERM");
    if (gateway) await ended(gateway.child);
    await clickHouse?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(["csv", "ndjson"])("arrives whole as %s, at constant memory", async (format) => {
    const { lines, memory } = await downloaded(gateway, format);
    expect(lines).toBe(format === "csv" ? ROWS + 1 : ROWS);
    const most = Math.max(...memory);
    // The engine has its groups together before the first row.
    const first = memory[0] ?? 0;
    console.log(
      `${store}, ${format}: resident ${megabytes(first)} at the first byte, at most ${megabytes(most)} after`,
    );
    expect(most - first).toBeLessThan(GROWTH);
  });
});

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

/** Lines of the table, and the memory the gateway had as it went by. */
async function downloaded({ base, child }: RunningGateway, format: string) {
  const query = `ids=events.events,events.amount&group_by=subject&start=2026-03-01&end=2026-03-02&format=${format}`;
  const response = await fetch(`${base}/api/v1/metrics/table?${query}`, {
    headers: { Authorization: `Bearer ${tokenFor("ADMIN")}` },
  });
  expect(response.status).toBe(200);
  let [lines, bytes] = [0, 0];
  const memory: number[] = [];
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    for (const byte of chunk) if (byte === 10) lines++;
    if (bytes === 0 || crosses(bytes, chunk.length)) memory.push(await residentBytes(child.pid as number));
    bytes += chunk.length;
  }
  return { lines, memory };
}

/** Once in a megabyte. */
const crosses = (bytes: number, more: number) => Math.floor(bytes / 1e6) !== Math.floor((bytes + more) / 1e6);
