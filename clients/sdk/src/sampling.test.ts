import { describe, expect, it } from "vitest";
import { createIds } from "./ids.js";
import { isSampled } from "./sampling.js";

const visitors = Array.from(
  { length: 20_000 },
  createIds(() => 1_700_000_000_000),
);

describe("sampling of visitors", () => {
  it.each([0.01, 0.1, 0.5, 0.9])("takes in a share of %s", (rate) => {
    const share = visitors.filter((id) => isSampled(id, rate)).length / visitors.length;
    expect(Math.abs(share - rate)).toBeLessThan(4 * Math.sqrt((rate * (1 - rate)) / visitors.length));
  });

  it("takes in all at 1 and none at 0", () => {
    expect(visitors.every((id) => isSampled(id, 1))).toBe(true);
    expect(visitors.some((id) => isSampled(id, 0))).toBe(false);
  });

  it("keeps who is in when the rate grows", () => {
    const few = visitors.filter((id) => isSampled(id, 0.1));
    expect(few.every((id) => isSampled(id, 0.2))).toBe(true);
  });
});
