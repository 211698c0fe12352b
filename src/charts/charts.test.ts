import { describe, expect, it } from "vitest";
import { type Chart, lookOf, THEMES } from "../domain/charts/index.js";
import { Charts } from "./charts.js";
import { widthOf } from "./fonts.js";

const NAUGHTY = [
  `<script>alert("x")</script>`,
  "]]> & &amp; <!-- -->",
  "\u0000\u0001\u001f\ufffe",
  "\ud800 alone",
  "{a|b} {b} {c} {value}",
  "田中さん 🇳🇬 עברית العربية",
  "=cmd|' /C calc'!A0",
  "",
];
const months = ["Jan", "Feb", "Mar", "Apr"];

/** One of each kind, with these names in all places. */
function chartsWith(names: readonly string[]): Chart[] {
  const [first = "", second = "", third = ""] = names;
  const title = names.join(" ");
  const series = names.map((name, i) => ({ name, values: [i, null, i + 2, 5] }));
  const parts = names.map((name, i) => ({ name, value: i + 1 }));
  return [
    ...(["LINE", "AREA", "BAR", "STACKED_BAR"] as const).map(
      (type): Chart => ({ type, title, unit: "%", categories: [...names, ...months].slice(0, 4), series }),
    ),
    { type: "PIE", title, parts },
    { type: "FUNNEL", title, parts: parts.toReversed() },
    {
      type: "GAUGE",
      title,
      unit: "%",
      value: 81.5,
      min: 0,
      max: 100,
      thresholds: [
        { from: 0, level: "BAD" },
        { from: 90, level: "GOOD" },
      ],
    },
    {
      type: "HEAT_MAP",
      title,
      columns: months,
      rows: [first, second],
      cells: [
        [1, 2, null, 4],
        [0, 0, 3, 1],
      ],
    },
    { type: "COHORT_MATRIX", title, unit: "%", columns: ["0", "1"], rows: [first], cells: [[100, 40.5]] },
    {
      type: "MAP",
      title,
      points: [
        { name: first, latitude: 6.45, longitude: 3.4, value: 10 },
        { name: second, latitude: 9.05, longitude: 7.5, value: 3 },
      ],
    },
    {
      type: "TABLE",
      title,
      columns: [
        { title: first, isNumeric: false },
        { title: second, isNumeric: true },
      ],
      rows: [
        [third, 1.5],
        [null, null],
      ],
    },
  ];
}

const charts = new Charts();
const SIZE = { width: 720, height: 400 };
const LIGHT = lookOf("LIGHT");

/** Width and height in the header of a PNG. */
const sizeOf = (png: Buffer): number[] => [png.readUInt32BE(16), png.readUInt32BE(20)];

describe.each(chartsWith(["Lagos", "Abuja", "Kano"]))("a chart of type $type", (chart) => {
  it.each(THEMES)("is drawn in %s colours, named for readers of screens", async (theme) => {
    const svg = await charts.svg(chart, lookOf(theme), SIZE);
    expect(svg).toMatch(/^<svg role="img"[^>]*width="720" height="400"/);
    expect(svg).toContain("<title>Lagos Abuja Kano</title><desc>Lagos Abuja Kano");
    expect(svg).toContain(lookOf(theme).background);
    expect(svg).toMatch(/<text[^>]*>Lagos Abuja Kano<\/text>/);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("is the same picture each time, without anything of other charts", async () => {
    const first = await charts.svg(chart, LIGHT, SIZE);
    await charts.svg({ ...chart, title: "Another" }, LIGHT, SIZE);
    expect(await charts.svg(chart, LIGHT, SIZE)).toBe(first);
    expect(first).not.toMatch(/zr\d|<style/);
  });

  it("is painted, not all in one colour", async () => {
    const png = await charts.png(chart, LIGHT, SIZE);
    expect(sizeOf(png)).toEqual([1440, 800]);
    expect(png.length).toBeGreaterThan(8_000);
  });

  it("says so where there is nothing to see", async () => {
    const empty = { ...chart, ...emptied(chart) } as Chart;
    expect(await charts.html(empty, LIGHT, SIZE)).toBe("<p>No data available for visualization</p>");
    expect(await charts.svg(empty, LIGHT, SIZE)).toContain("No data in this period");
  });
});

function emptied(chart: Chart): object {
  if ("series" in chart) return { series: [] };
  if ("parts" in chart) return { parts: [] };
  if ("points" in chart) return { points: [] };
  if ("cells" in chart) return { cells: [] };
  return "columns" in chart ? { rows: [] } : { value: null };
}

describe("names of a chart", () => {
  // What paints it is a strict reader of XML: it refuses what is not well-formed.
  it.each(chartsWith(NAUGHTY))("may be anything in a $type", async (chart) => {
    const svg = await charts.svg(chart, LIGHT, SIZE);
    expect(svg).not.toContain("<script>");
    expect((await charts.png(chart, LIGHT, SIZE)).length).toBeGreaterThan(1000);
  });
});

describe("widths of text", () => {
  it("are those of the font that comes with the gateway", () => {
    expect(widthOf("", 12)).toBe(0);
    expect(widthOf("iiii", 12)).toBeLessThan(widthOf("WWWW", 12) / 2);
    expect(widthOf("Lagos", 24)).toBeCloseTo(2 * widthOf("Lagos", 12));
    expect(widthOf("Lagos", 12, "bold")).toBeGreaterThan(widthOf("Lagos", 12));
  });
});
