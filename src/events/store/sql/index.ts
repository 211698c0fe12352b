import type { DrillPlan, Plan, PlanRow, UsersPlan } from "../../../domain/insights/plan.js";
import type { Query } from "../store.js";
import { aggregateSql, namedRow } from "./aggregate.js";
import { cohortMembers, cohortsSql } from "./cohorts.js";
import type { Dialect } from "./dialect.js";
import { funnelMembers, funnelSql } from "./funnel.js";
import { concurrencySql, distributionSql, pathsSql, sessionsSql } from "./sessions.js";
import { Statement } from "./statement.js";
import { activeUsersSql, lifecycleMembers, lifecycleSql } from "./users.js";

export type { Dialect } from "./dialect.js";

export interface PlanQuery extends Query {
  /** A row as the plan names its columns. */
  named(row: PlanRow): PlanRow;
}

/** A plan in the SQL of a dialect. Whatever came from a caller is a bound parameter, or a quoted name of a field. */
export function planQuery(plan: Plan, dialect: Dialect): PlanQuery {
  const { selection } = plan.kind === "drill" ? plan.into : plan;
  const statement = new Statement(dialect, selection.clock, selection.from);
  const sql = sqlOf(plan, statement) + dialect.settings;
  const named = plan.kind === "aggregate" ? (row: PlanRow) => namedRow(plan, row) : (row: PlanRow) => row;
  return { sql, parameters: statement.parameters, named };
}

function sqlOf(plan: Plan, sql: Statement): string {
  switch (plan.kind) {
    case "aggregate":
      return aggregateSql(plan, sql);
    case "activeUsers":
      return activeUsersSql(plan, sql);
    case "funnel":
      return funnelSql(plan, sql);
    case "cohorts":
      return cohortsSql(plan, sql);
    case "lifecycle":
      return lifecycleSql(plan, sql);
    case "sessions":
      return sessionsSql(plan, sql);
    case "paths":
      return pathsSql(plan, sql);
    case "concurrency":
      return concurrencySql(plan, sql);
    case "distribution":
      return distributionSql(plan, sql);
    case "drill":
      return drillSql(plan, sql);
  }
}

/** The ids of the users of a cell, in their own order. */
function drillSql({ into, cell, after, limit }: DrillPlan, sql: Statement): string {
  const conditions = Object.entries(cell).map(([name, value]) => {
    if (!/^[a-z]+$/.test(name)) throw new Error(`There is no cell by ${name}`);
    if (value === null) return `${name} IS NULL`;
    const reaches = into.kind === "cohorts" && into.mode === "onOrAfter" && name === "period";
    return `${name} ${reaches ? ">=" : "="} ${sql.bind(value)}`;
  });
  const members = `SELECT u FROM (${membersOf(into, sql)}) AS members WHERE ${conditions.join(" AND ") || "true"}`;
  const behind = after === null ? "" : ` AND known.user_id > ${sql.bind(after)}`;
  return `SELECT DISTINCT known.user_id AS id FROM users AS known
WHERE known.tenant = ${sql.bind(into.selection.tenant)} AND known.user_key IN (${members})${behind}
ORDER BY id LIMIT ${Math.trunc(limit)}`;
}

function membersOf(plan: UsersPlan, sql: Statement): string {
  switch (plan.kind) {
    case "funnel":
      return funnelMembers(plan, sql);
    case "cohorts":
      return cohortMembers(plan, sql);
    case "lifecycle":
      return lifecycleMembers(plan, sql);
  }
}
