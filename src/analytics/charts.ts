import { PublicError } from "../base/errors.js";
import type { Chart, ChartType, SeriesChart, TableChart } from "../domain/charts/index.js";
import { LIFECYCLE_STATES } from "../domain/insights/lifecycle.js";
import type { Unit } from "../domain/metrics/index.js";
import { named } from "./asked.js";
import type { MetricSeries, MetricsAnswer } from "./metrics.js";
import type { CohortsAnswer, FunnelAnswer, LifecycleAnswer } from "./user-insights.js";
import type { Place } from "./value-insights.js";

/** As shown beside numbers; counts and money have none, since its currency is the tenant's. */
const SYMBOLS: Readonly<Partial<Record<Unit, string>>> = {
  PERCENT: "%",
  MILLISECONDS: "ms",
  SECONDS: "s",
  MINUTES: "min",
  KILOMETRES: "km",
  MEGABYTES: "MB",
};

const SERIES_TYPES = ["LINE", "AREA", "BAR", "STACKED_BAR"] as const;
/** What figures over metrics can be drawn as. */
export const METRIC_CHART_TYPES = [...SERIES_TYPES, "PIE", "GAUGE", "HEAT_MAP", "TABLE"] as const;

/** @throws PublicError BAD_USER_INPUT for a type that metrics cannot be drawn as */
export function metricsChart(answer: MetricsAnswer, type: ChartType, title?: string | null): Chart {
  const [first] = answer.columns;
  const titled = {
    title: title ?? answer.columns.map((column) => column.title).join(", "),
    unit: (first && SYMBOLS[first.unit]) ?? null,
  };
  switch (type) {
    case "LINE":
    case "AREA":
    case "BAR":
    case "STACKED_BAR":
      return { ...titled, type, ...(answer.granularity ? overTime(answer) : overGroups(answer)) };
    case "PIE":
      return {
        ...titled,
        type,
        parts: answer.series.map((each) => ({ name: nameOf(each, answer), value: each.value ?? 0 })),
      };
    case "GAUGE":
      return { ...titled, type, ...scale(answer.series[0]?.value ?? null, first?.unit), thresholds: [] };
    case "HEAT_MAP": {
      const { categories, series } = answer.granularity ? overTime(answer) : overGroups(answer);
      return {
        ...titled,
        type,
        columns: categories,
        rows: series.map(({ name }) => name),
        cells: series.map(({ values }) => values),
      };
    }
    case "TABLE":
      return { ...titled, unit: null, type, ...tableOfMetrics(answer) };
    case "FUNNEL":
    case "COHORT_MATRIX":
    case "MAP":
      throw new PublicError(
        "BAD_USER_INPUT",
        `Metrics can be drawn as ${METRIC_CHART_TYPES.join(", ")}, not as ${type}`,
        {
          field: "type",
          allowed: METRIC_CHART_TYPES,
        },
      );
  }
}

type Categories = Pick<SeriesChart, "categories" | "series">;

function overTime(answer: MetricsAnswer): Categories {
  const names = new Map(
    answer.series.flatMap(({ points }) => points.map(({ bucket, name }) => [bucket, name] as const)),
  );
  const buckets = [...names.keys()].sort((a, b) => a - b);
  return {
    categories: buckets.map((bucket) => names.get(bucket) ?? ""),
    series: answer.series.map((each) => {
      const values = new Map(each.points.map(({ bucket, value }) => [bucket, value]));
      return { name: nameOf(each, answer), values: buckets.map((bucket) => values.get(bucket) ?? null) };
    }),
  };
}

/** One category for each group, one series for each metric. */
function overGroups(answer: MetricsAnswer): Categories {
  const groups = [...new Set(answer.series.map(({ group }) => groupName(group)))];
  return {
    categories: groups,
    series: answer.columns.map((column) => {
      const own = answer.series.filter((each) => each.column === column);
      const values = new Map(own.map(({ group, value }) => [groupName(group), value]));
      return { name: column.title, values: groups.map((group) => values.get(group) ?? null) };
    }),
  };
}

function tableOfMetrics(answer: MetricsAnswer): Pick<TableChart, "columns" | "rows"> {
  const text = (title: string) => ({ title, isNumeric: false });
  const columns = [
    ...(answer.granularity ? [text("Period")] : []),
    ...answer.dimensions.map(({ id }) => text(id)),
    text("Metric"),
    { title: "Value", isNumeric: true },
  ];
  const rows = answer.series.flatMap(({ column, group, value, decimal, points }) => {
    const cells = points.map((point) => [point.name, ...group, column.title, point.decimal ?? point.value]);
    return answer.granularity ? cells : [[...group, column.title, decimal ?? value]];
  });
  return { columns, rows };
}

/** From 0 to a round number above the value; percentages to 100. */
function scale(value: number | null, unit: Unit | undefined) {
  if (unit === "PERCENT") return { value, min: 0, max: Math.max(100, value ?? 0) };
  const step = 10 ** Math.floor(Math.log10(Math.max(1, value ?? 1)));
  return { value, min: 0, max: Math.ceil(((value ?? 0) + 1) / step) * step };
}

const NONE = "(none)";
const groupName = (group: readonly (string | null)[]): string =>
  group.map((value) => value ?? NONE).join(", ") || "All";

function nameOf({ column, group }: MetricSeries, { columns }: MetricsAnswer): string {
  if (group.length === 0) return column.title;
  return columns.length === 1 ? groupName(group) : `${column.title}: ${groupName(group)}`;
}

/** Steps one below the other; with a breakdown, bars of each value beside each other. */
export function funnelChart({ groups }: FunnelAnswer, title?: string | null): Chart {
  const titled = { title: title ?? "Funnel", unit: null };
  const [only, ...others] = groups;
  if (others.length === 0) {
    return { ...titled, type: "FUNNEL", parts: (only?.steps ?? []).map(({ name, users }) => ({ name, value: users })) };
  }
  return {
    ...titled,
    type: "BAR",
    categories: only?.steps.map(({ name }) => name) ?? [],
    series: groups.map(({ value, steps }) => ({ name: value ?? NONE, values: steps.map(({ users }) => users) })),
  };
}

/** Percent of each cohort, by periods since its own. */
export function cohortsChart({ cohorts }: CohortsAnswer, title?: string | null): Chart {
  const periods = [...new Set(cohorts.flatMap(({ cells }) => cells.map(({ period }) => period)))].sort((a, b) => a - b);
  return {
    type: "COHORT_MATRIX",
    title: title ?? "Retention",
    unit: "%",
    columns: periods.map(String),
    rows: cohorts.map(({ name, size }) => `${name} (${size})`),
    cells: cohorts.map(({ cells }) => {
      const rates = new Map(cells.map(({ period, rate }) => [period, rate]));
      return periods.map((period) => rates.get(period) ?? null);
    }),
  };
}

export function lifecycleChart({ plan, range, periods }: LifecycleAnswer, title?: string | null): Chart {
  return {
    type: "STACKED_BAR",
    title: title ?? "Users by lifecycle",
    unit: null,
    categories: periods.map(({ bucket }) => named(bucket, plan.bucket, range.zone).name),
    series: LIFECYCLE_STATES.map((state) => ({ name: state, values: periods.map((period) => period[state]) })),
  };
}

/** Places that say where they are. */
export function placesChart(places: readonly Place[], title?: string | null): Chart {
  return {
    type: "MAP",
    title: title ?? "Events by place",
    unit: null,
    points: places.flatMap(({ city, region, country, latitude, longitude, events }) =>
      latitude === null || longitude === null
        ? []
        : [{ name: city ?? region ?? country ?? NONE, latitude, longitude, value: events }],
    ),
  };
}
