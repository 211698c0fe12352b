import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SERVICE_NAMES } from "../src/upstream/index.js";
import { type ClickHouseServer, HAS_CLICKHOUSE, startClickHouse } from "./support/chdb.js";
import { SECRET, tokenFor } from "./support/gateway.js";
import { createDatabase, HAS_POSTGRES } from "./support/postgres.js";
import { type RunningGateway, run, startProcess } from "./support/processes.js";
import { HAS_REDIS, type RedisServer, startRedis } from "./support/redis.js";
import { HAS_UPSTREAMS, PDM_NOW, startUpstreams, type Upstreams } from "./support/standins.js";
import { stopUnderLoad } from "./support/under-load.js";

const HAS_ALL = HAS_CLICKHOUSE && HAS_POSTGRES && HAS_REDIS && HAS_UPSTREAMS;

it("refuses several processes over what is embedded, naming what each would need", async () => {
  const { code, stderr } = await run("src/main.ts", [], { WORKERS: "2" });
  expect(code).toBe(1);
  for (const name of ["DATABASE_URL", "CLICKHOUSE_URL", "REDIS_URL", "the demo fleet"]) expect(stderr).toContain(name);
});

describe.skipIf(!HAS_ALL)("workers on one port", () => {
  let upstreams: Upstreams;
  let redis: RedisServer;
  let store: ClickHouseServer;
  let database: { url: string; drop: () => Promise<void> };
  let gateway: RunningGateway;

  beforeAll(async () => {
    [upstreams, redis, store, database] = await Promise.all([
      startUpstreams(),
      startRedis(),
      startClickHouse(),
      createDatabase(),
    ]);
    const urls = SERVICE_NAMES.map((name) => [`${name.toUpperCase()}_SERVICE_URL`, upstreams.urls[name]]);
    gateway = await startProcess({
      ...Object.fromEntries(urls),
      WORKERS: "2",
      DATABASE_URL: database.url,
      CLICKHOUSE_URL: `${store.url}/default`,
      REDIS_URL: redis.url,
      JWT_SECRET_KEY: SECRET,
      FLEET_NOW: PDM_NOW,
      SWEEP: "off",
    });
  }, 120_000);
  afterAll(async () => {
    gateway?.child.kill("SIGKILL");
    await Promise.all([redis?.stop(), store?.stop(), upstreams?.stop()]);
    await database?.drop();
  });

  const workers = (): number[] => {
    try {
      const found = execFileSync("pgrep", ["-P", String(gateway.child.pid), "-f", "main.ts"], { encoding: "utf8" });
      return found.trim().split("\n").map(Number);
    } catch {
      return [];
    }
  };
  const headers = { authorization: `Bearer ${tokenFor("ADMIN")}`, "content-type": "application/json" };
  /** On a connection of its own: a connection stays with one worker. */
  const ask = async (path: string, body?: unknown): Promise<{ status: number; body: string }> => {
    const method = body === undefined ? "GET" : "POST";
    const sent = request(gateway.base + path, { agent: false, method, headers });
    sent.end(body === undefined ? "" : JSON.stringify(body));
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return { status: response.statusCode ?? 0, body: await text(response) };
  };
  const dashboard = async () => (await ask("/api/v1/dashboards/fleet")).status;

  it("answer by turns, and tell the metrics of all of them", async () => {
    expect(workers()).toHaveLength(2);
    expect(await Promise.all(Array.from({ length: 20 }, dashboard))).toEqual(Array(20).fill(200));
    const metrics = (await ask("/metrics")).body;
    const counted = /crowsnest_request_duration_seconds_count\{[^}]*dashboards\/fleet[^}]*\} (\d+)/i.exec(metrics);
    expect(Number(counted?.[1])).toBe(20);
  });

  it("write one audit trail together, and take events in once", async () => {
    const events = [{ type: "worker_seen", id: "same", user: "u" }];
    const sent = await Promise.all(Array.from({ length: 6 }, () => ask("/v1/events", events)));
    expect(sent.map(({ status }) => status)).toEqual(Array(6).fill(200));
    const query = '{ eventCounts(filter: { types: ["worker_seen"] }, granularity: ALL) { events } }';
    const count = async () => JSON.parse((await ask("/graphql", { query })).body).data.eventCounts[0]?.events;
    await expect.poll(count, { timeout: 20_000, interval: 200 }).toBe(1);
  });

  it("are started again when one is killed, while the other answers", async () => {
    const [first] = workers();
    process.kill(first ?? 0, "SIGKILL");
    // What was handed to it before its end was noticed is lost with it.
    await sleep(1000);
    expect(await Promise.all(Array.from({ length: 10 }, dashboard))).toEqual(Array(10).fill(200));
    await expect.poll(() => workers().length, { timeout: 20_000 }).toBe(2);
    expect(workers()).not.toContain(first);
  });

  it("end together under load within ten seconds, with every request answered that was taken", async () => {
    // The one started again is to listen by now.
    await sleep(8000);
    const { code, milliseconds, answered, failed } = await stopUnderLoad(gateway, "/api/v1/dashboards/fleet");
    expect({ code, failed }).toEqual({ code: 0, failed: [] });
    expect(milliseconds).toBeLessThan(10_000);
    expect(answered).toBeGreaterThan(10);
  });
});
