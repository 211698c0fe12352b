import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeGateway, FakeLocks, FakeStorage } from "./testing/fakes.js";
import { stubPage } from "./testing/page.js";
import { names, settle, start, trackMany } from "./testing/start.js";

beforeEach(() => vi.useFakeTimers({ now: 1_700_000_000_000 }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("when the page is hidden", () => {
  it("hands over what waits at once, by a request that outlives the page", async () => {
    const page = stubPage();
    const { analytics, gateway } = start({ storage: new FakeStorage() });
    trackMany(analytics, 1, 3);
    page.show("hidden");
    expect(gateway.calls.map(({ init, events }) => [init.keepalive, events.length])).toEqual([[true, 3]]);
    await settle();
    page.leave();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.calls).toHaveLength(1);
    expect(gateway.types).toEqual(names(1, 3));
  });

  it("hands over nothing twice, and what came in between when it is left", async () => {
    const page = stubPage();
    const { analytics, gateway } = start({ storage: new FakeStorage() });
    gateway.latencyMs = 1000;
    trackMany(analytics, 1, 3);
    page.show("hidden");
    trackMany(analytics, 4, 4);
    page.leave();
    expect(gateway.calls.map(({ events }) => events.map(({ type }) => type))).toEqual([names(1, 3), names(4, 4)]);
  });

  it("sends what was under way again, for a page that ends takes its requests along", async () => {
    const page = stubPage();
    const { analytics, gateway } = start({ storage: new FakeStorage() });
    gateway.replies = ["hang"];
    trackMany(analytics, 1, 10);
    await settle();
    page.show("hidden");
    await settle();
    expect(gateway.types).toEqual(names(1, 10));
  });

  it("stays within 64 KiB, and leaves the rest to the next page", async () => {
    const locks = new FakeLocks();
    const tab = locks.tab();
    const page = stubPage({ navigator: { locks: tab } });
    const [storage, gateway] = [new FakeStorage(), new FakeGateway()];
    gateway.replies = ["cut"];
    const first = start({ storage }, gateway);
    const text = "ü".repeat(4000);
    for (let n = 1; n <= 20; n++) first.analytics.track(`e${n}`, { text });
    first.analytics.track("e21", { text: "x".repeat(70_000) });
    first.analytics.track("e22");
    await settle();
    page.show("hidden");
    page.leave();
    await settle();
    const handed = gateway.calls.slice(1).map(({ init }) => String(init.body));
    expect(handed.every((body) => Buffer.byteLength(body) <= 64 * 1024)).toBe(true);
    expect(gateway.stored.length).toBeGreaterThan(5);
    expect(gateway.stored.length).toBeLessThan(21);
    tab.end();
    stubPage({ navigator: { locks: locks.tab() } });
    start({ storage }, gateway);
    await vi.advanceTimersByTimeAsync(5000);
    expect(new Set(gateway.types)).toEqual(new Set(names(1, 22)));
    expect(storage.queued).toEqual([]);
  });

  it("keeps what the gateway did not confirm", async () => {
    const page = stubPage();
    const [storage, gateway] = [new FakeStorage(), new FakeGateway()];
    gateway.replies = [{ status: 503 }];
    const { analytics } = start({ storage }, gateway);
    trackMany(analytics, 1, 3);
    page.show("hidden");
    await settle();
    expect(storage.queued).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(5000);
    expect(gateway.types).toEqual(names(1, 3));
  });

  it("respects a pause that the gateway asked for, unless the events would be lost", async () => {
    for (const storage of [new FakeStorage(), null]) {
      const page = stubPage();
      const { analytics, gateway } = start({ storage });
      gateway.replies = [{ status: 503, retryAfter: "600" }];
      trackMany(analytics, 1, 10);
      await settle();
      page.show("hidden");
      await settle();
      expect(gateway.types).toEqual(storage ? [] : names(1, 10));
    }
  });

  it("sends a static token along, and the last one of a function", async () => {
    for (const token of ["t1", () => "t1"]) {
      const page = stubPage();
      const { analytics, gateway } = start({ writeKey: undefined, token });
      trackMany(analytics, 1, 10);
      await settle();
      trackMany(analytics, 11, 12);
      page.show("hidden");
      expect(gateway.calls[1]?.init.headers).toMatchObject({ authorization: "Bearer t1" });
      await settle();
      expect(gateway.types).toEqual(names(1, 12));
    }
  });

  it("asks for a token where none is known yet", async () => {
    const page = stubPage();
    const { analytics, gateway } = start({ writeKey: undefined, token: async () => "first" });
    trackMany(analytics, 1, 2);
    page.show("hidden");
    await settle();
    expect(gateway.calls.map(({ init }) => init.headers)).toMatchObject([{ authorization: "Bearer first" }]);
  });

  it("uses a beacon where requests cannot outlive their page, and keeps what it cannot know of", async () => {
    const sendBeacon = vi.fn((_url: string, _body: string) => true);
    const page = stubPage({ navigator: { sendBeacon } });
    vi.stubGlobal("Request", class {});
    const storage = new FakeStorage();
    const { analytics, gateway } = start({ storage });
    trackMany(analytics, 1, 3);
    page.show("hidden");
    page.leave();
    expect(sendBeacon).toHaveBeenCalledTimes(1);
    const [url, body] = sendBeacon.mock.calls[0] ?? [];
    expect(url).toBe("https://gateway.test/v1/events?write_key=wk%201");
    expect(JSON.parse(body ?? "")).toHaveLength(3);
    expect(gateway.calls).toHaveLength(0);
    expect(storage.queued).toHaveLength(3);
  });
});

describe("when the page is there again", () => {
  it("does not wait for its own pause when the network is back", async () => {
    const page = stubPage();
    const { analytics, gateway } = start();
    gateway.replies = ["cut", "cut", "cut", "cut", "cut", "cut"];
    trackMany(analytics, 1, 10);
    await vi.advanceTimersByTimeAsync(31_000);
    expect(gateway.stored).toHaveLength(0);
    page.online();
    await settle();
    expect(gateway.types).toEqual(names(1, 10));
  });

  it("back from the page cache, it forgets what another page has sent since", async () => {
    const locks = new FakeLocks();
    const page = stubPage({ navigator: { locks: locks.tab() } });
    const [storage, gateway] = [new FakeStorage(), new FakeGateway()];
    gateway.rule = () => "cut";
    const frozen = start({ storage }, gateway);
    trackMany(frozen.analytics, 1, 3);
    await vi.advanceTimersByTimeAsync(100);
    page.leave();
    await settle();
    gateway.rule = undefined;
    stubPage({ navigator: { locks: locks.tab() } });
    const other = start({ storage }, gateway);
    await settle();
    await other.analytics.flush();
    expect(gateway.types).toEqual(names(1, 3));
    const calls = gateway.calls.length;
    page.restore();
    trackMany(frozen.analytics, 4, 4);
    await frozen.analytics.flush();
    expect(gateway.calls.slice(calls).map(({ events }) => events.map(({ type }) => type))).toEqual([["e4"]]);
  });

  it("stops listening once closed", async () => {
    const page = stubPage();
    const { analytics, gateway } = start();
    gateway.rule = () => "cut";
    trackMany(analytics, 1, 1);
    await analytics.close();
    page.show("hidden");
    page.online();
    page.leave();
    await settle();
    expect(gateway.calls).toHaveLength(1);
  });
});
