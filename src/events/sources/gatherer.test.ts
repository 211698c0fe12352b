import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { describe, expect, it, vi } from "vitest";
import { gate } from "../../../tests/support/recording-intake.js";
import type { RawMessage } from "../shapes/index.js";
import { Gatherer } from "./gatherer.js";

function gatherer(maxBytes = 1_000_000) {
  const batches: string[][] = [];
  const dropped: number[] = [];
  let before: () => Promise<void> = async () => undefined;
  const delivery = {
    take: async (messages: readonly RawMessage[], signal: AbortSignal) => {
      await before();
      if (signal.aborted) return null;
      batches.push(messages.map(({ text }) => text ?? ""));
      return [];
    },
  };
  const log = pino({ level: "silent" });
  const onDropped = (messages: number) => void dropped.push(messages);
  return {
    batches,
    dropped,
    hold: (until: () => Promise<void>) => {
      before = until;
    },
    gatherer: new Gatherer({ delivery, maxBytes, onDropped, log }),
  };
}

const message = (text: string): RawMessage => ({ value: {}, text, fallbackId: null, origin: "pubsub:c" });

describe("a gatherer", () => {
  it("takes in together what comes within milliseconds", async () => {
    const { gatherer: to, batches } = gatherer();
    for (const text of ["a", "b", "c"]) to.add(message(text));
    expect(batches).toEqual([]);
    await vi.waitFor(() => expect(batches).toEqual([["a", "b", "c"]]));
    expect(to.waiting).toBe(0);
  });

  it("does not wait once 500 have come, and keeps the order", async () => {
    const { gatherer: to, batches } = gatherer();
    const texts = Array.from({ length: 1234 }, (_, n) => String(n));
    for (const text of texts) to.add(message(text));
    await to.finish(1000);
    expect(batches.flat()).toEqual(texts);
  });

  it("drops what its bounds do not hold, and counts it", async () => {
    const { gatherer: to, batches, dropped, hold } = gatherer(10_000);
    const room = gate();
    hold(() => room.opened);
    for (let n = 0; n < 100; n++) to.add(message(String(n)));
    const kept = to.waiting;
    expect(kept).toBeLessThanOrEqual(20);
    expect(dropped).toHaveLength(100 - kept);
    room.open();
    await vi.waitFor(() => expect(to.waiting).toBe(0));
    to.add(message("later"));
    await to.finish(1000);
    expect(batches.flat()).toEqual([...Array.from({ length: kept }, (_, n) => String(n)), "later"]);
  });

  it("counts what could not be taken in before the end", async () => {
    const { gatherer: to, batches, dropped, hold } = gatherer();
    const never = gate();
    hold(() => never.opened);
    to.add(message("a"));
    to.add(message("b"));
    await to.finish(50);
    expect(dropped).toEqual([2]);
    to.add(message("c"));
    expect(dropped).toEqual([2, 1]);
    never.open();
    await sleep(10);
    expect(batches).toEqual([]);
  });
});
