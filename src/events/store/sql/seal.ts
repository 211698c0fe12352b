import { offsetPieces } from "../../../base/calendar.js";
import type { Selection, Step } from "../../../domain/insights/plan.js";
import type { Sealing } from "../../../domain/insights/sealing.js";
import type { Outdated, Query } from "../store.js";
import type { Dialect } from "./dialect.js";
import { Statement } from "./statement.js";

const UTC = offsetPieces("UTC", 0, 0);

/** SQL expressions of the columns of `sealed`, those left out being null. */
interface Row {
  readonly type: string;
  readonly time: string;
  readonly user_id?: string;
  readonly user_key?: string;
  readonly subject?: string;
  readonly currency?: string;
  readonly amount?: string;
  readonly properties: string;
}
const COLUMNS = ["type", "time", "user_id", "user_key", "subject", "currency", "amount", "properties"] as const;

const listed = (row: Row): string => COLUMNS.map((column) => `${row[column] ?? "NULL"} AS ${column}`).join(", ");

/** Statements that keep in `sealed` what statistics go on counting of these events. @param batch tells where the rows come from */
export function sealStatements(outdated: Outdated, sealing: Sealing, dialect: Dialect, batch: string): Query[] {
  const { tenant, types, before } = outdated;
  const selection: Selection = {
    ...{ tenant, from: null, to: null, clock: UTC, receivedBefore: before },
    types: "only" in types ? types.only : null,
    ...("except" in types && { where: { not: { field: { column: "type" }, in: types.except } } }),
  };
  const { sums, states, firsts, daily } = sealing;
  const makers: ((sql: Statement) => string)[] = [
    ...sums.map((each) => (sql: Statement) => sumsSql(each, selection, sql)),
    ...(states ? [(sql: Statement) => statesSql(states, selection, sql)] : []),
    ...firsts.map((each) => (sql: Statement) => firstsSql(each, selection, sql)),
    ...daily.map((each) => (sql: Statement) => dailySql(each, selection, sql)),
  ];
  return makers.map((make) => {
    const sql = new Statement(dialect, UTC, null);
    const rows = make(sql);
    const own = `${sql.bind(batch)} AS batch, ${sql.bind(tenant)} AS tenant`;
    return {
      sql: `INSERT INTO sealed (batch, tenant, ${COLUMNS.join(", ")}) SELECT ${own}, ${COLUMNS.join(", ")} FROM (${rows}) AS kept${dialect.settings}`,
      parameters: sql.parameters,
    };
  });
}

const outdatedEvents = (sql: Statement, selection: Selection, step: Step): string =>
  `FROM events AS e WHERE ${sql.selected(selection)} AND ${sql.isStep(step)}`;

/** At the last moment of the day, and at the first one a row with nothing to sum. */
function sumsSql({ of, field, path }: Sealing["sums"][number], selection: Selection, sql: Statement): string {
  const { dialect } = sql;
  const total = `coalesce(${dialect.text(dialect.aggregate("sum", sql.valueOf(field), null))}, '0')`;
  const figures = `SELECT e.type AS type, e.subject AS subject, e.currency AS currency, min(e.time) AS earliest,
    max(e.time) AS latest, sum(e.amount) AS money, ${total} AS total
    ${outdatedEvents(sql, selection, of)} GROUP BY e.type, e.subject, e.currency, ${sql.localDay()}`;
  const [before, behind] = around(path).map(dialect.literal);
  const ofGroup = { type: "type", subject: "subject", currency: "currency" };
  const sum = {
    ...ofGroup,
    time: "latest",
    amount: "money",
    properties: `concat(${before}, total, ${behind})`,
  };
  const first = { ...ofGroup, time: "earliest", properties: `concat(${before}, '0', ${behind})` };
  return `WITH figures AS (${figures})
  SELECT ${listed(sum)} FROM figures UNION ALL SELECT ${listed(first)} FROM figures WHERE earliest < latest`;
}

/** JSON before and behind a value that stands at a path. */
function around(path: readonly string[]): string[] {
  return [path.map((name) => `{${JSON.stringify(name)}:`).join(""), "}".repeat(path.length)];
}

function statesSql(step: Step, selection: Selection, sql: Statement): string {
  const row = {
    type: "e.type",
    time: "e.time",
    subject: "e.subject",
    currency: "e.currency",
    amount: "e.amount",
    properties: "e.properties",
  };
  return `SELECT ${listed(row)} ${outdatedEvents(sql, selection, step)}`;
}

/** Also of users who are known already, where these events are earlier. */
function firstsSql({ of, as, properties }: Sealing["firsts"][number], selection: Selection, sql: Statement): string {
  const type = sql.bind(as);
  const found = `SELECT e.user_key AS k, e.user_id AS id, min(e.time) AS first, ${sql.dialect.valueAtFirst("e.subject")} AS about
    ${outdatedEvents(sql, selection, of)} AND e.user_key IS NOT NULL GROUP BY e.user_key, e.user_id`;
  const known = `SELECT user_key AS k, min(time) AS since FROM sealed
    WHERE tenant = ${sql.bind(selection.tenant)} AND type = ${type} AND user_key IS NOT NULL GROUP BY user_key`;
  const row = {
    type,
    time: "found.first",
    user_id: "found.id",
    user_key: "found.k",
    subject: "found.about",
    properties: sql.bind(properties),
  };
  return `SELECT ${listed(row)} FROM (${found}) AS found LEFT JOIN (${known}) AS known ON known.k = found.k
  WHERE known.since IS NULL OR found.first < known.since`;
}

function dailySql({ of, as }: Sealing["daily"][number], selection: Selection, sql: Statement): string {
  const day = sql.localDay();
  const days = `SELECT ${day} ${outdatedEvents(sql, selection, of)}`;
  const { tenant, clock } = selection;
  const all = sql.selected({ tenant, from: null, to: null, clock, types: null });
  const row = {
    type: sql.bind(as),
    time: "min(e.time)",
    amount: sql.dialect.aggregate("distinct", "e.user_key", null),
    properties: "'{}'",
  };
  return `SELECT ${listed(row)} FROM events AS e WHERE ${all} AND ${sql.isStep(of)} AND ${day} IN (${days}) GROUP BY ${day}`;
}
