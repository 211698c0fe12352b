import { pino } from "pino";
import { describe, expect, it, vi } from "vitest";
import { countingMetrics, gate, RecordingIntake, testShape } from "../../../tests/support/recording-intake.js";
import { SpoolRefused } from "../../spool/index.js";
import type { RawMessage } from "../shapes/index.js";
import { Delivery } from "./delivery.js";

const forEver = new AbortController().signal;

function delivery() {
  const intake = new RecordingIntake();
  const metrics = countingMetrics();
  const log = pino({ level: "silent" });
  const options = { name: "test", tenant: "t", shape: testShape, intake, metrics, log, firstWaitMs: 5, maxWaitMs: 20 };
  return { intake, metrics, delivery: new Delivery(options) };
}

function messages(count: number): RawMessage[] {
  return Array.from({ length: count }, (_, n) => ({
    value: { type: "a", n },
    fallbackId: `${n}`,
    origin: `test:${n}`,
  }));
}

describe("a delivery", () => {
  it("waits while the intake has no room, and gives it the same messages again", async () => {
    const { intake, metrics, delivery: to } = delivery();
    let isFull = true;
    intake.before = async () => {
      if (isFull) throw new SpoolRefused("behind", "too much waits");
    };
    const taking = to.take(messages(3), forEver);
    await vi.waitFor(() => expect(to.refusal).toBe("too much waits"), { timeout: 10_000 });
    isFull = false;
    expect(await taking).toEqual([]);
    expect(intake.ids).toEqual(["0", "1", "2"]);
    expect(to.refusal).toBeNull();
    expect(metrics.counts).toEqual({ "test taken": 3 });
  });

  it("gives up waiting when it is told to, and says so", async () => {
    const { intake, delivery: to } = delivery();
    intake.before = () => Promise.reject(new SpoolRefused("full", "no space left"));
    const abort = new AbortController();
    const taking = to.take(messages(1), abort.signal);
    await vi.waitFor(() => expect(to.refusal).toBe("no space left"), { timeout: 10_000 });
    abort.abort();
    expect(await taking).toBeNull();
    expect(intake.batches).toEqual([]);
  });

  it("beats while it waits, and ends when a beat fails", async () => {
    const { intake, delivery: to } = delivery();
    const never = gate();
    intake.before = () => never.opened;
    let beats = 0;
    const beat = async () => {
      if (++beats === 2) throw new Error("rebalancing");
    };
    await expect(to.take(messages(1), forEver, beat)).rejects.toThrow("rebalancing");
    expect(beats).toBe(2);
    never.open();
  });

  it.each([1, 2, 7, 64])("sets aside the one message of %i that breaks the intake", async (count) => {
    const { intake, delivery: to } = delivery();
    const broken = count >> 1;
    intake.before = async (batch) => {
      if (batch.some(({ value }) => (value as { n?: number } | undefined)?.n === broken))
        throw new RangeError("too deep");
    };
    const setAside = await to.take(messages(count), forEver);
    expect(intake.ids).toEqual(messages(count).map(({ fallbackId }) => fallbackId));
    expect(setAside?.map(({ origin, kind }) => [origin, kind])).toEqual([[`test:${broken}`, "json_decode"]]);
    expect(Buffer.from(setAside?.[0]?.raw ?? "", "base64").toString()).toBe(JSON.stringify({ type: "a", n: broken }));
  });

  it("throws when it is the intake and not a message that is broken", async () => {
    const { intake, delivery: to } = delivery();
    let calls = 0;
    intake.before = async () => {
      calls++;
      throw new TypeError("a bug");
    };
    await expect(to.take(messages(1000), forEver)).rejects.toThrow("a bug");
    expect(calls).toBeLessThan(20);
  });
});
