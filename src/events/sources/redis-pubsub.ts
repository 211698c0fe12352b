import { isUtf8 } from "node:buffer";
import { SECOND } from "../../base/clock.js";
import { Delivery } from "./delivery.js";
import { Gatherer } from "./gatherer.js";
import { connectRedis } from "./redis-connection.js";
import { type EventSource, parseJson, type SourceOptions, type SourceStatus, type Stage, statusOf } from "./source.js";
import { pause, Supervisor } from "./supervise.js";

export interface RedisPubsubOptions extends SourceOptions {
  /** `redis://user:password@host:port/db`; `rediss://` for TLS. */
  readonly url: string;
  readonly channels: readonly string[];
  /** Most memory of messages that wait for the intake; what comes beyond is dropped. */
  readonly maxWaitingBytes?: number | undefined;
}

const MOST_WAITING_BYTES = 64 * 1024 * 1024;
/** An idle connection is asked now and then whether it is one. */
const PING_MS = 10 * SECOND;
const DROPS_TOLD_MS = 10 * SECOND;
/** What is published while nobody listens is lost: come back soon. */
const FIRST_DELAY_MS = SECOND / 10;
const MAX_DELAY_MS = 5 * SECOND;
/** How long stopping waits for the connection to close, and for the intake to take what has come. */
const CLOSE_MS = SECOND;
const LAST_MS = 3 * SECOND;

/**
 * Redis channels. They keep nothing: what is published while no process listens is lost. So is what comes while the
 * intake has no room and the buffer is full; that is counted and told.
 */
export class RedisPubsubSource implements EventSource {
  readonly name = "redis-pubsub";
  readonly #delivery: Delivery;
  readonly #supervisor: Supervisor;
  #gatherer: Gatherer | null = null;
  #stage: Stage = CONNECTING;
  #untold = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(readonly options: RedisPubsubOptions) {
    const { name } = this;
    const { metrics, log } = options;
    this.#delivery = new Delivery({ ...options, name });
    this.#supervisor = new Supervisor({
      name,
      session: (signal) => this.#session(signal),
      metrics,
      log,
      firstDelayMs: FIRST_DELAY_MS,
      maxDelayMs: MAX_DELAY_MS,
    });
  }

  start(): void {
    const { log, maxWaitingBytes: maxBytes = MOST_WAITING_BYTES } = this.options;
    const onDropped = (messages: number, reason: string) => this.#drop(messages, reason);
    this.#gatherer ??= new Gatherer({ delivery: this.#delivery, maxBytes, onDropped, log });
    this.#supervisor.start();
  }

  async stop(): Promise<void> {
    await this.#supervisor.stop(CLOSE_MS);
    await this.#gatherer?.finish(LAST_MS);
    this.#gatherer = null;
  }

  status(): SourceStatus {
    return statusOf(this.#supervisor, this.#delivery, this.#stage, this.#gatherer?.waiting ?? null);
  }

  /** Messages that have come and are not on disk yet. */
  lags(): Iterable<readonly [place: string, messages: number]> {
    return [["", this.#gatherer?.waiting ?? 0]];
  }

  async #session(signal: AbortSignal): Promise<void> {
    const { url, channels } = this.options;
    const connection = await connectRedis(url, "crowsnest-pubsub");
    const { client, lost } = connection;
    const over = new AbortController();
    lost.then((error) => over.abort(error), undefined);
    const ends = AbortSignal.any([signal, over.signal]);
    try {
      client.on("messageBuffer", (channel: Buffer, message: Buffer) => this.#receive(channel.toString(), message));
      await client.subscribe(...channels);
      this.#stage = { state: "running", detail: `${channels.length} channels` };
      for (await pause(PING_MS, ends); !ends.aborted; await pause(PING_MS, ends)) await client.ping();
      if (!signal.aborted) throw over.signal.reason;
    } finally {
      this.#stage = CONNECTING;
      connection.close();
    }
  }

  #receive(channel: string, bytes: Buffer): void {
    const origin = `pubsub:${channel}`;
    const hints = { channel };
    const text = bytes.toString();
    this.#gatherer?.add(
      text.includes("\uFFFD") && !isUtf8(bytes)
        ? // A copy: what came is a part of a larger buffer.
          { value: undefined, bytes: Buffer.from(bytes), fallbackId: null, origin, hints }
        : { value: parseJson(text), text, fallbackId: null, origin, hints },
    );
  }

  #drop(messages: number, reason: string): void {
    this.options.metrics.sourceMessages(this.name, "dropped", messages);
    this.#untold += messages;
    if (performance.now() - this.#toldAt < DROPS_TOLD_MS) return;
    this.options.log.error({ source: this.name, messages: this.#untold, reason }, "messages are lost");
    this.#toldAt = performance.now();
    this.#untold = 0;
  }
}

const CONNECTING: Stage = { state: "connecting", detail: "connecting to Redis" };
