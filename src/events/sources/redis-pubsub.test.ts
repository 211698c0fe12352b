import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { pino } from "pino";
import { describe, expect, it, type TestContext, vi } from "vitest";
import { countingMetrics, gate, RecordingIntake, testShape } from "../../../tests/support/recording-intake.js";
import { HAS_REDIS, type RedisServer, startRedis } from "../../../tests/support/redis.js";
import { SpoolRefused } from "../../spool/index.js";
import { type RedisPubsubOptions, RedisPubsubSource } from "./redis-pubsub.js";

const log = pino({ level: process.env.LOG_LEVEL ?? "silent" });
const PATIENCE = { timeout: 20_000, interval: 20 };

interface Bench {
  readonly server: RedisServer;
  readonly client: Redis;
  readonly pubsub: RedisPubsubSource;
  readonly intake: RecordingIntake;
  readonly metrics: ReturnType<typeof countingMetrics>;
  /** Messages with the fields `type` and `n`. */
  publish(channel: string, from: number, count: number): Promise<void>;
}

/** A source that listens to the channels `one` and `two`. */
async function bench(
  onTestFinished: TestContext["onTestFinished"],
  options: Partial<RedisPubsubOptions> = {},
): Promise<Bench> {
  const server = await startRedis();
  const client = new Redis(server.url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on("error", () => undefined);
  const intake = new RecordingIntake();
  const metrics = countingMetrics();
  const shared = { url: server.url, channels: ["one", "two"], tenant: "t", shape: testShape, log };
  const pubsub = new RedisPubsubSource({ ...shared, intake, metrics, ...options });
  onTestFinished(async () => {
    await pubsub.stop();
    client.disconnect();
    await server.stop();
  });
  pubsub.start();
  await vi.waitFor(() => expect(pubsub.status().state).toBe("running"), PATIENCE);
  return {
    server,
    client,
    pubsub,
    intake,
    metrics,
    async publish(channel, from, count) {
      const pipeline = client.pipeline();
      for (let n = 0; n < count; n++) pipeline.publish(channel, JSON.stringify({ type: "a", n: from + n }));
      await pipeline.exec();
    },
  };
}

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n);

describe.skipIf(!HAS_REDIS).concurrent("Redis pub/sub", { timeout: 60_000 }, () => {
  it("brings every message once and in order, several at once", async ({ onTestFinished }) => {
    const { intake, metrics, publish, pubsub } = await bench(onTestFinished);
    await publish("one", 0, 3000);
    await publish("two", 3000, 5);
    await publish("three", 9999, 5);
    await vi.waitFor(() => expect(intake.values("n")).toEqual(numbers(0, 3005)), PATIENCE);
    expect(intake.batches.length).toBeLessThan(100);
    expect(intake.messages[3002]).toEqual({
      value: { type: "a", n: 3002 },
      text: '{"type":"a","n":3002}',
      fallbackId: null,
      origin: "pubsub:two",
      hints: { channel: "two" },
    });
    expect(metrics.counts).toEqual({ "redis-pubsub taken": 3005 });
    expect(pubsub.status()).toEqual({ state: "running", lag: 0, detail: "2 channels" });
  });

  it("hands over what cannot be read", async ({ onTestFinished }) => {
    const { client, intake } = await bench(onTestFinished);
    await client.publish("one", "{");
    await client.publish("one", Buffer.from([0xff, 0x7b]));
    await client.publish("one", "");
    await vi.waitFor(() => expect(intake.messages).toHaveLength(3), PATIENCE);
    expect(intake.messages.map(({ value, text }) => [value, text])).toEqual([
      [undefined, "{"],
      [undefined, undefined],
      [undefined, ""],
    ]);
    expect(Buffer.from(intake.messages[1]?.bytes ?? [])).toEqual(Buffer.from([0xff, 0x7b]));
  });

  it("listens again soon after Redis was killed", async ({ onTestFinished }) => {
    const { server, pubsub, publish, intake, metrics } = await bench(onTestFinished);
    await publish("one", 0, 10);
    await vi.waitFor(() => expect(intake.messages).toHaveLength(10), PATIENCE);
    await server.kill();
    await vi.waitFor(() => expect(pubsub.status().state).toBe("connecting"), { timeout: 3000 });
    await server.restart();
    await vi.waitFor(() => expect(pubsub.status().state).toBe("running"), { timeout: 6000 });
    await publish("one", 10, 10);
    await publish("two", 20, 10);
    await vi.waitFor(() => expect(intake.values("n")).toEqual(numbers(0, 30)), PATIENCE);
    expect(metrics.counts["redis-pubsub restarted"]).toBeGreaterThan(0);
  });

  it("keeps what comes while the intake has no room", async ({ onTestFinished }) => {
    const { pubsub, publish, intake, metrics } = await bench(onTestFinished);
    let hasRoom = false;
    intake.before = async () => {
      if (!hasRoom) throw new SpoolRefused("full", "no space left");
    };
    await publish("one", 0, 5000);
    await vi.waitFor(
      () => expect(pubsub.status()).toEqual({ state: "waiting", lag: 5000, detail: "no space left" }),
      PATIENCE,
    );
    hasRoom = true;
    await vi.waitFor(() => expect(intake.values("n")).toEqual(numbers(0, 5000)), PATIENCE);
    expect(metrics.counts).toEqual({ "redis-pubsub taken": 5000 });
  });

  it("counts what it cannot keep, and says so", async ({ onTestFinished }) => {
    const lines: string[] = [];
    const told = pino({}, { write: (line: string) => void lines.push(line) });
    const { pubsub, publish, intake, metrics } = await bench(onTestFinished, { maxWaitingBytes: 100_000, log: told });
    const room = gate();
    intake.before = () => room.opened;
    await publish("one", 0, 5000);
    await vi.waitFor(
      () => expect((metrics.counts["redis-pubsub dropped"] ?? 0) + (pubsub.status().lag ?? 0)).toBe(5000),
      PATIENCE,
    );
    const kept = pubsub.status().lag ?? 0;
    expect(kept).toBeLessThan(200);
    room.open();
    await vi.waitFor(() => expect(intake.values("n")).toEqual(numbers(0, kept)), PATIENCE);
    expect(lines.filter((line) => line.includes("messages are lost"))).toHaveLength(1);
  });

  it("takes in what has come before it stops", async ({ onTestFinished }) => {
    const { pubsub, publish, intake, metrics } = await bench(onTestFinished);
    intake.after = () => sleep(50);
    await publish("one", 0, 4000);
    await vi.waitFor(() => expect(pubsub.status().lag).toBeGreaterThan(0), PATIENCE);
    const began = performance.now();
    await pubsub.stop();
    expect(performance.now() - began).toBeLessThan(5000);
    expect(metrics.counts).toEqual({ "redis-pubsub taken": intake.messages.length });
    expect(pubsub.status()).toEqual({ state: "stopped", lag: null, detail: "stopped" });
  });

  it("stops within seconds when the intake hangs", async ({ onTestFinished }) => {
    const { pubsub, publish, intake, metrics } = await bench(onTestFinished);
    const never = gate();
    intake.before = () => never.opened;
    await publish("one", 0, 10);
    await vi.waitFor(() => expect(pubsub.status().lag).toBe(10), PATIENCE);
    const began = performance.now();
    await pubsub.stop();
    expect(performance.now() - began).toBeLessThan(5000);
    expect(metrics.counts["redis-pubsub dropped"]).toBe(10);
    never.open();
  });
});
