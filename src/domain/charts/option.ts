import type { Chart, GaugeChart, MapChart, MatrixChart, PartsChart, SeriesChart, TableChart } from "./chart.js";
import { isEmptyChart } from "./chart.js";
import type { Look } from "./look.js";

/** What ECharts draws: plain JSON, so that a browser draws the same from what was sent to it. */
export type ChartOption = Readonly<Record<string, unknown>>;

/** Whatever has the glyphs comes with the gateway; the others are as wide. */
export const FONT_FAMILY = "DejaVu Sans, Verdana, sans-serif";
const TITLE_SIZE = 15;
const TEXT_SIZE = 12;
/** Beyond so many, names of series are no legend any more but a list. */
const MOST_IN_LEGEND = 12;

/** The option of a chart, in a look. Pure: drawing is up to whoever has ECharts, here or in a browser. */
export function chartOption(chart: Chart, look: Look): ChartOption {
  const base = {
    backgroundColor: look.background,
    color: look.palette,
    animation: false,
    textStyle: { fontFamily: FONT_FAMILY, fontSize: TEXT_SIZE, color: look.text },
    title: {
      text: chart.title,
      left: 12,
      top: 10,
      textStyle: { fontSize: TITLE_SIZE, fontWeight: "bold", color: look.text, overflow: "truncate", width: 560 },
    },
    aria: { enabled: true, label: { description: describe(chart) } },
  };
  if (isEmptyChart(chart)) return { ...base, graphic: nothing(look) };
  return { ...base, ...drawing(chart, look) };
}

/** What there is to see, in words: for those who do not see it. */
export function describe(chart: Chart): string {
  const unit = chart.unit ? ` (${chart.unit})` : "";
  if (isEmptyChart(chart)) return `${chart.title}${unit}: no data`;
  switch (chart.type) {
    case "LINE":
    case "AREA":
    case "BAR":
    case "STACKED_BAR":
      return `${chart.title}${unit}: ${chart.series.map(({ name }) => name).join(", ")}, from ${chart.categories[0]} to ${chart.categories.at(-1)}`;
    case "PIE":
    case "FUNNEL":
      return `${chart.title}${unit}: ${chart.parts.map(({ name, value }) => `${name} ${value}`).join(", ")}`;
    case "GAUGE":
      return `${chart.title}${unit}: ${chart.value}, of ${chart.min} to ${chart.max}`;
    case "HEAT_MAP":
    case "COHORT_MATRIX":
      return `${chart.title}${unit}: ${chart.rows.length} rows by ${chart.columns.length} columns`;
    case "MAP":
      return `${chart.title}${unit}: ${chart.points.length} places`;
    case "TABLE":
      return `${chart.title}${unit}: ${chart.rows.length} rows of ${chart.columns.map(({ title }) => title).join(", ")}`;
  }
}

function drawing(chart: Chart, look: Look): ChartOption {
  switch (chart.type) {
    case "LINE":
    case "AREA":
    case "BAR":
    case "STACKED_BAR":
      return overCategories(chart, look);
    case "PIE":
      return pie(chart, look);
    case "FUNNEL":
      return funnel(chart, look);
    case "GAUGE":
      return gauge(chart, look);
    case "HEAT_MAP":
    case "COHORT_MATRIX":
      return matrix(chart, look);
    case "MAP":
      return map(chart, look);
    case "TABLE":
      return table(chart, look);
  }
}

const nothing = (look: Look) => ({
  type: "text",
  left: "center",
  top: "middle",
  style: { text: "No data in this period", fill: look.faint, font: `14px ${FONT_FAMILY}` },
});

function overCategories(chart: SeriesChart, look: Look): ChartOption {
  const isBar = chart.type === "BAR" || chart.type === "STACKED_BAR";
  const isStacked = chart.type === "AREA" || chart.type === "STACKED_BAR";
  const hasLegend = chart.series.length > 1;
  const label = { color: look.faint, hideOverlap: true };
  return {
    tooltip: { trigger: "axis" },
    ...(hasLegend ? { legend: legend(look) } : {}),
    grid: { left: 16, right: 24, top: 56, bottom: hasLegend ? 44 : 16, ...AROUND_LABELS },
    xAxis: {
      type: "category",
      data: chart.categories,
      boundaryGap: isBar,
      axisLine: { lineStyle: { color: look.line } },
      axisTick: { show: false },
      axisLabel: chart.categories.length <= MOST_IN_FULL ? { ...label, ...wrapped(chart.categories.length) } : label,
    },
    yAxis: {
      type: "value",
      name: chart.unit ?? "",
      nameTextStyle: { color: look.faint, align: "left" },
      splitLine: { lineStyle: { color: look.line } },
      axisLabel: label,
    },
    series: chart.series.map(({ name, values }) => ({
      name,
      type: isBar ? "bar" : "line",
      data: values,
      ...(isStacked ? { stack: "all" } : {}),
      ...(chart.type === "AREA" ? { areaStyle: { opacity: 0.35 } } : {}),
      // A single point between two gaps is seen only with its mark.
      ...(isBar ? { barMaxWidth: 48 } : { showSymbol: values.length <= 60, symbolSize: 5, connectNulls: false }),
    })),
  };
}

/** Few categories are all named, in several lines where they are long. */
const MOST_IN_FULL = 8;
const wrapped = (count: number) => ({ interval: 0, hideOverlap: false, overflow: "break", width: 560 / count });

/** The distances are those of the labels, not of the axes. */
const AROUND_LABELS = { outerBoundsMode: "same", outerBoundsContain: "axisLabel" };

const legend = (look: Look) => ({
  type: "scroll",
  bottom: 8,
  left: 12,
  right: 12,
  textStyle: { color: look.text, overflow: "truncate", width: 160 },
  pageTextStyle: { color: look.faint },
});

function pie(chart: PartsChart, look: Look): ChartOption {
  const isLong = chart.parts.length > MOST_IN_LEGEND;
  return {
    tooltip: { trigger: "item" },
    ...(isLong ? {} : { legend: legend(look) }),
    series: [
      {
        type: "pie",
        radius: ["35%", "62%"],
        center: ["50%", "52%"],
        data: chart.parts,
        label: { color: look.text, formatter: "{b}\n{d} %", overflow: "truncate", width: 130 },
        labelLayout: { hideOverlap: true },
        itemStyle: { borderColor: look.background, borderWidth: 2 },
      },
    ],
  };
}

function funnel(chart: PartsChart, look: Look): ChartOption {
  const first = chart.parts[0]?.value ?? 0;
  return {
    tooltip: { trigger: "item" },
    series: [
      {
        type: "funnel",
        top: 52,
        bottom: 20,
        left: "8%",
        width: "52%",
        // Steps stay in their order, also where a later one has as many.
        sort: "none",
        min: 0,
        max: first,
        minSize: "2%",
        gap: 3,
        label: { position: "right", color: look.text },
        labelLine: { lineStyle: { color: look.line } },
        data: chart.parts.map(({ name, value }) => ({
          name,
          value,
          label: { formatter: `{b}\n${value}${first > 0 ? ` (${((value / first) * 100).toFixed(1)} %)` : ""}` },
        })),
      },
    ],
  };
}

function gauge(chart: GaugeChart, look: Look): ChartOption {
  const span = chart.max - chart.min;
  const ends = [...chart.thresholds.slice(1).map(({ from }) => from), chart.max];
  const first = chart.thresholds[0];
  const bands = chart.thresholds.map(({ level }, i) => [share(ends[i] ?? chart.max), look.levels[level]]);
  function share(value: number): number {
    return span > 0 ? Math.min(1, Math.max(0, (value - chart.min) / span)) : 1;
  }
  const before = first && first.from > chart.min ? [[share(first.from), look.line]] : [];
  return {
    series: [
      {
        type: "gauge",
        min: chart.min,
        max: chart.max,
        center: ["50%", "60%"],
        radius: "78%",
        axisLine: { lineStyle: { width: 14, color: bands.length > 0 ? [...before, ...bands] : [[1, look.line]] } },
        axisTick: { show: false },
        splitLine: { length: 14, lineStyle: { color: look.background, width: 2 } },
        axisLabel: { color: look.faint, distance: 20 },
        pointer: { itemStyle: { color: look.text }, width: 5 },
        anchor: { show: true, size: 10, itemStyle: { color: look.text } },
        detail: {
          formatter: chart.unit ? `{value} ${chart.unit}` : "{value}",
          color: look.text,
          fontSize: 22,
          offsetCenter: [0, "55%"],
        },
        data: [{ value: chart.value }],
      },
    ],
  };
}

function matrix(chart: MatrixChart, look: Look): ChartOption {
  const values = chart.cells.flat().filter((value) => value !== null);
  const high = Math.max(...values);
  const isNarrow = chart.columns.length > 24;
  const axis = {
    type: "category",
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: look.faint, hideOverlap: true },
    splitArea: { show: false },
  };
  return {
    tooltip: { position: "top" },
    grid: { left: 16, right: 24, top: 56, bottom: 52, ...AROUND_LABELS },
    xAxis: { ...axis, data: chart.columns, position: "top" },
    yAxis: { ...axis, data: chart.rows, inverse: true },
    visualMap: {
      type: "continuous",
      min: Math.min(0, ...values),
      max: high > 0 ? high : 1,
      orient: "horizontal",
      left: "center",
      bottom: 8,
      itemHeight: 120,
      itemWidth: 12,
      inRange: { color: look.ramp },
      textStyle: { color: look.faint },
      text: [`${high}${chart.unit ? ` ${chart.unit}` : ""}`, ""],
    },
    series: [
      {
        type: "heatmap",
        data: chart.cells.flatMap((row, y) => row.flatMap((value, x) => (value === null ? [] : [[x, y, value]]))),
        label: {
          show: !isNarrow,
          fontSize: 11,
          color: look.text,
          textBorderColor: look.background,
          textBorderWidth: 2,
        },
        itemStyle: { borderColor: look.background, borderWidth: 1 },
      },
    ],
  };
}

/** Outlines under this name must have been given to ECharts: `world.ts` has them. */
export const WORLD = "world";

function map(chart: MapChart, look: Look): ChartOption {
  const largest = Math.max(...chart.points.map(({ value }) => value));
  const size = (value: number): number => (largest > 0 ? 5 + 23 * Math.sqrt(Math.max(0, value) / largest) : 5);
  return {
    tooltip: { trigger: "item" },
    geo: {
      map: WORLD,
      roam: true,
      top: 48,
      bottom: 12,
      left: 12,
      right: 12,
      ...around(chart),
      itemStyle: { areaColor: look.line, borderColor: look.background },
      emphasis: { disabled: true },
      silent: true,
      clip: true,
    },
    series: [
      {
        type: "scatter",
        coordinateSystem: "geo",
        label: { show: true, formatter: "{b}", position: "right", color: look.text, fontSize: 11 },
        labelLayout: { hideOverlap: true },
        itemStyle: { opacity: 0.75 },
        // Largest first, so that small ones are not hidden.
        data: chart.points
          .toSorted((a, b) => b.value - a.value)
          .map(({ name, longitude, latitude, value }) => ({
            name,
            value: [longitude, latitude, value],
            symbolSize: size(value),
          })),
      },
    ],
  };
}

/** The part of the world that the points lie in, with room around it. */
function around({ points }: MapChart): { boundingCoords: [[number, number], [number, number]] } {
  const longitudes = points.map(({ longitude }) => longitude);
  const latitudes = points.map(({ latitude }) => latitude);
  const [west, east] = padded(Math.min(...longitudes), Math.max(...longitudes), 180);
  const [south, north] = padded(Math.min(...latitudes), Math.max(...latitudes), 85);
  return {
    boundingCoords: [
      [west, north],
      [east, south],
    ],
  };
}

function padded(low: number, high: number, limit: number): [number, number] {
  const room = Math.max(4, (high - low) * 0.15);
  return [Math.max(-limit, low - room), Math.min(limit, high + room)];
}

function table(chart: TableChart, look: Look): ChartOption {
  const cell = { color: look.text, overflow: "truncate", padding: [0, 6], fontSize: TEXT_SIZE };
  return {
    matrix: {
      top: 44,
      left: 12,
      right: 12,
      bottom: 12,
      x: {
        data: chart.columns.map(({ title }) => title),
        label: { ...cell, fontWeight: "bold" },
        itemStyle: { borderColor: look.line },
        levelSize: 26,
      },
      y: { show: false, data: chart.rows.map((_, i) => String(i)) },
      body: {
        itemStyle: { borderColor: look.line },
        label: cell,
        data: chart.rows.flatMap((row, y) =>
          row.map((value, x) => ({
            coord: [x, y],
            value: value === null ? "" : String(value),
            label: { position: chart.columns[x]?.isNumeric ? "insideRight" : "insideLeft" },
          })),
        ),
      },
      backgroundStyle: { borderColor: look.line },
    },
  };
}
