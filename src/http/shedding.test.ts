import { beforeEach, describe, expect, it } from "vitest";
import { Overload } from "./shedding.js";

const TURN_MS = 100;
let now: number;
let endTurn: () => void;
let overload: Overload;

beforeEach(() => {
  now = 1_000_000;
  overload = new Overload(
    TURN_MS,
    () => now,
    (work) => {
      endTurn = work;
    },
  );
});

/** A turn in which requests come that take so long each; tells how many were answered and how long it took. */
function turn(requests: number, milliseconds: number): { answered: number; took: number } {
  const start = now;
  let answered = 0;
  for (let i = 0; i < requests; i++) {
    if (overload.refuses()) {
      now += 0.02;
      continue;
    }
    answered += 1;
    now += milliseconds;
  }
  endTurn();
  return { answered, took: now - start };
}

const turns = (count: number, requests: number, milliseconds: number) =>
  Array.from({ length: count }, () => turn(requests, milliseconds));

describe("overload", () => {
  it("is not one long turn, nor many short ones", () => {
    expect(turn(1, 5000).answered).toBe(1);
    expect(turns(100, 40, 1).every(({ answered }) => answered === 40)).toBe(true);
  });

  it("that lasts is met by turns that are as long as they may be, all of them answers", () => {
    const rounds = turns(200, 500, 1);
    const late = rounds.slice(50);
    expect(rounds[0]?.answered).toBe(500);
    expect(late.every(({ answered }) => answered === TURN_MS)).toBe(true);
    expect(late.every(({ took }) => took < 1.15 * TURN_MS)).toBe(true);
  });

  it("is over when there is less to do", () => {
    turns(200, 500, 1);
    turns(2, 20, 1);
    expect(turn(150, 1).answered).toBe(150);
  });

  it("is over when nobody asked for a while", () => {
    turns(200, 500, 1);
    now += 10 * TURN_MS;
    expect(turn(150, 1).answered).toBe(150);
  });
});
