import { type Admin, Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { pino } from "pino";
import { expect, type TestContext, vi } from "vitest";
import { KafkaSource, type KafkaSourceOptions } from "../../src/events/sources/kafka.js";
import { type KafkaCluster, startKafka } from "./kafka.js";
import { countingMetrics, RecordingIntake, testShape } from "./recording-intake.js";

export const PATIENCE = { timeout: 20_000, interval: 20 };
/** Topics, by how many partitions they have. */
export const ONE = "events.one";
export const FOUR = "events.four";
/** Of dead letters. */
export const DEAD = "events.dead";

const log = pino({ level: process.env.LOG_LEVEL ?? "silent" });

export interface KafkaBench {
  readonly cluster: KafkaCluster;
  readonly producer: Producer;
  readonly admin: Admin;
  /** Starts nothing yet; stopped when the test is over. */
  source(options?: Partial<KafkaSourceOptions>): SourcedKafka;
  /** `count` messages, numbered, to one partition. */
  send(topic: string, partition: number, from: number, count: number): Promise<void>;
  committed(topic: string): Promise<Record<number, string>>;
  readAll(topic: string, count: number): Promise<{ key: Buffer | null; value: Buffer | null }[]>;
}

export interface SourcedKafka {
  readonly kafka: KafkaSource;
  readonly intake: RecordingIntake;
  readonly metrics: ReturnType<typeof countingMetrics>;
}

/** A cluster of its own for each test. */
export async function kafkaBench(onTestFinished: TestContext["onTestFinished"]): Promise<KafkaBench> {
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

export const places = (topic: string, partition: number, count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => `${topic}/${partition}/${from + n}`);
