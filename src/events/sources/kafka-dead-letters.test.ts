import type { Batch, Kafka, ProducerRecord } from "kafkajs";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { countingMetrics } from "../../../tests/support/recording-intake.js";
import type { DeadLetter } from "../event.js";
import { DeadLetterTopic } from "./kafka-dead-letters.js";

const COUNT = 6;
const batch = {
  topic: "t",
  partition: 3,
  messages: Array.from({ length: COUNT }, (_, n) => ({
    key: Buffer.from(`key-${n}`),
    value: Buffer.from(JSON.stringify({ n, long: "x".repeat(n === 5 ? 2_000_000 : 150_000) })),
    timestamp: n === 0 ? "-1" : "1700000000000",
    offset: String(n),
  })),
} as unknown as Batch;

const letters = batch.messages.map(
  ({ offset }): DeadLetter => ({
    id: offset,
    tenant: "t",
    kind: "validation",
    error: "n: too large",
    faults: [],
    eventType: "a",
    origin: `kafka:t/3/${offset}`,
    shape: "test",
    eventId: `t/3/${offset}`,
    raw: "",
    attempts: 1,
    failedAt: 0,
  }),
);

function topic(send: (record: ProducerRecord) => Promise<unknown>) {
  const sent: ProducerRecord[] = [];
  const producer = {
    connect: async () => undefined,
    disconnect: async () => undefined,
    send: async (record: ProducerRecord) => {
      sent.push(record);
      return send(record);
    },
  };
  const metrics = countingMetrics();
  const kafka = { producer: () => producer } as unknown as Kafka;
  const log = pino({ level: "silent" });
  return { sent, metrics, dead: new DeadLetterTopic(kafka, { name: "kafka", topic: "dead", metrics, log }) };
}

describe("the topic of dead letters", () => {
  it("is sent as much at once as a broker takes", async () => {
    const { sent, metrics, dead } = topic(async () => []);
    await dead.publish(batch, letters);
    const messages = sent.flatMap((record) => record.messages);
    expect(messages.map(({ key }) => String(key))).toEqual(Array.from({ length: COUNT }, (_, n) => `key-${n}`));
    for (const record of sent) {
      expect(record.topic).toBe("dead");
      expect(record.messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)).toBeLessThan(1_000_000);
    }
    const [first, , , , , last] = messages.map(({ value }) => JSON.parse(String(value)));
    expect(first).toMatchObject({
      offset: 0,
      kafka_timestamp: null,
      payload: { n: 0 },
      failed_at: "1970-01-01T00:00:00.000Z",
    });
    expect(last).toMatchObject({
      offset: 5,
      payload: null,
      raw: expect.stringMatching(/^\{"n":5.*\(2000017 characters in all\)$/),
    });
    expect(metrics.counts).toEqual({});
  });

  it("that fails is left alone for a while; what is not published is counted", async () => {
    const { sent, metrics, dead } = topic(() => Promise.reject(new Error("no such topic")));
    await dead.publish(batch, letters);
    expect(sent).toHaveLength(1);
    expect(metrics.counts).toEqual({ "kafka unpublished": COUNT });
    await dead.publish(batch, letters.slice(0, 1));
    expect(sent).toHaveLength(1);
    expect(metrics.counts).toEqual({ "kafka unpublished": COUNT + 1 });
  });
});
