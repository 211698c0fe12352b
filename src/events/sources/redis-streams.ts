import { hostname } from "node:os";
import { MINUTE, SECOND } from "../../base/clock.js";
import { Delivery } from "./delivery.js";
import { connectRedis } from "./redis-connection.js";
import { StreamGroups } from "./redis-groups.js";
import { ReplyReader } from "./redis-replies.js";
import { StreamSession } from "./redis-stream-session.js";
import { type EventSource, type SourceOptions, type SourceStatus, type Stage, statusOf } from "./source.js";
import { pause, reasonOf, Supervisor } from "./supervise.js";

export interface RedisStreamsOptions extends SourceOptions {
  /** `redis://user:password@host:port/db`; `rediss://` for TLS. */
  readonly url: string;
  /** Names, or `prefix*` for all streams that begin so, those that come later among them. */
  readonly streams: readonly string[];
  readonly group: string;
  /** Must differ between replicas. One that keeps its name goes on at once with what it had not acknowledged. */
  readonly consumer?: string | undefined;
  /** How long entries of another consumer must have been pending before they are taken over. */
  readonly claimAfterMs?: number | undefined;
  /** How often streams are looked for, lags measured and entries taken over. */
  readonly checkMs?: number | undefined;
  /** See `SupervisorOptions`. */
  readonly firstDelayMs?: number | undefined;
}

const CHECK_MS = 30 * SECOND;

/**
 * Redis streams, read as a member of a consumer group. An entry is acknowledged once it is on disk, so it may come twice,
 * with the same fallback id, but is never lost.
 */
export class RedisStreamsSource implements EventSource {
  readonly name = "redis-streams";
  readonly #delivery: Delivery;
  readonly #supervisor: Supervisor;
  readonly #consumer: string;
  #lags: ReadonlyMap<string, number> = new Map();
  #stage: Stage = CONNECTING;

  constructor(readonly options: RedisStreamsOptions) {
    const { name } = this;
    const { metrics, log, firstDelayMs } = options;
    this.#consumer = options.consumer ?? `${hostname()}-${process.pid}`;
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
    return statusOf(
      this.#supervisor,
      this.#delivery,
      this.#stage,
      this.#lags.size === 0 ? null : [...this.#lags.values()].reduce((sum, lag) => sum + lag),
    );
  }

  /** Entries not yet acknowledged, of all consumers of the group, by stream. */
  lags(): Iterable<readonly [stream: string, entries: number]> {
    return this.#lags;
  }

  async #session(signal: AbortSignal): Promise<void> {
    const { url, log, group, streams, claimAfterMs = MINUTE, checkMs = CHECK_MS } = this.options;
    const consumer = this.#consumer;
    const over = new AbortController();
    const ends = AbortSignal.any([signal, over.signal]);
    const acks = await connectRedis(url, "crowsnest-streams-acks");
    const reads = await connectRedis(url, "crowsnest-streams").catch((error) => {
      acks.close();
      throw error;
    });
    try {
      const groups = new StreamGroups(acks.client, { streams, group, consumer, log });
      this.#lags = groups.lags;
      const id = await reads.client.client("ID");
      const reader = new ReplyReader(reads);
      for (const { lost } of [acks, reads]) lost.then((error) => over.abort(error), undefined);
      // So that nobody waits for the end of a read that waits for entries.
      const unblock = () => void acks.client.client("UNBLOCK", id).catch(() => undefined);
      signal.addEventListener("abort", unblock, { once: true, signal: over.signal });
      void this.#measure(groups, ends);
      const session = {
        reader,
        groups,
        delivery: this.#delivery,
        group,
        consumer,
        claimAfterMs,
        checkMs,
        log,
        onStage: (state: Stage["state"], detail: string) => {
          this.#stage = { state, detail };
        },
      };
      await new StreamSession(session, ends).run();
      if (signal.aborted) await groups.leave();
      else throw over.signal.reason;
    } finally {
      this.#stage = CONNECTING;
      over.abort();
      acks.close();
      reads.close();
    }
  }

  async #measure(groups: StreamGroups, signal: AbortSignal): Promise<void> {
    const { log, checkMs = CHECK_MS } = this.options;
    for (let wait = Math.min(checkMs, SECOND); !signal.aborted; wait = checkMs) {
      await pause(wait, signal);
      await groups.measure().catch((error) => log.debug({ error: reasonOf(error) }, "cannot measure lags"));
    }
  }
}

const CONNECTING: Stage = { state: "connecting", detail: "connecting to Redis" };
