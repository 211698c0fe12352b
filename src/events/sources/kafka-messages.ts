import { isUtf8 } from "node:buffer";
import type { Batch, KafkaMessage } from "kafkajs";
import type { DeadLetter } from "../event.js";
import type { RawMessage } from "../shapes/index.js";
import { parseJson } from "./source.js";

/**
 * Messages `from` up to `to` of a batch, as the intake takes them. Runs once per message of everything that Kafka
 * brings: no closures, no spreads.
 */
export function rawMessages(batch: Batch, from: number, to: number): RawMessage[] {
  const { topic, partition, messages } = batch;
  const place = `${topic}/${partition}/`;
  const origin = `kafka:${place}`;
  const raw: RawMessage[] = new Array(to - from);
  for (let index = from; index < to; index++) {
    const { value, key, offset, timestamp } = messages[index] as KafkaMessage;
    // Without a value it is a tombstone, which counts as an empty object.
    const text = value === null ? "{}" : value.toString();
    const parsed = parseJson(text);
    const hints = { topic, key: key?.toString(), kafkaTimestamp: timestamp };
    // What is no UTF-8 decodes to replacement characters, and only then are the bytes looked at again.
    raw[index - from] =
      value !== null && text.includes("\uFFFD") && !isUtf8(value)
        ? { value: undefined, bytes: value, fallbackId: place + offset, origin: origin + offset, hints }
        : { value: parsed, text, fallbackId: place + offset, origin: origin + offset, hints };
  }
  return raw;
}

/** What is published about a message that could not be taken in. */
export interface DeadLetterMessage {
  readonly key: Buffer | null;
  readonly value: Buffer;
}

/** Beyond this brokers refuse a message by default. */
const MOST_BYTES = 900_000;

/** The letters of one batch, ready to be published: the key is that of the original message. */
export function deadLetterMessages(batch: Batch, letters: readonly DeadLetter[]): DeadLetterMessage[] {
  const byOrigin = new Map<string, KafkaMessage>();
  for (const message of batch.messages) {
    byOrigin.set(`kafka:${batch.topic}/${batch.partition}/${message.offset}`, message);
  }
  return letters.flatMap((letter) => {
    const message = byOrigin.get(letter.origin);
    return message ? [{ key: message.key, value: deadLetterValue(batch, message, letter) }] : [];
  });
}

function deadLetterValue(batch: Batch, message: KafkaMessage, letter: DeadLetter): Buffer {
  const text = message.value === null ? "{}" : message.value.toString();
  const payload = parseJson(text);
  const told = {
    original_topic: batch.topic,
    partition: batch.partition,
    offset: Number(message.offset),
    kafka_timestamp: isoTime(Number(message.timestamp)),
    event_type: letter.eventType,
    error_type: letter.kind,
    error: letter.error,
    errors: letter.faults,
    payload: payload ?? null,
    raw: payload === undefined ? text : null,
    attempts: letter.attempts,
    failed_at: isoTime(letter.failedAt),
  };
  const value = Buffer.from(JSON.stringify(told));
  if (value.length <= MOST_BYTES) return value;
  const start = `${text.slice(0, 1000)}… (${text.length} characters in all)`;
  return Buffer.from(JSON.stringify({ ...told, errors: told.errors.slice(0, 10), payload: null, raw: start }));
}

/** Null for -1, which is how Kafka says that there is none, and for what no date can hold. */
function isoTime(ms: number): string | null {
  return ms >= 0 && ms <= 8.64e15 ? new Date(ms).toISOString() : null;
}
