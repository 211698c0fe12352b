import { beforeEach, describe, expect, it } from "vitest";
import { DAY, MINUTE } from "../base/clock.js";
import { Dependencies } from "../upstream/index.js";
import { goodUntil, type SharedAnswer, SharedAnswers } from "./shared-answers.js";

const NOW = Date.parse("2026-07-14T12:00:00Z");
let now = NOW;
let answers: SharedAnswers;

beforeEach(() => {
  now = NOW;
  answers = new SharedAnswers({ maxBytes: 100_000, clock: () => now });
});

function answer(body: string, until = NOW + MINUTE): SharedAnswer {
  return { body: Buffer.from(body), headers: {}, etag: `"${body}"`, asOf: NOW, until, told: {}, cost: 1 };
}

function on(...tags: string[]): Dependencies {
  const dependencies = new Dependencies();
  for (const tag of tags) dependencies.add(tag);
  return dependencies;
}

function kept(key: string, ...tags: string[]): void {
  answers.begin("t", key).keep(answer(key), on(...tags));
}

describe("kept answers", () => {
  it("are found under their key until they are too old", () => {
    kept("a", "t|vehicle|V1");
    expect(answers.find("a")?.body.toString()).toBe("a");
    expect(answers.find("b")).toBeUndefined();
    now = NOW + MINUTE;
    expect(answers.find("a")).toBeUndefined();
    expect(answers.bytes).toBe(0);
  });

  it("go with any of the things that they rest on, and with nothing else", () => {
    kept("a", "t|vehicle|V1", "t|lists|alert");
    kept("b", "t|vehicle|V2");
    answers.drop(["t|vehicle|V1"]);
    expect(answers.find("a")).toBeUndefined();
    expect(answers.find("b")).toBeDefined();
    answers.drop(["other|vehicle|V2"]);
    expect(answers.find("b")).toBeDefined();
    answers.drop(["t|lists|alert"]);
    expect(answers.find("b")).toBeDefined();
  });

  it("go with anything of their tenant when they rest on too much to be told", () => {
    const many = on(...Array.from({ length: 2000 }, (_, i) => `t|vehicle|V${i}`));
    expect(many.isEverything).toBe(true);
    answers.begin("t", "all").keep(answer("all"), many);
    answers.drop(["other|vehicle|V1"]);
    expect(answers.find("all")).toBeDefined();
    answers.drop(["t|vehicle|anything"]);
    expect(answers.find("all")).toBeUndefined();
  });

  it("take no more room than they may", () => {
    for (let i = 0; i < 1000; i++) kept(`key ${i}`, `t|vehicle|V${i}`);
    expect(answers.bytes).toBeLessThanOrEqual(100_000);
    expect(answers.find("key 0")).toBeUndefined();
    expect(answers.find("key 999")).toBeDefined();
    answers.begin("t", "huge").keep(answer("x".repeat(200_000)), on("t|vehicle|V1"));
    expect(answers.find("huge")).toBeUndefined();
  });

  it("are good for as long as their oldest part, and not for another day", () => {
    expect(goodUntil(NOW - MINUTE, 5 * MINUTE, NOW)).toBe(NOW + 4 * MINUTE);
    const midnight = Date.parse("2026-07-15T00:00:00Z");
    expect(goodUntil(midnight - MINUTE, 5 * MINUTE, midnight - MINUTE)).toBe(midnight);
    expect(goodUntil(NOW, 2 * DAY, NOW)).toBe(midnight);
  });
});

describe("answers on their way", () => {
  it("go to all who ask the same meanwhile", async () => {
    const flight = answers.begin("t", "a");
    const waiting = [answers.join("a"), answers.join("a")];
    expect(answers.join("b")).toBeUndefined();
    flight.give(answer("a"));
    expect((await Promise.all(waiting)).map((given) => given?.body.toString())).toEqual(["a", "a"]);
    expect(answers.join("a")).toBeUndefined();
    expect(answers.find("a")).toBeUndefined();
  });

  it("leave those who wait to themselves when they cannot be shared", async () => {
    const flight = answers.begin("t", "a");
    const waiting = answers.join("a");
    flight.giveUp();
    expect(await waiting).toBeNull();
  });

  it("are neither joined nor kept once something of the tenant has changed since they began", async () => {
    const flight = answers.begin("t", "a");
    const before = answers.join("a");
    answers.drop(["other|vehicle|V1"]);
    expect(answers.join("a")).toBeDefined();
    answers.drop(["t|vehicle|V1"]);
    expect(answers.join("a")).toBeUndefined();
    const second = answers.begin("t", "a");
    flight.keep(answer("old"), on("t|vehicle|V1"));
    expect((await before)?.body.toString()).toBe("old");
    expect(answers.find("a")).toBeUndefined();
    expect(answers.join("a")).toBeDefined();
    second.keep(answer("new"), on("t|vehicle|V1"));
    expect(answers.find("a")?.body.toString()).toBe("new");
  });
});
