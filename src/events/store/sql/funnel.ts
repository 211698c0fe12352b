import type { FunnelPlan } from "../../../domain/insights/plan.js";
import { arrayChains } from "./funnel-arrays.js";
import { joinedChains } from "./funnel-joins.js";
import type { Statement } from "./statement.js";
import { ofUsers } from "./users.js";

/**
 * `u`, `step`, `took`, `value`: one row for each user and step (from 1) that the user reached, with the time from the
 * start of the chain that reached it first (meaningless where no times are asked for). A chain always begins as late as possible: that is the one with
 * the most room left in the window, and with the fewest events that could be excluded.
 */
export function funnelMembers(plan: FunnelPlan, sql: Statement): string {
  const chains = sql.dialect.name === "duckdb" ? joinedChains(plan, sql) : arrayChains(plan, sql);
  if (!plan.breakdown) return `SELECT u, step, took, NULL AS value FROM (${chains}) AS chains`;
  const [first] = plan.steps;
  const value = sql.dialect.valueAtFirst(sql.textOf(plan.breakdown));
  const values = `${ofUsers(sql, plan.selection, `e.user_key AS u, ${value} AS value`, first ? sql.isStep(first) : "true")} GROUP BY e.user_key`;
  return `SELECT c.u AS u, step, took, value FROM (${chains}) AS c JOIN (${values}) AS v ON v.u = c.u`;
}

export function funnelSql(plan: FunnelPlan, sql: Statement): string {
  const { dialect } = sql;
  const total = plan.times ? dialect.number("sum(took)") : "NULL";
  const median = plan.times ? dialect.number(dialect.percentile("took", 0.5, null)) : "NULL";
  return `SELECT ${dialect.number("step")} AS step, value, ${dialect.number("count(*)")} AS users,
  ${total} AS total, ${median} AS median
FROM (${funnelMembers(plan, sql)}) AS members GROUP BY step, value ORDER BY value NULLS FIRST, step`;
}
