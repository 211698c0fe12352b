import type { AggregatePlan, Measure, PlanRow } from "../../../domain/insights/plan.js";
import { decimalText } from "../decimal-text.js";
import type { Statement } from "./statement.js";

/** Dimensions are `d0`, `d1` …, measures `m0`, `m1` …: names that callers give never become SQL. */
export function aggregateSql(plan: AggregatePlan, sql: Statement): string {
  const { dialect } = sql;
  const bucket = plan.bucket ? [`${dialect.number(sql.bucket(plan.bucket))} AS bucket`] : [];
  const dimensions = plan.by.map(({ field }, i) => `${sql.textOf(field)} AS d${i}`);
  const measures = plan.measures.map((measure, i) => `${measureSql(measure, sql)} AS m${i}`);
  const keys = [...(plan.bucket ? ["bucket"] : []), ...plan.by.map((_, i) => `d${i}`)];
  const grouped = `SELECT ${[...bucket, ...dimensions, ...measures].join(",\n  ")}
FROM ${sql.source(plan.selection)} WHERE ${sql.selected(plan.selection)}${keys.length > 0 ? `\nGROUP BY ${keys.join(", ")}` : ""}`;
  const order = orderOf(plan, keys);
  const limit = plan.limit === undefined ? "" : ` LIMIT ${Math.trunc(plan.limit)}`;
  const behind = plan.after ? ` WHERE ${isBehind(plan, plan.after, sql)}` : "";
  const named = [
    ...keys,
    ...plan.measures.map((measure, i) => (isDecimal(measure) ? `${dialect.text(`m${i}`)} AS t${i}` : `m${i}`)),
  ];
  return `SELECT ${named.join(", ")} FROM (${grouped}) AS grouped${behind}${order.length > 0 ? ` ORDER BY ${order.join(", ")}` : ""}${limit}`;
}

/** Exact in either database, and so text on the way out of it. */
function isDecimal({ figure }: Measure): boolean {
  return figure === "sum" || figure === "min" || figure === "max" || figure === "percentile";
}

/** A row under the names that the plan has for its columns. */
export function namedRow(plan: AggregatePlan, row: PlanRow): PlanRow {
  const named: Record<string, string | number | null> = plan.bucket ? { bucket: row.bucket ?? null } : {};
  plan.by.forEach(({ name }, i) => {
    named[name] = row[`d${i}`] ?? null;
  });
  plan.measures.forEach((measure, i) => {
    const value = row[isDecimal(measure) ? `t${i}` : `m${i}`] ?? null;
    named[measure.name] = isDecimal(measure) && value !== null ? decimalText(String(value)) : value;
  });
  return named;
}

function orderOf(plan: AggregatePlan, keys: readonly string[]): string[] {
  const ascending = keys.map((key) => `${key} ASC NULLS LAST`);
  if (!plan.order) return ascending;
  const { by, descending } = plan.order;
  const measure = plan.measures.findIndex(({ name }) => name === by);
  if (measure === -1) throw new Error(`There is no measure ${by} to order by`);
  return [`m${measure} ${descending ? "DESC" : "ASC"} NULLS LAST`, ...ascending];
}

function measureSql(measure: Measure, sql: Statement): string {
  const { dialect } = sql;
  const isStep = measure.where ? sql.isStep(measure.where) : "true";
  const condition = isStep === "true" ? null : isStep;
  switch (measure.figure) {
    case "count":
      return dialect.number(dialect.aggregate("count", null, condition));
    case "distinct": {
      // Users have small numbers of their own, which are quicker to tell apart than their ids.
      const isUser = "column" in measure.of && measure.of.column === "user";
      const of = isUser ? "e.user_key" : sql.textOf(measure.of);
      return dialect.number(dialect.aggregate(measure.approximate ? "approximate" : "distinct", of, condition));
    }
    case "average":
      return dialect.number(dialect.aggregate("average", sql.valueOf(measure.of), condition));
    case "percentile":
      return dialect.percentile(sql.valueOf(measure.of), measure.at, condition);
    case "first":
    case "last":
      return orNull(sql, condition, dialect.aggregate(measure.figure === "first" ? "min" : "max", sql.time, condition));
    default:
      return dialect.aggregate(measure.figure, sql.valueOf(measure.of), condition);
  }
}

/** ClickHouse takes the smallest of nothing to be 0 where a column cannot be null. */
function orNull({ dialect }: Statement, condition: string | null, value: string): string {
  const any = dialect.aggregate("count", null, condition);
  return `CASE WHEN ${any} > 0 THEN ${dialect.number(value)} END`;
}

function isBehind(plan: AggregatePlan, after: NonNullable<AggregatePlan["after"]>, sql: Statement): string {
  const keys: [string, string | number | null][] = [
    ...(plan.bucket ? [["bucket", after.bucket] as [string, number | null]] : []),
    ...after.dimensions.map((value, i): [string, string | null] => [`d${i}`, value]),
  ];
  const alternatives = keys.map(([key, value], i) => {
    const same = keys
      .slice(0, i)
      .map(([name, given]) => (given === null ? `${name} IS NULL` : `${name} = ${sql.bind(given)}`));
    // Nulls come last.
    const greater = value === null ? "false" : `(${key} > ${sql.bind(value)} OR ${key} IS NULL)`;
    return `(${[...same, greater].join(" AND ")})`;
  });
  return `(${alternatives.join(" OR ") || "false"})`;
}
