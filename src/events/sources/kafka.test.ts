import { setTimeout as sleep } from "node:timers/promises";
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { pino } from "pino";
import { describe, expect, it, type TestContext, vi } from "vitest";
import { HAS_KAFKA, type KafkaCluster, startKafka, startRelay } from "../../../tests/support/kafka.js";
import { countingMetrics, gate, RecordingIntake, testShape } from "../../../tests/support/recording-intake.js";
import { SpoolRefused } from "../spool/index.js";
import { KafkaSource, type KafkaSourceOptions } from "./kafka.js";

const log = pino({ level: process.env.LOG_LEVEL ?? "silent" });
const PATIENCE = { timeout: 20_000, interval: 20 };
const ONE = "events.one";
const FOUR = "events.four";
const DEAD = "events.dead";

interface Bench {
  readonly cluster: KafkaCluster;
  readonly producer: Producer;
  readonly admin: Admin;
  /** Starts nothing yet; stopped when the test is over. */
  source(options?: Partial<KafkaSourceOptions>): Sourced;
  /** `count` messages, numbered, to one partition. */
  send(topic: string, partition: number, from: number, count: number): Promise<void>;
  committed(topic: string): Promise<Record<number, string>>;
  readAll(topic: string, count: number): Promise<{ key: Buffer | null; value: Buffer | null }[]>;
}

interface Sourced {
  readonly kafka: KafkaSource;
  readonly intake: RecordingIntake;
  readonly metrics: ReturnType<typeof countingMetrics>;
}

/** A cluster of its own for each test. */
async function bench(onTestFinished: TestContext["onTestFinished"]): Promise<Bench> {
  const cluster = await startKafka({ [ONE]: 1, [FOUR]: 4, [DEAD]: 1 });
  const started: KafkaSource[] = [];
  const client = new Kafka({ brokers: [cluster.brokers], logLevel: logLevel.NOTHING });
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  const admin = client.admin();
  await Promise.all([producer.connect(), admin.connect()]);
  onTestFinished(async () => {
    await Promise.all(started.map((source) => source.stop()));
    await cluster.stop();
    await Promise.allSettled([producer.disconnect(), admin.disconnect()]);
  });

  return {
    cluster,
    producer,
    admin,
    source(options = {}) {
      const intake = new RecordingIntake();
      const metrics = countingMetrics();
      const kafka = new KafkaSource({
        servers: cluster.brokers,
        topics: [ONE, FOUR],
        group: "group",
        deadLetterTopic: DEAD,
        tenant: "t",
        shape: testShape,
        intake,
        metrics,
        log,
        checkMs: 300,
        firstDelayMs: 100,
        // The cluster lets a rebalance take a second less than the session.
        sessionTimeoutMs: 3000,
        ...options,
      });
      started.push(kafka);
      return { kafka, intake, metrics };
    },
    async send(topic, partition, from, count) {
      const messages = Array.from({ length: count }, (_, n) => ({
        partition,
        key: `key-${from + n}`,
        value: JSON.stringify({ type: "a", n: from + n }),
      }));
      await producer.send({ topic, messages });
    },
    async committed(topic) {
      const [offsets] = await admin.fetchOffsets({ groupId: "group", topics: [topic] });
      return Object.fromEntries((offsets?.partitions ?? []).map(({ partition, offset }) => [partition, offset]));
    },
    async readAll(topic, count) {
      const consumer = client.consumer({ groupId: `reader-${topic}`, maxWaitTimeInMs: 100 });
      const seen: { key: Buffer | null; value: Buffer | null }[] = [];
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({ eachMessage: async ({ message }) => void seen.push(message) });
      await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(count), PATIENCE);
      await consumer.disconnect();
      return seen;
    },
  };
}

const places = (topic: string, partition: number, count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => `${topic}/${partition}/${from + n}`);

// They mostly wait for the cluster's rebalances: together they take no longer than the longest few.
describe.skipIf(!HAS_KAFKA).concurrent("Kafka", { timeout: 90_000 }, () => {
  it("brings every message once, in the order of its partition, and commits", async ({ onTestFinished }) => {
    const { source, send, committed } = await bench(onTestFinished);
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
    const { source, send } = await bench(onTestFinished);
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

  it("brings messages again, with the same ids, when it ended between taking in and committing", async ({
    onTestFinished,
  }) => {
    const { source, send, committed } = await bench(onTestFinished);
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
    const { source, send, committed } = await bench(onTestFinished);
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

  it("hands over what cannot be read, publishes why, and goes on", async ({ onTestFinished }) => {
    const { producer, source, committed, readAll } = await bench(onTestFinished);
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
    const { producer, source, readAll } = await bench(onTestFinished);
    const long = "x".repeat(3000);
    const messages = Array.from({ length: 600 }, (_, n) => ({ key: String(n), value: JSON.stringify({ n, long }) }));
    await producer.send({ topic: ONE, messages });
    const { kafka, metrics } = source();
    kafka.start();
    const letters = await readAll(DEAD, 600);
    expect(letters.map(({ key }) => key?.toString())).toEqual(messages.map(({ key }) => key));
    expect(metrics.counts).toEqual({ "kafka taken": 600 });
  });

  it("shares the partitions with another member, and takes over when that leaves", async ({ onTestFinished }) => {
    const { source, send } = await bench(onTestFinished);
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

  it("listens to the topics that there are, and to others once they come", async ({ onTestFinished }) => {
    const { producer, admin, source, send } = await bench(onTestFinished);
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
    const { producer, source } = await bench(onTestFinished);
    const { kafka, intake } = source({ topics: ["events.none"] });
    kafka.start();
    await vi.waitFor(() => expect(kafka.status()).toMatchObject({ state: "waiting", lag: null }), PATIENCE);
    expect(kafka.status().detail).toContain("events.none");
    await producer.send({ topic: "events.none", messages: [{ partition: 0, value: '{"type":"a"}' }] });
    await vi.waitFor(() => expect(intake.messages).toHaveLength(1), PATIENCE);
  });

  it("does not read what it publishes itself", async ({ onTestFinished }) => {
    const { producer, source, send } = await bench(onTestFinished);
    const { kafka, intake } = source({ topics: [ONE, DEAD] });
    await producer.send({ topic: DEAD, messages: [{ value: "1" }] });
    await send(ONE, 0, 0, 1);
    kafka.start();
    await vi.waitFor(() => expect(intake.ids).toEqual([`${ONE}/0/0`]), PATIENCE);
    expect(kafka.status().detail).toBe("1 partitions of 1 topics");
  });

  it("comes when the brokers come, and comes back when they do", async ({ onTestFinished }) => {
    const { cluster, source, send } = await bench(onTestFinished);
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
    const again = await bench(onTestFinished);
    await relay.point(again.cluster.brokers);
    await again.send(ONE, 0, 0, 7);
    await vi.waitFor(() => expect(intake.messages).toHaveLength(12), { ...PATIENCE, timeout: 30_000 });
    await kafka.stop();
    await relay.stop();
  });

  it("survives brokers that hang for a while", async ({ onTestFinished }) => {
    const { cluster, source, send } = await bench(onTestFinished);
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
    const { source, send } = await bench(onTestFinished);
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

  it.for([
    ["cannot be reached", (cluster: KafkaCluster) => cluster.stop()],
    ["hang", async (cluster: KafkaCluster) => cluster.suspend()],
  ] as const)("stops within seconds when the brokers %s", async ([, breakThem], { onTestFinished }) => {
    const { cluster, source } = await bench(onTestFinished);
    const { kafka } = source();
    kafka.start();
    await vi.waitFor(() => expect(kafka.status().state).toBe("running"), PATIENCE);
    await breakThem(cluster);
    const began = performance.now();
    await kafka.stop();
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it("asks for no more than fits in memory while nothing is taken in", async ({ onTestFinished }) => {
    const { producer, source } = await bench(onTestFinished);
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
});
