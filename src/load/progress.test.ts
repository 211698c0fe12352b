import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { ProgressBar, progressText } from "./progress.js";

const START = { rows: 0, setAside: 0, fraction: 0 };

function watched({ isTTY, isQuiet = false }: { isTTY: boolean; isQuiet?: boolean }) {
  const screen = Object.assign(new PassThrough(), { isTTY, columns: 200 });
  let now = 0;
  const bar = new ProgressBar("f.csv", screen, isQuiet, () => now);
  const at = (milliseconds: number, rows: number, fraction: number) => {
    now = milliseconds;
    bar.show({ rows, setAside: 0, fraction });
  };
  return { bar, at, shown: () => String(screen.read() ?? "") };
}

describe("progress", () => {
  it.each([
    [{ rows: 12_000, setAside: 0, fraction: 0.25 }, 2000, "f: 12,000 rows, 25 %, 6,000 rows/s, 0:06 to go"],
    [{ rows: 10, setAside: 3, fraction: 0.001 }, 10_000, "f: 10 rows, 0 %, 1 rows/s, 2:46:30 to go, 3 set aside"],
    [{ rows: 10, setAside: 0, fraction: 1.2 }, 1000, "f: 10 rows, 100 %, 10 rows/s, 0:00 to go"],
    [START, 0, "f: 0 rows, 0 %, 0 rows/s"],
  ])("%j after %i ms reads %s", (reached, milliseconds, text) => {
    expect(progressText("f", reached, START, milliseconds)).toBe(text);
  });

  it("counts the speed of this run only", () => {
    const from = { rows: 1000, setAside: 0, fraction: 0.5 };
    expect(progressText("f", { rows: 2000, setAside: 0, fraction: 0.75 }, from, 1000)).toContain("1,000 rows/s, 0:01");
  });

  it("is a bar on a terminal, drawn over itself a few times a second", () => {
    const { at, shown } = watched({ isTTY: true });
    for (let ms = 0; ms <= 1000; ms += 10) at(ms, ms, ms / 2000);
    expect(shown().split("\r").slice(1)).toHaveLength(5);
    at(2000, 2000, 1);
    expect(shown()).toBe("\r[####################] f.csv: 2,000 rows, 100 %, 1,000 rows/s, 0:00 to go\x1b[K");
  });

  it("is a line every few seconds elsewhere", () => {
    const { at, shown } = watched({ isTTY: false });
    for (let ms = 0; ms <= 12_000; ms += 100) at(ms, ms, ms / 20_000);
    expect(shown().trimEnd().split("\n")).toEqual([
      "f.csv: 5,000 rows, 25 %, 1,000 rows/s, 0:15 to go",
      "f.csv: 10,000 rows, 50 %, 1,000 rows/s, 0:10 to go",
    ]);
  });

  it("makes room for notes", () => {
    const { bar, at, shown } = watched({ isTTY: true });
    at(0, 0, 0);
    at(300, 1, 0.1);
    bar.note("careful");
    bar.note("again");
    expect(shown().endsWith("\r\x1b[Kcareful\nagain\n")).toBe(true);
  });

  it("is silent when asked to be", () => {
    const { bar, at, shown } = watched({ isTTY: true, isQuiet: true });
    at(0, 0, 0);
    at(9000, 1, 0.1);
    bar.note("careful");
    bar.clear();
    expect(shown()).toBe("");
  });
});
