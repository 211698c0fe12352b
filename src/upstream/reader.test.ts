import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMetrics } from "../ops/metrics.js";
import { type Freshness, UpstreamCache } from "./cache.js";
import { createClients, createServices, type UpstreamClients } from "./clients.js";
import type { ServiceOptions } from "./http.js";
import type { BulkSetting } from "./lists.js";
import { Reader, vehicleTag } from "./reader.js";

type Reply = { status?: number; body?: unknown };
const NOT_FOUND: Reply = { status: 404, body: { detail: "Not Found" } };
const BULK = "/api/v1/health";

let server: Server;
let answer: (path: string, query: URLSearchParams) => Reply;
let asked: { path: string; ids: string[] }[];
let clients: UpstreamClients;
let cache: UpstreamCache;
let now: number;

beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://service");
    asked.push({ path: pathname, ids: searchParams.get("vehicle_ids")?.split(",") ?? [] });
    const { status = 200, body } = answer(pathname, searchParams);
    response.writeHead(status).end(JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  now = 1_000_000;
  return start("auto");
});

/** Fresh clients and cache over the one server, which plays all services. */
function start(bulk: BulkSetting): () => Promise<void> {
  const metrics = createMetrics();
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const limits = { baseUrls: [baseUrl], timeoutMs: 2000, concurrency: 16, maxBytes: 1_000_000, breakerWindowMs: 100 };
  const options = <Name extends ServiceOptions["name"]>(name: Name): ServiceOptions => ({ name, ...limits });
  const services = createServices(
    {
      ingestion: options("ingestion"),
      health: options("health"),
      agent: options("agent"),
      alert: options("alert"),
      scheduling: options("scheduling"),
      warranty: options("warranty"),
    },
    metrics,
  );
  clients = createClients(services, { health: bulk, scheduling: bulk, warranty: bulk });
  cache = new UpstreamCache({ ttlMs: 1000, staleOnErrorMs: 10_000, maxBytes: 10_000_000, clock: () => now, metrics });
  return async () => {
    await Promise.all(Object.values(services).map((service) => service.close()));
  };
}

const reader = (freshness: Freshness = "cached", tenant = "t") => new Reader(clients, cache, tenant, freshness);
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `V${i}`);
const record = (vehicle_id: string) => ({ vehicle_id, overall_health_score: 0.5 });
const singles = () => asked.filter((call) => call.path !== BULK);
const bulks = () => asked.filter((call) => call.path === BULK);

/** Health of single vehicles, and in bulk unless `bulk` says what is answered there. */
function healthService(
  bulk: (wanted: string[], offset: number) => Reply = (wanted) => ({
    body: { items: wanted.map(record), total: wanted.length },
  }),
): void {
  answer = (path, query) => {
    if (path === BULK) return bulk(query.get("vehicle_ids")?.split(",") ?? [], Number(query.get("offset")));
    return { body: record(path.slice(BULK.length + 1)) };
  };
}

async function healthsOf(wanted: string[], by = reader()) {
  const entries = await Promise.all(wanted.map((id) => by.health.load(id).catch((error: Error) => error)));
  return entries.map((entry) => (entry instanceof Error ? entry : (entry.value?.vehicleId ?? null)));
}

describe("health of many vehicles", () => {
  it("comes in bulk calls of at most 200 ids", async () => {
    healthService();
    expect(await healthsOf(ids(450))).toEqual(ids(450));
    expect(
      bulks()
        .map((call) => call.ids.length)
        .sort(),
    ).toEqual([200, 200, 50].sort());
    expect(singles()).toHaveLength(0);
  });

  it.each<[string, (wanted: string[]) => Reply]>([
    ["has no bulk form", () => NOT_FOUND],
    ["answers about itself there", () => ({ body: { status: "ok" } })],
    ["ignores which vehicles are asked for", () => ({ body: { items: [record("V0"), record("somebody else")] } })],
  ])("comes one by one from a service that %s, which is tried once only", async (_name, bulk) => {
    healthService(bulk);
    expect(await healthsOf(ids(3))).toEqual(ids(3));
    expect(await healthsOf(["V7", "V8"])).toEqual(["V7", "V8"]);
    expect(bulks()).toHaveLength(1);
    expect(singles()).toHaveLength(5);
  });

  it("is asked for once per distinct id, by however many readers", async () => {
    healthService(() => NOT_FOUND);
    const [first, second] = await Promise.all([healthsOf(["V1", "V2", "V1"]), healthsOf(["V2", "V1"])]);
    expect([first, second]).toEqual([
      ["V1", "V2", "V1"],
      ["V2", "V1"],
    ]);
    expect(
      singles()
        .map((call) => call.path)
        .sort(),
    ).toEqual([`${BULK}/V1`, `${BULK}/V2`]);
  });

  it("is taken from the cache where it is, and only the rest is fetched", async () => {
    healthService();
    await healthsOf(["V1", "V2"]);
    expect(await healthsOf(["V1", "V2", "V3", "V4"])).toEqual(["V1", "V2", "V3", "V4"]);
    expect(bulks().map((call) => call.ids)).toEqual([
      ["V1", "V2"],
      ["V3", "V4"],
    ]);
  });

  it("is null for vehicles that a complete bulk answer leaves out", async () => {
    healthService((wanted) => ({ body: { items: wanted.slice(1).map(record), total: wanted.length - 1 } }));
    expect(await healthsOf(["V1", "V2"])).toEqual([null, "V2"]);
  });

  it("is not taken for absent when the bulk answer is only the first page", async () => {
    healthService((wanted, offset) => ({
      body: { items: wanted.slice(offset, offset + 2).map(record), total: wanted.length },
    }));
    expect(await healthsOf(["V1", "V2", "V3"])).toEqual(["V1", "V2", "V3"]);
  });

  it("fails for one vehicle without failing for the others", async () => {
    answer = (path) => {
      if (path === BULK) return NOT_FOUND;
      return path.endsWith("/V2") ? { status: 500, body: {} } : { body: record(path.slice(BULK.length + 1)) };
    };
    const [one, two, three] = await healthsOf(["V1", "V2", "V3"]);
    expect([one, three]).toEqual(["V1", "V3"]);
    expect(two).toMatchObject({ code: "UPSTREAM_UNAVAILABLE", reason: "answered 500" });
  });

  it("fails for all when the bulk call does, and is asked in bulk again", async () => {
    healthService(() => ({ status: 500, body: {} }));
    expect(await healthsOf(["V1", "V2"])).toMatchObject([{ reason: "answered 500" }, { reason: "answered 500" }]);
    healthService();
    expect(await healthsOf(["V1", "V2"])).toEqual(["V1", "V2"]);
    expect(singles()).toHaveLength(0);
  });

  it("is asked for singly where configuration says so", async () => {
    const stop = start("off");
    healthService();
    expect(await healthsOf(["V1", "V2"])).toEqual(["V1", "V2"]);
    expect(bulks()).toHaveLength(0);
    await stop();
  });
});

describe("a reader", () => {
  const vehicles = { vehicles: [{ vehicle_id: "V1" }, { vehicle_id: "V2" }] };

  it("finds single vehicles in the list that is there already", async () => {
    answer = () => ({ body: vehicles });
    await reader().vehicles();
    expect((await reader().vehicle.load("V2")).value?.id).toBe("V2");
    expect(asked).toHaveLength(1);
  });

  it("looks a vehicle up in the list when the service does not know single ones", async () => {
    answer = (path) => (path === "/api/v1/vehicles" ? { body: vehicles } : NOT_FOUND);
    const request = reader();
    expect((await request.vehicle.load("V2")).value?.id).toBe("V2");
    expect((await request.vehicle.load("V9")).value).toBeNull();
    expect(asked.filter((call) => call.path === "/api/v1/vehicles")).toHaveLength(1);
  });

  it("keeps one tenant's data from another's", async () => {
    answer = () => ({ body: vehicles });
    await reader("cached", "a").vehicles();
    await reader("cached", "b").vehicles();
    expect(asked).toHaveLength(2);
  });

  it("fetches everything anew on refresh, once within the request", async () => {
    answer = () => ({ body: vehicles });
    await reader().vehicles();
    const refreshing = reader("refresh");
    await Promise.all([refreshing.vehicles(), refreshing.vehicles()]);
    expect(asked).toHaveLength(2);
  });

  it("asks the same list all day while now moves on", async () => {
    answer = () => ({ body: [] });
    const morning = Date.parse("2026-07-14T08:00:00Z");
    await reader().claims({ start: morning - 86_400_000, end: morning });
    await reader().claims({ start: morning - 86_000_000, end: morning + 60_000 });
    expect(asked).toHaveLength(1);
  });

  it("tells that claims can only be asked for by vehicle", async () => {
    answer = () => NOT_FOUND;
    expect((await reader().claims({ start: 0, end: 1 })).value).toBeNull();
  });

  it("takes a vehicle without alerts, coverage or telemetry for one that has none", async () => {
    answer = () => NOT_FOUND;
    const request = reader();
    expect((await request.alertsOf.load("V1")).value).toEqual([]);
    expect((await request.coverageOf.load("V1")).value).toBeNull();
    expect((await request.telemetry.load("V1")).value).toBeNull();
  });

  it("forgets a vehicle's data by its tag", async () => {
    answer = () => ({ body: { appointments: [] } });
    await reader().appointmentsOf.load("V1");
    cache.invalidate(vehicleTag("t", "V1"));
    await reader().appointmentsOf.load("V1");
    expect(asked).toHaveLength(2);
  });

  it("escapes ids, which are opaque", async () => {
    answer = () => NOT_FOUND;
    await reader().telemetry.load("a/b?c");
    expect(asked[0]?.path).toBe("/api/v1/vehicles/a%2Fb%3Fc/latest");
  });
});
