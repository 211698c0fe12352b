import { MINUTE, SECOND } from "../../base/clock.js";
import type { Logger } from "../../ops/logs.js";
import type { Delivery } from "./delivery.js";
import { type Entries, readClaimed, readEntries } from "./redis-entries.js";
import type { StreamGroups } from "./redis-groups.js";
import { RedisRefusal, type Reply, type ReplyReader } from "./redis-replies.js";
import { pause, reasonOf } from "./supervise.js";

export interface StreamSessionOptions {
  readonly reader: ReplyReader;
  readonly groups: StreamGroups;
  readonly delivery: Delivery;
  readonly group: string;
  readonly consumer: string;
  readonly claimAfterMs: number;
  readonly checkMs: number;
  readonly log: Logger;
  /** Told when it begins to read and when there is nothing to read. */
  readonly onStage: (state: "running" | "waiting", detail: string) => void;
}

/** A read waits so long for the first entry. */
const BLOCK_MS = SECOND;
const ANSWER_MS = 10 * SECOND;
const TIDY_MS = 10 * MINUTE;
/** Entries of one read and stream. */
const MOST_PER_STREAM = 2000;
/** Entries of one read, going by how many streams brought something last time. */
const AIM_PER_READ = 8000;
/** Entries of one read when all streams bring something at once. */
const MOST_PER_READ = 20_000;
/** Bytes of one read, going by how large entries were lately. */
const AIM_BYTES = 8 * 1024 * 1024;
/** Until the first have come, entries are taken to be large. */
const FIRST_ENTRY_BYTES = 50_000;
/** Handed over at once: what one is busy with, other requests wait for. */
const AT_ONCE = 4000;

/** What making the groups anew may mend: a stream was deleted, or something else is called like it now. */
const MENDABLE = /^(NOGROUP|UNBLOCKED|WRONGTYPE)/;
const MOST_MENDS = 3;

/** One connection's life: what this consumer had left over, then what is new, now and then what others left over. */
export class StreamSession {
  #activeStreams = 1;
  #entryBytes = FIRST_ENTRY_BYTES;
  /** In a row. */
  #mends = 0;
  #tidied = performance.now();

  constructor(
    readonly options: StreamSessionOptions,
    readonly signal: AbortSignal,
  ) {}

  async run(): Promise<void> {
    await this.options.groups.ensure();
    await this.#takeLeftOver();
    await this.#claim();
    await this.#takeNew();
  }

  async #takeLeftOver(): Promise<void> {
    const { reader, groups } = this.options;
    for (const stream of groups.streams) {
      for (let after = "0"; !this.signal.aborted; ) {
        const entries = this.#entries(await reader.call(this.#read([stream], after), ANSWER_MS));
        const last = entries.ids.get(stream)?.at(-1);
        if (last === undefined) break;
        await this.#takeIn(entries);
        after = last;
      }
    }
  }

  /** Reads on while the batch before is being written: one alone, since several that wait for room would lose their order. */
  async #takeNew(): Promise<void> {
    const { groups, checkMs } = this.options;
    let writing = Promise.resolve();
    let checked = performance.now();
    while (!this.signal.aborted) {
      if (performance.now() - checked >= checkMs) {
        await writing;
        await this.#check();
        checked = performance.now();
      }
      if (groups.streams.length === 0) {
        this.options.onStage("waiting", "none of the streams exists yet");
        await pause(checkMs, this.signal);
        continue;
      }
      this.options.onStage("running", `${groups.streams.length} streams`);
      const reply = await this.#next();
      await writing;
      if (reply === null) continue;
      const entries = this.#entries(reply);
      this.#activeStreams = Math.max(1, entries.ids.size);
      writing = this.#takeIn(entries);
      // Thrown where it is waited for.
      writing.catch(() => undefined);
    }
    await writing;
  }

  /** Null when a stream was gone: the groups have been made anew. */
  async #next(): Promise<Reply | null> {
    const { reader, groups } = this.options;
    try {
      const reply = await reader.call(this.#read(groups.streams, ">"), BLOCK_MS + ANSWER_MS);
      this.#mends = 0;
      return reply;
    } catch (error) {
      if (!(error instanceof RedisRefusal && MENDABLE.test(error.message)) || ++this.#mends > MOST_MENDS) throw error;
      this.options.log.info({ error: error.message }, "a stream is gone; making its group again");
      await groups.ensure();
      return null;
    }
  }

  #entries(reply: Reply): Entries {
    const entries = readEntries(reply);
    const count = entries.messages.length;
    // Only by halves, so that a few small ones do not make the next read of large ones a huge one.
    if (count > 0) this.#entryBytes = Math.max(reply.length / count, this.#entryBytes / 2);
    return entries;
  }

  #read(streams: readonly string[], after: string): string[] {
    const { group, consumer } = this.options;
    const aim = Math.min(AIM_PER_READ, AIM_BYTES / this.#entryBytes) / this.#activeStreams;
    const most = Math.max(1, Math.floor(Math.min(aim, MOST_PER_STREAM, MOST_PER_READ / streams.length)));
    const block = after === ">" ? ["BLOCK", String(BLOCK_MS)] : [];
    const command = ["XREADGROUP", "GROUP", group, consumer, "COUNT", String(most), ...block, "STREAMS"];
    return [...command, ...streams, ...streams.map(() => after)];
  }

  async #check(): Promise<void> {
    const { groups, log } = this.options;
    await groups.ensure();
    await this.#claim();
    if (performance.now() - this.#tidied < TIDY_MS) return;
    this.#tidied = performance.now();
    await groups
      .tidy()
      .catch((error) => log.debug({ error: reasonOf(error) }, "cannot look for consumers that are gone"));
  }

  /** Takes over what other consumers have had pending for too long: they are gone. */
  async #claim(): Promise<void> {
    const { reader, groups, group, consumer, claimAfterMs, log } = this.options;
    for (const stream of groups.streams) {
      for (let from: string | null = "0-0"; from !== null && !this.signal.aborted; ) {
        const claim = ["XAUTOCLAIM", stream, group, consumer, String(claimAfterMs), from, "COUNT", "1000"];
        try {
          const { next, entries } = readClaimed(await reader.call(claim, ANSWER_MS), stream);
          if (entries.messages.length > 0)
            log.info({ stream, entries: entries.messages.length }, "taking over entries");
          await this.#takeIn(entries);
          from = next === "0-0" ? null : next;
        } catch (error) {
          if (!(error instanceof RedisRefusal)) throw error;
          log.warn({ stream, error: error.message }, "cannot take over entries");
          from = null;
        }
      }
    }
  }

  async #takeIn({ messages, ids }: Entries): Promise<void> {
    const { delivery, groups } = this.options;
    for (let from = 0; from < messages.length; from += AT_ONCE) {
      const part = messages.length <= AT_ONCE ? messages : messages.slice(from, from + AT_ONCE);
      if ((await delivery.take(part, this.signal)) === null) return;
    }
    await groups.acknowledge(ids);
  }
}
