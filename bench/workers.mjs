// One process beside two (WORKERS) over the same Postgres, ClickHouse and Redis, in turn: every answer worked out from
// records in the cache, and whole answers kept.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { startClickHouse } from "./insights.mjs";
import { atLeast, median } from "./measure.mjs";
import { requireTool } from "./peers.mjs";
import { freePorts, residentBytes, start, startGateway, startUpstreams, stop, temporaryFolder } from "./stage.mjs";
import { tokensOf, wrk } from "./wrk.mjs";

const SERVER = process.env.TEST_DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";
/** So many that processes which wait for a disk have others to answer meanwhile. */
const CONNECTIONS = 128;
const SECONDS = 5;
/** Until code is compiled in each process, and the heap has found its size. */
const WARM_UP_SECONDS = 10;
const ROUNDS = 3;

export async function workers(notes) {
  requireTool("wrk", "apt-get update && apt-get install -y wrk");
  requireTool("redis-server", "apt-get update && apt-get install -y redis-server");
  const tokens = await tokensOf(1000);
  const upstreams = await startUpstreams({ scale: 1, latency: 0 });
  const store = await startClickHouse();
  const redis = await startRedis();
  const outside = { CLICKHOUSE_URL: `${store.url}/default`, REDIS_URL: redis.url, SWEEP: "off" };
  const figures = [];
  try {
    for (const [name, bytes] of [
      ["records", "0"],
      ["whole answers", String(64 * 2 ** 20)],
    ]) {
      const rates = { 1: [], 2: [] };
      for (let round = 0; round < ROUNDS; round++) {
        for (const count of [1, 2]) {
          const settings = { ...outside, RESPONSE_CACHE_MAX_BYTES: bytes, WORKERS: String(count) };
          rates[count].push(await measured(upstreams, settings, tokens));
        }
      }
      const of = (count) => median(rates[count].map(({ goodput }) => goodput));
      notes.remarks.push(`workers, ${name}: one ${of(1)}/s, two ${of(2)}/s; one has ${rates[1].at(-1).megabytes} MB`);
      const limit = name === "records" ? atLeast(1.4) : undefined;
      figures.push({ name: `two workers by one, ${name}`, value: of(2) / of(1), unit: "×", limit });
    }
    return figures;
  } finally {
    await redis.stop();
    await store.stop();
    await upstreams.stop();
  }
}

async function measured(upstreams, settings, tokens) {
  const database = await createDatabase();
  try {
    const gateway = await startGateway(upstreams.ports, { ...settings, DATABASE_URL: database.url });
    try {
      // The second worker listens a little later than the first.
      await sleep(settings.WORKERS === "1" ? 0 : 5000);
      await wrk(gateway, tokens, CONNECTIONS, WARM_UP_SECONDS);
      const { goodput } = await wrk(gateway, tokens, CONNECTIONS, SECONDS);
      return { goodput, megabytes: Math.round(residentBytes(gateway.pid) / 2 ** 20) };
    } finally {
      await gateway.stop();
    }
  } finally {
    await database.drop();
  }
}

async function createDatabase() {
  const name = `crowsnest_bench_${randomBytes(6).toString("hex")}`;
  const run = async (sql) => {
    const client = new pg.Client({ connectionString: SERVER });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  await run(`CREATE DATABASE ${name}`);
  const url = new URL(SERVER);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function startRedis() {
  const folder = await temporaryFolder("redis");
  const port = await freePorts(1);
  const child = start("redis-server", ["--port", String(port), "--dir", folder, "--save", "", "--bind", "127.0.0.1"]);
  await sleep(500);
  if (!existsSync(folder)) throw new Error("redis-server did not start");
  return { url: `redis://127.0.0.1:${port}/0`, stop: () => stop(child) };
}
