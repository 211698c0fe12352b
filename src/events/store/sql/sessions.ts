import type { ConcurrencyPlan, DistributionPlan, PathsPlan, SessionsPlan } from "../../../domain/insights/plan.js";
import type { Statement } from "./statement.js";
import { ofUsers } from "./users.js";

/** Events with the number of the session among the user's: `u`, `t`, `s`, and the columns given. */
function inSessions(sql: Statement, events: string, gapMs: number, columns: readonly string[]): string {
  const kept = columns.map((column) => `, ${column}`).join("");
  const gaps = `SELECT u, t${kept}, ${sql.dialect.neighbour("before", "t", "u", "t")} AS earlier FROM (${events}) AS found`;
  const isNew = `CASE WHEN earlier IS NULL OR t - earlier > ${Math.trunc(gapMs)} THEN 1 ELSE 0 END`;
  return `SELECT u, t${kept}, sum(${isNew}) OVER (PARTITION BY u ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s
    FROM (${gaps}) AS gaps`;
}

export function sessionsSql({ selection, bucket, gapMs }: SessionsPlan, sql: Statement): string {
  const { dialect } = sql;
  const events = ofUsers(sql, selection, `e.user_key AS u, ${sql.time} AS t`);
  const sessions = `SELECT u, s, min(t) AS a, max(t) AS z, count(*) AS n FROM (${inSessions(sql, events, gapMs, [])}) AS numbered GROUP BY u, s`;
  const by = bucket ? `${dialect.number(sql.bucket(bucket, "a"))} AS bucket, ` : "";
  return `SELECT ${by}${dialect.number("count(*)")} AS sessions, ${dialect.number(dialect.aggregate("distinct", "u", null))} AS users,
  ${dialect.number("coalesce(sum(n), 0)")} AS events, ${dialect.number(dialect.aggregate("count", null, "n = 1"))} AS bounces,
  ${dialect.number("coalesce(sum(z - a), 0)")} AS duration
FROM (${sessions}) AS sessions${bucket ? " GROUP BY 1 ORDER BY 1" : ""}`;
}

export function pathsSql({ selection, gapMs, node, steps, limit }: PathsPlan, sql: Statement): string {
  const { dialect } = sql;
  const events = ofUsers(sql, selection, `e.user_key AS u, ${sql.time} AS t, e.id AS id, ${sql.textOf(node)} AS node`);
  const numbered = inSessions(sql, events, gapMs, ["id", "node"]);
  const moves = `SELECT row_number() OVER (PARTITION BY u, s ORDER BY t, id) AS step, node AS source,
    ${dialect.neighbour("behind", "node", "u, s", "t, id")} AS target,
    ${dialect.neighbour("behind", "t", "u, s", "t, id")} AS later FROM (${numbered}) AS numbered`;
  return `SELECT ${dialect.number("step")} AS step, source, target, CASE WHEN later IS NULL THEN 1 ELSE 0 END AS ended,
  ${dialect.number("count(*)")} AS sessions
FROM (${moves}) AS moves WHERE step <= ${Math.trunc(steps)} GROUP BY 1, 2, 3, 4
ORDER BY 5 DESC, 1, 2 NULLS LAST, 4, 3 NULLS LAST LIMIT ${Math.trunc(limit)}`;
}

export function concurrencySql(plan: ConcurrencyPlan, sql: Statement): string {
  const { dialect } = sql;
  const [start = 0, end = 0] = [plan.bounds[0], plan.bounds.at(-1)];
  const length = sql.valueOf(plan.length);
  const intervals = `SELECT ${sql.time} AS a, CAST(round((${length}) * ${plan.unitMs}) AS BIGINT) AS len
    FROM ${sql.source(plan.selection)} WHERE ${sql.selected(plan.selection)} AND ${length} > 0`;
  const bounds = sql.bind([...plan.bounds]);
  const points = `SELECT a AS moment, 1 AS change, 1 AS began FROM (${intervals}) AS i
    UNION ALL SELECT a + len AS moment, -1 AS change, 0 AS began FROM (${intervals}) AS i
    UNION ALL SELECT ${dialect.name === "duckdb" ? `unnest(${bounds})` : `arrayJoin(${bounds})`} AS moment, 0 AS change, 0 AS began`;
  const instants = `SELECT moment, sum(change) AS change, sum(began) AS began FROM (${points}) AS points GROUP BY moment`;
  const levels = `SELECT moment, began, sum(change) OVER (ORDER BY moment ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS level,
    ${dialect.neighbour("behind", "moment", "1", "moment")} AS until FROM (${instants}) AS instants`;
  return `SELECT ${dialect.number(sql.bucket(plan.bucket, "moment"))} AS bucket, ${dialect.number("max(level)")} AS peak,
  ${dialect.number("sum(level * (until - moment))")} AS busy, ${dialect.number("sum(until - moment)")} AS length, ${dialect.number("sum(began)")} AS started
FROM (${levels}) AS levels WHERE moment >= ${sql.bind(start)} AND moment < ${sql.bind(end)} GROUP BY 1 ORDER BY 1`;
}

export function distributionSql({ selection, of, width }: DistributionPlan, sql: Statement): string {
  const { dialect } = sql;
  const value = sql.valueOf(of);
  const bin = `floor(${dialect.number(value)} / ${dialect.number(dialect.cast(sql.bind(width), "number"))})`;
  return `SELECT ${bin} AS bin, ${dialect.number("count(*)")} AS events FROM events AS e
WHERE ${sql.selected(selection)} AND ${value} IS NOT NULL GROUP BY 1 ORDER BY 1`;
}
