import type { Granularity } from "../base/calendar.js";
import { bucketText, startOfBucket } from "../base/calendar.js";
import { PublicError } from "../base/errors.js";
import { formatInstant } from "../base/time-range.js";
import type { AggregatePlan, PlanRow } from "../domain/insights/plan.js";
import { type LocalRange, localRange } from "../domain/insights/range.js";
import { compileMetrics, type Dimension, type Unit } from "../domain/metrics/index.js";
import type { Asker } from "./analytics.js";
import { type Column, columnsOf } from "./columns.js";
import { groupingOf, type MetricsQuestion, metricsPlan } from "./metrics.js";

export interface TableColumn {
  readonly id: string;
  readonly title: string;
  readonly type: "TEXT" | "NUMBER" | "TIME";
  readonly unit: Unit | null;
}

export type Cell = string | number | null;
type After = NonNullable<AggregatePlan["after"]>;

/** Figures as rows: one for each period and group, ready for a spreadsheet. */
export interface Table {
  readonly range: LocalRange;
  readonly columns: readonly TableColumn[];
  readonly plan: AggregatePlan;
  /** Whether any of its columns tells who somebody is. */
  readonly hasPeople: boolean;
  row(of: PlanRow): Cell[];
}

const MOST_ROWS = 10_000;

/** @throws PublicError BAD_USER_INPUT */
export function tableOf(asker: Asker, question: MetricsQuestion): Table {
  const columns = columnsOf(question);
  const dimensions = groupingOf(columns, question);
  const range = localRange(question.range ?? {}, asker.now);
  const granularity = question.granularity ?? null;
  const compiled = compileMetrics(columns);
  return {
    range,
    hasPeople: dimensions.some(({ personal }) => personal),
    columns: headerOf(columns, dimensions, granularity),
    plan: metricsPlan(asker, columns, dimensions, question, range, granularity),
    row: (of) => {
      const values = asker.raised(of, compiled.measures);
      const bucket = Number(of.bucket);
      return [
        ...(granularity
          ? [formatInstant(startOfBucket(bucket, granularity, range.zone)), bucketText(bucket, granularity, range.zone)]
          : []),
        ...dimensions.map(({ id, personal }) =>
          personal ? asker.masked((of[id] ?? null) as string | null) : (of[id] ?? null),
        ),
        ...columns.map((column) => compiled.valueOf(column, values).value),
      ];
    },
  };
}

function headerOf(
  columns: readonly Column[],
  dimensions: readonly Dimension[],
  granularity: Granularity | null,
): TableColumn[] {
  const period: TableColumn[] = granularity
    ? [
        { id: "period_start", title: "Period start", type: "TIME", unit: null },
        { id: "period", title: "Period", type: "TEXT", unit: null },
      ]
    : [];
  return [
    ...period,
    ...dimensions.map(({ id, description }): TableColumn => ({ id, title: description, type: "TEXT", unit: null })),
    ...columns.map(({ id, title, unit }): TableColumn => ({ id, title, type: "NUMBER", unit })),
  ];
}

export interface TablePage extends Table {
  readonly rows: readonly Cell[][];
  readonly hasNextPage: boolean;
  readonly endCursor: string | null;
}

export async function askTable(
  asker: Asker,
  question: MetricsQuestion,
  first: number | null | undefined,
  after: string | null | undefined,
): Promise<TablePage> {
  const size = first ?? 1000;
  if (!(size >= 1 && size <= MOST_ROWS))
    throw new PublicError("BAD_USER_INPUT", `first must be from 1 to ${MOST_ROWS}, got ${size}`, { field: "first" });
  const table = tableOf(asker, question);
  // A cursor names the row that a page ends with, but for those who may not know whose it is: theirs only count.
  const counts = !asker.seesPeople && table.hasPeople;
  const skipped = counts && after ? decodedCount(after) : 0;
  const behind = after && !counts ? { after: decoded(after, table.plan) } : {};
  const { rows: found } = await asker.answer({ ...table.plan, limit: skipped + size + 1, ...behind });
  const rows = found.slice(skipped);
  const page = rows.slice(0, size);
  const last = page.at(-1);
  const cursor = last && (counts ? cursorOf(skipped + size) : cursorOf(placeOf(last, table.plan)));
  return {
    ...table,
    rows: page.map((row) => table.row(row)),
    hasNextPage: rows.length > size,
    endCursor: cursor && rows.length > size ? cursor : null,
  };
}

const MOST_SKIPPED = 1_000_000;

function cursorOf(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

function decodedCount(cursor: string): number {
  const count = Number(Buffer.from(cursor, "base64url").toString());
  if (Number.isInteger(count) && count >= 0 && count <= MOST_SKIPPED) return count;
  throw new PublicError("BAD_USER_INPUT", "after is no cursor of this table", { field: "after" });
}

function placeOf(row: PlanRow, { bucket, by }: AggregatePlan): unknown[] {
  return [bucket ? Number(row.bucket) : null, ...by.map(({ name }) => row[name] ?? null)];
}

function decoded(cursor: string, { bucket, by }: AggregatePlan): After {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (Array.isArray(place)) {
      const [at, ...dimensions] = place as unknown[];
      const fits =
        dimensions.length === by.length && dimensions.every((value) => value === null || typeof value === "string");
      if (fits && (bucket ? Number.isSafeInteger(at) : at === null)) {
        return { bucket: at as number | null, dimensions: dimensions as (string | null)[] };
      }
    }
  } catch {
    // Not one of ours.
  }
  throw new PublicError("BAD_USER_INPUT", "after is no cursor of this table", { field: "after" });
}
