import { describe, expect, it } from "vitest";
import { createIds, timeOf } from "./ids.js";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("ids of events", () => {
  it("are UUIDv7s that carry the time", () => {
    const id = createIds(() => 1_700_000_000_123)();
    expect(id).toMatch(UUID_V7);
    expect(timeOf(id)).toBe(1_700_000_000_123);
  });

  it("grow within one millisecond, also past the counter's end", () => {
    const newId = createIds(() => 1_700_000_000_000);
    const ids = Array.from({ length: 10_000 }, newId);
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(10_000);
    for (const id of ids) expect(id).toMatch(UUID_V7);
  });

  it("grow when the clock is set back", () => {
    const times = [1_700_000_000_000, 1_600_000_000_000, 1_699_999_999_999, 1_700_000_000_001];
    const newId = createIds(() => times.shift() ?? 0);
    const ids = [newId(), newId(), newId(), newId()];
    expect(ids).toEqual([...ids].sort());
  });

  it("differ between two pages that start in the same millisecond", () => {
    const now = () => 1_700_000_000_000;
    expect(createIds(now)()).not.toBe(createIds(now)());
  });
});
