import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { HAS_KAFKA, type KafkaCluster, startRelay } from "../../../tests/support/kafka.js";
import { FOUR, kafkaBench, ONE, PATIENCE, places } from "../../../tests/support/kafka-bench.js";
import { gate } from "../../../tests/support/recording-intake.js";
import { SpoolRefused } from "../../spool/index.js";

// They mostly wait for the cluster's rebalances: together they take no longer than the longest few.
describe.skipIf(!HAS_KAFKA).concurrent("Kafka, under faults", { timeout: 90_000 }, () => {
  it("brings messages again, with the same ids, when it ended between taking in and committing", async ({
    onTestFinished,
  }) => {
    const { source, send, committed } = await kafkaBench(onTestFinished);
    await send(ONE, 0, 0, 30);
    const first = source();
    const never = gate();
    first.intake.after = () => never.opened;
    first.kafka.start();
    await vi.waitFor(() => expect(first.intake.messages).toHaveLength(30), PATIENCE);
    await first.kafka.stop();
    expect(await committed(ONE)).toEqual({ 0: "-1" });
    const second = source();
    second.kafka.start();
    await vi.waitFor(() => expect(second.intake.ids).toEqual(first.intake.ids), PATIENCE);
    never.open();
  });

  it("waits while the intake has no room, commits nothing and loses nothing", async ({ onTestFinished }) => {
    const { source, send, committed } = await kafkaBench(onTestFinished);
    await send(ONE, 0, 0, 40);
    const { kafka, intake } = source();
    let hasRoom = false;
    intake.before = async () => {
      if (!hasRoom) throw new SpoolRefused("full", "no space left");
    };
    kafka.start();
    await vi.waitFor(
      () => expect(kafka.status()).toEqual({ state: "waiting", lag: 40, detail: "no space left" }),
      PATIENCE,
    );
    await send(ONE, 0, 40, 10);
    // Longer than the session: it stays a member only if it lets itself be heard.
    await sleep(5000);
    expect(kafka.status()).toMatchObject({ state: "waiting", lag: 50 });
    expect(await committed(ONE)).toEqual({ 0: "-1" });
    hasRoom = true;
    await vi.waitFor(() => expect(intake.messages).toHaveLength(50), PATIENCE);
    expect(intake.ids).toEqual(places(ONE, 0, 50));
    await vi.waitFor(async () => expect(await committed(ONE)).toEqual({ 0: "50" }), PATIENCE);
  });

  it("listens to new topics also while the intake has no room", async ({ onTestFinished }) => {
    const { producer, source, send } = await kafkaBench(onTestFinished);
    const { kafka, intake } = source({ topics: ["events.later", ONE] });
    let hasRoom = false;
    intake.before = async () => {
      if (!hasRoom) throw new SpoolRefused("full", "no space left");
    };
    await send(ONE, 0, 0, 3);
    kafka.start();
    await vi.waitFor(() => expect(kafka.status().state).toBe("waiting"), PATIENCE);
    await producer.send({ topic: "events.later", messages: [{ partition: 0, value: '{"type":"a"}' }] });
    await vi.waitFor(() => expect([...kafka.lags()]).toContainEqual(["events.later", 1]), PATIENCE);
    hasRoom = true;
    await vi.waitFor(() => expect(intake.messages).toHaveLength(4), PATIENCE);
  });

  it("shares the partitions with another member, and takes over when that leaves", async ({ onTestFinished }) => {
    const { source, send } = await kafkaBench(onTestFinished);
    const first = source();
    const second = source();
    const sent = new Set<string>();
    let sending = true;
    first.kafka.start();
    const sender = (async () => {
      for (let n = 0; sending; n += 10) {
        for (let partition = 0; partition < 4; partition++) {
          await send(FOUR, partition, n, 10);
          for (const place of places(FOUR, partition, 10, n)) sent.add(place);
        }
        await sleep(20);
      }
    })();
    await vi.waitFor(() => expect(first.intake.messages.length).toBeGreaterThan(100), PATIENCE);
    second.kafka.start();
    await vi.waitFor(() => expect(second.intake.messages.length).toBeGreaterThan(100), {
      ...PATIENCE,
      timeout: 30_000,
    });
    await second.kafka.stop();
    const before = sent.size;
    await vi.waitFor(() => expect(sent.size).toBeGreaterThan(before + 100), PATIENCE);
    sending = false;
    await sender;
    const taken = () => new Set([...first.intake.ids, ...second.intake.ids]);
    await vi.waitFor(() => expect(taken()).toEqual(sent), { ...PATIENCE, timeout: 30_000 });
  });

  it("comes when the brokers come, and comes back when they do", async ({ onTestFinished }) => {
    const { cluster, source, send } = await kafkaBench(onTestFinished);
    const relay = await startRelay();
    const { kafka, intake, metrics } = source({ servers: relay.address, topics: [ONE] });
    kafka.start();
    await vi.waitFor(() => expect(metrics.counts["kafka restarted"]).toBeGreaterThan(0), PATIENCE);
    expect(kafka.status()).toMatchObject({ state: "connecting", detail: expect.stringContaining("ECONNREFUSED") });
    await send(ONE, 0, 0, 5);
    await relay.point(cluster.brokers);
    await vi.waitFor(() => expect(intake.messages).toHaveLength(5), PATIENCE);

    await relay.point(null);
    await cluster.stop();
    await vi.waitFor(() => expect(kafka.status().state).toBe("connecting"), { ...PATIENCE, timeout: 30_000 });
    const again = await kafkaBench(onTestFinished);
    await relay.point(again.cluster.brokers);
    await again.send(ONE, 0, 0, 7);
    await vi.waitFor(() => expect(intake.messages).toHaveLength(12), { ...PATIENCE, timeout: 30_000 });
    await kafka.stop();
    await relay.stop();
  });

  it("survives brokers that hang for a while", async ({ onTestFinished }) => {
    const { cluster, source, send } = await kafkaBench(onTestFinished);
    const { kafka, intake } = source({ topics: [ONE], requestTimeoutMs: 1500 });
    kafka.start();
    await send(ONE, 0, 0, 5);
    await vi.waitFor(() => expect(intake.messages).toHaveLength(5), PATIENCE);
    cluster.suspend();
    await sleep(4000);
    cluster.resume();
    await send(ONE, 0, 5, 5);
    await vi.waitFor(() => expect(new Set(intake.ids)).toEqual(new Set(places(ONE, 0, 10))), { timeout: 40_000 });
  });

  it("stops within seconds under load, and the next one brings the rest", async ({ onTestFinished }) => {
    const { source, send } = await kafkaBench(onTestFinished);
    for (let batch = 0; batch < 20; batch++) await send(FOUR, batch % 4, Math.floor(batch / 4) * 1000, 1000);
    const first = source({ atOnce: 100 });
    first.intake.after = () => sleep(5);
    first.kafka.start();
    await vi.waitFor(() => expect(first.intake.messages.length).toBeGreaterThan(1000), PATIENCE);
    const began = performance.now();
    await first.kafka.stop();
    expect(performance.now() - began).toBeLessThan(5000);
    const taken = first.intake.messages.length;
    await sleep(200);
    expect(first.intake.messages).toHaveLength(taken);
    const second = source();
    second.kafka.start();
    await vi.waitFor(() => expect(second.intake.messages.length).toBeGreaterThanOrEqual(20_000 - taken), PATIENCE);
    // It had ended in peace: what it took in is committed, and nothing comes twice.
    expect(second.intake.messages).toHaveLength(20_000 - taken);
    expect(new Set([...first.intake.ids, ...second.intake.ids]).size).toBe(20_000);
  });

  it("asks for no more than fits in memory while nothing is taken in", async ({ onTestFinished }) => {
    const { producer, source } = await kafkaBench(onTestFinished);
    const long = "x".repeat(1000);
    for (let batch = 0; batch < 16; batch++) {
      const messages = Array.from({ length: 1000 }, (_, n) => ({
        partition: batch % 4,
        value: JSON.stringify({ type: "a", n, long }),
      }));
      await producer.send({ topic: FOUR, messages });
    }
    const { kafka, intake } = source({ atOnce: 100 });
    let handed = new Set<string>();
    const room = gate();
    intake.before = async (messages) => {
      handed = new Set([...handed, ...messages.map(({ origin }) => origin)]);
      await room.opened;
    };
    kafka.start();
    await vi.waitFor(() => expect(handed.size).toBeGreaterThan(0), PATIENCE);
    await sleep(2000);
    expect(handed.size).toBeLessThanOrEqual(4 * 100);
    room.open();
    await vi.waitFor(() => expect(new Set(intake.ids).size).toBe(16_000), PATIENCE);
  });

  it.for([
    ["cannot be reached", (cluster: KafkaCluster) => cluster.stop()],
    ["hang", async (cluster: KafkaCluster) => cluster.suspend()],
  ] as const)("stops within seconds when the brokers %s", async ([, breakThem], { onTestFinished }) => {
    const { cluster, source } = await kafkaBench(onTestFinished);
    const { kafka } = source();
    kafka.start();
    await vi.waitFor(() => expect(kafka.status().state).toBe("running"), PATIENCE);
    await breakThem(cluster);
    const began = performance.now();
    await kafka.stop();
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
