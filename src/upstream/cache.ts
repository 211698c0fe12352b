import { LRUCache } from "lru-cache";
import type { Clock } from "../base/clock.js";
import type { Metrics } from "../ops/metrics.js";
import { currentDeadline, DeadlinePassed, withoutDeadline } from "../ops/on-behalf.js";
import type { SecondLevel } from "../ops/second-level.js";
import { ImpatientRequest, type ServiceName, UpstreamError } from "./errors.js";

/** A value as an upstream service gave it, and when. */
export interface Entry<T> {
  readonly value: T;
  /** Epoch milliseconds UTC. */
  readonly fetchedAt: number;
  /** Size on the wire, which is what the cache's bound counts. */
  readonly bytes: number;
  /** Why it is shown although it is too old: nothing newer could be had. */
  readonly failure?: UpstreamError;
}

export interface Loaded<T> {
  readonly value: T;
  readonly bytes: number;
}

/**
 * cached: what is there, if young enough. refresh: what is fetched from now on. sweep: like cached, but half a TTL is
 * already too old, so that a regular sweep keeps entries from ever becoming stale under a user.
 */
export type Freshness = "cached" | "refresh" | "sweep";

/** Hears of everything that is stored under the keys of one group, also once the cache has no more room for it. */
export interface Follower<T> {
  /** Whether it has no need of the cache to keep the value as well. */
  readonly keepsValues: boolean;
  stored(id: string, entry: Entry<T>): void;
  /** What is there must not be shown any more. */
  dropped(id: string): void;
}

/** Beyond so many tags an answer rests on more than is worth telling one by one. */
const MOST_TAGS = 1000;

/** What an answer was put together from, as tags and keys of the cache: whoever keeps it learns by them when to drop it. */
export class Dependencies {
  readonly tags = new Set<string>();
  /** It may rest on anything of the tenant's. */
  isEverything = false;

  add(tag: string): void {
    if (this.isEverything) return;
    this.tags.add(tag);
    if (this.tags.size > MOST_TAGS) this.addEverything();
  }

  addEverything(): void {
    this.isEverything = true;
    this.tags.clear();
  }
}

interface Stored extends Entry<unknown> {
  /** When it was last counted as used. */
  usedAt: number;
}

interface Flight {
  readonly promise: Promise<Entry<unknown>>;
  /** When it gives up because whoever began it waits no longer, epoch milliseconds. */
  readonly until: number;
}

/** Bytes an entry costs beside its value: key, tags, bookkeeping. */
const OVERHEAD_BYTES = 200;

/**
 * The one cache shared by all requests: bounded by bytes, one flight per key, stale-while-revalidate for one further
 * TTL. Failures are never stored. Entries carry tags, by which a change invalidates what it touches.
 */
export class UpstreamCache {
  readonly #entries: LRUCache<string, Stored>;
  /** The same entries by the last part of their keys, under what comes before: keys need not be put together to read. */
  readonly #groups = new Map<string, Map<string, Stored>>();
  readonly #flights = new Map<string, Flight>();
  readonly #keysByTag = new Map<string, Set<string>>();
  readonly #tagsByKey = new Map<string, readonly string[]>();
  readonly #followers = new Map<string, Follower<unknown>>();
  readonly #watchers = new Set<(tags: readonly string[]) => void>();

  constructor(
    readonly options: {
      readonly ttlMs: number;
      /** Age up to which an entry is shown when nothing newer can be had. */
      readonly staleOnErrorMs: number;
      readonly maxBytes: number;
      readonly clock: Clock;
      readonly metrics: Metrics;
      /** Shared with other replicas. */
      readonly second?: SecondLevel | null;
    },
  ) {
    this.#entries = new LRUCache<string, Stored>({
      maxSize: options.maxBytes,
      sizeCalculation: (entry) => entry.bytes + OVERHEAD_BYTES,
      dispose: (_entry, key, reason) => {
        if (reason === "set") return;
        this.#ungroup(key);
        this.#forgetIfUnused(key);
      },
    });
  }

  /**
   * The entry under `key`, loaded when missing or too old. Synchronous when nothing must be waited for.
   * `load` runs at most once at a time per key, whoever asks.
   * @throws UpstreamError what `load` throws, or ImpatientRequest, when there is nothing older to show
   */
  get<T>(
    key: string,
    tags: readonly string[],
    freshness: Freshness,
    service: ServiceName,
    load: () => Promise<Loaded<T>>,
  ): Entry<T> | Promise<Entry<T>> {
    const found = this.#entries.get(key) as Entry<T> | undefined;
    const age = found ? this.options.clock() - found.fetchedAt : Number.POSITIVE_INFINITY;
    const { ttlMs, staleOnErrorMs, metrics } = this.options;
    if (found && freshness !== "refresh") {
      if (age <= this.#longest(freshness)) {
        metrics.cacheRead("hit");
        return found;
      }
      if (age <= 2 * ttlMs && freshness === "cached") {
        metrics.cacheRead("stale");
        // Whoever reads next gets the outcome; this reader must not fail for it, nor its deadline end it.
        withoutDeadline(() => this.#fly(key, tags, "cached", load, false)).promise.catch(() => undefined);
        return found;
      }
    }
    const joined = this.#flights.get(key);
    metrics.cacheRead(joined ? "joined" : freshness === "refresh" ? "bypass" : "miss");
    const flight = joined ?? this.#fly(key, tags, freshness, load, found !== undefined && freshness === "refresh");
    const coming = this.#within<T>(flight, service, () => this.get(key, tags, freshness, service, load));
    const older = freshness === "cached" && age <= staleOnErrorMs ? found : undefined;
    return older ? this.#orOlder(coming, older) : coming;
  }

  /** What the flight brings, as long as this request waits; one that ends before, with whoever began it, is begun anew. */
  #within<T>(flight: Flight, service: ServiceName, again: () => Entry<T> | Promise<Entry<T>>): Promise<Entry<T>> {
    const deadline = currentDeadline();
    const promise = flight.promise as Promise<Entry<T>>;
    if (!deadline && flight.until === Number.POSITIVE_INFINITY) return promise;
    const endsEarly = flight.until < (deadline?.at ?? Number.POSITIVE_INFINITY);
    const coming = endsEarly
      ? promise.catch((error) => (error instanceof ImpatientRequest ? again() : Promise.reject(error)))
      : promise;
    if (!deadline) return coming;
    return deadline.race(coming).catch((error) => {
      throw error instanceof DeadlinePassed ? new ImpatientRequest(service, { cause: error }) : error;
    });
  }

  async #orOlder<T>(coming: Promise<Entry<T>>, older: Entry<T>): Promise<Entry<T>> {
    try {
      return await coming;
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      this.options.metrics.cacheRead("stale_on_error");
      return { ...older, failure: error };
    }
  }

  /** Has a group's one follower hear of what is there and of all that comes. */
  follow<T>(group: string, follower: Follower<T>): void {
    this.#followers.set(group, follower as Follower<unknown>);
    for (const [id, entry] of this.#groups.get(group) ?? []) follower.stored(id, entry as Entry<T>);
  }

  /** What is there and not older than one TTL, without loading. */
  peek<T>(key: string): Entry<T> | undefined {
    const found = this.#entries.peek(key) as Entry<T> | undefined;
    return found && this.options.clock() - found.fetchedAt <= this.options.ttlMs ? found : undefined;
  }

  /**
   * Reads keys `group|id` as `peek` does, but counts: as read, and now and then as used, which costs more than reading.
   * For one request: what is stored later may be missed, and time stands still.
   */
  freshIn<T>(group: string): (id: string) => Entry<T> | undefined {
    const entries = this.#groups.get(group);
    if (!entries) return () => undefined;
    const { clock, ttlMs, metrics } = this.options;
    const now = clock();
    return (id) => {
      const found = entries.get(id);
      if (!found || now - found.fetchedAt > ttlMs) return undefined;
      if (now - found.usedAt > ttlMs / 10) {
        found.usedAt = now;
        this.#entries.get(`${group}|${id}`);
      }
      metrics.cacheRead("hit");
      return found as Entry<unknown> as Entry<T>;
    };
  }

  /** Stores what came along with another answer (one vehicle of a list). */
  put<T>(key: string, tags: readonly string[], loaded: Loaded<T>): void {
    this.#store(key, tags, { ...loaded, fetchedAt: this.options.clock() });
  }

  /** Tells of what is dropped or replaced before its time, by tags and keys: what was made of it may be out of date. */
  watch(watcher: (tags: readonly string[]) => void): void {
    this.#watchers.add(watcher);
  }

  /** Drops every entry with one of the tags, here and in other replicas; answers still on their way are not stored. */
  invalidate(...tags: readonly string[]): void {
    this.options.second?.drop(tags);
    this.drop(tags);
  }

  /** The same, here alone. */
  drop(tags: readonly string[]): void {
    for (const tag of tags) {
      for (const key of this.#keysByTag.get(tag) ?? []) {
        this.#flights.delete(key);
        this.#entries.delete(key);
        const { group, id } = partsOf(key);
        this.#followers.get(group)?.dropped(id);
      }
    }
    this.#tell(tags);
  }

  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  #tell(tags: readonly string[]): void {
    for (const watcher of this.#watchers) watcher(tags);
  }

  #fly<T>(
    key: string,
    tags: readonly string[],
    freshness: Freshness,
    load: () => Promise<Loaded<T>>,
    replaces: boolean,
  ): Flight {
    const running = this.#flights.get(key);
    if (running) return running;
    this.#tag(key, tags);
    const flight: Flight = {
      until: currentDeadline()?.at ?? Number.POSITIVE_INFINITY,
      promise: this.#fetch(key, tags, freshness, load).then(
        (entry) => {
          // An invalidation while the call was under way has taken this flight off the list: its answer may be old.
          if (this.#flights.get(key) === flight) {
            this.#flights.delete(key);
            this.#store(key, tags, entry);
            if (replaces) this.#tell([key, ...tags]);
          } else this.#forgetIfUnused(key);
          return entry;
        },
        (error) => {
          if (this.#flights.get(key) === flight) this.#flights.delete(key);
          this.#forgetIfUnused(key);
          throw error;
        },
      ),
    };
    this.#flights.set(key, flight);
    return flight;
  }

  /** From another replica where one has it and it is young enough, else from the service. */
  #fetch<T>(
    key: string,
    tags: readonly string[],
    freshness: Freshness,
    load: () => Promise<Loaded<T>>,
  ): Promise<Entry<T>> {
    const { second, clock, metrics } = this.options;
    const fetched = ({ value, bytes }: Loaded<T>): Entry<T> => ({ value, bytes, fetchedAt: clock() });
    if (!second) return load().then(fetched);
    return second.look(key, tags).then(async ({ kept, state }) => {
      if (kept && clock() - kept.fetchedAt <= this.#longest(freshness)) {
        metrics.cacheRead("shared");
        return kept as Entry<T>;
      }
      const entry = fetched(await load());
      second.keep(key, state, entry);
      return entry;
    });
  }

  /** The age up to which a value may be used. */
  #longest(freshness: Freshness): number {
    if (freshness === "refresh") return Number.NEGATIVE_INFINITY;
    return freshness === "sweep" ? this.options.ttlMs / 2 : this.options.ttlMs;
  }

  #store(key: string, tags: readonly string[], entry: Entry<unknown>): void {
    const { group, id } = partsOf(key);
    const follower = this.#followers.get(group);
    follower?.stored(id, entry);
    const stored: Stored = follower?.keepsValues
      ? { value: undefined, bytes: 0, fetchedAt: entry.fetchedAt, usedAt: entry.fetchedAt }
      : { ...entry, usedAt: entry.fetchedAt };
    this.#entries.set(key, stored);
    // Larger than the whole cache: lru-cache refuses it, so nothing may point to it either.
    if (this.#entries.has(key)) {
      this.#tag(key, tags);
      this.#group(key, stored);
    } else {
      this.#untag(key);
      this.#ungroup(key);
    }
  }

  #group(key: string, stored: Stored): void {
    const { group, id } = partsOf(key);
    const own = this.#groups.get(group);
    if (own) own.set(id, stored);
    else this.#groups.set(group, new Map([[id, stored]]));
  }

  #ungroup(key: string): void {
    const { group, id } = partsOf(key);
    const own = this.#groups.get(group);
    own?.delete(id);
    if (own?.size === 0) this.#groups.delete(group);
  }

  /** Also of what is kept here no longer, followers must be told when it is out of date. */
  #forgetIfUnused(key: string): void {
    if (this.#followers.has(partsOf(key).group)) return;
    if (!this.#entries.has(key) && !this.#flights.has(key)) this.#untag(key);
  }

  #tag(key: string, tags: readonly string[]): void {
    this.#tagsByKey.set(key, tags);
    for (const tag of tags) {
      const keys = this.#keysByTag.get(tag);
      if (keys) keys.add(key);
      else this.#keysByTag.set(tag, new Set([key]));
    }
  }

  #untag(key: string): void {
    for (const tag of this.#tagsByKey.get(key) ?? []) {
      const keys = this.#keysByTag.get(tag);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysByTag.delete(tag);
    }
    this.#tagsByKey.delete(key);
  }
}

function partsOf(key: string): { readonly group: string; readonly id: string } {
  const end = key.lastIndexOf("|");
  return { group: key.slice(0, end), id: key.slice(end + 1) };
}
