import { beforeEach, describe, expect, it } from "vitest";
import { AdmissionQueue } from "./admission.js";

const WAIT_MS = 100;
let now: number;
let turns: (() => void)[];
let queue: AdmissionQueue;
let begun: number[];
let refused: number[];

beforeEach(() => {
  now = 1_000_000;
  turns = [];
  begun = [];
  refused = [];
  queue = new AdmissionQueue(
    WAIT_MS,
    () => now,
    (work) => void turns.push(work),
  );
});

/** A request that takes so long to answer, or 0.02 ms to refuse. */
function arrive(id: number, milliseconds: number): void {
  queue.enter(
    () => {
      begun.push(id);
      now += milliseconds;
    },
    () => {
      refused.push(id);
      now += 0.02;
    },
  );
}

/** The next turn of the event loop; false when there is nothing to do in it. */
function turn(): boolean {
  const work = turns.splice(0);
  for (const each of work) each();
  return work.length > 0;
}

/** Many clients that ask again as soon as they are answered, for so long. */
function load(clients: number, milliseconds: number, forMs: number): void {
  let id = begun.length + refused.length;
  for (let i = 0; i < clients; i++) arrive(id++, milliseconds);
  for (const end = now + forMs; now < end; ) {
    const before = begun.length + refused.length;
    turn();
    now += 0.1;
    for (let i = begun.length + refused.length - before; i > 0; i--) arrive(id++, milliseconds);
  }
}

describe("requests", () => {
  it("are begun at once while there is time", () => {
    arrive(1, 1);
    expect(begun).toEqual([1]);
    turn();
    now += 5;
    arrive(2, 1);
    expect(begun).toEqual([1, 2]);
  });

  it("wait for the next turn once a slice has gone by, in their order", () => {
    for (const id of [1, 2, 3, 4, 5, 6]) arrive(id, 0.5);
    expect(begun).toEqual([1, 2]);
    expect(queue.length).toBe(4);
    // The turn has had its slice: one more, so that there is always some progress.
    turn();
    expect(begun).toEqual([1, 2, 3]);
    arrive(7, 0.5);
    turn();
    expect(begun).toEqual([1, 2, 3, 4, 5]);
    turn();
    expect(begun).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(turn()).toBe(false);
  });

  it("of a moment's rush are all begun, though they wait", () => {
    for (let id = 0; id < 900; id++) arrive(id, 1);
    while (turn());
    expect(begun).toHaveLength(900);
    expect(refused).toEqual([]);
  });

  it("that are too many all the time are refused after a short wait, and nearly all time goes into answers", () => {
    load(500, 1, 3000);
    const [answered, turnedAway] = [begun.length, refused.length];
    load(0, 1, 5000);
    expect(begun.length - answered).toBeGreaterThan(0.8 * 5000);
    expect(refused.length - turnedAway).toBeGreaterThan(5000);
    expect(queue.kept).toBeLessThanOrEqual(2 * 500);
  });

  it("are begun as before when the rush is over", () => {
    load(1000, 1, 3000);
    while (turn());
    const before = refused.length;
    now += 10;
    for (let id = 0; id < 500; id++) arrive(id, 1);
    while (turn());
    expect(refused).toHaveLength(before);
  });
});
