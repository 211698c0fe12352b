import type { Redis } from "ioredis";
import { HOUR } from "../../base/clock.js";
import type { Logger } from "../../ops/logs.js";
import { reasonOf } from "./supervise.js";

export interface StreamGroupsOptions {
  /** Names; `prefix*` stands for all streams that begin so. */
  readonly streams: readonly string[];
  readonly group: string;
  readonly consumer: string;
  readonly log: Logger;
}

/** A replica that has not shown itself for so long is not coming back under the same name. */
const GONE_AFTER_MS = HOUR;

/** Deletes a consumer unless entries are still pending for it: those would be lost with it. */
const FORGET_CONSUMER = `
  if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
    return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
  end`;

type Outcome = readonly [error: Error | null, result: unknown];

/** The consumer group on each of the streams: made where it is missing, measured, tidied. */
export class StreamGroups {
  readonly #named: readonly string[];
  readonly #patterns: readonly string[];
  readonly #lags = new Map<string, number>();
  /** Told once each. */
  readonly #leftOut = new Set<string>();
  #streams: readonly string[] = [];

  constructor(
    readonly client: Redis,
    readonly options: StreamGroupsOptions,
  ) {
    this.#named = options.streams.filter((name) => !name.endsWith("*"));
    this.#patterns = options.streams.filter((name) => name.endsWith("*"));
  }

  /** Streams that can be read now. */
  get streams(): readonly string[] {
    return this.#streams;
  }

  /** Entries not yet acknowledged, delivered or not, by stream. */
  get lags(): ReadonlyMap<string, number> {
    return this.#lags;
  }

  /** Finds the streams and makes the group on those that lack it, from their first entry on. */
  async ensure(): Promise<void> {
    const found = await this.#discover();
    const streams = [...this.#named, ...found];
    const pipeline = this.client.pipeline();
    for (const stream of this.#named) pipeline.xgroup("CREATE", stream, this.options.group, "0", "MKSTREAM");
    // Streams that were found may be gone again, and then nobody asked for them to be made.
    for (const stream of found) pipeline.xgroup("CREATE", stream, this.options.group, "0");
    const outcomes = ((await pipeline.exec()) ?? []) as Outcome[];
    this.#streams = streams.filter((stream, index) => this.#isUsable(stream, outcomes[index]?.[0] ?? null));
  }

  #isUsable(stream: string, error: Error | null): boolean {
    if (error === null || error.message.startsWith("BUSYGROUP")) return true;
    const isNoStream = error.message.startsWith("WRONGTYPE") || error.message.includes("requires the key to exist");
    if (!isNoStream) throw error;
    if (!this.#leftOut.has(stream)) {
      this.#leftOut.add(stream);
      this.options.log.warn({ stream, error: error.message }, "not a stream; left out");
    }
    return false;
  }

  async #discover(): Promise<string[]> {
    const found = new Set<string>();
    for (const pattern of this.#patterns) {
      // Only the star at the end means something.
      const match = `${pattern.slice(0, -1).replace(/[\\*?[\]]/g, "\\$&")}*`;
      let cursor = "0";
      do {
        const [next, keys] = await this.client.scan(cursor, "MATCH", match, "COUNT", 1000, "TYPE", "stream");
        for (const key of keys) found.add(key);
        cursor = next;
      } while (cursor !== "0");
    }
    return [...found].filter((stream) => !this.#named.includes(stream)).sort();
  }

  async acknowledge(ids: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const pipeline = this.client.pipeline();
    for (const [stream, list] of ids) if (list.length > 0) pipeline.xack(stream, this.options.group, ...list);
    for (const [error] of ((await pipeline.exec()) ?? []) as Outcome[]) if (error) throw error;
  }

  async measure(): Promise<void> {
    const streams = this.#streams;
    const pipeline = this.client.pipeline();
    for (const stream of streams) pipeline.xinfo("GROUPS", stream);
    const outcomes = ((await pipeline.exec()) ?? []) as Outcome[];
    this.#lags.clear();
    for (const [index, stream] of streams.entries()) {
      const group = infos(outcomes[index]).find((info) => info.get("name") === this.options.group);
      // After deletions in the middle of a stream the server does not know how many were not delivered.
      if (group) this.#lags.set(stream, Number(group.get("pending") ?? 0) + Number(group.get("lag") ?? 0));
    }
  }

  /** Removes replicas that are gone and have left nothing behind. */
  async tidy(): Promise<void> {
    for (const stream of this.#streams) {
      const consumers = infos([null, await this.client.xinfo("CONSUMERS", stream, this.options.group)]);
      for (const consumer of consumers) {
        const isIdle = Number(consumer.get("idle")) > GONE_AFTER_MS && consumer.get("pending") === 0;
        if (isIdle) await this.#forget(stream, String(consumer.get("name")));
      }
    }
  }

  /** Signs this replica off; where entries are still pending for it, others claim them. Never throws. */
  async leave(): Promise<void> {
    try {
      for (const stream of this.#streams) await this.#forget(stream, this.options.consumer);
    } catch (error) {
      this.options.log.debug({ error: reasonOf(error) }, "cannot sign off from the streams");
    }
  }

  async #forget(stream: string, consumer: string): Promise<void> {
    await this.client.eval(FORGET_CONSUMER, 1, stream, this.options.group, consumer);
  }
}

/** `[[name, value, …], …]` as maps; none when there was an error. */
function infos(outcome: Outcome | undefined): Map<unknown, unknown>[] {
  const list = outcome && outcome[0] === null && Array.isArray(outcome[1]) ? outcome[1] : [];
  return list.filter(Array.isArray).map((flat: readonly unknown[]) => {
    const info = new Map<unknown, unknown>();
    for (let index = 0; index < flat.length; index += 2) info.set(flat[index], flat[index + 1]);
    return info;
  });
}
