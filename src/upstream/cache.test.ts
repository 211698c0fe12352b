import { beforeEach, describe, expect, it } from "vitest";
import { createMetrics } from "../ops/metrics.js";
import { Deadline, onBehalf } from "../ops/on-behalf.js";
import { type Entry, type Freshness, type Loaded, UpstreamCache } from "./cache.js";
import { ImpatientRequest, UpstreamError } from "./errors.js";

const TTL = 1000;
let now: number;
let cache: UpstreamCache;
/** Calls under way, oldest first: each waits until it is answered. */
let calls: { answer(value: string, bytes?: number): void; fail(error: Error): void }[];

beforeEach(() => {
  now = 1_000_000;
  cache = cacheOf(1_000_000);
  calls = [];
});

function cacheOf(maxBytes: number): UpstreamCache {
  return new UpstreamCache({
    ttlMs: TTL,
    staleOnErrorMs: 10 * TTL,
    maxBytes,
    clock: () => now,
    metrics: createMetrics(),
  });
}

function read(key = "k", freshness: Freshness = "cached", tags: string[] = [`tag of ${key}`]) {
  return cache.get<string>(key, tags, freshness, "health", () => {
    return new Promise<Loaded<string>>((resolve, reject) => {
      calls.push({ answer: (value, bytes = 10) => resolve({ value, bytes }), fail: reject });
    });
  });
}

/** Reads `key` and has its call, which must be the only new one, answered. */
async function load(value: string, key = "k", bytes = 10): Promise<void> {
  const reading = read(key);
  calls.pop()?.answer(value, bytes);
  await reading;
}

/** A read that must not wait. */
function ready(entry: Entry<string> | Promise<Entry<string>>): Entry<string> {
  expect(entry).not.toBeInstanceOf(Promise);
  return entry as Entry<string>;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("reading through the cache", () => {
  it("answers within one TTL without a call and without waiting", async () => {
    await load("old");
    const fetchedAt = now;
    now += TTL;
    expect(ready(read())).toMatchObject({ value: "old", fetchedAt, bytes: 10 });
    expect(calls).toHaveLength(0);
  });

  it("serves stale entries for one further TTL while it renews them, once", async () => {
    await load("old");
    now += 2 * TTL;
    expect(ready(read()).value).toBe("old");
    expect(ready(read()).value).toBe("old");
    expect(calls).toHaveLength(1);
    calls[0]?.answer("new");
    await settled();
    expect(ready(read())).toMatchObject({ value: "new", fetchedAt: now });
  });

  it("waits for the upstream beyond that", async () => {
    await load("old");
    now += 2 * TTL + 1;
    const reading = read();
    calls[0]?.answer("new");
    expect((await reading).value).toBe("new");
  });

  it("goes on serving stale entries when renewing them fails", async () => {
    await load("old");
    now += TTL + 1;
    expect(ready(read()).value).toBe("old");
    calls[0]?.fail(new Error("down"));
    await settled();
    expect(ready(read()).value).toBe("old");
    expect(calls).toHaveLength(2);
  });

  it("makes one call for all who ask at once, whatever their freshness", async () => {
    const readings = [read(), read(), read("k", "refresh"), read("k", "sweep")];
    expect(calls).toHaveLength(1);
    calls[0]?.answer("one");
    const entries = await Promise.all(readings);
    expect(new Set(entries).size).toBe(1);
  });

  it("calls anew on refresh, and stores the answer for everybody", async () => {
    await load("old");
    const reading = read("k", "refresh");
    calls[0]?.answer("new");
    expect((await reading).value).toBe("new");
    expect(ready(read()).value).toBe("new");
  });

  it("never stores a failure, and tells everybody who waited for it", async () => {
    const readings = [read(), read()];
    calls[0]?.fail(new Error("down"));
    await expect(Promise.all(readings.map(async (reading) => reading))).rejects.toThrow("down");
    const again = read();
    expect(calls).toHaveLength(2);
    calls[1]?.answer("up");
    expect((await again).value).toBe("up");
  });

  it("keeps an absent thing like any other", async () => {
    const reading = cache.get("gone", [], "cached", "health", async () => ({ value: null, bytes: 0 }));
    await reading;
    expect(
      ready(
        cache.get<string>("gone", [], "cached", "health", () => Promise.reject(new Error("called"))) as Entry<string>,
      ).value,
    ).toBeNull();
  });

  it("lets a sweep renew what is older than half a TTL, and wait for it", async () => {
    await load("old");
    now += TTL / 2;
    expect(ready(read("k", "sweep")).value).toBe("old");
    now += 1;
    const reading = read("k", "sweep");
    calls[0]?.answer("new");
    expect((await reading).value).toBe("new");
  });

  it("shows what is there up to one TTL without loading", async () => {
    expect(cache.peek("k")).toBeUndefined();
    cache.put("k", [], { value: "put", bytes: 1 });
    now += TTL;
    expect(cache.peek("k")).toMatchObject({ value: "put", fetchedAt: now - TTL });
    now += 1;
    expect(cache.peek("k")).toBeUndefined();
  });
});

describe("invalidation", () => {
  it("drops every entry with the tag and no other", async () => {
    await load("a", "a");
    await load("b", "b");
    cache.invalidate("tag of a", "tag of nothing");
    expect(cache.peek("a")).toBeUndefined();
    expect(cache.peek("b")).toBeDefined();
  });

  it("does not store an answer that was under way: it may be from before the change", async () => {
    const before = read();
    cache.invalidate("tag of k");
    const after = read();
    expect(calls).toHaveLength(2);
    calls[1]?.answer("new");
    calls[0]?.answer("old");
    expect([(await before).value, (await after).value]).toEqual(["old", "new"]);
    expect(cache.peek("k")?.value).toBe("new");
  });

  it("reaches entries again after they were invalidated while under way", async () => {
    const before = read();
    cache.invalidate("tag of k");
    const after = read();
    calls[0]?.answer("old");
    await before;
    cache.invalidate("tag of k");
    calls[1]?.answer("also old");
    await after;
    expect(cache.peek("k")).toBeUndefined();
  });

  it("reaches a renewal under way whose old entry has had to make room", async () => {
    cache = cacheOf(1000);
    await load("old", "k", 100);
    now += TTL + 1;
    expect(ready(read()).value).toBe("old");
    cache.put("big", [], { value: "big", bytes: 700 });
    expect(cache.peek("k")).toBeUndefined();
    cache.invalidate("tag of k");
    calls[0]?.answer("from before the change");
    await settled();
    expect(cache.peek("k")).toBeUndefined();
  });
});

describe("what is older than it should be", () => {
  const down = new UpstreamError("UPSTREAM_UNAVAILABLE", "health", "answered 503");

  it("is shown, with the reason, when nothing newer can be had", async () => {
    await load("old");
    const fetchedAt = now;
    now += 5 * TTL;
    const reading = read();
    calls.pop()?.fail(down);
    expect(await reading).toMatchObject({ value: "old", fetchedAt, failure: down });
    await load("new");
    expect(ready(read())).toMatchObject({ value: "new" });
    expect(ready(read()).failure).toBeUndefined();
  });

  it("is not shown beyond its bound, nor to who wants it renewed, nor for failures of ours", async () => {
    await load("old");
    now += 5 * TTL;
    for (const [freshness, error] of [
      ["refresh", down],
      ["sweep", down],
      ["cached", new Error("a bug")],
    ] as const) {
      const reading = read("k", freshness);
      calls.pop()?.fail(error);
      await expect(reading).rejects.toBe(error);
    }
    now += 5 * TTL + 1;
    const reading = read();
    calls.pop()?.fail(down);
    await expect(reading).rejects.toBe(down);
  });

  it("is shown to who waits no longer", async () => {
    await load("old");
    now += 5 * TTL;
    const entry = await within(20, () => read());
    expect(entry).toMatchObject({ value: "old", failure: { code: "UPSTREAM_TIMEOUT", service: "health" } });
  });
});

describe("a request's deadline", () => {
  it("ends its waiting for what others began, and not theirs", async () => {
    const patient = read();
    await expect(within(20, () => read())).rejects.toMatchObject({ code: "UPSTREAM_TIMEOUT", service: "health" });
    calls.pop()?.answer("late");
    expect((await patient).value).toBe("late");
  });

  it("ends no call for those who wait longer than whoever began it", async () => {
    const impatient = within(20, () => read());
    const patient = read();
    calls.pop()?.fail(new ImpatientRequest("health"));
    await expect(impatient).rejects.toMatchObject({ code: "UPSTREAM_TIMEOUT" });
    calls.pop()?.answer("good");
    expect((await patient).value).toBe("good");
  });
});

const within = <T>(milliseconds: number, work: () => T) =>
  onBehalf({ correlationId: "c", deadline: new Deadline(milliseconds) }, work);

describe("the bound", () => {
  it("is kept by dropping what was used longest ago", async () => {
    cache = cacheOf(2500);
    for (const key of ["a", "b"]) await load(key, key, 900);
    expect(ready(read("a")).value).toBe("a");
    await load("c", "c", 900);
    expect(["a", "b", "c"].map((key) => cache.peek(key) !== undefined)).toEqual([true, false, true]);
    expect(cache.bytes).toBeLessThanOrEqual(2500);
  });

  it("counts what small entries cost beside their value", async () => {
    cache = cacheOf(10_000);
    for (let i = 0; i < 1000; i++) cache.put(`k${i}`, [`t${i}`], { value: null, bytes: 0 });
    expect(cache.bytes).toBeLessThanOrEqual(10_000);
    expect(Array.from({ length: 1000 }, (_, i) => cache.peek(`k${i}`)).filter(Boolean).length).toBeLessThan(100);
  });

  it("hands out an answer larger than itself without keeping it", async () => {
    cache = cacheOf(1000);
    await load("small", "group|k");
    const refreshing = read("group|k", "refresh");
    calls.pop()?.answer("huge", 5000);
    expect((await refreshing).value).toBe("huge");
    expect(cache.freshIn("group")("k")).toBeUndefined();
    await load("small");
    now += 2 * TTL + 1;
    const reading = read();
    calls[0]?.answer("huge", 5000);
    expect((await reading).value).toBe("huge");
    expect(cache.peek("k")).toBeUndefined();
    expect(cache.bytes).toBe(0);
  });
});
