import type { CohortsPlan, Step } from "../../../domain/insights/plan.js";
import type { Statement } from "./statement.js";
import { ofUsers } from "./users.js";

export function cohortsSql(plan: CohortsPlan, sql: Statement): string {
  const { dialect } = sql;
  const cohort = plan.cohortBy && "field" in plan.cohortBy ? "cohort" : dialect.number("cohort");
  return `SELECT ${cohort} AS cohort, ${dialect.number("period")} AS period, ${dialect.number("count(*)")} AS users
FROM (${cohortMembers(plan, sql)}) AS members GROUP BY 1, 2 ORDER BY 1 NULLS LAST, 2`;
}

/** `u`, `cohort`, `period`: one row for each user and period that counts. */
export function cohortMembers(plan: CohortsPlan, sql: Statement): string {
  return sql.dialect.name === "duckdb" ? joinedMembers(plan, sql) : arrayMembers(plan, sql);
}

/** By a join of when users came first with when they came again. */
function joinedMembers(plan: CohortsPlan, sql: Statement): string {
  const { active, firsts } = plan.whole ? ofWholePeriods(plan, sql) : ofMoments(plan, sql);
  const common = `WITH active AS (${active}), firsts AS (${firsts})`;
  // Coming for the first time is coming: a user's own period is among those in which it came again.
  const isAmong = isSame(plan) || isAny(plan.returning);
  if (plan.mode === "exact" && isAmong) {
    return `${common}
  SELECT f.u AS u, f.cohort AS cohort, a.p - f.p0 AS period FROM active AS a JOIN firsts AS f ON a.u = f.u
  WHERE a.p >= f.p0 AND a.p - f.p0 <= ${Math.trunc(plan.maxPeriod)}`;
  }
  const returned = (column: string): string =>
    `SELECT f.u AS u, f.cohort AS cohort, ${column} AS period FROM active AS a JOIN firsts AS f ON a.u = f.u
     WHERE a.p > f.p0 AND a.p - f.p0 <= ${Math.trunc(plan.maxPeriod)}${plan.whole && !isAmong ? " AND a.again" : ""}`;
  const since = "a.p - f.p0";
  const again = {
    exact: () => returned(since),
    onOrAfter: () => `${returned(`max(${since})`)} GROUP BY f.u, f.cohort`,
    brackets: () =>
      `SELECT DISTINCT u, cohort, period FROM (${returned(bracketOf(plan, since))}) AS r WHERE period > 0`,
  };
  return `${common}
  SELECT u, cohort, 0 AS period FROM firsts AS f UNION ALL ${again[plan.mode]()}`;
}

/** `active` (`u`, `p`: the periods in which a user came again), `firsts` (`u`, `cohort`, `p0`: where a user's periods are counted from). */
interface Cohorts {
  readonly active: string;
  readonly firsts: string;
}

function ofMoments(plan: CohortsPlan, sql: Statement): Cohorts {
  const { selection, period, start, cohortBy } = plan;
  const value = cohortBy && "field" in cohortBy ? `, ${sql.dialect.valueAtFirst(sql.textOf(cohortBy.field))} AS v` : "";
  const earliest = ofUsers(sql, selection, `e.user_key AS u, min(${sql.time}) AS t0${value}`, sql.isStep(start));
  return {
    active: ofUsers(sql, selection, `DISTINCT e.user_key AS u, ${sql.bucket(period)} AS p`, cameAgain(plan, sql)),
    firsts: `SELECT u, ${cohortOf(plan, sql, "t0")} AS cohort, ${sql.bucket(period, "t0")} AS p0
    FROM (${earliest} GROUP BY u) AS earliest WHERE ${isMember(plan, sql)}`,
  };
}

/** Where a user's periods tell everything, since it does not matter which moment of a period it was: one reading of the events less. */
function ofWholePeriods(plan: CohortsPlan, sql: Statement): Cohorts {
  const { selection, period, start, returning, from, to, cohortBy } = plan;
  const bound = (instant: number): string => sql.bucket(period, String(instant));
  const columns = `e.user_key AS u, ${sql.bucket(period)} AS p`;
  const cohort = cohortBy ? "p0" : "0";
  const firsts = (starts: string): string => `SELECT u, ${cohort} AS cohort, p0
    FROM (SELECT u, min(p) AS p0 FROM active${starts} GROUP BY u) AS earliest WHERE p0 >= ${bound(from)} AND p0 < ${bound(to)}`;
  if (isSame(plan)) {
    return { active: ofUsers(sql, selection, `DISTINCT ${columns}`, sql.isStep(start)), firsts: firsts("") };
  }
  const starts = `bool_or(${sql.isStep(start)}) AS starts`;
  const again = isAny(returning) ? "" : `, bool_or(${sql.isStep(returning)}) AS again`;
  return {
    active: `${ofUsers(sql, selection, `${columns}, ${starts}${again}`)} GROUP BY 1, 2`,
    firsts: firsts(" WHERE starts"),
  };
}

const isAny = ({ types, where }: Step): boolean => types === null && !where;

const isSame = ({ start, returning }: CohortsPlan): boolean => JSON.stringify(start) === JSON.stringify(returning);

/** By one array for each user, of the periods in which it came again. */
function arrayMembers(plan: CohortsPlan, sql: Statement): string {
  const { selection, period, start, cohortBy, maxPeriod } = plan;
  const isStart = sql.isStep(start);
  const value =
    cohortBy && "field" in cohortBy
      ? `, tupleElement(argMinIf(tuple(${sql.textOf(cohortBy.field)}), (e.time, e.id), ${isStart}), 1) AS v`
      : "";
  const users = ofUsers(
    sql,
    selection,
    `e.user_key AS u, minIf(toNullable(${sql.time}), ${isStart}) AS t0, groupUniqArrayIf(${sql.bucket(period)}, ${cameAgain(plan, sql)}) AS ps${value}`,
  );
  const members = `SELECT u, ${cohortOf(plan, sql, "assumeNotNull(t0)")} AS cohort, ${sql.bucket(period, "assumeNotNull(t0)")} AS p0,
    arrayFilter(s -> s > 0 AND s <= ${Math.trunc(maxPeriod)}, arrayMap(p -> p - p0, ps)) AS since
    FROM (${users} GROUP BY u) AS each WHERE ${isMember(plan, sql)}`;
  const again = {
    exact: () => "since",
    onOrAfter: () => "if(empty(since), since, [arrayMax(since)])",
    brackets: () => `arrayFilter(b -> b > 0, arrayDistinct(arrayMap(s -> toInt64(${bracketOf(plan, "s")}), since)))`,
  };
  return `SELECT u, cohort, arrayJoin(arrayPushFront(${again[plan.mode]()}, 0)) AS period FROM (${members}) AS members`;
}

const cameAgain = ({ returning, from }: CohortsPlan, sql: Statement): string =>
  `${sql.isStep(returning)} AND e.time >= ${sql.dialect.moment(sql.bind(from))}`;

const isMember = ({ from, to }: CohortsPlan, sql: Statement): string =>
  `t0 >= ${sql.bind(from)} AND t0 < ${sql.bind(to)}`;

function cohortOf({ cohortBy }: CohortsPlan, sql: Statement, first: string): string {
  if (cohortBy === null) return "0";
  return "field" in cohortBy ? "v" : sql.bucket(cohortBy.period, first);
}

/** Where the bracket begins that a number of periods lies in; 0: in none behind the cohort's own period. */
function bracketOf({ brackets }: CohortsPlan, since: string): string {
  const starts = [...brackets].reverse().filter((start) => start > 0);
  const cases = starts.map((start) => `WHEN ${since} >= ${Math.trunc(start)} THEN ${Math.trunc(start)}`);
  return cases.length > 0 ? `CASE ${cases.join(" ")} ELSE 0 END` : "0";
}
