import { LRUCache } from "lru-cache";
import { type Clock, DAY } from "../base/clock.js";
import { startOfUtcDay } from "../base/time-range.js";
import { tenantOf } from "../domain/access/scope.js";
import type { Dependencies } from "../upstream/index.js";

/** A whole answer, as bytes, for everybody who may see exactly the same and asks exactly the same. */
export interface SharedAnswer {
  readonly body: Buffer;
  /** Those that never change: media type, ETag, for how long it is good. */
  readonly headers: Readonly<Record<string, string>>;
  readonly etag: string;
  /** When its oldest part was read from its source, epoch milliseconds. */
  readonly asOf: number;
  /** Until when it may be given out, epoch milliseconds. */
  readonly until: number;
  /** What the audit trail is told of whoever gets it. */
  readonly told: { readonly operation?: string; readonly action?: string; readonly details?: object };
  /** Points of the rate limit. */
  readonly cost: number;
}

/** An answer that is being worked out: others who ask the same wait for it. */
export interface Flight {
  /** Gives the answer to all who wait. */
  give(answer: SharedAnswer): void;
  /** And keeps it, unless what it rests on has changed meanwhile. */
  keep(answer: SharedAnswer, dependencies: Dependencies): void;
  /** It cannot be shared: all who wait work out their own. */
  giveUp(): void;
}

export interface SharedAnswersOptions {
  readonly maxBytes: number;
  readonly clock: Clock;
}

interface Kept {
  readonly answer: SharedAnswer;
  readonly tags: readonly string[];
}

interface Running {
  readonly promise: Promise<SharedAnswer | null>;
  readonly tenant: string;
}

/** Bytes an answer costs beside its body. */
const OVERHEAD = 1000;

/**
 * Answers that are given out again as they are. Keys hold all that an answer depends on besides data: whose data, what of
 * it may be seen, what is asked. Data is known by tags; an answer goes when one of its tags is told to have changed.
 */
export class SharedAnswers {
  readonly #kept: LRUCache<string, Kept>;
  readonly #keysByTag = new Map<string, Set<string>>();
  readonly #running = new Map<string, Running>();
  /** Counts changes of each tenant's data. */
  readonly #changes = new Map<string, number>();

  constructor(readonly options: SharedAnswersOptions) {
    this.#kept = new LRUCache({
      maxSize: options.maxBytes,
      sizeCalculation: ({ answer, tags }, key) => answer.body.length + key.length + tags.length * 50 + OVERHEAD,
      dispose: ({ tags }, key) => this.#untag(key, tags),
    });
  }

  get bytes(): number {
    return this.#kept.calculatedSize;
  }

  find(key: string): SharedAnswer | undefined {
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    if (kept.answer.until > this.options.clock()) return kept.answer;
    this.#kept.delete(key);
    return undefined;
  }

  /** The answer to come, where somebody asks the same just now; null once it cannot be shared. */
  join(key: string): Promise<SharedAnswer | null> | undefined {
    return this.#running.get(key)?.promise;
  }

  begin(tenant: string, key: string): Flight {
    let resolve: (answer: SharedAnswer | null) => void = () => undefined;
    const promise = new Promise<SharedAnswer | null>((settle) => {
      resolve = settle;
    });
    const running: Running = { promise, tenant };
    this.#running.set(key, running);
    const changes = this.#changes.get(tenant) ?? 0;
    const land = (answer: SharedAnswer | null): void => {
      if (this.#running.get(key) === running) this.#running.delete(key);
      resolve(answer);
    };
    return {
      give: land,
      keep: (answer, dependencies) => {
        const isCurrent = (this.#changes.get(tenant) ?? 0) === changes;
        if (isCurrent && answer.until > this.options.clock()) this.#keep(tenant, key, answer, dependencies);
        land(answer);
      },
      giveUp: () => land(null),
    };
  }

  /** Drops what rests on any of the tags. Whoever asks from now on does not get what was begun before. */
  drop(tags: readonly string[]): void {
    for (const tenant of new Set(tags.map(tenantOf))) {
      this.#changes.set(tenant, (this.#changes.get(tenant) ?? 0) + 1);
      for (const [key, running] of this.#running) if (running.tenant === tenant) this.#running.delete(key);
      this.#dropTag(everything(tenant));
    }
    for (const tag of tags) this.#dropTag(tag);
  }

  #dropTag(tag: string): void {
    for (const key of [...(this.#keysByTag.get(tag) ?? [])]) this.#kept.delete(key);
  }

  #keep(tenant: string, key: string, answer: SharedAnswer, dependencies: Dependencies): void {
    const tags = dependencies.isEverything ? [everything(tenant)] : [...dependencies.tags];
    this.#kept.set(key, { answer, tags });
    if (!this.#kept.has(key)) return;
    for (const tag of tags) {
      const keys = this.#keysByTag.get(tag);
      if (keys) keys.add(key);
      else this.#keysByTag.set(tag, new Set([key]));
    }
  }

  #untag(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = this.#keysByTag.get(tag);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysByTag.delete(tag);
    }
  }
}

const everything = (tenant: string): string => `${tenant}|everything`;

/** An answer is good for as long as its oldest part would be, and not into the next day, which is another "today". */
export function goodUntil(asOf: number, ttlMs: number, now: number): number {
  return Math.min(asOf + ttlMs, startOfUtcDay(now) + DAY);
}
