import type { Batch, Kafka, Producer } from "kafkajs";
import { Partitioners } from "kafkajs";
import { SECOND } from "../../base/clock.js";
import type { Logger } from "../../ops/logs.js";
import type { DeadLetter } from "../event.js";
import { type DeadLetterMessage, deadLetterMessages } from "./kafka-messages.js";
import type { SourceMetrics } from "./source.js";
import { pause, reasonOf } from "./supervise.js";

export interface DeadLetterTopicOptions {
  readonly name: string;
  readonly topic: string;
  readonly metrics: SourceMetrics;
  readonly log: Logger;
}

/** Per request; brokers refuse more than 1 MB of one partition by default. */
const MOST_BYTES_AT_ONCE = 400_000;
const GIVE_UP_AFTER_MS = 10 * SECOND;
/** After a failure nothing is published for so long: a topic that is broken must not slow down every batch. */
const REST_MS = 30 * SECOND;

/**
 * Tells producers about messages of theirs that could not be taken in. The letters are on disk before they come here, so
 * publishing is a courtesy: tried a few times, then counted and left.
 */
export class DeadLetterTopic {
  readonly #producer: Producer;
  #connected: Promise<void> | null = null;
  #restUntil = 0;

  constructor(
    kafka: Kafka,
    readonly options: DeadLetterTopicOptions,
  ) {
    this.#producer = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      idempotent: false,
      retry: { retries: 2, initialRetryTime: 200, maxRetryTime: SECOND },
    });
  }

  /** Never throws and never lasts long. */
  async publish(batch: Batch, letters: readonly DeadLetter[]): Promise<void> {
    const { name, topic, metrics, log } = this.options;
    const groups = grouped(deadLetterMessages(batch, letters));
    for (const [index, messages] of groups.entries()) {
      const failure = performance.now() < this.#restUntil ? "failed a moment ago" : await this.#send(messages);
      if (failure === null) continue;
      const left = groups.slice(index).reduce((sum, group) => sum + group.length, 0);
      metrics.sourceMessages(name, "unpublished", left);
      log.warn({ topic, letters: left, error: failure }, "dead letters are kept here but not published");
      return;
    }
  }

  /** @returns why it failed */
  async #send(messages: readonly DeadLetterMessage[]): Promise<string | null> {
    this.#connected ??= this.#producer.connect();
    const sending = this.#connected.then(() =>
      this.#producer.send({ topic: this.options.topic, messages: [...messages], timeout: GIVE_UP_AFTER_MS }),
    );
    const patience = new AbortController();
    try {
      if ((await Promise.race([sending, pause(GIVE_UP_AFTER_MS, patience.signal)])) !== undefined) return null;
      throw new Error(`no answer within ${GIVE_UP_AFTER_MS} ms`);
    } catch (error) {
      this.#connected = null;
      this.#restUntil = performance.now() + REST_MS;
      return reasonOf(error);
    } finally {
      patience.abort();
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect().catch(() => undefined);
  }
}

function grouped(messages: readonly DeadLetterMessage[]): DeadLetterMessage[][] {
  const groups: DeadLetterMessage[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    if (bytes + message.value.length > MOST_BYTES_AT_ONCE) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(message);
    bytes += message.value.length;
  }
  return groups;
}
