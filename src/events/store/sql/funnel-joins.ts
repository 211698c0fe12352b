import { mayOverlap, predecessors } from "../../../domain/insights/funnel.js";
import type { FunnelPlan } from "../../../domain/insights/plan.js";
import type { Statement } from "./statement.js";
import { ofUsers } from "./users.js";

/**
 * The chains of a funnel by joins: each event of a step looks for the latest event before it that the step before was
 * reached with (ASOF), which carries the start of its chain along.
 */
export function joinedChains(plan: FunnelPlan, sql: Statement): string {
  switch (plan.order) {
    case "ordered":
      return orderedChains(plan, sql);
    case "strict":
      return strictChains(plan, sql);
    case "unordered":
      return unorderedChains(plan, sql);
  }
}

/** `u`, `t`: the events of each step, and those that are excluded. */
function sources({ selection, steps, exclude }: FunnelPlan, sql: Statement) {
  const columns = `e.user_key AS u, ${sql.time} AS t`;
  const any = exclude.map((step) => sql.isStep(step)).join(" OR ");
  return {
    steps: steps.map((step, i) => {
      const types = step.types?.filter((type) => selection.types?.includes(type) ?? true);
      const ofStep = { ...selection, types: types ?? selection.types };
      return `e${i} AS (${ofUsers(sql, ofStep, columns, sql.isStep({ ...step, types: null }))})`;
    }),
    excluded: exclude.length > 0 ? [`x AS (${ofUsers(sql, selection, columns, `(${any})`)})`] : [],
  };
}

function orderedChains(plan: FunnelPlan, sql: Statement): string {
  const { steps, exclude, windowMs } = plan;
  const { steps: events, excluded } = sources(plan, sql);
  const before = mayOverlap(plan) ? "<" : "<=";
  const reached = steps.map((_, i) => {
    if (i === 0) return "r0 AS (SELECT u, t, t AS s FROM e0)";
    const from = predecessors(plan, i);
    const joins = from.map(
      (j) => `ASOF ${from.length > 1 ? "LEFT " : ""}JOIN r${j} ON r${j}.u = b.u AND r${j}.t ${before} b.t`,
    );
    if (exclude.length > 0) joins.push("ASOF LEFT JOIN x ON x.u = b.u AND x.t < b.t");
    const start = from.length > 1 ? `greatest(${from.map((j) => `r${j}.s`).join(", ")})` : `r${i - 1}.s`;
    const isAllowed = exclude.length > 0 ? " AND (excluded IS NULL OR s >= excluded)" : "";
    const excludedAt = exclude.length > 0 ? ", x.t AS excluded" : "";
    return `r${i} AS (SELECT u, t, s FROM (SELECT b.u AS u, b.t AS t, ${start} AS s${excludedAt} FROM e${i} AS b ${joins.join(" ")})
      WHERE t - s <= ${windowMs}${isAllowed})`;
  });
  const rows = steps.map((_, i) => {
    const took = i > 0 && plan.times ? "arg_min(t - s, t)" : "0";
    return `SELECT u, ${i + 1} AS step, ${took} AS took FROM r${i} GROUP BY u`;
  });
  return `WITH ${[...events, ...excluded, ...reached].join(",\n")}\n${rows.join("\nUNION ALL ")}`;
}

/** Runs of steps that follow one another directly: along such a run, place and step differ by the same number. */
function strictChains({ selection, steps, exclude, windowMs }: FunnelPlan, sql: Statement): string {
  const cases = steps.map((step, i) => `WHEN ${sql.isStep(step)} THEN ${i + 1}`);
  const excluded = exclude.map((step) => `WHEN ${sql.isStep(step)} THEN 0`);
  const events = ofUsers(
    sql,
    selection,
    `e.user_key AS u, ${sql.time} AS t, CASE ${[...cases, ...excluded].join(" ")} END AS k`,
  );
  return `WITH events_ AS (SELECT * FROM (${events}) WHERE k IS NOT NULL),
  neighbours AS (SELECT u, t, k, lag(k) OVER w AS earlier, lead(k) OVER w AS later FROM events_ WINDOW w AS (PARTITION BY u ORDER BY t, k)),
  single AS (SELECT u, t, k FROM neighbours WHERE CASE WHEN k = 1 THEN later IS DISTINCT FROM 1 ELSE earlier IS DISTINCT FROM k END),
  placed AS (SELECT u, t, k, row_number() OVER (PARTITION BY u ORDER BY t, k) - k AS run FROM single),
  chains AS (SELECT u, t, k, row_number() OVER w AS place, min(t) OVER (PARTITION BY u, run) AS s
    FROM placed WHERE k > 0 WINDOW w AS (PARTITION BY u, run ORDER BY k))
SELECT u, k AS step, arg_min(t - s, t) AS took FROM chains WHERE place = k AND t - s <= ${windowMs} GROUP BY u, k`;
}

/** From every event on: when the next event of each step comes. */
function unorderedChains(plan: FunnelPlan, sql: Statement): string {
  const { steps, exclude, windowMs } = plan;
  const { steps: events, excluded } = sources(plan, sql);
  const anchors = `anchors AS (${steps.map((_, i) => `SELECT u, t FROM e${i}`).join(" UNION ")})`;
  const joins = steps.map((_, i) => `ASOF LEFT JOIN e${i} ON e${i}.u = a.u AND e${i}.t >= a.t`);
  if (exclude.length > 0) joins.push("ASOF LEFT JOIN x ON x.u = a.u AND x.t > a.t");
  const nexts = steps.map((_, i) => `e${i}.t AS n${i}`);
  const found = `found AS (SELECT a.u AS u, a.t AS t, ${[...nexts, ...(exclude.length > 0 ? ["x.t AS excluded"] : [])].join(", ")}
    FROM anchors AS a ${joins.join(" ")})`;
  const rows = steps.map((_, i) => {
    const needed = [...steps.keys()].filter((j) => j === i || (j < i && !steps[j]?.optional));
    const done = `greatest(${needed.map((j) => `n${j}`).join(", ")})`;
    const isAllowed = exclude.length > 0 ? ` AND (excluded IS NULL OR excluded >= ${done})` : "";
    return `SELECT u, ${i + 1} AS step, min(${done} - t) AS took FROM found
      WHERE ${needed.map((j) => `n${j} IS NOT NULL`).join(" AND ")} AND ${done} - t <= ${windowMs}${isAllowed} GROUP BY u`;
  });
  return `WITH ${[...events, ...excluded, anchors, found].join(",\n")}\n${rows.join("\nUNION ALL ")}`;
}
