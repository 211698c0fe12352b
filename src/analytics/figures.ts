import type { Granularity } from "../base/calendar.js";
import type { TimeRange } from "../base/time-range.js";
import { selectionOf } from "../domain/insights/asking.js";
import type { AggregatePlan, Condition, Measure, PlanRow } from "../domain/insights/plan.js";
import type { LocalRange } from "../domain/insights/range.js";
import { compileMetrics, type MetricValue } from "../domain/metrics/index.js";
import type { Asker } from "./analytics.js";
import { metricNamed } from "./columns.js";

/** A period by UTC days and clocks, as the areas' contracts have them. */
export function utc({ start, end }: TimeRange): LocalRange {
  return { start, end, zone: "UTC" };
}

export interface AggregateAsk {
  readonly range: LocalRange;
  readonly types: readonly string[] | null;
  readonly where?: readonly Condition[];
  readonly bucket?: Granularity;
  readonly by?: AggregatePlan["by"];
  readonly measures: readonly Measure[];
  readonly order?: AggregatePlan["order"];
  readonly limit?: number;
  /** Whether what was sealed of deleted events counts. */
  readonly sealed?: true;
}

/** Rows of figures by bucket and dimensions. */
export async function aggregate(
  asker: Asker,
  { range, types, where = [], bucket, by = [], measures, order, limit, sealed }: AggregateAsk,
): Promise<readonly PlanRow[]> {
  const { rows } = await asker.answer({
    kind: "aggregate",
    selection: selectionOf({ ...asker.asking, ...(sealed && { sealed }) }, range, types, where),
    bucket: bucket ?? null,
    by,
    measures,
    ...(order && { order }),
    ...(limit !== undefined && { limit }),
  });
  return rows;
}

/** Values of metrics over a range, by their ids. @param sealed whether what was sealed of deleted events counts */
export async function metricTotals<Id extends string>(
  asker: Asker,
  range: LocalRange,
  ids: readonly Id[],
  sealed?: true,
): Promise<Readonly<Record<Id, MetricValue>>> {
  const [total] = await metricRows(asker, range, ids, null, sealed);
  if (!total) throw new Error("a plan without buckets has one row");
  return total.values;
}

/** Values of metrics bucket by bucket; buckets without events are left out. */
export async function metricRows<Id extends string>(
  asker: Asker,
  range: LocalRange,
  ids: readonly Id[],
  bucket: Granularity | null,
  sealed?: true,
): Promise<readonly { readonly bucket: number; readonly values: Readonly<Record<Id, MetricValue>> }[]> {
  const metrics = ids.map((id) => metricNamed(id, "ids"));
  const compiled = compileMetrics(metrics);
  const rows = await aggregate(asker, {
    range,
    types: compiled.types,
    measures: compiled.measures,
    ...(bucket && { bucket }),
    ...(sealed && { sealed }),
  });
  return rows.map((row) => ({
    bucket: Number(row.bucket),
    values: Object.fromEntries(metrics.map((metric, i) => [ids[i], compiled.valueOf(metric, row)])) as Record<
      Id,
      MetricValue
    >,
  }));
}

/** A number that a row holds, 0 for nothing. */
export function numberOf(row: PlanRow | undefined, name: string): number {
  return Number(row?.[name] ?? 0);
}

export function textOf(row: PlanRow | undefined, name: string): string | null {
  const value = row?.[name];
  return value === null || value === undefined ? null : String(value);
}
