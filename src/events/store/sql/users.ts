import type { ActiveUsersPlan, CohortsPlan, LifecyclePlan, Selection } from "../../../domain/insights/plan.js";
import type { Statement } from "./statement.js";

/** Events of users, in the form `u` (the user's number). */
export function ofUsers(sql: Statement, selection: Selection, columns: string, step = "true"): string {
  return `SELECT ${columns} FROM events AS e WHERE ${sql.selected(selection)} AND e.user_key IS NOT NULL AND ${step}`;
}

export function activeUsersSql({ selection, window }: ActiveUsersPlan, sql: Statement): string {
  const { dialect } = sql;
  const days = ofUsers(sql, selection, `DISTINCT e.user_key AS u, ${sql.localDay()} AS d`);
  const latest = `d + ${Math.trunc(window)}`;
  // A window of one day needs to know of no other day.
  const later = window === 1 ? latest : dialect.neighbour("behind", "d", "u", "d");
  return `SELECT ${dialect.number("d")} AS day, ${dialect.number(`least(coalesce(later, ${latest}), ${latest})`)} AS next,
  ${dialect.number("count(*)")} AS users
FROM (SELECT d, ${later} AS later FROM (${days}) AS days) AS spans GROUP BY 1, 2 ORDER BY 1, 2`;
}

/** `u`, `cohort`, `period`: one row for each user and period that counts. */
export function cohortMembers(plan: CohortsPlan, sql: Statement): string {
  const { maxPeriod } = plan;
  if (plan.whole) return wholeCohortMembers(plan, sql);
  const firsts = `SELECT u, ${cohortOf(plan, sql)} AS cohort, ${sql.bucket(plan.period, "t0")} AS p0
    FROM (${firstEvents(plan)}) AS earliest WHERE t0 >= ${sql.bind(plan.from)} AND t0 < ${sql.bind(plan.to)}`;
  const returned = (column: string, more = ""): string =>
    `SELECT f.u AS u, f.cohort AS cohort, ${column} AS period FROM active AS a JOIN firsts AS f ON a.u = f.u
     WHERE a.came > 0 AND a.p > f.p0 AND a.p - f.p0 <= ${Math.trunc(maxPeriod)}${more}`;
  return `WITH active AS (${activePeriods(plan, sql)}), firsts AS (${firsts})
  SELECT u, cohort, 0 AS period FROM firsts AS f UNION ALL ${RETURNED[plan.mode](returned, plan)}`;
}

/** The same where a user's periods tell everything: which moment of a period it was does not matter. */
function wholeCohortMembers(plan: CohortsPlan, sql: Statement): string {
  const { selection, period, maxPeriod, from, to, cohortBy } = plan;
  const active = ofUsers(
    sql,
    selection,
    `DISTINCT e.user_key AS u, ${sql.bucket(period)} AS p`,
    sql.isStep(plan.start),
  );
  const bound = (instant: number): string => sql.bucket(period, String(instant));
  const firsts = `SELECT u, ${cohortBy ? "p0" : "0"} AS cohort, p0 FROM (SELECT u, min(p) AS p0 FROM active GROUP BY u) AS earliest
    WHERE p0 >= ${bound(from)} AND p0 < ${bound(to)}`;
  const returned = (column: string, more = ""): string =>
    `SELECT f.u AS u, f.cohort AS cohort, ${column} AS period FROM active AS a JOIN firsts AS f ON a.u = f.u
     WHERE a.p > f.p0 AND a.p - f.p0 <= ${Math.trunc(maxPeriod)}${more}`;
  return `WITH active AS (${active}), firsts AS (${firsts})
  SELECT u, cohort, 0 AS period FROM firsts AS f UNION ALL ${RETURNED[plan.mode](returned, plan)}`;
}

/**
 * `u`, `p`, `t` (first event of the period that is a start), `came` (events that count as coming again), and with cohorts
 * by a value `v`: what each user did in each period, so that the events are read once for both.
 */
function activePeriods({ selection, period, start, returning, cohortBy, from }: CohortsPlan, sql: Statement): string {
  const { dialect } = sql;
  const isStart = sql.isStep(start);
  const came = `${sql.isStep(returning)} AND e.time >= ${dialect.moment(sql.bind(from))}`;
  const value =
    cohortBy && "field" in cohortBy
      ? `, ${dialect.valueAtFirst(sql.textOf(cohortBy.field), "(e.time, e.id)", isStart)} AS v`
      : "";
  const columns = `e.user_key AS u, ${sql.bucket(period)} AS p, ${dialect.firstTime(sql.time, isStart)} AS t, ${dialect.aggregate("count", null, came)} AS came${value}`;
  return `${ofUsers(sql, selection, columns)} GROUP BY u, p`;
}

/** `u`, `t0`, and with cohorts by a value `v`: each user's first event that is a start. */
function firstEvents({ cohortBy }: CohortsPlan): string {
  const value = cohortBy && "field" in cohortBy;
  if (!value) return "SELECT u, min(t) AS t0 FROM active WHERE t IS NOT NULL GROUP BY u";
  return `SELECT u, t AS t0, v FROM (SELECT u, t, v, row_number() OVER (PARTITION BY u ORDER BY p) AS n FROM active WHERE t IS NOT NULL) AS starts WHERE n = 1`;
}

type Returned = (column: string, more?: string) => string;

const RETURNED: Record<CohortsPlan["mode"], (returned: Returned, plan: CohortsPlan) => string> = {
  exact: (returned) => returned("a.p - f.p0"),
  onOrAfter: (returned) => returned("max(a.p - f.p0)", " GROUP BY f.u, f.cohort"),
  brackets: (returned, { brackets }) => {
    const starts = [...brackets].reverse().filter((start) => start > 0);
    const cases = starts.map((start) => `WHEN a.p - f.p0 >= ${Math.trunc(start)} THEN ${Math.trunc(start)}`);
    const bracket = cases.length > 0 ? `CASE ${cases.join(" ")} ELSE 0 END` : "0";
    return `SELECT DISTINCT u, cohort, period FROM (${returned(bracket)}) AS r WHERE period > 0`;
  },
};

function cohortOf({ cohortBy }: CohortsPlan, sql: Statement): string {
  if (cohortBy === null) return "0";
  return "field" in cohortBy ? "v" : sql.bucket(cohortBy.period, "t0");
}

export function cohortsSql(plan: CohortsPlan, sql: Statement): string {
  const { dialect } = sql;
  const cohort = plan.cohortBy && "field" in plan.cohortBy ? "cohort" : dialect.number("cohort");
  return `SELECT ${cohort} AS cohort, ${dialect.number("period")} AS period, ${dialect.number("count(*)")} AS users
FROM (${cohortMembers(plan, sql)}) AS members GROUP BY 1, 2 ORDER BY 1 NULLS LAST, 2`;
}

/** `u`, `b`, `earlier`, `later`: the buckets that each user was active in, with those before and behind. */
function activeBuckets({ selection, bucket }: LifecyclePlan, sql: Statement): string {
  const { dialect } = sql;
  const active = ofUsers(sql, selection, `DISTINCT e.user_key AS u, ${sql.bucket(bucket)} AS b`);
  return `SELECT u, b, ${dialect.neighbour("before", "b", "u", "b")} AS earlier,
    ${dialect.neighbour("behind", "b", "u", "b")} AS later FROM (${active}) AS active`;
}

const STATE = "CASE WHEN earlier IS NULL THEN 'new' WHEN earlier = b - 1 THEN 'returning' ELSE 'resurrecting' END";
const GONE = "CASE WHEN later = b + 1 THEN 0 ELSE 1 END";

export function lifecycleSql(plan: LifecyclePlan, sql: Statement): string {
  const { dialect } = sql;
  return `SELECT ${dialect.number("b")} AS bucket, ${STATE} AS state, ${dialect.number(GONE)} AS gone, ${dialect.number("count(*)")} AS users
FROM (${activeBuckets(plan, sql)}) AS states
WHERE b >= ${plan.firstBucket - 1} AND b <= ${plan.lastBucket} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;
}

/** `u`, `bucket`, `state`: as the rows, with the dormant among them. */
export function lifecycleMembers(plan: LifecyclePlan, sql: Statement): string {
  const within = (bucket: string): string => `${bucket} >= ${plan.firstBucket} AND ${bucket} <= ${plan.lastBucket}`;
  const buckets = activeBuckets(plan, sql);
  return `SELECT u, b AS bucket, ${STATE} AS state FROM (${buckets}) AS present WHERE ${within("b")}
  UNION ALL SELECT u, b + 1 AS bucket, 'dormant' AS state FROM (${buckets}) AS gone WHERE ${GONE} = 1 AND ${within("b + 1")}`;
}
