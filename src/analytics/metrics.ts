import { bucketOf, bucketsIn, bucketText, GRANULARITIES, type Granularity, startOfBucket } from "../base/calendar.js";
import { PublicError } from "../base/errors.js";
import { percent } from "../base/numbers.js";
import { selectionOf } from "../domain/insights/asking.js";
import { conditionsOf, dimensionNamed, type Filter } from "../domain/insights/filters.js";
import type { AggregatePlan, PlanRow } from "../domain/insights/plan.js";
import { type LocalRange, localRange, previousPeriod, previousYear } from "../domain/insights/range.js";
import { compileMetrics, type Dimension, type MetricValue } from "../domain/metrics/index.js";
import type { Asker } from "./analytics.js";
import { type Column, type ColumnsQuestion, columnsOf, shared } from "./columns.js";

export interface RangeInput {
  readonly start?: string | null | undefined;
  readonly end?: string | null | undefined;
  readonly zone?: string | null | undefined;
}

export interface MetricsQuestion extends ColumnsQuestion {
  readonly range?: RangeInput | null | undefined;
  readonly granularity?: Granularity | null | undefined;
  readonly groupBy?: readonly string[] | null | undefined;
  readonly filters?: readonly Filter[] | null | undefined;
  /** Counts of different values may be some percent off, and take less time. */
  readonly approximate?: boolean | null | undefined;
  readonly compareTo?: "PREVIOUS_PERIOD" | "PREVIOUS_YEAR" | null | undefined;
  /** What empty buckets of a series hold: nothing (they are left out), null, or 0. */
  readonly fill?: "NONE" | "NULL" | "ZERO" | null | undefined;
  /** Most groups, those first that have the most of the first metric. */
  readonly limit?: number | null | undefined;
}

export interface MetricPoint extends MetricValue {
  readonly bucket: number;
  readonly start: number;
  readonly end: number;
  readonly name: string;
  /** The bucket reaches beyond the range or into the future: what it shows is not all of it. */
  readonly isPartial: boolean;
}

export interface MetricSeries extends MetricValue {
  readonly column: Column;
  /** Values of the dimensions asked for, in their order, as the asker may see them, and as they are stored. */
  readonly group: readonly (string | null)[];
  readonly storedGroup: readonly (string | null)[];
  readonly points: readonly MetricPoint[];
  /** The same over the period that is compared to. */
  readonly previous: MetricValue | null;
  readonly previousPoints: readonly MetricPoint[];
  /** From the period compared to, in the metric's unit, and in percent. */
  readonly change: number | null;
  readonly changePercent: number | null;
}

export interface MetricsAnswer {
  readonly columns: readonly Column[];
  readonly dimensions: readonly Dimension[];
  readonly range: LocalRange;
  readonly compared: LocalRange | null;
  readonly granularity: Granularity | null;
  readonly series: readonly MetricSeries[];
  /** Whether there are more groups than were asked for. */
  readonly isTruncated: boolean;
}

const DEFAULT_GROUPS = 100;
const MOST_GROUPS = 10_000;
const MOST_DIMENSIONS = 6;
const MOST_POINTS = 200_000;

export async function askMetrics(asker: Asker, question: MetricsQuestion): Promise<MetricsAnswer> {
  const columns = columnsOf(question);
  const dimensions = groupingOf(columns, question);
  const range = localRange(question.range ?? {}, asker.now);
  const granularity = question.granularity ?? null;
  checkPoints(range, granularity);
  const compared = comparedRange(question, range);
  const limit = checkedLimit(question.limit);
  const now = await figures(asker, columns, dimensions, question, range, limit + 1);
  const before = compared && (await figures(asker, columns, dimensions, question, compared, MOST_GROUPS));
  const groups = now.groups.slice(0, limit);
  const shown = (group: readonly (string | null)[]) =>
    group.map((value, i) => (dimensions[i]?.personal ? asker.masked(value) : value));
  const series = groups.flatMap((group) =>
    columns.map((column): MetricSeries => {
      const total = now.total(group, column);
      const previous = before?.total(group, column) ?? null;
      const change = total.value !== null && previous?.value != null ? total.value - previous.value : null;
      return {
        column,
        group: shown(group),
        storedGroup: group,
        ...total,
        points: now.points(group, column),
        previous,
        previousPoints: before ? before.points(group, column) : [],
        change: change === null ? null : Number(change.toFixed(column.digits)),
        changePercent: change === null || !previous?.value ? null : percent(change, Math.abs(previous.value)),
      };
    }),
  );
  return { columns, dimensions, range, compared, granularity, series, isTruncated: now.groups.length > limit };
}

export function groupingOf(columns: readonly Column[], question: MetricsQuestion): Dimension[] {
  const allowed = shared(columns.map((column) => column.dimensions));
  const names = question.groupBy ?? [];
  if (names.length > MOST_DIMENSIONS) {
    throw new PublicError("BAD_USER_INPUT", `expected at most ${MOST_DIMENSIONS} dimensions, got ${names.length}`, {
      field: "groupBy",
    });
  }
  return names.map((id, i) => dimensionNamed(id, allowed, `groupBy.${i}`));
}

function comparedRange({ compareTo }: MetricsQuestion, range: LocalRange): LocalRange | null {
  if (!compareTo) return null;
  return compareTo === "PREVIOUS_PERIOD" ? previousPeriod(range) : previousYear(range);
}

function checkedLimit(limit: number | null | undefined): number {
  const checked = limit ?? DEFAULT_GROUPS;
  if (checked >= 1 && checked <= MOST_GROUPS) return checked;
  throw new PublicError("BAD_USER_INPUT", `limit must be from 1 to ${MOST_GROUPS}, got ${limit}`, { field: "limit" });
}

function checkPoints(range: LocalRange, granularity: Granularity | null): void {
  if (!granularity) return;
  const buckets = bucketOf(range.end - 1, granularity, range.zone) - bucketOf(range.start, granularity, range.zone) + 1;
  if (buckets > MOST_POINTS / 10) {
    throw new PublicError(
      "BAD_USER_INPUT",
      `${buckets} buckets are too many: expected a shorter range or one of ${GRANULARITIES.slice(
        GRANULARITIES.indexOf(granularity) + 1,
      )
        .join(", ")
        .toUpperCase()}`,
      { field: "granularity" },
    );
  }
}

/** The plan of a metrics question: one row for each bucket and group. */
export function metricsPlan(
  asker: Asker,
  columns: readonly Column[],
  dimensions: readonly Dimension[],
  question: Pick<MetricsQuestion, "filters" | "approximate">,
  range: LocalRange,
  granularity: Granularity | null,
): AggregatePlan {
  const compiled = compileMetrics(columns);
  const allowed = shared(columns.map((column) => column.dimensions));
  const measures = compiled.measures.map((measure) =>
    measure.figure === "distinct" && question.approximate ? { ...measure, approximate: true } : measure,
  );
  return {
    kind: "aggregate",
    selection: selectionOf(asker.asking, range, compiled.types, conditionsOf(question.filters, allowed)),
    bucket: granularity,
    by: dimensions.map(({ id, field }) => ({ name: id, field })),
    measures,
  };
}

interface Figures {
  readonly groups: readonly (readonly (string | null)[])[];
  total(group: readonly (string | null)[], column: Column): MetricValue;
  points(group: readonly (string | null)[], column: Column): MetricPoint[];
}

async function figures(
  asker: Asker,
  columns: readonly Column[],
  dimensions: readonly Dimension[],
  question: MetricsQuestion,
  range: LocalRange,
  limit: number,
): Promise<Figures> {
  const compiled = compileMetrics(columns);
  const plan = metricsPlan(asker, columns, dimensions, question, range, null);
  const first = compiled.measures[0]?.name ?? "";
  const totals = await asker.answer({
    ...plan,
    ...(dimensions.length > 0 && { order: { by: first, descending: true }, limit }),
  });
  const raised = (row: PlanRow | undefined): PlanRow => asker.raised(row ?? {}, compiled.measures);
  const keyOf = (row: PlanRow): string => JSON.stringify(dimensions.map(({ id }) => row[id] ?? null));
  const byGroup = new Map(totals.rows.map((row) => [keyOf(row), row]));
  const granularity = question.granularity ?? null;
  const series = granularity ? (await asker.answer({ ...plan, bucket: granularity })).rows : [];
  const byPoint = new Map(series.map((row) => [`${keyOf(row)} ${row.bucket}`, row]));
  const nothing = emptyRow(question.fill);
  return {
    groups: totals.rows.map((row) => dimensions.map(({ id }) => (row[id] ?? null) as string | null)),
    total: (group, column) => compiled.valueOf(column, raised(byGroup.get(JSON.stringify(group)))),
    points: (group, column) => {
      if (!granularity) return [];
      return bucketsIn(range.start, range.end, granularity, range.zone).flatMap((bucket) => {
        const row = byPoint.get(`${JSON.stringify(group)} ${bucket}`);
        if (!row && !nothing) return [];
        const value = row ? compiled.valueOf(column, raised(row)) : (nothing as MetricValue);
        return [{ bucket, ...boundsOf(bucket, granularity, range, asker.now), ...value }];
      });
    },
  };
}

function emptyRow(fill: MetricsQuestion["fill"]): MetricValue | null {
  if (fill === "NONE") return null;
  const zero = fill === "ZERO";
  return { value: zero ? 0 : null, decimal: zero ? "0" : null, numerator: null, denominator: null };
}

/** When a bucket begins and ends, and whether it is there as a whole. */
export function boundsOf(bucket: number, granularity: Granularity, range: LocalRange, now: number) {
  const start = startOfBucket(bucket, granularity, range.zone);
  const end = startOfBucket(bucket + 1, granularity, range.zone);
  return {
    start,
    end,
    name: bucketText(bucket, granularity, range.zone),
    isPartial: start < range.start || end > range.end || end > now,
  };
}
