import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type FaultProxy, startFaultProxy } from "./support/fault-proxy.js";
import { type Gateway, startGateway } from "./support/gateway.js";
import { HAS_REDIS, startRedis } from "./support/redis.js";
import { HAS_UPSTREAMS, startUpstreams, type Upstreams } from "./support/standins.js";

const DASHBOARD = "/api/v1/dashboards/fleet?start_date=2015-01-01&end_date=2015-12-31";
const BREAKER_SECONDS = 0.5;
/** What does not rest on health. */
const OTHERS = ["alert_summary", "recent_alerts", "technician_utilization", "upcoming_maintenance", "cost_metrics"];

describe.skipIf(!HAS_UPSTREAMS)("with a bad network to one service", () => {
  let upstreams: Upstreams;
  let proxy: FaultProxy;
  let gateway: Gateway;
  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever the gateway answered.
  let right: any;

  beforeAll(async () => {
    upstreams = await startUpstreams();
    proxy = await startFaultProxy(upstreams.urls.health);
    gateway = await startGateway(
      { ...upstreams, urls: { ...upstreams.urls, health: proxy.url } },
      {
        UPSTREAM_TIMEOUT_MS: "1000",
        UPSTREAM_BREAKER_SECONDS: String(BREAKER_SECONDS),
        TREND_PATIENCE_MS: "60000",
        STALE_ON_ERROR_SECONDS: "0",
      },
    );
    right = (await gateway.get(DASHBOARD)).body;
    expect(right.warnings).toEqual([]);
  });
  afterEach(() => proxy.mend());
  afterAll(async () => {
    await gateway?.stop();
    await proxy?.stop();
    await upstreams?.stop();
  });

  it.each<[string, Record<string, number>, string]>([
    ["corrupt", { probability: 0.02 }, "not JSON|not HTTP|field|list|lost|timeout"],
    ["half_open", {}, "timeout"],
    ["timeout", { timeout: 0 }, "timeout"],
    ["reset_peer", { timeout: 0 }, "connection lost"],
    ["limit_data", { bytes: 300 }, "connection lost|not JSON|timeout"],
    ["latency", { latency: 3000 }, "timeout"],
  ])("that has the fault %s, every figure is right or null, and all are right once it is mended", async (fault, attributes, reason) => {
    await proxy.spoil(fault, attributes);
    const { status, body } = await gateway.get(`${DASHBOARD}&refresh=true`);
    expect(status).toBe(200);
    for (const block of OTHERS) expect(body[block]).toEqual(right[block]);
    expect(body.health_distribution).toBeNull();
    const told = body.warnings.map((w: { source: string; error: string }) => `${w.source}: ${w.error}`).join("\n");
    expect(told).toMatch(new RegExp(`health-service: .*(${reason}|circuit open)`));
    await proxy.mend();
    await sleep(BREAKER_SECONDS * 1000 + 100);
    // Nothing of what came meanwhile was kept.
    const { generated_at: _then, as_of: _old, cached: _kept, ...expected } = right;
    await expect
      .poll(async () => (await gateway.get(DASHBOARD)).body, { timeout: 20_000, interval: 500 })
      .toMatchObject(expected);
  });
});

describe.skipIf(!HAS_UPSTREAMS || !HAS_REDIS)("with Redis killed", () => {
  it("queries are answered, and each process counts requests by itself", async () => {
    const upstreams = await startUpstreams();
    const redis = await startRedis();
    const gateway = await startGateway(upstreams, {
      REDIS_URL: redis.url,
      RATE_LIMIT: "on",
      RATE_LIMIT_PER_MINUTE: "60",
    });
    try {
      const ask = async () => (await gateway.graphql('{ vehicle(id: "V001") { id health { score } } }')).status;
      expect(await ask()).toBe(200);
      await redis.kill();
      const outcomes = [];
      for (let i = 0; i < 80; i++) outcomes.push(await ask());
      expect(outcomes.slice(0, 10)).toEqual(Array(10).fill(200));
      expect(outcomes.at(-1)).toBe(429);
      expect(new Set(outcomes)).toEqual(new Set([200, 429]));
    } finally {
      await gateway.stop();
      await redis.stop();
      await upstreams.stop();
    }
  });
});

describe.skipIf(!HAS_UPSTREAMS)("with more requests than can be answered", () => {
  it("some are answered, the rest refused at once with 503, and whether it lives and who may come in is always told", async () => {
    const upstreams = await startUpstreams();
    const gateway = await startGateway(upstreams, { MAX_IN_FLIGHT: "20", RESPONSE_CACHE_MAX_BYTES: "0" });
    try {
      const dashboards = Array.from({ length: 200 }, () => gateway.get(DASHBOARD));
      const vital = [
        gateway.get("/health/live", null),
        gateway.send("POST", "/api/v1/auth/login", { username: "nobody", password: "wrong-password" }, null),
      ];
      const answers = await Promise.all(dashboards);
      const count = (status: number) => answers.filter((answer) => answer.status === status).length;
      expect(count(200)).toBeGreaterThanOrEqual(10);
      expect(count(200) + count(503)).toBe(200);
      const refused = answers.find(({ status }) => status === 503);
      expect(refused?.headers["retry-after"]).toMatch(/^[1-3]$/);
      expect(refused?.body.code).toBe("SERVICE_UNAVAILABLE");
      expect((await Promise.all(vital)).map(({ status }) => status)).toEqual([200, 401]);
      expect((await gateway.get(DASHBOARD)).status).toBe(200);
    } finally {
      await gateway.stop();
      await upstreams.stop();
    }
  });
});
