import { describe, expect, it } from "vitest";
import { UserKeys } from "./user-keys.js";

describe("the dictionary of users in memory", () => {
  it("gives every user the next key once", () => {
    const users = new UserKeys(0);
    const keys = Array.from({ length: 30_000 }, (_, i) => users.keyOf(i % 10_000, 7));
    expect(keys.slice(0, 3)).toEqual([1, 2, 3]);
    expect(new Set(keys).size).toBe(10_000);
    expect(keys.slice(0, 10_000)).toEqual(keys.slice(20_000));
  });

  it("goes on behind the users that were stored", () => {
    const users = new UserKeys(10);
    users.load(1, 1, 41);
    users.load(2, 2, 17);
    expect([users.keyOf(2, 2), users.keyOf(1, 1), users.keyOf(3, 3)]).toEqual([17, 41, 42]);
  });

  it("tells users with one equal half apart", () => {
    const users = new UserKeys(0);
    expect(new Set([users.keyOf(1, 1), users.keyOf(1, 2), users.keyOf(2, 1), users.keyOf(0, 0)]).size).toBe(4);
  });

  it("takes back the new users of what failed, and gives their keys again", () => {
    const users = new UserKeys(0);
    const first = users.keyOf(1, 1);
    users.commit();
    for (let i = 0; i < 20_000; i++) users.keyOf(i, 99);
    users.rollback();
    expect(users.keyOf(1, 1)).toBe(first);
    expect(users.keyOf(5, 5)).toBe(first + 1);
    expect(users.committed).toBe(first + 1);
  });

  it("forgets a user who is deleted", () => {
    const users = new UserKeys(0);
    const [one, two] = [users.keyOf(8, 1), users.keyOf(8, 2)];
    users.delete(8, 1);
    expect(users.keyOf(8, 2)).toBe(two);
    expect(users.keyOf(8, 1)).not.toBe(one);
  });
});
