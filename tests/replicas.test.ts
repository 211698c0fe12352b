import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChangingHealth, changingHealth } from "./support/changing-health.js";
import { type Gateway, startGateway } from "./support/gateway.js";
import { HAS_REDIS, type RedisServer, startRedis } from "./support/redis.js";
import { HAS_UPSTREAMS, startUpstreams, type Upstreams } from "./support/standins.js";

describe.skipIf(!HAS_UPSTREAMS || !HAS_REDIS)("replicas that share a Redis", () => {
  let upstreams: Upstreams;
  let health: ChangingHealth;
  let redis: RedisServer;
  let replicas: [Gateway, Gateway];

  beforeAll(async () => {
    upstreams = await startUpstreams();
    redis = await startRedis();
    health = await changingHealth(upstreams.urls.health);
    const services = { ...upstreams, urls: { ...upstreams.urls, health: health.url } };
    const start = () => startGateway(services, { REDIS_URL: redis.url });
    replicas = [await start(), await start()];
  });
  afterAll(async () => {
    await Promise.all((replicas ?? []).map((replica) => replica.stop()));
    health?.stop();
    await redis?.stop();
    await upstreams?.stop();
  });

  const calls = async () => Object.values(await upstreams.stats()).reduce((sum, count) => sum + count, 0);
  const dashboard = async ({ get }: Gateway) => {
    const { body, status } = await get("/api/v1/dashboards/fleet");
    expect(status).toBe(200);
    const { generated_at: _at, as_of: _asOf, cached: _cached, ...figures } = body;
    return figures;
  };
  const scoreOf = async ({ graphql }: Gateway, id: string) =>
    (await graphql(`{ vehicle(id: "${id}") { health { score } } }`)).body.data.vehicle.health.score;
  const change = async ({ send }: Gateway, id: string, score: number) => {
    health.scores.set(id, score);
    const { status } = await send("POST", "/v1/events", [
      { type: "vehicle.health.changed", properties: { vehicle_id: id } },
    ]);
    expect(status).toBe(200);
  };

  it("fetch what they show once, together", async () => {
    const [first, second] = replicas;
    const answer = await dashboard(first);
    const made = await calls();
    expect(made).toBeGreaterThan(10);
    // The trend may come later than the rest; it is fetched by whoever was asked.
    await expect.poll(async () => (await dashboard(first)).health_trend, { timeout: 20_000 }).toBeTruthy();
    await upstreams.resetStats();
    const other = await dashboard(second);
    expect({ ...other, health_trend: null, warnings: [] }).toEqual({ ...answer, health_trend: null, warnings: [] });
    await expect.poll(async () => (await dashboard(second)).health_trend, { timeout: 20_000 }).toBeTruthy();
    expect(await calls()).toBe(0);
  });

  it("show what changed anywhere within a second, from a cache of minutes", async () => {
    const [first, second] = replicas;
    await Promise.all(replicas.map((replica) => scoreOf(replica, "V007")));
    await change(first, "V007", 0.123);
    await expect.poll(() => scoreOf(second, "V007"), { timeout: 1000, interval: 50 }).toBe(0.123);
    expect(await scoreOf(first, "V007")).toBe(0.123);
  });

  it("never take over what was fetched before a change, even where they heard nothing of it", async () => {
    const [first, second] = replicas;
    await change(first, "V008", 0.2);
    await expect.poll(() => scoreOf(first, "V008")).toBe(0.2);
    await change(first, "V008", 0.9);
    // Nobody has asked for it since.
    await expect.poll(() => scoreOf(second, "V008"), { timeout: 1000, interval: 50 }).toBe(0.9);
  });

  it("answer each for itself while Redis is gone or does not answer, and share again when it is back", async () => {
    const [first, second] = replicas;
    redis.suspend();
    expect(await scoreOf(first, "V021")).toEqual(await scoreOf(second, "V021"));
    redis.resume();
    await redis.kill();
    expect(await scoreOf(first, "V022")).toEqual(await scoreOf(second, "V022"));
    await redis.restart();
    const shared = async (id: string): Promise<boolean> => {
      await scoreOf(first, id);
      await upstreams.resetStats();
      await scoreOf(second, id);
      return (await calls()) === 0;
    };
    let next = 30;
    await expect.poll(() => shared(`V0${next++}`), { timeout: 20_000, interval: 200 }).toBe(true);
  });
});
