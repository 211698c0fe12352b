import type { Basis, EventCursor, EventFilter, Granularity, Query, Value } from "./store.js";

const BUCKET: Record<Granularity, string> = {
  all: "NULL",
  hour: "toDateTime64(toStartOfHour(time), 3, 'UTC')",
  day: "toDateTime64(toStartOfDay(time), 3, 'UTC')",
};

export function countsQuery(filter: EventFilter, granularity: Granularity): Query {
  const { sql, parameters } = conditions(filter);
  return {
    sql: `SELECT ${BUCKET[granularity]} AS start, count() AS events, uniqExact(user_key) AS users, sum(amount) AS amount
      FROM events WHERE ${sql} GROUP BY start ORDER BY start`,
    parameters,
  };
}

export function eventsQuery(filter: EventFilter, limit: number, after: EventCursor | undefined): Query {
  const { sql, parameters } = conditions(filter);
  const parts = [sql];
  if (after) {
    parts.push(`time <= ${moment("after_time")} AND (time < ${moment("after_time")} OR id < {after_id:String})`);
    parameters.after_time = after.time;
    parameters.after_id = after.id;
  }
  return {
    sql: `SELECT tenant, id, type, time, received, origin, user_id AS user, session, subject, country, region, city,
        latitude, longitude, amount, currency, properties
      FROM events WHERE ${parts.join(" AND ")} ORDER BY time DESC, id DESC LIMIT ${Math.trunc(limit)}`,
    parameters,
  };
}

export function versionQuery({ tenant, types, from, to }: Basis): Query {
  const parts = [
    ...(types ? ["type IN {types:Array(String)}"] : []),
    ...(from === null ? [] : [`day >= toDate32(${moment("from")})`]),
    ...(to === null ? [] : [`day <= toDate32(${moment("to")})`]),
  ];
  return {
    sql: `SELECT sum(count) AS version FROM changes
      WHERE tenant = {tenant:String} AND (type = '' OR (${parts.join(" AND ") || "true"}))`,
    parameters: { tenant, ...(types && { types }), ...(from !== null && { from }), ...(to !== null && { to }) },
  };
}

function moment(parameter: string): string {
  return `fromUnixTimestamp64Milli({${parameter}:Int64}, 'UTC')`;
}

function conditions(filter: EventFilter): { sql: string; parameters: Record<string, Value> } {
  const parts = ["tenant = {tenant:String}"];
  const parameters: Record<string, Value> = { tenant: filter.tenant };
  const add = (condition: string, name: string, value: Value | undefined): void => {
    if (value === undefined) return;
    parts.push(condition);
    parameters[name] = value;
  };
  add(`time >= ${moment("from_time")}`, "from_time", filter.from);
  add(`time < ${moment("to_time")}`, "to_time", filter.to);
  add("type IN {types:Array(String)}", "types", filter.types);
  add("user_id = {user:String}", "user", filter.user);
  add("subject = {subject:String}", "subject", filter.subject);
  add("type IN {only_types:Array(String)}", "only_types", filter.only?.types);
  add("subject IN {only_subjects:Array(String)}", "only_subjects", filter.only?.subjects);
  return { sql: parts.join(" AND "), parameters };
}
