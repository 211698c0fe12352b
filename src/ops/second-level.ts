import { randomUUID } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import type { Redis } from "ioredis";
import type { Logger } from "./logs.js";
import { connectRedis } from "./redis.js";

/** A value as one of the replicas fetched it. */
export interface Kept {
  readonly value: unknown;
  /** Epoch milliseconds UTC. */
  readonly fetchedAt: number;
  readonly bytes: number;
}

export interface SecondLevelOptions {
  readonly url: string;
  /** Tells data of one program version from another's, which may be shaped differently. */
  readonly version: string;
  readonly ttlMs: number;
  readonly log: Logger;
}

/** Larger values are not worth their way. */
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * A cache in Redis behind the caches of several replicas: what one has fetched the others need not fetch, and what one
 * knows to be out of date all drop. Each tag has a counter; a value is good as long as the counters are what they were
 * before it was fetched. While Redis is away each replica is on its own: nothing here throws or waits.
 */
export class SecondLevel {
  readonly #prefix: string;
  readonly #channel: string;
  readonly #self = randomUUID();

  private constructor(
    readonly options: SecondLevelOptions,
    readonly client: Redis,
    readonly subscriber: Redis,
  ) {
    this.#prefix = `crowsnest:${options.version}:`;
    this.#channel = `${this.#prefix}dropped`;
  }

  static async connect(options: SecondLevelOptions): Promise<SecondLevel> {
    const away = "each replica fetches for itself";
    const client = await connectRedis(options.url, options.log, away);
    const subscriber = client.duplicate();
    // Told of by the other connection.
    subscriber.on("error", () => undefined);
    return new SecondLevel(options, client, subscriber);
  }

  /** What is kept under the key and still good, and the state of its tags, which `keep` is to be given; null without Redis. */
  async look(key: string, tags: readonly string[]): Promise<{ kept: Kept | null; state: string | null }> {
    try {
      const [found, ...counters] = await this.client.mgetBuffer(this.#valueKey(key), ...this.#tagKeys(tags));
      const state = counters.map((counter) => counter?.toString() ?? "0").join(",");
      const stored = found ? (deserialize(found) as Kept & { state: string }) : null;
      return { kept: stored?.state === state ? stored : null, state };
    } catch {
      return { kept: null, state: null };
    }
  }

  /** Offers what was fetched to the others, with the state of its tags from before it was. */
  keep(key: string, state: string | null, { value, fetchedAt, bytes }: Kept): void {
    if (state === null || bytes > MOST_BYTES) return;
    const stored = serialize({ value, fetchedAt, bytes, state });
    this.client.set(this.#valueKey(key), stored, "PX", this.options.ttlMs).catch(() => undefined);
  }

  /** Makes whatever has one of these tags out of date, everywhere. */
  drop(tags: readonly string[]): void {
    if (tags.length === 0) return;
    // A counter outlives every value that was kept before it last changed.
    for (const key of this.#tagKeys(tags)) {
      this.client
        .multi()
        .incr(key)
        .pexpire(key, 2 * this.options.ttlMs)
        .exec()
        .catch(() => undefined);
    }
    this.client.publish(this.#channel, JSON.stringify({ from: this.#self, tags })).catch(() => undefined);
  }

  /** Has `drop` hear of tags that other replicas dropped. */
  async follow(drop: (tags: readonly string[]) => void): Promise<void> {
    this.subscriber.on("message", (_channel, text) => {
      const { from, tags } = JSON.parse(text) as { from: string; tags: string[] };
      if (from !== this.#self) drop(tags);
    });
    // Again after each time that Redis was away.
    this.subscriber.on("ready", () => void this.subscriber.subscribe(this.#channel).catch(() => undefined));
    if (this.subscriber.status === "ready") await this.subscriber.subscribe(this.#channel).catch(() => undefined);
  }

  close(): void {
    this.client.disconnect();
    this.subscriber.disconnect();
  }

  #valueKey(key: string): string {
    return `${this.#prefix}value:${key}`;
  }

  #tagKeys(tags: readonly string[]): string[] {
    return tags.map((tag) => `${this.#prefix}tag:${tag}`);
  }
}
