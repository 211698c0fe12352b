import { describe, expect, it } from "vitest";
import { KeyFilter } from "./key-filter.js";

/** Two 32-bit halves of a hash of a number. */
function halves(n: number): [number, number] {
  let x = Math.imul(n ^ 0x9e3779b9, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  const low = (x ^ (x >>> 16)) >>> 0;
  let y = Math.imul(n ^ 0x7f4a7c15, 0x27d4eb2f);
  y = Math.imul(y ^ (y >>> 15), 0x165667b1);
  return [low, (y ^ (y >>> 13)) >>> 0];
}

describe("a key filter", () => {
  it("never calls a known key new, however far it has grown", () => {
    const filter = new KeyFilter(0);
    for (let i = 0; i < 100_000; i++) filter.admit(...halves(i));
    for (let i = 0; i < 100_000; i++) expect(filter.admit(...halves(i))).toBe(false);
  });

  it("hardly ever calls a new key known", () => {
    const filter = new KeyFilter(0);
    let wrong = 0;
    for (let i = 0; i < 200_000; i++) if (!filter.admit(...halves(i))) wrong++;
    expect(wrong).toBeLessThan(5);
  });

  it("forgets what was added since the last commit, and only that", () => {
    const filter = new KeyFilter(0);
    for (let i = 0; i < 5000; i++) filter.admit(...halves(i));
    filter.commit();
    for (let i = 5000; i < 40_000; i++) filter.admit(...halves(i));
    filter.rollback();
    for (let i = 0; i < 5000; i++) expect(filter.admit(...halves(i))).toBe(false);
    for (let i = 5000; i < 40_000; i++) expect(filter.admit(...halves(i))).toBe(true);
  });

  it("takes a hash of zeros", () => {
    const filter = new KeyFilter(0);
    expect(filter.admit(0, 0)).toBe(true);
    expect(filter.admit(0, 0)).toBe(false);
  });

  it("holds 5 to 11 bytes a key", () => {
    const filter = new KeyFilter(0);
    for (let i = 0; i < 300_000; i++) filter.admit(...halves(i));
    expect(filter.bytes / 300_000).toBeGreaterThan(5);
    expect(filter.bytes / 300_000).toBeLessThan(11);
  });
});
