import type { EventCursor, EventFilter, Granularity, Query, Value } from "./store.js";

const BUCKET: Record<Granularity, string> = {
  all: "NULL",
  hour: "date_trunc('hour', time)",
  day: "date_trunc('day', time::TIMESTAMP)",
};

export function countsQuery(filter: EventFilter, granularity: Granularity): Query {
  const { sql, parameters } = conditions(filter);
  return {
    sql: `SELECT ${BUCKET[granularity]} AS start, count(*) AS events, count(DISTINCT user_key) AS users, sum(amount) AS amount
      FROM events WHERE ${sql} GROUP BY 1 ORDER BY 1`,
    parameters,
  };
}

export function eventsQuery(filter: EventFilter, limit: number, after: EventCursor | undefined): Query {
  const { sql, parameters } = conditions(filter);
  const parts = [sql];
  if (after) {
    parts.push(`time <= ${moment("after_time")} AND (time < ${moment("after_time")} OR id < $after_id)`);
    parameters.after_time = after.time;
    parameters.after_id = after.id;
  }
  return {
    sql: `SELECT tenant, id, type, epoch_ms(time)::DOUBLE AS time, epoch_ms(received)::DOUBLE AS received, origin, user_id AS "user",
        session, subject, country, region, city, latitude, longitude, amount, currency, properties::VARCHAR AS properties
      FROM events WHERE ${parts.join(" AND ")} ORDER BY events.time DESC, events.id DESC LIMIT ${Math.trunc(limit)}`,
    parameters,
  };
}

/** A moment given in epoch milliseconds. Of the column's own type, else DuckDB converts the column and skips nothing. */
function moment(parameter: string): string {
  return `make_timestamp_ms($${parameter})::TIMESTAMP_MS`;
}

function conditions(filter: EventFilter): { sql: string; parameters: Record<string, Value> } {
  const parts = ["tenant = $tenant"];
  const parameters: Record<string, Value> = { tenant: filter.tenant };
  if (filter.from !== undefined) {
    parts.push(`time >= ${moment("from_time")}`);
    parameters.from_time = filter.from;
  }
  if (filter.to !== undefined) {
    parts.push(`time < ${moment("to_time")}`);
    parameters.to_time = filter.to;
  }
  if (filter.types) {
    parts.push("type = ANY($types)");
    parameters.types = filter.types;
  }
  if (filter.user !== undefined) {
    parts.push("user_id = $user");
    parameters.user = filter.user;
  }
  if (filter.subject !== undefined) {
    parts.push("subject = $subject");
    parameters.subject = filter.subject;
  }
  if (filter.only) {
    parts.push("type = ANY($only_types) AND subject = ANY($only_subjects)");
    parameters.only_types = filter.only.types;
    parameters.only_subjects = filter.only.subjects;
  }
  return { sql: parts.join(" AND "), parameters };
}
