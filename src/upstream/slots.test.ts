import { describe, expect, it } from "vitest";
import { Slots } from "./slots.js";

class Overload extends Error {}
const isOverload = (error: unknown): boolean => error instanceof Overload;

/** Work that ends when it is told to. */
function workIn(slots: Slots) {
  let end: { good: () => void; bad: (error: Error) => void } | undefined;
  let started = false;
  const done = slots
    .run(() => {
      started = true;
      return new Promise<void>((good, bad) => {
        end = { good, bad };
      });
    }, isOverload)
    .catch((error) => error);
  return {
    done,
    isStarted: () => started,
    succeed: () => void end?.good(),
    fail: (error: Error) => void end?.bad(error),
  };
}

async function inTurn(slots: Slots, count: number, outcome: () => Promise<void>): Promise<void> {
  for (let i = 0; i < count; i++) await slots.run(outcome, isOverload).catch(() => undefined);
}

const good = async () => undefined;
const bad = async () => {
  throw new Overload();
};

describe("slots", () => {
  it("let so many in at once and the others in their order", async () => {
    const slots = new Slots(2);
    const works = [1, 2, 3, 4].map(() => workIn(slots));
    await Promise.resolve();
    expect(works.map((work) => work.isStarted())).toEqual([true, true, false, false]);
    works[1]?.succeed();
    await works[1]?.done;
    await Promise.resolve();
    expect(works.map((work) => work.isStarted())).toEqual([true, true, true, false]);
    expect(slots.inFlight).toBe(2);
  });

  it("are fewer after an overload, never none, and as many as before after good answers", async () => {
    const slots = new Slots(20);
    await inTurn(slots, 1, bad);
    expect(slots.limit).toBe(14);
    await inTurn(slots, 50, bad);
    expect(slots.limit).toBe(2);
    await inTurn(slots, 250, good);
    expect(slots.limit).toBe(20);
  });

  it("shrink once for calls that were overloaded together", async () => {
    const slots = new Slots(10);
    const works = Array.from({ length: 10 }, () => workIn(slots));
    await Promise.resolve();
    for (const work of works) work.fail(new Overload());
    await Promise.all(works.map((work) => work.done));
    expect(slots.limit).toBe(7);
  });

  it("are as many after failures that tell nothing of load", async () => {
    const slots = new Slots(4);
    await inTurn(slots, 20, () => Promise.reject(new Error("not JSON")));
    expect(slots.limit).toBe(4);
    expect(slots.inFlight).toBe(0);
  });
});
