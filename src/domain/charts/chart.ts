/** Kinds of charts, as they are named in the graph. */
export const CHART_TYPES = [
  "LINE",
  "AREA",
  "BAR",
  "STACKED_BAR",
  "PIE",
  "FUNNEL",
  "GAUGE",
  "HEAT_MAP",
  "COHORT_MATRIX",
  "MAP",
  "TABLE",
] as const;
export type ChartType = (typeof CHART_TYPES)[number];

interface Titled {
  readonly title: string;
  /** What the numbers are counted in, as shown beside them: `%`, `ms`, `EUR`. */
  readonly unit?: string | null;
}

/** Values over categories, mostly periods in order. Null: nothing is known there, which is not zero. */
export interface SeriesChart extends Titled {
  readonly type: "LINE" | "AREA" | "BAR" | "STACKED_BAR";
  readonly categories: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}

/** Parts of a whole, or steps that fewer and fewer take. */
export interface PartsChart extends Titled {
  readonly type: "PIE" | "FUNNEL";
  readonly parts: readonly { readonly name: string; readonly value: number }[];
}

export const LEVELS = ["GOOD", "WARNING", "BAD"] as const;
export type Level = (typeof LEVELS)[number];

/** One value on a scale. */
export interface GaugeChart extends Titled {
  readonly type: "GAUGE";
  readonly value: number | null;
  readonly min: number;
  readonly max: number;
  /** Where levels begin, ascending; below the first there is none. */
  readonly thresholds: readonly { readonly from: number; readonly level: Level }[];
}

/** Values by row and column. A cohort matrix has cohorts as rows, and periods since as columns. */
export interface MatrixChart extends Titled {
  readonly type: "HEAT_MAP" | "COHORT_MATRIX";
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  readonly cells: readonly (readonly (number | null)[])[];
}

/** Values at places, WGS 84 degrees. */
export interface MapChart extends Titled {
  readonly type: "MAP";
  readonly points: readonly {
    readonly name: string;
    readonly latitude: number;
    readonly longitude: number;
    readonly value: number;
  }[];
}

export interface TableChart extends Titled {
  readonly type: "TABLE";
  readonly columns: readonly { readonly title: string; readonly isNumeric: boolean }[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

export type Chart = SeriesChart | PartsChart | GaugeChart | MatrixChart | MapChart | TableChart;

/** Whether there is nothing to be seen. */
export function isEmptyChart(chart: Chart): boolean {
  switch (chart.type) {
    case "LINE":
    case "AREA":
    case "BAR":
    case "STACKED_BAR":
      return chart.series.every(({ values }) => values.every((value) => value === null));
    case "PIE":
    case "FUNNEL":
      return chart.parts.every(({ value }) => value === 0);
    case "GAUGE":
      return chart.value === null;
    case "HEAT_MAP":
    case "COHORT_MATRIX":
      return chart.cells.every((row) => row.every((value) => value === null));
    case "MAP":
      return chart.points.length === 0;
    case "TABLE":
      return chart.rows.length === 0;
  }
}
