import { describe, expect, it, vi } from "vitest";
import { HAS_REDIS } from "../../../tests/support/redis.js";
import { numbers, PATIENCE, streamsBench } from "../../../tests/support/streams-bench.js";

describe.skipIf(!HAS_REDIS).concurrent("Redis Streams", { timeout: 60_000 }, () => {
  it("brings every entry once, in the order of its stream, and acknowledges", async ({ onTestFinished }) => {
    const { source, add, pending, lag } = await streamsBench(onTestFinished);
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
    const { source, add } = await streamsBench(onTestFinished);
    await Promise.all([add("one", 0, 20), add("two", 0, 20)]);
    const { streams, intake } = source();
    streams.start();
    await vi.waitFor(() => expect(intake.messages).toHaveLength(40), PATIENCE);
    expect(intake.batches).toHaveLength(1);
  });

  it("goes on where it stopped, and leaves no consumer behind", async ({ onTestFinished }) => {
    const { source, add, client } = await streamsBench(onTestFinished);
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

  it("hands over what cannot be read, and goes on", async ({ onTestFinished }) => {
    const { source, client, pending } = await streamsBench(onTestFinished);
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

  it("shares the entries with another replica", async ({ onTestFinished }) => {
    const { source, add } = await streamsBench(onTestFinished);
    const replicas = [source(), source()];
    for (const { streams } of replicas) streams.start();
    for (let n = 0; n < 2000; n += 20) await add("one", n, 20);
    const all = () => replicas.flatMap(({ intake }) => intake.values("n")).sort((a, b) => Number(a) - Number(b));
    await vi.waitFor(() => expect(all()).toEqual(numbers(0, 2000)), PATIENCE);
    for (const { intake } of replicas) expect(intake.messages.length).toBeGreaterThan(0);
  });

  it("finds streams by how they begin, those that come later too", async ({ onTestFinished }) => {
    const { source, add, client } = await streamsBench(onTestFinished);
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
});
