import { selectionOf } from "../domain/insights/asking.js";
import { conditionsOf } from "../domain/insights/filters.js";
import type { Condition, Step, UsersPlan } from "../domain/insights/plan.js";
import type { Dimension, Formula } from "../domain/metrics/metric.js";
import type { Asker } from "./analytics.js";
import type { Column } from "./columns.js";
import { type MetricsAnswer, type MetricsQuestion, metricsPlan } from "./metrics.js";

export interface CountedUser {
  readonly userId: string;
  /** Null where the figure counts users and no events. */
  readonly events: number | null;
}

/** The users that a cell counts, in the order of their ids. */
export async function usersOfCell(
  asker: Asker,
  into: UsersPlan,
  cell: Readonly<Record<string, string | number | null>>,
  limit: number,
  after: string | null,
): Promise<CountedUser[]> {
  const { rows } = await asker.answer({ kind: "drill", into, cell, after, limit });
  return rows.map(({ id }) => ({ userId: String(id), events: null }));
}

/** The users whose events a metric's value counts. */
export async function usersOfMetric(
  asker: Asker,
  { answer, question, column, group, bucket }: MetricCell,
  limit: number,
  after: string | null,
): Promise<CountedUser[]> {
  const range = bucket
    ? {
        ...answer.range,
        start: Math.max(bucket.start, answer.range.start),
        end: Math.min(bucket.end, answer.range.end),
      }
    : answer.range;
  const steps = stepsOf(column.formula);
  const inGroup = answer.dimensions.map((dimension, i) => isIn(dimension, group[i] ?? null));
  const { selection } = metricsPlan(asker, [column], [], question, range, null);
  const { rows } = await asker.answer({
    kind: "aggregate",
    selection: selectionOf(asker.asking, range, selection.types, [
      ...conditionsOf(question.filters, null),
      { any: steps.map(isStep) },
      { field: { column: "user" }, isSet: true },
      ...inGroup,
    ]),
    bucket: null,
    by: [{ name: "user", field: { column: "user" } }],
    measures: [{ name: "events", figure: "count" }],
    limit,
    ...(after !== null && { after: { bucket: null, dimensions: [after] } }),
  });
  return rows.map(({ user, events }) => ({ userId: String(user), events: Number(events) }));
}

export interface MetricCell {
  readonly answer: MetricsAnswer;
  readonly question: MetricsQuestion;
  readonly column: Column;
  /** Values of the dimensions, as they are stored. */
  readonly group: readonly (string | null)[];
  readonly bucket: { readonly start: number; readonly end: number } | null;
}

function isIn({ field }: Dimension, value: string | null): Condition {
  return value === null ? { not: { field, isSet: true } } : { field, in: [value] };
}

function isStep({ types, where }: Step): Condition {
  const ofTypes: Condition[] = types ? [{ field: { column: "type" }, in: types }] : [];
  return { all: [...ofTypes, ...(where ? [where] : [])] };
}

/** The kinds of events that a formula counts. */
function stepsOf(formula: Formula): Step[] {
  if ("figure" in formula) return [formula.of];
  if ("constant" in formula) return [];
  const parts =
    "ratio" in formula
      ? formula.ratio
      : "add" in formula
        ? formula.add
        : "subtract" in formula
          ? formula.subtract
          : formula.multiply;
  return parts.flatMap(stepsOf);
}
