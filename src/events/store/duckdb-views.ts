import { quoted } from "./duckdb-database.js";
import type { Measure, ViewType } from "./view.js";
import { tenantViewStatements, type ViewDialect } from "./views-sql.js";

const TYPES: Record<ViewType, string> = {
  text: "VARCHAR",
  integer: "BIGINT",
  float: "DOUBLE",
  decimal: "DECIMAL(10, 2)",
  boolean: "BOOLEAN",
  time: "TIMESTAMPTZ",
};

const DUCKDB: ViewDialect = {
  literal: quoted,
  quoted: (name) => `"${name}"`,
  property: (path) => `json_extract_string(e.properties, ${quoted(`$.${path.join(".")}`)})`,
  cast(text, type) {
    const value = `TRY_CAST(${text} AS ${TYPES[type]})`;
    return type === "time" ? `(${value} AT TIME ZONE 'UTC')::TIMESTAMP_MS` : value;
  },
  family: () => "split_part(e.type, '.', 1)",
  kafka: (part) =>
    `TRY_CAST(regexp_extract(e.origin, '^kafka:.*/([0-9]+)/([0-9]+)$', ${part === "partition" ? 1 : 2}) AS BIGINT)`,
  day: (moment) => `${moment}::DATE`,
  figure: (measure, condition) => `${figure(measure)}${condition ? ` FILTER (WHERE ${condition})` : ""}`,
};

function figure({ figure: kind, of }: Measure): string {
  switch (kind) {
    case "count":
      return "count(*)";
    case "sum":
      return `sum(v.${of})`;
    case "average":
      return `avg(v.${of})`;
    case "distinct":
      return `count(DISTINCT v.${of})`;
    case "hours":
      return `sum(v.${of}) / 60.0`;
  }
}

/** Statements that make a tenant's views, and the schema they are in. */
export function duckDbViews(tenant: string): { readonly schema: string; readonly statements: readonly string[] } {
  const { schema, views } = tenantViewStatements(tenant, "store.main.events", DUCKDB);
  return {
    schema,
    statements: [
      `CREATE SCHEMA IF NOT EXISTS "${schema}"`,
      ...views.map(({ name, select }) => `CREATE OR REPLACE VIEW "${schema}"."${name}" AS ${select}`),
    ],
  };
}
