import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ServiceName } from "../src/upstream/index.js";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";
import { HAS_UPSTREAMS, startUpstreams, type Upstreams } from "./support/standins.js";

const TTL_SECONDS = 1;
const VEHICLE = '{ vehicle(id: "V001") { id make health { score } } }';
const FIGURES = "{ fleetHealth { averageHealthScore stale warnings { source error } } }";

/** A request with a header of its own. */
async function ask(gateway: Gateway, query: string, headers: Record<string, string> = {}) {
  const response = await gateway.app.server.inject({
    method: "POST",
    url: "/graphql",
    payload: { query },
    headers: { authorization: `Bearer ${tokenFor("ADMIN")}`, ...headers },
  });
  return response.json();
}

describe.skipIf(!HAS_UPSTREAMS)("a service in trouble", () => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  beforeAll(async () => {
    upstreams = await startUpstreams();
    gateway = await startGateway(upstreams, {
      METRICS_CACHE_TTL_SECONDS: String(TTL_SECONDS),
      STALE_ON_ERROR_SECONDS: "60",
      UPSTREAM_BREAKER_SECONDS: "0.2",
    });
  }, 60_000);
  afterAll(async () => {
    await gateway?.stop();
    await upstreams?.stop();
  });
  afterEach(async () => {
    for (const name of Object.keys(upstreams.urls)) await upstreams.fail(name as ServiceName, "");
    await sleep(300);
  });

  it("is waited for no longer than the client waits: its fields are null, the others are there", async () => {
    await upstreams.fail("health", "hang");
    for (const header of ["x-request-timeout-ms", "x-envoy-expected-rq-timeout-ms"]) {
      const { data, errors } = await ask(gateway, VEHICLE, { [header]: "300" });
      expect(data.vehicle).toMatchObject({ id: "V001", health: null });
      expect(errors).toMatchObject([
        {
          path: ["vehicle", "health"],
          message: "health-service: no answer within the request's deadline",
          extensions: { code: "UPSTREAM_TIMEOUT", service: "health-service" },
        },
      ]);
    }
  });

  it("is not held to account for clients without patience", async () => {
    await upstreams.fail("health", "slow:100");
    await Promise.all(Array.from({ length: 20 }, () => ask(gateway, VEHICLE, { "x-request-timeout-ms": "20" })));
    const { data, errors } = await ask(gateway, VEHICLE);
    expect(errors).toBeUndefined();
    expect(data.vehicle.health.score).toBeGreaterThan(0);
  });

  it("leaves what was known of it, marked so, until it is back", async () => {
    const before = { vehicle: await ask(gateway, VEHICLE), figures: await ask(gateway, FIGURES) };
    expect(before.figures.data.fleetHealth).toMatchObject({ stale: false, warnings: [] });
    expect(before.vehicle.extensions).toBeUndefined();
    await upstreams.fail("health", "503");
    // Longer than stale entries are served without asking.
    await sleep(2 * TTL_SECONDS * 1000 + 200);
    // Interpreted, compiled, with records' JSON made before: the same each time.
    for (let i = 0; i < 3; i++) {
      const { data, errors, extensions } = await ask(gateway, VEHICLE);
      expect(errors).toBeUndefined();
      expect(data).toEqual(before.vehicle.data);
      expect(extensions.stale).toBe(true);
      expect(extensions.warnings[0]).toMatchObject({
        source: "health-service",
        error: expect.stringMatching(/(answered 503|circuit open); older data is shown/),
      });
    }
    const { fleetHealth } = (await ask(gateway, FIGURES)).data;
    expect(fleetHealth.averageHealthScore).toBe(before.figures.data.fleetHealth.averageHealthScore);
    expect(fleetHealth.stale).toBe(true);
    expect(fleetHealth.warnings[0]).toMatchObject({ source: "health-service" });

    await upstreams.fail("health", "");
    await sleep(300);
    await expect.poll(() => ask(gateway, VEHICLE)).toEqual(before.vehicle);
    await expect.poll(async () => (await ask(gateway, FIGURES)).data).toEqual(before.figures.data);
  });
});

describe.skipIf(!HAS_UPSTREAMS)("services at two addresses each", () => {
  it("are whole while one address of each is", async () => {
    const [first, second] = await Promise.all([startUpstreams(), startUpstreams()]);
    const urls = Object.fromEntries(
      Object.entries(first.urls).map(([name, url]) => [name, `${url}, ${second.urls[name as ServiceName]}`]),
    ) as Record<ServiceName, string>;
    const gateway = await startGateway({ ...first, urls }, { METRICS_CACHE_TTL_SECONDS: "1" });
    const query = "{ fleet { summary { totalVehicles averageHealthScore } warnings { source error } } }";
    try {
      const { data: before } = await ask(gateway, query);
      expect(before.fleet).toMatchObject({ summary: { totalVehicles: 100 }, warnings: [] });
      const calls = async (upstreams: Upstreams) =>
        Object.values(await upstreams.stats()).reduce((sum, count) => sum + count, 0);
      expect(await calls(first)).toBeGreaterThan(0);
      expect(await calls(second)).toBeGreaterThan(0);
      await second.stop();
      for (let i = 0; i < 5; i++) {
        await sleep(1100);
        const { data } = await ask(gateway, query.replace("fleet {", "fleet(refresh: true) {"));
        expect(data).toEqual(before);
      }
    } finally {
      await gateway.stop();
      await first.stop();
    }
  }, 60_000);
});
