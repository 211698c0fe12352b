import { describe, expect, it, vi } from "vitest";
import { HAS_KAFKA } from "../../../tests/support/kafka.js";
import { DEAD, FOUR, kafkaBench, ONE, PATIENCE, places } from "../../../tests/support/kafka-bench.js";

// They mostly wait for the cluster's rebalances: together they take no longer than the longest few.
describe.skipIf(!HAS_KAFKA).concurrent("Kafka", { timeout: 90_000 }, () => {
  it("brings every message once, in the order of its partition, and commits", async ({ onTestFinished }) => {
    const { source, send, committed } = await kafkaBench(onTestFinished);
    for (let partition = 0; partition < 4; partition++) await send(FOUR, partition, 0, 700);
    const { kafka, intake, metrics } = source({ atOnce: 300 });
    kafka.start();
    await vi.waitFor(() => expect(intake.messages).toHaveLength(2800), PATIENCE);
    await send(FOUR, 2, 700, 5);
    await vi.waitFor(() => expect(intake.messages).toHaveLength(2805), PATIENCE);
    for (let partition = 0; partition < 4; partition++) {
      const ids = intake.ids.filter((id) => id?.startsWith(`${FOUR}/${partition}/`));
      expect(ids).toEqual(places(FOUR, partition, partition === 2 ? 705 : 700));
    }
    expect(Math.max(...intake.batches.map((batch) => batch.length))).toBe(300);
    const message = intake.messages.find(({ fallbackId }) => fallbackId === `${FOUR}/2/704`);
    expect(message).toEqual({
      value: { type: "a", n: 704 },
      text: '{"type":"a","n":704}',
      fallbackId: `${FOUR}/2/704`,
      origin: `kafka:${FOUR}/2/704`,
      hints: { topic: FOUR, key: "key-704", kafkaTimestamp: expect.stringMatching(/^\d{13}$/) },
    });
    await vi.waitFor(
      async () => expect(await committed(FOUR)).toEqual({ 0: "700", 1: "700", 2: "705", 3: "700" }),
      PATIENCE,
    );
    expect(metrics.counts).toEqual({ "kafka taken": 2805 });
    await vi.waitFor(() =>
      expect(kafka.status()).toEqual({ state: "running", lag: 0, detail: "5 partitions of 2 topics" }),
    );
  });

  it("goes on where it stopped", async ({ onTestFinished }) => {
    const { source, send } = await kafkaBench(onTestFinished);
    await send(ONE, 0, 0, 50);
    const first = source();
    first.kafka.start();
    await vi.waitFor(() => expect(first.intake.messages).toHaveLength(50), PATIENCE);
    await first.kafka.stop();
    expect(first.kafka.status().state).toBe("stopped");
    await send(ONE, 0, 50, 20);
    const second = source();
    second.kafka.start();
    await vi.waitFor(() => expect(second.intake.messages).toHaveLength(20), PATIENCE);
    expect(second.intake.ids).toEqual(places(ONE, 0, 20, 50));
  });

  it("hands over what cannot be read, publishes why, and goes on", async ({ onTestFinished }) => {
    const { producer, source, committed, readAll } = await kafkaBench(onTestFinished);
    const bytes = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
    const messages = [
      { key: "good", value: '{"type":"a","text":"\u{1F600} \uFFFD"}' },
      { key: "no json", value: '{"type":' },
      { key: "no utf-8", value: bytes },
      { key: null, value: null },
      { key: "no type", value: '{"n":1}' },
      { key: "also good", value: '{"type":"a"}' },
    ];
    await producer.send({ topic: ONE, messages });
    const { kafka, intake } = source();
    kafka.start();
    await vi.waitFor(() => expect(intake.messages).toHaveLength(6), PATIENCE);
    expect(intake.messages.map(({ value, text }) => [value, text])).toEqual([
      [{ type: "a", text: "\u{1F600} \uFFFD" }, messages[0]?.value],
      [undefined, '{"type":'],
      [undefined, undefined],
      [{}, "{}"],
      [{ n: 1 }, '{"n":1}'],
      [{ type: "a" }, '{"type":"a"}'],
    ]);
    expect(Buffer.from(intake.messages[2]?.bytes ?? [])).toEqual(bytes);
    await vi.waitFor(async () => expect(await committed(ONE)).toEqual({ 0: "6" }), PATIENCE);

    const letters = await readAll(DEAD, 4);
    expect(letters.map(({ key }) => key?.toString() ?? null)).toEqual(["no json", "no utf-8", null, "no type"]);
    const [noJson, noText, empty, noType] = letters.map(({ value }) => JSON.parse(value?.toString() ?? ""));
    expect(noJson).toEqual({
      original_topic: ONE,
      partition: 0,
      offset: 1,
      kafka_timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      event_type: null,
      error_type: "json_decode",
      error: "type: no JSON",
      errors: [{ path: ["type"], message: "no JSON", type: "missing" }],
      payload: null,
      raw: '{"type":',
      attempts: 1,
      failed_at: "2026-01-01T00:00:00.000Z",
    });
    expect(noText).toMatchObject({ offset: 2, payload: null, raw: bytes.toString() });
    expect(empty).toMatchObject({ offset: 3, error_type: "missing_event_type", payload: {}, raw: null });
    expect(noType).toMatchObject({ offset: 4, payload: { n: 1 }, raw: null });
  });

  it("publishes more dead letters than one request may hold", async ({ onTestFinished }) => {
    const { producer, source, readAll } = await kafkaBench(onTestFinished);
    const long = "x".repeat(3000);
    const messages = Array.from({ length: 600 }, (_, n) => ({ key: String(n), value: JSON.stringify({ n, long }) }));
    await producer.send({ topic: ONE, messages });
    const { kafka, metrics } = source();
    kafka.start();
    const letters = await readAll(DEAD, 600);
    expect(letters.map(({ key }) => key?.toString())).toEqual(messages.map(({ key }) => key));
    expect(metrics.counts).toEqual({ "kafka taken": 600 });
  });

  it("listens to the topics that there are, and to others once they come", async ({ onTestFinished }) => {
    const { producer, admin, source, send } = await kafkaBench(onTestFinished);
    const { kafka, intake } = source({ topics: ["events.later", ONE] });
    kafka.start();
    await send(ONE, 0, 0, 3);
    await vi.waitFor(() => expect(intake.messages).toHaveLength(3), PATIENCE);
    expect(await admin.listTopics()).not.toContain("events.later");
    await producer.send({ topic: "events.later", messages: [{ partition: 0, value: '{"type":"a"}' }] });
    await vi.waitFor(() => expect(intake.messages).toHaveLength(4), PATIENCE);
    expect(intake.ids.at(-1)).toBe("events.later/0/0");
  });

  it("waits for a first topic", async ({ onTestFinished }) => {
    const { producer, source } = await kafkaBench(onTestFinished);
    const { kafka, intake } = source({ topics: ["events.none"] });
    kafka.start();
    await vi.waitFor(() => expect(kafka.status()).toMatchObject({ state: "waiting", lag: null }), PATIENCE);
    expect(kafka.status().detail).toContain("events.none");
    await producer.send({ topic: "events.none", messages: [{ partition: 0, value: '{"type":"a"}' }] });
    await vi.waitFor(() => expect(intake.messages).toHaveLength(1), PATIENCE);
  });

  it("does not read what it publishes itself", async ({ onTestFinished }) => {
    const { producer, source, send } = await kafkaBench(onTestFinished);
    const { kafka, intake } = source({ topics: [ONE, DEAD] });
    await producer.send({ topic: DEAD, messages: [{ value: "1" }] });
    await send(ONE, 0, 0, 1);
    kafka.start();
    await vi.waitFor(() => expect(intake.ids).toEqual([`${ONE}/0/0`]), PATIENCE);
    expect(kafka.status().detail).toBe("1 partitions of 1 topics");
  });
});
