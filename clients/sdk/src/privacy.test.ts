import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeGateway, FakeStorage } from "./testing/fakes.js";
import { stubPage } from "./testing/page.js";
import { names, settle, start, trackMany } from "./testing/start.js";

beforeEach(() => vi.useFakeTimers({ now: 1_700_000_000_000 }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a browser's privacy signal", () => {
  const signals = [
    ["Do Not Track", { doNotTrack: "1" }],
    ["Global Privacy Control", { globalPrivacyControl: true }],
  ] as const;

  it.each(signals)("%s keeps everything from being recorded or stored", async (_, navigator) => {
    stubPage({ navigator });
    const storage = new FakeStorage();
    const { analytics, gateway } = start({ storage });
    expect(analytics.isOptedOut).toBe(true);
    analytics.identify("u1");
    expect(analytics.track("e1")).toBeNull();
    expect(analytics.page()).toBeNull();
    analytics.optIn();
    expect(analytics.track("e2")).toBeNull();
    await analytics.close();
    expect(gateway.calls).toHaveLength(0);
    expect(storage.values.size).toBe(0);
  });

  it("also holds for what waits from before it was given", async () => {
    const storage = new FakeStorage();
    const gateway = new FakeGateway();
    gateway.rule = () => "cut";
    const before = start({ storage }, gateway);
    trackMany(before.analytics, 1, 3);
    await before.analytics.close();
    expect(storage.queued).toHaveLength(3);
    stubPage({ navigator: { globalPrivacyControl: true } });
    start({ storage }, gateway);
    expect(storage.queued).toEqual([]);
  });

  it.each(signals)("%s is not asked for when the application says so", async (_, navigator) => {
    stubPage({ navigator });
    const { analytics, gateway } = start({ respectDoNotTrack: false });
    expect(analytics.isOptedOut).toBe(false);
    analytics.track("e1");
    await analytics.flush();
    expect(gateway.types).toEqual(["e1"]);
  });

  it.each([
    { doNotTrack: "0" },
    { doNotTrack: null },
    { globalPrivacyControl: false },
    {},
  ])("%o is none", (navigator) => {
    stubPage({ navigator });
    expect(start().analytics.isOptedOut).toBe(false);
  });
});

describe("opting out", () => {
  it("throws away what waits and who it was, and is kept over reloads until opting in", async () => {
    const storage = new FakeStorage();
    const first = start({ storage });
    first.analytics.identify("u1");
    trackMany(first.analytics, 1, 3);
    first.analytics.optOut();
    expect([...storage.values.keys()]).toEqual(["crowsnest.optout"]);
    await first.analytics.close();
    const second = start({ storage }, first.gateway);
    expect(second.analytics.isOptedOut).toBe(true);
    expect(second.analytics.track("e4")).toBeNull();
    second.analytics.optIn();
    expect(second.analytics.isOptedOut).toBe(false);
    second.analytics.track("e5");
    await second.analytics.flush();
    expect(first.gateway.types).toEqual(["e5"]);
    expect(first.gateway.stored[0]?.user).not.toBe("u1");
  });

  it("in one tab holds in the others, for what waits there too", async () => {
    const storage = new FakeStorage();
    const gateway = new FakeGateway();
    gateway.replies = ["cut"];
    const [one, other] = [start({ storage }, gateway), start({ storage }, gateway)];
    trackMany(other.analytics, 1, 10);
    await settle();
    one.analytics.optOut();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(other.analytics.track("e11")).toBeNull();
    expect(gateway.stored).toEqual([]);
    expect(storage.queued).toEqual([]);
  });

  it("while a batch is under way sends nothing further", async () => {
    const { analytics, gateway } = start();
    gateway.latencyMs = 100;
    trackMany(analytics, 1, 10);
    await settle();
    trackMany(analytics, 11, 20);
    analytics.optOut();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.types).toEqual(names(1, 10));
    expect(gateway.calls).toHaveLength(1);
  });

  it("in one tab stops another one between two batches", async () => {
    const storage = new FakeStorage();
    const gateway = new FakeGateway();
    const [one, other] = [start({ storage }, gateway), start({ storage, flushAt: 1000 }, gateway)];
    gateway.latencyMs = 100;
    trackMany(other.analytics, 1, 600);
    void other.analytics.flush();
    await settle();
    one.analytics.optOut();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.types).toEqual(names(1, 500));
  });

  it("works where the storage is full", () => {
    const storage = new FakeStorage(0);
    const { analytics } = start({ storage });
    analytics.optOut();
    expect(analytics.isOptedOut).toBe(true);
    analytics.optIn();
    expect(analytics.isOptedOut).toBe(false);
  });
});
