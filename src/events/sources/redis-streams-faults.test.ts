import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { gate } from "../../../tests/support/recording-intake.js";
import { HAS_REDIS } from "../../../tests/support/redis.js";
import { numbers, PATIENCE, streamsBench, streamsRunning } from "../../../tests/support/streams-bench.js";
import { SpoolRefused } from "../../spool/index.js";

describe.skipIf(!HAS_REDIS).concurrent("Redis Streams, under faults", { timeout: 60_000 }, () => {
  it("brings entries again, with the same ids, when it ended between taking in and acknowledging", async ({
    onTestFinished,
  }) => {
    const { source, add, pending } = await streamsBench(onTestFinished);
    await add("one", 0, 3000);
    const first = source({ consumer: "same" });
    const never = gate();
    first.intake.after = () => never.opened;
    first.streams.start();
    await vi.waitFor(() => expect(first.intake.messages.length).toBeGreaterThan(0), PATIENCE);
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
    const { source, add, pending } = await streamsBench(onTestFinished);
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

  it("takes over from a consumer that is gone, deleted entries among its own", async ({ onTestFinished }) => {
    const { source, add, client, pending } = await streamsBench(onTestFinished);
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

  it("reads few at once when entries are large", async ({ onTestFinished }) => {
    const { source, client, pending } = await streamsBench(onTestFinished);
    const long = "x".repeat(100_000);
    for (let n = 0; n < 600; n++) void client.xadd("one", "*", "type", "a", "n", String(n), "long", long);
    await client.ping();
    const { streams, intake } = source();
    const room = gate();
    intake.before = () => room.opened;
    streams.start();
    await vi.waitFor(async () => expect(await pending("one")).toBeGreaterThan(0), PATIENCE);
    await sleep(500);
    // About 8 MB each: the batch that waits and the one that has been read ahead.
    expect(await pending("one")).toBeLessThanOrEqual(340);
    room.open();
    await vi.waitFor(() => expect(intake.values("n")).toEqual(numbers(0, 600)), PATIENCE);
  });

  it("leaves to others what it could not take in before it stopped", async ({ onTestFinished }) => {
    const { source, add, pending } = await streamsBench(onTestFinished);
    await add("one", 0, 3000);
    const first = source();
    first.intake.before = () => Promise.reject(new SpoolRefused("full", "no space left"));
    first.streams.start();
    await vi.waitFor(() => expect(first.streams.status().state).toBe("waiting"), PATIENCE);
    await first.streams.stop();
    expect(await pending("one")).toBeGreaterThan(0);
    const second = source({ claimAfterMs: 500 });
    second.streams.start();
    await vi.waitFor(() => expect(second.intake.messages).toHaveLength(3000), PATIENCE);
  });

  it("leaves alone what another consumer is busy with", async ({ onTestFinished }) => {
    const { source, add } = await streamsBench(onTestFinished);
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

  it("resumes at the last acknowledged entry when Redis was killed", async ({ onTestFinished }) => {
    const { source, add, server, pending } = await streamsBench(onTestFinished);
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
    const { source, add, server } = await streamsBench(onTestFinished);
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

  it("stops within seconds under load, and the next one brings the rest", async ({ onTestFinished }) => {
    const { source, add } = await streamsBench(onTestFinished);
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
