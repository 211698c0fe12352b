import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeGateway, FakeLocks, FakeStorage, type FakeTab } from "./testing/fakes.js";
import { stubPage } from "./testing/page.js";
import { names, settle, start, trackMany } from "./testing/start.js";
import type { AnalyticsStorage } from "./types.js";

const away = () => "cut" as const;

beforeEach(() => vi.useFakeTimers({ now: 1_700_000_000_000 }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A page of one browser; `crash` takes it away without a word. */
function open(storage: AnalyticsStorage, gateway: FakeGateway, locks?: FakeLocks) {
  const tab: FakeTab | undefined = locks?.tab();
  const page = stubPage({ navigator: tab ? { locks: tab } : {} });
  let isThere = true;
  const fetch: typeof globalThis.fetch = (...call) => (isThere ? gateway.fetch(...call) : new Promise(() => undefined));
  const started = start({ storage, fetch }, gateway);
  const crash = () => {
    isThere = false;
    tab?.end();
  };
  return { ...started, page, crash };
}

describe("events that wait", () => {
  it("survive a crash and are sent by the next page, before its own", async () => {
    const [storage, gateway, locks] = [new FakeStorage(), new FakeGateway(), new FakeLocks()];
    gateway.rule = away;
    const first = open(storage, gateway, locks);
    trackMany(first.analytics, 1, 25);
    await vi.advanceTimersByTimeAsync(100);
    first.crash();
    gateway.rule = undefined;
    const second = open(storage, gateway, locks);
    trackMany(second.analytics, 26, 27);
    await vi.advanceTimersByTimeAsync(5000);
    expect(gateway.types).toEqual(names(1, 27));
    expect(storage.queued).toEqual([]);
  });

  it("survive a reload in a browser without locks, and leave with the first event after half a minute", async () => {
    const [storage, gateway] = [new FakeStorage(), new FakeGateway()];
    gateway.rule = away;
    const first = open(storage, gateway);
    trackMany(first.analytics, 1, 12);
    await settle();
    first.crash();
    gateway.rule = undefined;
    const second = open(storage, gateway);
    await vi.advanceTimersByTimeAsync(40_000);
    second.analytics.track("e13");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(gateway.types).toEqual(names(1, 13));
    expect(storage.queued).toEqual([]);
  });

  it("are taken over once, however long the gateway is away", async () => {
    const [storage, gateway] = [new FakeStorage(), new FakeGateway()];
    gateway.rule = away;
    const first = open(storage, gateway);
    trackMany(first.analytics, 1, 3);
    await settle();
    first.crash();
    const second = open(storage, gateway);
    for (let n = 4; n <= 8; n++) {
      await vi.advanceTimersByTimeAsync(40_000);
      second.analytics.track(`e${n}`);
    }
    gateway.rule = undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.calls.at(-1)?.events.map(({ type }) => type)).toEqual(names(1, 8));
  });

  it("are taken over by a page that was open all the time", async () => {
    const [storage, gateway, locks] = [new FakeStorage(), new FakeGateway(), new FakeLocks()];
    const living = open(storage, gateway, locks);
    const dying = open(storage, gateway, locks);
    trackMany(dying.analytics, 1, 3);
    await settle();
    dying.crash();
    await vi.advanceTimersByTimeAsync(31_000);
    living.analytics.track("e4");
    await vi.advanceTimersByTimeAsync(5000);
    expect(gateway.types).toEqual(names(1, 4));
  });

  it("stay what they are when the key is changed, and go to their own gateway only", async () => {
    const [storage, gateway, other] = [new FakeStorage(), new FakeGateway(), new FakeGateway()];
    gateway.rule = away;
    const first = start({ storage }, gateway);
    trackMany(first.analytics, 1, 3);
    await first.analytics.close();
    await vi.advanceTimersByTimeAsync(60_000);
    gateway.rule = undefined;
    start({ storage, url: "https://another.test" }, other);
    start({ storage, writeKey: "wk 2", url: "https://gateway.test/" }, gateway);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(other.calls).toHaveLength(0);
    expect(gateway.types).toEqual(names(1, 3));
    expect(gateway.calls.at(-1)?.url).toContain("wk%202");
  });

  it("are not harmed by what others wrote under their keys", async () => {
    const [storage, gateway, locks] = [new FakeStorage(), new FakeGateway(), new FakeLocks()];
    gateway.rule = away;
    const first = open(storage, gateway, locks);
    trackMany(first.analytics, 1, 2);
    storage.values.set(`${storage.queued[0]?.slice(0, -1)}x`, '{"torn":');
    await settle();
    first.crash();
    gateway.rule = undefined;
    open(storage, gateway, locks);
    await vi.advanceTimersByTimeAsync(5000);
    expect(gateway.types).toEqual(names(1, 2));
  });
});

describe("two tabs", () => {
  it("each send their own events, once", async () => {
    const [storage, gateway, locks] = [new FakeStorage(), new FakeGateway(), new FakeLocks()];
    gateway.rule = away;
    const tabs = [open(storage, gateway, locks), open(storage, gateway, locks)];
    for (let n = 1; n <= 30; n++) {
      tabs[n % 2]?.analytics.track(`e${n}`);
      await vi.advanceTimersByTimeAsync(3000);
    }
    gateway.rule = undefined;
    gateway.calls.length = 0;
    await vi.advanceTimersByTimeAsync(120_000);
    const sent = gateway.calls.flatMap(({ events }) => events.map(({ id }) => id));
    expect(sent).toHaveLength(30);
    expect(new Set(sent).size).toBe(30);
    expect(storage.queued).toEqual([]);
  });

  it("fight over nothing when both see a third one crash: the gateway has each event once", async () => {
    for (const locks of [new FakeLocks(), undefined]) {
      const [storage, gateway] = [new FakeStorage(), new FakeGateway()];
      gateway.rule = away;
      const crashing = open(storage, gateway, locks);
      trackMany(crashing.analytics, 1, 15);
      await settle();
      crashing.crash();
      await vi.advanceTimersByTimeAsync(31_000);
      gateway.rule = undefined;
      gateway.calls.length = 0;
      open(storage, gateway, locks);
      open(storage, gateway, locks);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(gateway.types).toEqual(names(1, 15));
      if (locks) expect(gateway.calls.flatMap(({ events }) => events)).toHaveLength(15);
    }
  });
});

describe("a storage", () => {
  it("that is full costs nothing but the memory of a reload, and is reported once", async () => {
    const [storage, gateway] = [new FakeStorage(1500), new FakeGateway()];
    gateway.rule = away;
    const { analytics, errors } = start({ storage }, gateway);
    trackMany(analytics, 1, 20);
    expect(storage.queued.length).toBeGreaterThan(0);
    expect(storage.queued.length).toBeLessThan(20);
    gateway.rule = undefined;
    await vi.advanceTimersByTimeAsync(2000);
    expect(gateway.types).toEqual(names(1, 20));
    expect(new Set(gateway.stored.map(({ user, session }) => user + session)).size).toBe(1);
    expect(errors.map(({ kind }) => kind)).toEqual(["storage"]);
    expect(storage.queued).toEqual([]);
  });

  it("that throws at every touch is as good as none", async () => {
    const refuse = () => {
      throw new DOMException("The operation is insecure.", "SecurityError");
    };
    const storage = { key: refuse, getItem: refuse, setItem: refuse, removeItem: refuse } as never as AnalyticsStorage;
    Object.defineProperty(storage, "length", { get: refuse });
    const { analytics, gateway } = start({ storage });
    trackMany(analytics, 1, 10);
    analytics.reset();
    await settle();
    expect(gateway.types).toEqual(names(1, 10));
    expect(new Set(gateway.stored.map(({ user, session }) => user + session)).size).toBe(1);
  });

  it("that may not even be looked at is as good as none", async () => {
    stubPage();
    Object.defineProperty(globalThis, "localStorage", {
      configurable: true,
      get() {
        throw new DOMException("Access is denied for this document.", "SecurityError");
      },
    });
    const { analytics, gateway } = start({ storage: undefined });
    trackMany(analytics, 1, 10);
    await settle();
    expect(gateway.types).toEqual(names(1, 10));
    Reflect.deleteProperty(globalThis, "localStorage");
  });

  it("is not looked for outside a browser", async () => {
    const storage = new FakeStorage();
    vi.stubGlobal("localStorage", storage);
    const { analytics, gateway } = start({ storage: undefined });
    trackMany(analytics, 1, 10);
    await settle();
    expect(gateway.types).toEqual(names(1, 10));
    expect(storage.values.size).toBe(0);
  });
});
