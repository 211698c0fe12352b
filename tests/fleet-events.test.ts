import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChangingHealth, changingHealth } from "./support/changing-health.js";
import { type Gateway, startGateway } from "./support/gateway.js";
import { HAS_REDIS, type RedisServer, startRedis } from "./support/redis.js";
import { HAS_UPSTREAMS, startUpstreams, type Upstreams } from "./support/standins.js";

describe.skipIf(!HAS_UPSTREAMS || !HAS_REDIS)("fleet events on Redis Streams", () => {
  let upstreams: Upstreams;
  let health: ChangingHealth;
  let redis: RedisServer;
  let client: Redis;
  let gateway: Gateway;

  beforeAll(async () => {
    upstreams = await startUpstreams();
    redis = await startRedis();
    client = new Redis(redis.url);
    health = await changingHealth(upstreams.urls.health);
    gateway = await startGateway(
      { ...upstreams, urls: { ...upstreams.urls, health: health.url } },
      { REDIS_URL: redis.url, EVENT_SOURCES: "redis-streams", UPSTREAM_BULK: "off" },
    );
    await gateway.app.listen();
  });
  afterAll(async () => {
    client?.disconnect();
    await gateway?.stop();
    health?.stop();
    await redis?.stop();
    await upstreams?.stop();
  });

  const scoreOf = async (id: string) =>
    (await gateway.graphql(`{ vehicle(id: "${id}") { health { score } } }`)).body.data.vehicle.health.score;

  const publish = (type: string, payload: Record<string, unknown>, id = `${type}-${Math.random()}`) =>
    client.xadd(
      type,
      "*",
      ...["event_id", id, "event_type", type, "timestamp", new Date().toISOString()],
      ...["source", "health", "version", "1", "payload", JSON.stringify(payload)],
    );

  const changed = (vehicle: string) => ({
    ...{ vehicle_id: vehicle, component: "engine", previous_score: 0.9, health_score: 0.1, status: "critical" },
  });

  it("show in the next query within a second, although the cache lives for minutes", async () => {
    const before = await scoreOf("V001");
    const other = await scoreOf("V002");
    health.scores.set("V001", 0.123).set("V002", 0.456);
    expect(await scoreOf("V001")).toBe(before);
    await publish("vehicle.health.changed", changed("V001"));
    await sleep(1000);
    expect(await scoreOf("V001")).toBe(0.123);
    // Of whom nothing was heard is still answered from the cache.
    expect(await scoreOf("V002")).toBe(other);
  });

  it("make stale the lists of the service they come from", async () => {
    const ask = async () => expect((await gateway.get("/api/v1/metrics/alert-stats")).status).toBe(200);
    await ask();
    await upstreams.resetStats();
    await ask();
    const calls = async () =>
      Object.entries(await upstreams.stats()).filter(([route]) => /^alert GET \/api\/v1\/alerts/.test(route)).length;
    expect(await calls()).toBe(0);
    await publish("alert.created", {
      ...{ alert_id: "A1", vehicle_id: "V003", severity: "CRITICAL", status: "OPEN", title: "Brakes" },
      ...{ message: "Worn", component: "brakes", created_at: new Date().toISOString() },
    });
    await sleep(1000);
    await ask();
    await ask();
    expect(await calls()).toBeGreaterThan(0);
  });

  it("are audited once each, also when they come twice", async () => {
    await publish("vehicle.health.changed", changed("V010"), "twice-1");
    await publish("vehicle.health.changed", changed("V010"), "twice-1");
    await publish("vehicle.health.changed", changed("V011"), "once-1");
    const audited = async () => {
      await gateway.app.events.settled();
      const query =
        '{ auditLog(filter: { source: EVENT, action: "vehicle.health.changed" }) { items { eventId eventType resource } } }';
      const { items } = (await gateway.graphql(query)).body.data.auditLog;
      return items.map(({ eventId }: { eventId: string }) => eventId);
    };
    await expect.poll(audited, { timeout: 10_000 }).toEqual(expect.arrayContaining(["twice-1", "once-1"]));
    await sleep(500);
    expect((await audited()).filter((id: string) => id === "twice-1")).toHaveLength(1);
  });

  it("are taken up again where they were when Redis comes back from a kill", async () => {
    await redis.kill();
    expect(await scoreOf("V020")).toBeGreaterThan(0);
    await redis.restart();
    await client.ping();
    await publish("vehicle.health.changed", changed("V021"), "after-the-kill");
    const stored = async () => {
      await gateway.app.events.stored();
      const { body } = await gateway.graphql('{ events(filter: { subject: "V021" }) { nodes { id } } }');
      return body.data.events.nodes;
    };
    await expect.poll(stored, { timeout: 15_000 }).toEqual([{ id: "after-the-kill" }]);
  });
});
