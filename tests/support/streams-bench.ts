import { Redis } from "ioredis";
import { pino } from "pino";
import { expect, type TestContext, vi } from "vitest";
import { type RedisStreamsOptions, RedisStreamsSource } from "../../src/events/sources/redis-streams.js";
import { countingMetrics, RecordingIntake, testShape } from "./recording-intake.js";
import { type RedisServer, startRedis } from "./redis.js";

export const PATIENCE = { timeout: 20_000, interval: 20 };

const log = pino({ level: process.env.LOG_LEVEL ?? "silent" });

export interface StreamsBench {
  readonly server: RedisServer;
  readonly client: Redis;
  /** Starts nothing yet; stopped when the test is over. */
  source(options?: Partial<RedisStreamsOptions>): SourcedStreams;
  /** Entries with the fields `type` and `n`. */
  add(stream: string, from: number, count: number): Promise<string[]>;
  pending(stream: string): Promise<number>;
  lag(stream: string): Promise<unknown>;
}

export interface SourcedStreams {
  readonly streams: RedisStreamsSource;
  readonly intake: RecordingIntake;
  readonly metrics: ReturnType<typeof countingMetrics>;
}

export async function streamsBench(onTestFinished: TestContext["onTestFinished"]): Promise<StreamsBench> {
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

export const numbers = (from: number, count: number) => Array.from({ length: count }, (_, n) => String(from + n));

/** A source that has begun to read. */
export async function streamsRunning(onTestFinished: TestContext["onTestFinished"]) {
  const { source, add, client, server } = await streamsBench(onTestFinished);
  const running = source();
  running.streams.start();
  await add("one", 0, 5);
  await vi.waitFor(() => expect(running.intake.messages).toHaveLength(5), PATIENCE);
  return { source: running, add, client, server, metrics: running.metrics };
}
