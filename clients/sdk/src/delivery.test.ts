import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeGateway, refusal } from "./testing/fakes.js";
import { names, settle, start, trackMany } from "./testing/start.js";

beforeEach(() => vi.useFakeTimers({ now: 1_700_000_000_000 }));
afterEach(() => vi.useRealTimers());

describe("when events are sent", () => {
  it("sends ten at once, without waiting", async () => {
    const { analytics, gateway } = start();
    trackMany(analytics, 1, 9);
    await settle();
    expect(gateway.calls).toHaveLength(0);
    trackMany(analytics, 10, 10);
    await settle();
    expect(gateway.calls.map(({ events }) => events.length)).toEqual([10]);
    expect(gateway.types).toEqual(names(1, 10));
  });

  it("sends fewer five seconds after the first", async () => {
    const { analytics, gateway } = start();
    trackMany(analytics, 1, 1);
    await vi.advanceTimersByTimeAsync(3000);
    trackMany(analytics, 2, 2);
    await vi.advanceTimersByTimeAsync(1999);
    expect(gateway.calls).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(gateway.calls.map(({ events }) => events.length)).toEqual([2]);
    trackMany(analytics, 3, 3);
    await vi.advanceTimersByTimeAsync(5000);
    expect(gateway.types).toEqual(names(1, 3));
  });

  it("has one request under way at a time, and keeps the order", async () => {
    const { analytics, gateway } = start();
    gateway.latencyMs = 700;
    for (let n = 1; n <= 40; n++) {
      analytics.track(`e${n}`);
      await vi.advanceTimersByTimeAsync(40);
    }
    await vi.advanceTimersByTimeAsync(20_000);
    expect(gateway.mostInFlight).toBe(1);
    expect(gateway.types).toEqual(names(1, 40));
  });

  it("flush() resolves when all that waited has been answered", async () => {
    const { analytics, gateway } = start();
    gateway.latencyMs = 100;
    trackMany(analytics, 1, 3);
    const first = analytics.flush();
    trackMany(analytics, 4, 5);
    const both = analytics.flush();
    await vi.advanceTimersByTimeAsync(200);
    await Promise.all([first, both]);
    expect(gateway.types).toEqual(names(1, 5));
  });

  it("flush() with nothing waiting asks nobody", async () => {
    const { analytics, gateway } = start();
    await analytics.flush();
    expect(gateway.calls).toHaveLength(0);
  });

  it("sends at most 500 events and 256 KiB in one request", async () => {
    const { analytics, gateway } = start({ flushAt: 10_000 });
    trackMany(analytics, 1, 900);
    for (let n = 901; n <= 910; n++) analytics.track(`e${n}`, { text: "ä".repeat(50_000) });
    await analytics.flush();
    expect(gateway.calls[0]?.events).toHaveLength(500);
    for (const { init } of gateway.calls) expect(Buffer.byteLength(String(init.body))).toBeLessThan(256 * 1024);
    expect(gateway.types).toEqual(names(1, 910));
  });
});

describe("when the gateway is away", () => {
  it("tries again after 1, 2, 4 … seconds, and nothing overtakes", async () => {
    const { analytics, gateway, errors } = start();
    gateway.replies = ["cut", { status: 503 }, { status: 429 }, { status: 507 }];
    const began = Date.now();
    trackMany(analytics, 1, 10);
    await vi.advanceTimersByTimeAsync(500);
    trackMany(analytics, 11, 30);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(gateway.calls.slice(0, 5).map(({ at }) => at - began)).toEqual([0, 1000, 3000, 7000, 15_000]);
    for (const { events } of gateway.calls) expect(events[0]?.type).toBe("e1");
    expect(gateway.types).toEqual(names(1, 30));
    expect(errors).toEqual([]);
  });

  it("starts over with short pauses after a success", async () => {
    const { analytics, gateway } = start();
    gateway.replies = ["cut", "cut", "accept", "cut"];
    trackMany(analytics, 1, 10);
    await vi.advanceTimersByTimeAsync(3000);
    const again = Date.now();
    trackMany(analytics, 11, 20);
    await vi.advanceTimersByTimeAsync(1000);
    expect(gateway.calls.slice(3).map(({ at }) => at - again)).toEqual([0, 1000]);
  });

  it("waits as long as Retry-After says, whoever asks", async () => {
    const { analytics, gateway } = start({ random: () => 0 });
    gateway.replies = [{ status: 429, retryAfter: "20" }];
    trackMany(analytics, 1, 10);
    await settle();
    trackMany(analytics, 11, 30);
    await analytics.flush();
    await vi.advanceTimersByTimeAsync(19_999);
    expect(gateway.calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(gateway.types).toEqual(names(1, 30));
  });

  it("flush() cuts its own pause short", async () => {
    const { analytics, gateway } = start();
    gateway.replies = ["cut"];
    trackMany(analytics, 1, 10);
    await settle();
    await analytics.flush();
    expect(gateway.types).toEqual(names(1, 10));
  });

  it("gives up on a connection that hangs after 30 seconds, and sends the same ids again", async () => {
    const { analytics, gateway } = start();
    gateway.replies = ["hang"];
    trackMany(analytics, 1, 10);
    await vi.advanceTimersByTimeAsync(31_000);
    const [first, second] = gateway.calls.map(({ events }) => events.map(({ id }) => id));
    expect(second).toEqual(first);
    expect(gateway.types).toEqual(names(1, 10));
  });

  it("takes a 200 of a hotel's network for no answer", async () => {
    const { analytics, gateway } = start();
    gateway.replies = [{ status: 200, body: "<h1>Welcome</h1>" }];
    trackMany(analytics, 1, 10);
    await vi.advanceTimersByTimeAsync(1000);
    expect(gateway.calls).toHaveLength(2);
    expect(gateway.types).toEqual(names(1, 10));
  });

  it("keeps what it has when full, and says which event is refused", async () => {
    const gateway = new FakeGateway();
    gateway.rule = () => "cut";
    const { analytics, errors } = start({ maxQueue: 20 }, gateway);
    trackMany(analytics, 1, 20);
    expect(analytics.track("e21")).toBeNull();
    expect(errors).toMatchObject([{ kind: "full", events: [{ type: "e21" }] }]);
    gateway.rule = undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.types).toEqual(names(1, 20));
  });
});

describe("when a batch is refused", () => {
  it("drops only the events named, tells of them, and sends the rest at once", async () => {
    const { analytics, gateway, errors } = start();
    gateway.replies = [refusal(2, 7)];
    trackMany(analytics, 1, 10);
    await settle();
    expect(gateway.types).toEqual(names(1, 10).filter((name) => name !== "e3" && name !== "e8"));
    expect(errors).toMatchObject([{ kind: "refused", status: 422, events: [{ type: "e3" }, { type: "e8" }] }]);
    expect(errors[0]?.faults.map(({ path }) => path[0])).toEqual([2, 7]);
  });

  it("finds the poison by halves where the answer names none", async () => {
    const { analytics, gateway, errors } = start();
    gateway.rule = (events) => (events.some(({ type }) => type === "e6") ? { status: 400 } : "accept");
    trackMany(analytics, 1, 40);
    await vi.advanceTimersByTimeAsync(5000);
    expect(gateway.types).toEqual(names(1, 40).filter((name) => name !== "e6"));
    expect(errors).toMatchObject([{ kind: "refused", status: 400, events: [{ type: "e6" }] }]);
    expect(gateway.calls.length).toBeLessThan(15);
  });

  it("splits what is too large in halves until it fits", async () => {
    const { analytics, gateway, errors } = start({ flushAt: 40 });
    gateway.rule = (events) => (events.length > 6 ? { status: 413 } : "accept");
    trackMany(analytics, 1, 40);
    await settle();
    expect(gateway.calls.slice(0, 4).map(({ events }) => events.length)).toEqual([40, 20, 10, 5]);
    expect(gateway.types).toEqual(names(1, 40));
    expect(errors).toEqual([]);
  });

  it("gives up one event that is too large by itself, and tells of it", async () => {
    const { analytics, gateway, errors } = start();
    gateway.rule = (events) => (events.some(({ type }) => type === "e2") ? { status: 413 } : "accept");
    trackMany(analytics, 1, 10);
    await vi.advanceTimersByTimeAsync(5000);
    expect(gateway.types).toEqual(names(1, 10).filter((name) => name !== "e2"));
    expect(errors).toMatchObject([{ kind: "too-large", status: 413, events: [{ type: "e2" }] }]);
  });

  it("goes on when the application's onError throws", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const onError = () => {
      throw new Error("a mistake of the application");
    };
    const { analytics, gateway } = start({ onError });
    gateway.replies = [refusal(0)];
    trackMany(analytics, 1, 10);
    await settle();
    expect(gateway.types).toEqual(names(2, 10));
    vi.restoreAllMocks();
  });
});

describe("who may send", () => {
  it("sends a write key in a way that needs no preflight", async () => {
    const { analytics, gateway } = start({ url: "https://gateway.test/" });
    trackMany(analytics, 1, 10);
    await settle();
    expect(gateway.calls[0]?.url).toBe("https://gateway.test/v1/events?write_key=wk%201");
    expect(gateway.calls[0]?.init).toMatchObject({ method: "POST", credentials: "omit" });
    expect(gateway.calls[0]?.init.headers).toEqual({ "content-type": "text/plain;charset=UTF-8" });
  });

  it("asks for the token before each attempt, so that an expired one heals", async () => {
    const tokens = ["old", "new"];
    const { analytics, gateway } = start({ writeKey: undefined, token: async () => tokens.shift() ?? "none" });
    gateway.replies = [{ status: 401 }];
    trackMany(analytics, 1, 10);
    await vi.advanceTimersByTimeAsync(1000);
    const sent = gateway.calls.map(({ init }) => (init.headers as Record<string, string>).authorization);
    expect(sent).toEqual(["Bearer old", "Bearer new"]);
    expect(gateway.calls[0]?.url).toBe("https://gateway.test/v1/events");
    expect(gateway.types).toEqual(names(1, 10));
  });

  it("waits where the token cannot be had", async () => {
    let isThere = false;
    const token = () => (isThere ? "t" : Promise.reject(new Error("not signed in")));
    const { analytics, gateway } = start({ writeKey: undefined, token });
    trackMany(analytics, 1, 10);
    await vi.advanceTimersByTimeAsync(5000);
    expect(gateway.calls).toHaveLength(0);
    isThere = true;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(gateway.types).toEqual(names(1, 10));
  });

  it("keeps events while the key is wrong, tells of it once, and asks less and less often", async () => {
    const { analytics, gateway, errors } = start();
    gateway.rule = () => ({ status: 403 });
    trackMany(analytics, 1, 10);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(errors).toMatchObject([{ kind: "access", status: 403, events: [] }]);
    expect(gateway.calls.length).toBeLessThan(20);
    gateway.rule = undefined;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(gateway.types).toEqual(names(1, 10));
  });
});

describe("close()", () => {
  it("sends what waits and records nothing more", async () => {
    const { analytics, gateway } = start();
    trackMany(analytics, 1, 3);
    await analytics.close();
    expect(analytics.track("late")).toBeNull();
    expect(gateway.types).toEqual(names(1, 3));
    expect(vi.getTimerCount()).toBe(0);
  });

  it("tells what is lost when the gateway is away and nothing is stored", async () => {
    const { analytics, gateway, errors } = start();
    gateway.rule = () => "cut";
    trackMany(analytics, 1, 3);
    await analytics.close();
    expect(errors).toMatchObject([{ kind: "unsent", events: [{ type: "e1" }, { type: "e2" }, { type: "e3" }] }]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
