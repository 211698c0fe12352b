import type { Admin, Consumer, ConsumerConfig, EachBatchPayload, Kafka, KafkaConfig, KafkaMessage } from "kafkajs";
import { SECOND } from "../../base/clock.js";
import { Delivery } from "./delivery.js";
import { createClient, type KafkaServers, kafkaConfig } from "./kafka-connection.js";
import { DeadLetterTopic } from "./kafka-dead-letters.js";
import { KafkaLags } from "./kafka-lags.js";
import { rawMessages } from "./kafka-messages.js";
import { type EventSource, type SourceOptions, type SourceStatus, type Stage, statusOf } from "./source.js";
import { pause, Supervisor } from "./supervise.js";

export interface KafkaSourceOptions extends SourceOptions, KafkaServers {
  /** Those that do not exist yet are listened to once they do. */
  readonly topics: readonly string[];
  readonly group: string;
  /** Where producers hear of messages that could not be taken in; null: nowhere. */
  readonly deadLetterTopic: string | null;
  /** How often new topics are looked for and lags are measured. */
  readonly checkMs?: number | undefined;
  /** Messages handed over at once. */
  readonly atOnce?: number | undefined;
  readonly sessionTimeoutMs?: number | undefined;
  /** See `SupervisorOptions`. */
  readonly firstDelayMs?: number | undefined;
}

const CHECK_MS = 30 * SECOND;
const SESSION_TIMEOUT_MS = 30 * SECOND;
/** What one is busy with, other requests wait for: about 10 ms. */
const AT_ONCE = 2000;
/** Partitions whose messages wait for the disk together: they share its syncs. */
const PARTITIONS_AT_ONCE = 16;

/** Bounds what is in memory: one answer of each broker. */
const CONSUMER: Omit<ConsumerConfig, "groupId"> = {
  maxBytesPerPartition: 1024 * 1024,
  // Smaller answers wait for the disk more often; twice as large ones keep the collector of memory busy (measured).
  maxBytes: 8 * 1024 * 1024,
  // Also how long a consumer without messages takes to stop.
  maxWaitTimeInMs: 500,
  allowAutoTopicCreation: false,
};

/**
 * Topics of a Kafka cluster, read as a member of a consumer group. An offset is committed once everything before it is
 * on disk, so a message may come twice, with the same fallback id, but is never lost.
 */
export class KafkaSource implements EventSource {
  readonly name = "kafka";
  readonly #config: KafkaConfig;
  readonly #topics: readonly string[];
  readonly #delivery: Delivery;
  readonly #supervisor: Supervisor;
  readonly #lags = new KafkaLags();
  #stage: Stage = CONNECTING;

  /** @throws Error when the servers cannot be read */
  constructor(readonly options: KafkaSourceOptions) {
    const { name } = this;
    const { metrics, log, firstDelayMs, deadLetterTopic } = options;
    this.#config = kafkaConfig(options);
    // Reading back what was published as unreadable would go round for ever.
    this.#topics = [...new Set(options.topics)].filter((topic) => topic !== deadLetterTopic);
    this.#delivery = new Delivery({ ...options, name });
    const session = (signal: AbortSignal) => this.#session(signal);
    this.#supervisor = new Supervisor({ name, session, metrics, log, firstDelayMs });
  }

  start(): void {
    this.#supervisor.start();
  }

  stop(): Promise<void> {
    return this.#supervisor.stop();
  }

  status(): SourceStatus {
    return statusOf(this.#supervisor, this.#delivery, this.#stage, this.#lags.total);
  }

  /** Messages not yet taken in, by topic, of the partitions that are read here. */
  lags(): Iterable<readonly [topic: string, messages: number]> {
    return this.#lags.byTopic();
  }

  async #session(signal: AbortSignal): Promise<void> {
    const { log, metrics, deadLetterTopic, checkMs = CHECK_MS } = this.options;
    // A new client each time: the old one's notions of brokers and offsets go with it.
    const kafka = createClient(this.#config, log);
    const admin = kafka.admin();
    const letters = deadLetterTopic
      ? new DeadLetterTopic(kafka, { name: this.name, topic: deadLetterTopic, metrics, log })
      : null;
    let consumer: Consumer | null = null;
    const over = new AbortController();
    const ends = AbortSignal.any([signal, over.signal]);
    try {
      await admin.connect();
      const topics = await this.#present(admin);
      if (topics.length > 0 && !signal.aborted) {
        consumer = this.#consumer(kafka);
        await this.#consume(consumer, admin, letters, topics, ends);
      } else {
        this.#stage = { state: "waiting", detail: `none of the topics exists yet: ${this.#topics.join(", ")}` };
        await pause(checkMs, signal);
      }
    } finally {
      this.#stage = CONNECTING;
      // Ends the waiting for the intake, without which the consumer does not disconnect.
      over.abort();
      await consumer?.disconnect().catch(() => undefined);
      await Promise.allSettled([admin.disconnect(), letters?.close()]);
    }
  }

  #consumer(kafka: Kafka): Consumer {
    const { group, sessionTimeoutMs = SESSION_TIMEOUT_MS } = this.options;
    return kafka.consumer({
      ...CONSUMER,
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: sessionTimeoutMs / 10,
      retry: { restartOnFailure: async () => false },
    });
  }

  async #present(admin: Admin): Promise<string[]> {
    const existing = new Set(await admin.listTopics());
    return this.#topics.filter((topic) => existing.has(topic));
  }

  /** Resolves when there are more topics to read or the signal is aborted. */
  async #consume(
    consumer: Consumer,
    admin: Admin,
    letters: DeadLetterTopic | null,
    topics: string[],
    signal: AbortSignal,
  ): Promise<void> {
    const crash = new Promise<never>((_, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    });
    crash.catch(() => undefined);
    consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) => {
      this.#lags.assign(memberAssignment);
      const partitions = Object.values(memberAssignment).reduce((sum, list) => sum + list.length, 0);
      this.#stage = { state: "running", detail: `${partitions} partitions of ${topics.length} topics` };
    });
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: (payload) => this.#takeIn(payload, letters, signal),
    });
    await Promise.race([crash, this.#watch(admin, topics, signal)]);
  }

  async #watch(admin: Admin, topics: readonly string[], signal: AbortSignal): Promise<void> {
    const { group, log, checkMs = CHECK_MS } = this.options;
    for (let wait = Math.min(checkMs, SECOND); !signal.aborted; wait = checkMs) {
      await pause(wait, signal);
      if (signal.aborted) return;
      try {
        if ((await this.#present(admin)).some((topic) => !topics.includes(topic))) return;
        await this.#lags.measure(admin, group);
      } catch (error) {
        // The consumer notices by itself when the brokers are away.
        log.debug({ source: this.name, error: String(error) }, "cannot look for topics and lags");
      }
    }
  }

  async #takeIn(payload: EachBatchPayload, letters: DeadLetterTopic | null, signal: AbortSignal): Promise<void> {
    const { batch, heartbeat, resolveOffset, commitOffsetsIfNecessary, isRunning, isStale } = payload;
    const { topic, partition, messages } = batch;
    const atOnce = this.options.atOnce ?? AT_ONCE;
    for (let from = 0; from < messages.length; from += atOnce) {
      if (signal.aborted || !isRunning() || isStale()) return;
      const to = Math.min(from + atOnce, messages.length);
      const setAside = await this.#delivery.take(rawMessages(batch, from, to), signal, heartbeat);
      if (setAside === null) return;
      if (setAside.length > 0) await letters?.publish(batch, setAside);
      const { offset: last } = messages[to - 1] as KafkaMessage;
      resolveOffset(last);
      // The batch may end with records that carry no message, such as the marks of transactions.
      const next = BigInt(to === messages.length ? batch.lastOffset() : last) + 1n;
      await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: String(next) }] }] });
      this.#lags.set(topic, partition, Number(BigInt(batch.highWatermark) - next));
    }
  }
}

const CONNECTING: Stage = { state: "connecting", detail: "joining the consumer group" };
