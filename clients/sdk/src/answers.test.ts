import { describe, expect, it } from "vitest";
import { askedPause, judge, pause } from "./answers.js";

const answer = (status: number, body: unknown = null) => ({ status, body, retryAfter: null });
const faults = (...paths: unknown[]) => ({ faults: paths.map((path) => ({ path, message: "wrong", type: "type" })) });

describe("what an answer means", () => {
  it.each([0, 408, 429, 500, 502, 503, 504, 507])("%s: try again later", (status) => {
    expect(judge(answer(status), 10)).toEqual({ next: "wait", isOurFault: false });
  });

  it.each([301, 401, 403, 404, 405, 415])("%s: try again much later, and tell somebody", (status) => {
    expect(judge(answer(status), 10)).toEqual({ next: "wait", isOurFault: true });
  });

  it("200: done", () => expect(judge(answer(200), 10)).toEqual({ next: "done" }));
  it("413: split", () => expect(judge(answer(413), 10)).toEqual({ next: "split" }));

  it.each([400, 422])("%s with faults: drops each named event once", (status) => {
    const verdict = judge(answer(status, faults([3, "time"], [1], [3, "type"])), 10);
    expect(verdict).toMatchObject({ next: "drop", indexes: [3, 1] });
  });

  it.each([
    ["no body", null],
    ["a text", "no"],
    ["no list", { faults: "all" }],
    ["no path", { faults: [{ message: "wrong" }, null] }],
    ["an empty path", faults([])],
    ["an index outside the batch", faults([10], [-1], [0.5])],
    ["a name for an index", faults(["events"])],
  ])("422 with %s: split, for it names no event", (_, body) => {
    expect(judge(answer(422, body), 10)).toEqual({ next: "split" });
  });
});

describe("the pause before the next attempt", () => {
  const longest = () => 1;
  it("doubles from a second up to a minute", () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((failures) => pause(failures, null, false, longest));
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it("lies anywhere below that", () => {
    expect(pause(3, null, false, () => 0)).toBe(0);
    expect(pause(3, null, false, () => 0.25)).toBe(1000);
  });

  it("grows to ten minutes where waiting hardly helps", () => {
    expect(pause(20, null, true, longest)).toBe(600_000);
  });

  it("is never shorter than the gateway asked for", () => {
    expect(pause(1, 7000, false, () => 0)).toBe(7000);
    expect(pause(1, 7000, false, longest)).toBe(8000);
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  it.each([
    ["120", 120_000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["999999999", 3_600_000],
    ["Wed, 31 Dec 2025 23:00:00 GMT", null],
    ["0", null],
    ["soon", null],
    ["", null],
    [null, null],
  ])("%s is %s", (header, expected) => expect(askedPause(header, now)).toBe(expected));
});
