import type { ActiveUsersPlan, LifecyclePlan, Selection } from "../../../domain/insights/plan.js";
import type { Statement } from "./statement.js";

/** Events of users, in the form `u` (the user's number). */
export function ofUsers(sql: Statement, selection: Selection, columns: string, step = "true"): string {
  return `SELECT ${columns} FROM ${sql.source(selection)} WHERE ${sql.selected(selection)} AND e.user_key IS NOT NULL${step === "true" ? "" : ` AND ${step}`}`;
}

/**
 * `u`, `b`, `earlier`, `later`: the buckets that each user was active in, with the ones before and behind (null where
 * there is none). ClickHouse puts a user's buckets into an array: its window functions take more than twice as long.
 */
function activeBuckets(sql: Statement, selection: Selection, bucket: string): string {
  const { dialect } = sql;
  if (dialect.name === "duckdb") {
    return `SELECT u, b, ${dialect.neighbour("before", "b", "u", "b")} AS earlier, ${dialect.neighbour("behind", "b", "u", "b")} AS later
    FROM (${ofUsers(sql, selection, `DISTINCT e.user_key AS u, ${bucket} AS b`)}) AS active`;
  }
  const users = ofUsers(sql, selection, `e.user_key AS u, arraySort(groupUniqArray(toNullable(${bucket}))) AS bs`);
  return `SELECT u, assumeNotNull(near.1) AS b, near.2 AS earlier, near.3 AS later
    FROM (SELECT u, arrayJoin(arrayZip(bs, arrayPushFront(arrayPopBack(bs), NULL), arrayPushBack(arrayPopFront(bs), NULL))) AS near
      FROM (${users} GROUP BY u) AS active) AS each`;
}

export function activeUsersSql({ selection, window }: ActiveUsersPlan, sql: Statement): string {
  const { dialect } = sql;
  const day = sql.localDay();
  if (window === 1) return dailyUsersSql(selection, sql);
  const latest = `b + ${Math.trunc(window)}`;
  return `SELECT ${dialect.number("b")} AS day, ${dialect.number(`least(coalesce(later, ${latest}), ${latest})`)} AS next,
  ${dialect.number("count(*)")} AS users
FROM (${activeBuckets(sql, selection, day)}) AS days GROUP BY 1, 2 ORDER BY 1, 2`;
}

/** With a window of one day nobody needs to know when users came again. */
function dailyUsersSql(selection: Selection, sql: Statement): string {
  const { dialect } = sql;
  const day = `${sql.localDay()} AS d`;
  // Each engine's quicker way to count distinct users.
  const users =
    dialect.name === "duckdb"
      ? `SELECT d, count(*) AS users FROM (${ofUsers(sql, selection, `DISTINCT e.user_key AS u, ${day}`)}) AS days GROUP BY d`
      : `${ofUsers(sql, selection, `${day}, uniqExact(e.user_key) AS users`)} GROUP BY d`;
  return `SELECT ${dialect.number("d")} AS day, ${dialect.number("d + 1")} AS next, ${dialect.number("users")} AS users
FROM (${users}) AS counted ORDER BY 1`;
}

const STATE = "CASE WHEN earlier IS NULL THEN 'new' WHEN earlier = b - 1 THEN 'returning' ELSE 'resurrecting' END";
const GONE = "CASE WHEN later = b + 1 THEN 0 ELSE 1 END";

export function lifecycleSql(plan: LifecyclePlan, sql: Statement): string {
  const { dialect } = sql;
  return `SELECT ${dialect.number("b")} AS bucket, ${STATE} AS state, ${dialect.number(GONE)} AS gone, ${dialect.number("count(*)")} AS users
FROM (${activeBuckets(sql, plan.selection, sql.bucket(plan.bucket))}) AS states
WHERE b >= ${plan.firstBucket - 1} AND b <= ${plan.lastBucket} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;
}

/** `u`, `bucket`, `state`: as the rows, with the dormant among them. */
export function lifecycleMembers(plan: LifecyclePlan, sql: Statement): string {
  const within = (bucket: string): string => `${bucket} >= ${plan.firstBucket} AND ${bucket} <= ${plan.lastBucket}`;
  const buckets = activeBuckets(sql, plan.selection, sql.bucket(plan.bucket));
  return `SELECT u, b AS bucket, ${STATE} AS state FROM (${buckets}) AS present WHERE ${within("b")}
  UNION ALL SELECT u, b + 1 AS bucket, 'dormant' AS state FROM (${buckets}) AS gone WHERE ${GONE} = 1 AND ${within("b + 1")}`;
}
