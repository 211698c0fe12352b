import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeStorage } from "./testing/fakes.js";
import { stubPage } from "./testing/page.js";
import { settle, start } from "./testing/start.js";

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;

beforeEach(() => vi.useFakeTimers({ now: NOW }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("an event", () => {
  it("says what, when, who, and in which session", async () => {
    const { analytics, gateway } = start();
    analytics.identify("u1");
    const id = analytics.track("video_play", { title: "Intro" }, { subject: "v7" });
    await analytics.flush();
    const [event] = gateway.stored;
    expect(event).toEqual({
      type: "video_play",
      id,
      time: "2023-11-14T22:13:20.000Z",
      user: "u1",
      session: expect.stringMatching(/^[0-9a-f-]{36}$/),
      subject: "v7",
      properties: { title: "Intro" },
    });
  });

  it("carries the time of tracking, not of sending", async () => {
    const { analytics, gateway } = start();
    gateway.replies = ["cut", "cut"];
    analytics.track("e1");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.stored[0]?.time).toBe(new Date(NOW).toISOString());
  });

  it.each([
    ["a date", new Date(NOW - MINUTE)],
    ["epoch milliseconds", NOW - MINUTE],
    ["ISO 8601", "2023-11-14T23:12:20+01:00"],
  ])("takes another time as %s", async (_, time) => {
    const { analytics, gateway } = start();
    analytics.track("e1", {}, { time });
    await analytics.flush();
    expect(gateway.stored[0]?.time).toBe("2023-11-14T22:12:20.000Z");
  });

  it("is a copy: what the application changes afterwards is not sent", async () => {
    const { analytics, gateway } = start();
    const properties = { step: 1 };
    analytics.track("e1", properties);
    properties.step = 2;
    await analytics.flush();
    expect(gateway.stored[0]?.properties).toEqual({ step: 1 });
  });

  const circle: Record<string, unknown> = {};
  circle.self = circle;
  it.each([
    ["without a type", "", {}, {}],
    ["with a type that is no text", 7 as never, {}, {}],
    ["with a circle in its properties", "e1", circle, {}],
    ["with a bigint in its properties", "e1", { n: 1n }, {}],
    ["with a time that is none", "e1", {}, { time: "yesterday" }],
  ])("%s is reported and not recorded; nothing is thrown", async (_, type, properties, options) => {
    const { analytics, gateway, errors } = start();
    expect(analytics.track(type, properties, options)).toBeNull();
    await analytics.flush();
    expect(errors).toMatchObject([{ kind: "invalid", events: [] }]);
    expect(gateway.calls).toHaveLength(0);
  });
});

describe("who it was", () => {
  it("is one anonymous visitor over reloads, until reset()", async () => {
    const storage = new FakeStorage();
    const first = start({ storage });
    first.analytics.track("e1");
    await first.analytics.close();
    const second = start({ storage }, first.gateway);
    second.analytics.track("e2");
    second.analytics.reset();
    second.analytics.track("e3");
    await second.analytics.flush();
    const [a, b, c] = first.gateway.stored.map(({ user }) => user);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });

  it("is the identified user over reloads, in the same session, until reset()", async () => {
    const storage = new FakeStorage();
    const first = start({ storage });
    first.analytics.track("anonymous");
    first.analytics.identify("u1");
    first.analytics.track("known");
    await first.analytics.close();
    const second = start({ storage }, first.gateway);
    second.analytics.track("reloaded");
    second.analytics.reset();
    second.analytics.track("signed out");
    await second.analytics.flush();
    const { stored } = first.gateway;
    expect(stored.map(({ user }) => user === "u1")).toEqual([false, true, true, false]);
    expect(new Set(stored.slice(0, 3).map(({ session }) => session)).size).toBe(1);
    expect(stored[3]?.session).not.toBe(stored[2]?.session);
    expect(stored[3]?.user).not.toBe(stored[0]?.user);
  });
});

describe("a session", () => {
  it("lasts while pauses stay below 30 minutes, over reloads and in all tabs", async () => {
    const storage = new FakeStorage();
    const first = start({ storage });
    const other = start({ storage }, first.gateway);
    first.analytics.track("e1");
    await vi.advanceTimersByTimeAsync(29 * MINUTE);
    other.analytics.track("e2");
    await vi.advanceTimersByTimeAsync(29 * MINUTE);
    first.analytics.track("e3");
    await vi.advanceTimersByTimeAsync(30 * MINUTE);
    first.analytics.track("e4");
    await vi.advanceTimersByTimeAsync(MINUTE);
    const [a, b, c, d] = first.gateway.stored.map(({ session }) => session);
    expect([b, c]).toEqual([a, a]);
    expect(d).not.toBe(a);
  });

  it("ends when the clock was set back by more than that", async () => {
    const times = { now: NOW };
    const { analytics, gateway } = start({ now: () => times.now });
    analytics.track("e1");
    times.now -= 60 * MINUTE;
    analytics.track("e2");
    await analytics.flush();
    expect(gateway.stored[1]?.session).not.toBe(gateway.stored[0]?.session);
  });
});

describe("page()", () => {
  it("says the path and where the visitor came from, without queries and fragments", async () => {
    stubPage({ pathname: "/home", referrer: "https://search.example/find?q=private#x" });
    const { analytics, gateway } = start();
    analytics.page();
    analytics.page("/cart", { items: 2 });
    analytics.page("/pay");
    await analytics.flush();
    expect(gateway.stored.map(({ type, properties }) => [type, properties])).toEqual([
      ["page_view", { page: "/home", referrer: "https://search.example/find" }],
      ["page_view", { page: "/cart", referrer: "/home", items: 2 }],
      ["page_view", { page: "/pay", referrer: "/cart" }],
    ]);
  });
});

describe("sampling", () => {
  it("sends all or nothing of a visitor, also after a reload", async () => {
    const outcomes = new Set<number>();
    for (let visitor = 0; visitor < 40; visitor++) {
      const storage = new FakeStorage();
      const first = start({ storage, sampleRate: 0.5 });
      const ids = [first.analytics.track("e1"), first.analytics.track("e2")];
      await first.analytics.close();
      const second = start({ storage, sampleRate: 0.5 }, first.gateway);
      ids.push(second.analytics.track("e3"));
      await second.analytics.close();
      const { length } = first.gateway.stored;
      expect(ids.filter((id) => id !== null)).toHaveLength(length);
      outcomes.add(length);
      await settle();
    }
    expect([...outcomes].sort()).toEqual([0, 3]);
  });
});
