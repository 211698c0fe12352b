import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Heartbeat } from "./heartbeat.js";

const LEASE = 30_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start(renew: () => Promise<boolean>, takenAt = performance.now()) {
  const lost: string[] = [];
  const heartbeat = new Heartbeat({ leaseMs: LEASE, takenAt, renew, onLost: (reason) => lost.push(reason) });
  return { heartbeat, lost };
}

describe("a heartbeat", () => {
  it("renews three times within a lease, until it is stopped", async () => {
    const renew = vi.fn(async () => true);
    const { heartbeat, lost } = start(renew);
    await vi.advanceTimersByTimeAsync(10 * LEASE);
    expect(renew).toHaveBeenCalledTimes(30);
    heartbeat.stop();
    await vi.advanceTimersByTimeAsync(10 * LEASE);
    expect(renew).toHaveBeenCalledTimes(30);
    expect(lost).toEqual([]);
  });

  it("reports once that another has the lease, and stops", async () => {
    const renew = vi.fn(async () => false);
    const { heartbeat, lost } = start(renew);
    await vi.advanceTimersByTimeAsync(3 * LEASE);
    expect(lost).toEqual(["another process has taken it, or it was cancelled"]);
    expect(renew).toHaveBeenCalledTimes(1);
    expect(await heartbeat.beat()).toBe(false);
  });

  it.each([
    ["refuses", () => Promise.reject(new Error("away"))],
    ["does not answer", () => new Promise<boolean>(() => undefined)],
  ])("gives up shortly before the lease runs out where the database %s", async (_name, renew) => {
    const { lost } = start(renew);
    await vi.advanceTimersByTimeAsync(0.89 * LEASE);
    expect(lost).toEqual([]);
    await vi.advanceTimersByTimeAsync(0.02 * LEASE);
    expect(lost).toEqual(["it could not be renewed in time"]);
  });

  it("outlives a renewal that failed", async () => {
    let calls = 0;
    const { lost } = start(async () => {
      if (++calls % 2 === 1) throw new Error("away");
      return true;
    });
    await vi.advanceTimersByTimeAsync(5 * LEASE);
    expect(lost).toEqual([]);
  });

  it("counts from before a renewal was sent: an answer that took long earns no time", async () => {
    const slow = () => new Promise<boolean>((done) => setTimeout(() => done(true), 0.5 * LEASE));
    let calls = 0;
    const { lost } = start(() => (calls++ === 0 ? slow() : new Promise(() => undefined)));
    // Sent at a third, answered at five sixths: good until a third plus nine tenths.
    await vi.advanceTimersByTimeAsync(1.2 * LEASE);
    expect(lost).toEqual([]);
    await vi.advanceTimersByTimeAsync(0.04 * LEASE);
    expect(lost).toHaveLength(1);
  });

  it("counts from before the lease was taken", async () => {
    const { lost } = start(() => new Promise(() => undefined), performance.now() - 0.5 * LEASE);
    await vi.advanceTimersByTimeAsync(0.41 * LEASE);
    expect(lost).toHaveLength(1);
  });
});
