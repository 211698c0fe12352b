import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { describe, expect, it, vi } from "vitest";
import { countingMetrics } from "../../../tests/support/recording-intake.js";
import { pause, reasonOf, Supervisor } from "./supervise.js";

const log = pino({ level: "silent" });

/** A supervisor whose waits are noted instead of slept. */
function supervised(session: (signal: AbortSignal) => Promise<void>, lasts: () => number = () => 0) {
  const metrics = countingMetrics();
  const waits: number[] = [];
  let now = 0;
  const supervisor = new Supervisor({
    name: "test",
    session: async (signal) => {
      now += lasts();
      await session(signal);
    },
    metrics,
    log,
    random: () => 1,
    clock: () => now,
    wait: async (ms, signal) => {
      waits.push(ms);
      await pause(1, signal);
    },
  });
  return { supervisor, metrics, waits };
}

const fails = () => Promise.reject(new Error("broken"));

describe("a supervisor", () => {
  it("tries again after growing delays up to a minute", async () => {
    const { supervisor, metrics, waits } = supervised(fails);
    supervisor.start();
    await vi.waitFor(() => expect(waits.length).toBeGreaterThan(8));
    await supervisor.stop();
    expect(waits.slice(0, 8)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    expect(metrics.counts["test restarted"]).toBeGreaterThanOrEqual(8);
    expect(supervisor.failure).toBe("broken");
  });

  it("spreads the delays", () => {
    const delays = [0, 0.5, 1].map(async (random) => {
      const waits: number[] = [];
      const wait = async (ms: number, signal: AbortSignal) => {
        waits.push(ms);
        await pause(60_000, signal);
      };
      const metrics = countingMetrics();
      const supervisor = new Supervisor({ name: "test", session: fails, metrics, log, random: () => random, wait });
      supervisor.start();
      await vi.waitFor(() => expect(waits).toHaveLength(1));
      await supervisor.stop();
      return waits[0];
    });
    return expect(Promise.all(delays)).resolves.toEqual([500, 750, 1000]);
  });

  it("begins with a short delay again after a session that lasted a minute", async () => {
    const lasting = [0, 0, 0, 61_000, 0];
    const { supervisor, waits } = supervised(fails, () => lasting.shift() ?? 0);
    supervisor.start();
    await vi.waitFor(() => expect(waits.length).toBeGreaterThan(4));
    await supervisor.stop();
    expect(waits.slice(0, 5)).toEqual([1000, 2000, 4000, 1000, 2000]);
  });

  it("begins anew at once when a session simply ends", async () => {
    const { supervisor, metrics, waits } = supervised(async () => undefined);
    supervisor.start();
    await vi.waitFor(() => expect(waits.length).toBeGreaterThan(2));
    await supervisor.stop();
    expect(waits.every((wait) => wait < 100)).toBe(true);
    expect(metrics.counts).toEqual({});
  });

  it("stops a wait at once", async () => {
    const metrics = countingMetrics();
    const supervisor = new Supervisor({ name: "test", session: fails, metrics, log });
    supervisor.start();
    await vi.waitFor(() => expect(supervisor.failure).toBe("broken"));
    const began = performance.now();
    await supervisor.stop();
    expect(performance.now() - began).toBeLessThan(200);
    expect(supervisor.isStarted).toBe(false);
  });

  it("leaves a session that does not end to itself", async () => {
    const metrics = countingMetrics();
    const supervisor = new Supervisor({ name: "test", session: () => new Promise(() => undefined), metrics, log });
    supervisor.start();
    const began = performance.now();
    await supervisor.stop(100);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it("runs one session at a time, however often it is started", async () => {
    let running = 0;
    let most = 0;
    const { supervisor } = supervised(async (signal) => {
      most = Math.max(most, ++running);
      await pause(20, signal);
      running--;
    });
    supervisor.start();
    supervisor.start();
    await sleep(60);
    await supervisor.stop();
    supervisor.start();
    await supervisor.stop();
    expect(most).toBe(1);
  });
});

it("tells the reasons of errors that hold several", () => {
  expect(reasonOf(new AggregateError([new Error("refused v6"), new Error("refused v4")]))).toBe(
    "refused v6; refused v4",
  );
  expect(reasonOf("text")).toBe("text");
});
