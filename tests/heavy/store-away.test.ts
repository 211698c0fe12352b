import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openClickHouseStore } from "../../src/events/index.js";
import { type ClickHouseServer, HAS_CLICKHOUSE, startClickHouse } from "../support/chdb.js";
import { ended, startProcess } from "../support/processes.js";

const AWAY_SECONDS = Number(process.env.AWAY_SECONDS ?? 60);
const WRITE_KEY = "store-away-key";
const SERVICES = Object.fromEntries(
  ["INGESTION", "HEALTH", "AGENT", "ALERT", "SCHEDULING", "WARRANTY"].map((name) => [
    `${name}_SERVICE_URL`,
    "http://127.0.0.1:9",
  ]),
);

describe.skipIf(!HAS_CLICKHOUSE)("with ClickHouse killed under load", () => {
  let server: ClickHouseServer;
  let folder: string;
  beforeAll(async () => {
    server = await startClickHouse();
    folder = await mkdtemp(join(tmpdir(), "crowsnest-store-away-"));
  });
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it(`acknowledges all along, and stores each event once when it is back after ${AWAY_SECONDS} s`, async () => {
    const url = `${server.url}/crowsnest`;
    const gateway = await startProcess(
      { ...SERVICES, DATA_DIR: folder, SWEEP: "off", WRITE_KEYS: WRITE_KEY, CLICKHOUSE_URL: url },
      "dist/main.js",
    );
    const sent: string[] = [];
    let sending = true;
    const send = async (lane: number) => {
      for (let n = 0; sending; n++) {
        const ids = Array.from({ length: 100 }, (_, i) => `${lane}-${n}-${i}`);
        const response = await fetch(`${gateway.base}/v1/events?write_key=${WRITE_KEY}`, {
          method: "POST",
          body: JSON.stringify(ids.map((id) => ({ type: "page_view", id, user: `u${n}`, properties: {} }))),
        });
        expect(response.status).toBe(200);
        sent.push(...ids);
        await sleep(100);
      }
    };
    const lanes = [0, 1].map(send);
    await sleep(3000);
    await server.kill();
    const before = sent.length;
    await sleep(AWAY_SECONDS * 1000);
    expect(sent.length).toBeGreaterThan(before + AWAY_SECONDS * 100);
    const health = (await (await fetch(`${gateway.base}/health`)).json()) as {
      dependencies: Record<string, { status: string }>;
    };
    expect(health.dependencies["event-store"]?.status).toBe("degraded");
    await server.restart();
    await sleep(3000);
    sending = false;
    await Promise.all(lanes);
    const waiting = async () => {
      const text = await (await fetch(`${gateway.base}/metrics`)).text();
      return Number(/crowsnest_spool_bytes\{spool="events"\} (\d+)/.exec(text)?.[1]);
    };
    await expect.poll(waiting, { timeout: 60_000, interval: 250 }).toBe(0);
    gateway.child.kill("SIGTERM");
    expect(await ended(gateway.child)).toBe(0);

    const store = await openClickHouseStore({ url });
    const rows = await store.query<{ id: string; n: string | number }>(
      "SELECT id, count() AS n FROM events GROUP BY id",
    );
    await store.close();
    expect(rows.filter(({ n }) => Number(n) !== 1)).toEqual([]);
    const stored = new Set(rows.map(({ id }) => id));
    expect(sent.filter((id) => !stored.has(id))).toEqual([]);
    expect(stored.size).toBe(sent.length);
    console.log(`${sent.length} events acknowledged, ${sent.length - before} of them from the kill on`);
  });
});
