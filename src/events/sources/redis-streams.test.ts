import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { pino } from "pino";
import { describe, expect, it, type TestContext, vi } from "vitest";
import { countingMetrics, gate, RecordingIntake, testShape } from "../../../tests/support/recording-intake.js";
import { HAS_REDIS, type RedisServer, startRedis } from "../../../tests/support/redis.js";
import { SpoolRefused } from "../spool/index.js";
import { type RedisStreamsOptions, RedisStreamsSource } from "./redis-streams.js";

const log = pino({ level: process.env.LOG_LEVEL ?? "silent" });
const PATIENCE = { timeout: 20_000, interval: 20 };

interface Bench {
  readonly server: RedisServer;
  readonly client: Redis;
  /** Starts nothing yet; stopped when the test is over. */
  source(options?: Partial<RedisStreamsOptions>): Sourced;
  /** Entries with the fields `type` and `n`. */
  add(stream: string, from: number, count: number): Promise<string[]>;
  pending(stream: string): Promise<number>;
  lag(stream: string): Promise<unknown>;
}

interface Sourced {
  readonly streams: RedisStreamsSource;
  readonly intake: RecordingIntake;
  readonly metrics: ReturnType<typeof countingMetrics>;
}

async function bench(onTestFinished: TestContext["onTestFinished"]): Promise<Bench> {
  const server = await startRedis();
  const client = new Redis(server.url, { retryStrategy: () => 100, maxRetriesPerRequest: null });
  client.on("error", () => undefined);
  const started: RedisStreamsSource[] = [];
  onTestFinished(async () => {
    await Promise.all(started.map((source) => source.stop()));
    client.disconnect();
    await server.stop();
  });
  return {
    server,
    client,
    source(options = {}) {
      const intake = new RecordingIntake();
      const metrics = countingMetrics();
      const streams = new RedisStreamsSource({
        url: server.url,
        streams: ["one", "two"],
        group: "group",
        consumer: `replica-${started.length + 1}`,
        tenant: "t",
        shape: testShape,
        intake,
        metrics,
        log,
        checkMs: 200,
        firstDelayMs: 100,
        ...options,
      });
      started.push(streams);
      return { streams, intake, metrics };
    },
    async add(stream, from, count) {
      const pipeline = client.pipeline();
      for (let n = 0; n < count; n++) pipeline.xadd(stream, "*", "type", "a", "n", String(from + n));
      return ((await pipeline.exec()) ?? []).map(([, id]) => String(id));
    },
    async pending(stream) {
      return ((await client.xpending(stream, "group")) as [number])[0];
    },
    async lag(stream) {
      const [group] = (await client.xinfo("GROUPS", stream)) as unknown[][];
      return group?.[group.indexOf("lag") + 1];
    },
  };
}

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, n) => String(from + n));

describe.skipIf(!HAS_REDIS).concurrent("Redis Streams", { timeout: 60_000 }, () => {
  it("brings every entry once, in the order of its stream, and acknowledges", async ({ onTestFinished }) => {
    const { source, add, pending, lag } = await bench(onTestFinished);
    const ids = await add("one", 0, 2500);
    const { streams, intake, metrics } = source();
    streams.start();
    await vi.waitFor(() => expect(intake.messages).toHaveLength(2500), PATIENCE);
    await Promise.all([add("two", 0, 700), add("one", 2500, 10)]);
    await vi.waitFor(() => expect(intake.messages).toHaveLength(3210), PATIENCE);
    const of = (stream: string) => intake.messages.filter(({ hints }) => hints?.stream === stream);
    expect(of("one").map(({ value }) => (value as { n: string }).n)).toEqual(numbers(0, 2510));
    expect(of("two").map(({ value }) => (value as { n: string }).n)).toEqual(numbers(0, 700));
    expect(intake.messages[7]).toEqual({
      value: { type: "a", n: "7" },
      fallbackId: `one/${ids[7]}`,
      origin: `redis:one/${ids[7]}`,
      hints: { stream: "one", id: ids[7] },
    });
    await vi.waitFor(async () => expect([await pending("one"), await pending("two")]).toEqual([0, 0]), PATIENCE);
    expect([await lag("one"), await lag("two")]).toEqual([0, 0]);
    expect(metrics.counts).toEqual({ "redis-streams taken": 3210 });
    await vi.waitFor(
      () => expect(streams.status()).toEqual({ state: "running", lag: 0, detail: "2 streams" }),
      PATIENCE,
    );
  });

  it("takes the entries of several streams in at once", async ({ onTestFinished }) => {
    const { source, add } = await bench(onTestFinished);
    await Promise.all([add("one", 0, 20), add("two", 0, 20)]);
    const { streams, intake } = source();
    streams.start();
    await vi.waitFor(() => expect(intake.messages).toHaveLength(40), PATIENCE);
    expect(intake.batches).toHaveLength(1);
  });

  it("goes on where it stopped, and leaves no consumer behind", async ({ onTestFinished }) => {
    const { source, add, client } = await bench(onTestFinished);
    await add("one", 0, 50);
    const first = source();
    first.streams.start();
    await vi.waitFor(() => expect(first.intake.messages).toHaveLength(50), PATIENCE);
    await first.streams.stop();
    expect(first.streams.status().state).toBe("stopped");
    expect(await client.xinfo("CONSUMERS", "one", "group")).toEqual([]);
    await add("one", 50, 20);
    const second = source();
    second.streams.start();
    await vi.waitFor(() => expect(second.intake.values("n")).toEqual(numbers(50, 20)), PATIENCE);
  });

  it("brings entries again, with the same ids, when it ended between taking in and acknowledging", async ({
    onTestFinished,
  }) => {
    const { source, add, pending } = await bench(onTestFinished);
    await add("one", 0, 3000);
    const first = source({ consumer: "same" });
    const never = gate();
    first.intake.after = () => never.opened;
    first.streams.start();
    await vi.waitFor(() => expect(first.intake.messages.length).toBeGreaterThan(1000), PATIENCE);
    await first.streams.stop();
    expect(await pending("one")).toBeGreaterThanOrEqual(first.intake.messages.length);
    const second = source({ consumer: "same" });
    second.streams.start();
    await vi.waitFor(() => expect(second.intake.messages).toHaveLength(3000), PATIENCE);
    expect(second.intake.ids.slice(0, first.intake.messages.length)).toEqual(first.intake.ids);
    expect(second.intake.values("n")).toEqual(numbers(0, 3000));
    await vi.waitFor(async () => expect(await pending("one")).toBe(0), PATIENCE);
    never.open();
  });

  it("waits while the intake has no room, acknowledges nothing and loses nothing", async ({ onTestFinished }) => {
    const { source, add, pending } = await bench(onTestFinished);
    await add("one", 0, 30_000);
    const { streams, intake } = source();
    let hasRoom = false;
    intake.before = async () => {
      if (!hasRoom) throw new SpoolRefused("full", "no space left");
    };
    streams.start();
    await vi.waitFor(
      () => expect(streams.status()).toEqual({ state: "waiting", lag: 30_000, detail: "no space left" }),
      PATIENCE,
    );
    await sleep(1500);
    // One batch waits to be taken in and one has been read ahead, however many there are.
    expect(await pending("one")).toBeLessThanOrEqual(4000);
    hasRoom = true;
    await vi.waitFor(() => expect(intake.messages).toHaveLength(30_000), PATIENCE);
    expect(intake.values("n")).toEqual(numbers(0, 30_000));
    await vi.waitFor(async () => expect(await pending("one")).toBe(0), PATIENCE);
  });

  it("hands over what cannot be read, and goes on", async ({ onTestFinished }) => {
    const { source, client, pending } = await bench(onTestFinished);
    await client.xadd("one", "*", "payload", '{"type":');
    await client.xadd("one", "*", "type", Buffer.from([0x61, 0xff]));
    await client.xadd("one", "*", "type", "a", "text", "\u{1F600} \uFFFD");
    const { streams, intake } = source();
    streams.start();
    await vi.waitFor(() => expect(intake.messages).toHaveLength(3), PATIENCE);
    expect(intake.messages.map(({ value }) => value)).toEqual([
      { payload: '{"type":' },
      undefined,
      { type: "a", text: "\u{1F600} \uFFFD" },
    ]);
    const expected = Buffer.concat([Buffer.from('{"type":"a'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(Buffer.from(intake.messages[1]?.bytes ?? [])).toEqual(expected);
    await vi.waitFor(async () => expect(await pending("one")).toBe(0), PATIENCE);
  });

  it("takes over from a consumer that is gone, deleted entries among its own", async ({ onTestFinished }) => {
    const { source, add, client, pending } = await bench(onTestFinished);
    const ids = await add("one", 0, 2500);
    await client.xgroup("CREATE", "one", "group", "0");
    await client.xreadgroup("GROUP", "group", "gone", "COUNT", 2500, "STREAMS", "one", ">");
    await client.xdel("one", ...ids.slice(0, 3), ...ids.slice(1200, 1203));
    const { streams, intake } = source({ claimAfterMs: 500 });
    streams.start();
    await vi.waitFor(() => expect(intake.messages).toHaveLength(2494), PATIENCE);
    expect(new Set(intake.values("n")).size).toBe(2494);
    await vi.waitFor(async () => expect(await pending("one")).toBe(0), PATIENCE);
    await add("one", 2500, 1);
    await vi.waitFor(() => expect(intake.messages).toHaveLength(2495), PATIENCE);
  });

  it("leaves alone what another consumer is busy with", async ({ onTestFinished }) => {
    const { source, add } = await bench(onTestFinished);
    const busy = source();
    const room = gate();
    busy.intake.before = () => room.opened;
    busy.streams.start();
    await add("one", 0, 10);
    await vi.waitFor(() => expect(busy.streams.status().lag).toBe(10), PATIENCE);
    const other = source();
    other.streams.start();
    await vi.waitFor(() => expect(other.streams.status().state).toBe("running"), PATIENCE);
    await sleep(800);
    expect(other.intake.messages).toEqual([]);
    room.open();
    await vi.waitFor(() => expect(busy.intake.messages).toHaveLength(10), PATIENCE);
  });

  it("shares the entries with another replica", async ({ onTestFinished }) => {
    const { source, add } = await bench(onTestFinished);
    const replicas = [source(), source()];
    for (const { streams } of replicas) streams.start();
    for (let n = 0; n < 2000; n += 20) await add("one", n, 20);
    const all = () => replicas.flatMap(({ intake }) => intake.values("n")).sort((a, b) => Number(a) - Number(b));
    await vi.waitFor(() => expect(all()).toEqual(numbers(0, 2000)), PATIENCE);
    for (const { intake } of replicas) expect(intake.messages.length).toBeGreaterThan(0);
  });

  it("resumes at the last acknowledged entry when Redis was killed", async ({ onTestFinished }) => {
    const { source, add, server, pending } = await bench(onTestFinished);
    const { streams, intake, metrics } = source();
    intake.after = () => sleep(20);
    streams.start();
    await add("one", 0, 500);
    await vi.waitFor(() => expect(intake.messages.length).toBeGreaterThan(0), PATIENCE);
    await add("one", 500, 4000);
    await server.kill();
    await vi.waitFor(() => expect(streams.status().state).toBe("connecting"), PATIENCE);
    expect(streams.status().detail).toMatch(/connection|connect/i);
    await sleep(500);
    await server.restart();
    await add("one", 4500, 500);
    await vi.waitFor(() => expect(new Set(intake.values("n"))).toEqual(new Set(numbers(0, 5000))), PATIENCE);
    await vi.waitFor(async () => expect(await pending("one")).toBe(0), PATIENCE);
    // What came twice came with the same id.
    expect(new Set(intake.ids).size).toBe(5000);
    expect(metrics.counts["redis-streams restarted"]).toBeGreaterThan(0);
  });

  it("starts before Redis does", async ({ onTestFinished }) => {
    const { source, add, server } = await bench(onTestFinished);
    await server.kill();
    const { streams, intake, metrics } = source();
    streams.start();
    await vi.waitFor(() => expect(metrics.counts["redis-streams restarted"]).toBeGreaterThan(1), PATIENCE);
    expect(streams.status().detail).toContain("ECONNREFUSED");
    await server.restart();
    await add("one", 0, 3);
    await vi.waitFor(() => expect(intake.messages).toHaveLength(3), PATIENCE);
  });

  it("makes its group again when a stream is deleted", async ({ onTestFinished }) => {
    const { source, add, client, metrics } = await streamsRunning(onTestFinished);
    await client.del("one");
    await sleep(300);
    await add("one", 100, 5);
    await vi.waitFor(() => expect(source.intake.values("n")).toEqual([...numbers(0, 5), ...numbers(100, 5)]), PATIENCE);
    await client.xgroup("DESTROY", "two", "group");
    await add("two", 200, 5);
    await vi.waitFor(() => expect(source.intake.values("n").slice(-5)).toEqual(numbers(200, 5)), PATIENCE);
    expect(metrics.counts["redis-streams restarted"]).toBeUndefined();
  });

  async function streamsRunning(onTestFinished: TestContext["onTestFinished"]) {
    const { source, add, client, server } = await bench(onTestFinished);
    const running = source();
    running.streams.start();
    await add("one", 0, 5);
    await vi.waitFor(() => expect(running.intake.messages).toHaveLength(5), PATIENCE);
    return { source: running, add, client, server, metrics: running.metrics };
  }

  it("leaves out what is no stream, and reads the others", async ({ onTestFinished }) => {
    const { source, add, client } = await streamsRunning(onTestFinished);
    await client.del("two");
    await client.set("two", "a text");
    await add("one", 5, 5);
    await vi.waitFor(() => expect(source.intake.messages).toHaveLength(10), PATIENCE);
    await vi.waitFor(() => expect(source.streams.status().detail).toBe("1 streams"), PATIENCE);
    await client.del("two");
    await add("two", 10, 1);
    await vi.waitFor(() => expect(source.intake.messages).toHaveLength(11), PATIENCE);
  });

  it("finds streams by how they begin, those that come later too", async ({ onTestFinished }) => {
    const { source, add, client } = await bench(onTestFinished);
    await client.set("fleet:text", "no stream");
    const { streams, intake } = source({ streams: ["fleet:*"] });
    streams.start();
    await vi.waitFor(() => expect(streams.status()).toMatchObject({ state: "waiting" }), PATIENCE);
    await add("fleet:a", 0, 1);
    await add("other", 0, 1);
    await vi.waitFor(() => expect(intake.messages).toHaveLength(1), PATIENCE);
    await add("fleet:b", 1, 1);
    await vi.waitFor(() => expect(intake.values("n")).toEqual(["0", "1"]), PATIENCE);
    await client.del("fleet:a");
    await vi.waitFor(() => expect(streams.status().detail).toBe("1 streams"), PATIENCE);
    // Nobody asked for it to be there.
    expect(await client.exists("fleet:a")).toBe(0);
  });

  it("stops within seconds under load, and the next one brings the rest", async ({ onTestFinished }) => {
    const { source, add } = await bench(onTestFinished);
    await add("one", 0, 30_000);
    const first = source();
    first.intake.after = () => sleep(20);
    first.streams.start();
    await vi.waitFor(() => expect(first.intake.messages.length).toBeGreaterThan(3000), PATIENCE);
    const began = performance.now();
    await first.streams.stop();
    expect(performance.now() - began).toBeLessThan(5000);
    const taken = first.intake.messages.length;
    await sleep(100);
    expect(first.intake.messages).toHaveLength(taken);
    const second = source();
    second.streams.start();
    await vi.waitFor(() => expect(second.intake.messages).toHaveLength(30_000 - taken), PATIENCE);
    expect(new Set([...first.intake.ids, ...second.intake.ids]).size).toBe(30_000);
  });

  it("stops at once when nothing comes", async ({ onTestFinished }) => {
    const { source } = await streamsRunning(onTestFinished);
    await sleep(100);
    const began = performance.now();
    await source.streams.stop();
    expect(performance.now() - began).toBeLessThan(500);
  });

  it("stops within seconds when Redis hangs", async ({ onTestFinished }) => {
    const { source, server } = await streamsRunning(onTestFinished);
    server.suspend();
    const began = performance.now();
    await source.streams.stop();
    expect(performance.now() - began).toBeLessThan(5000);
    server.resume();
  });
});
