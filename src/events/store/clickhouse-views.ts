import { type ClickHouseLayout, createDatabase, named, onCluster } from "./clickhouse-schema.js";
import type { Measure, ViewType } from "./view.js";
import { tenantViewStatements, type ViewDialect } from "./views-sql.js";

const CASTS: Record<ViewType, (text: string) => string> = {
  text: (text) => text,
  integer: (text) => `toInt64OrNull(${text})`,
  float: (text) => `toFloat64OrNull(${text})`,
  // Rounded as the other engine rounds: the cast alone would cut off.
  decimal: (text) => `CAST(round(toDecimal64OrNull(${text}, 4), 2) AS Nullable(Decimal(10, 2)))`,
  boolean: (text) => `accurateCastOrNull(${text}, 'Bool')`,
  time: (text) => `parseDateTime64BestEffortOrNull(${text}, 3, 'UTC')`,
};

const CLICKHOUSE: ViewDialect = {
  literal: (text) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`,
  quoted: named,
  property: (path) =>
    `JSONExtract(e.properties, ${path.map((name) => CLICKHOUSE.literal(name)).join(", ")}, 'Nullable(String)')`,
  cast: (text, type) => CASTS[type](text),
  family: () => "substringIndex(e.type, '.', 1)",
  kafka: (part) =>
    `toInt64OrNull(extract(e.origin, '${part === "partition" ? "^kafka:.*/([0-9]+)/[0-9]+$" : "^kafka:.*/[0-9]+/([0-9]+)$"}'))`,
  day: (moment) => `toDate(${moment})`,
  figure,
};

function figure({ figure: kind, of }: Measure, condition: string | null): string {
  const call = (name: string, ...values: string[]): string =>
    condition === null ? `${name}(${values.join(", ")})` : `${name}If(${[...values, condition].join(", ")})`;
  switch (kind) {
    case "count":
      return call("count");
    case "sum":
      return call("sum", `v.${of}`);
    case "average":
      return call("avg", `v.${of}`);
    case "distinct":
      return call("uniqExact", `v.${of}`);
    case "hours":
      return `${call("sum", `v.${of}`)} / 60`;
  }
}

/** Statements that make a tenant's views, and the database they are in. */
export function clickHouseViews(
  tenant: string,
  layout: ClickHouseLayout,
): { readonly schema: string; readonly statements: readonly string[] } {
  const { schema, views } = tenantViewStatements(tenant, `${named(layout.database)}.events`, CLICKHOUSE);
  return {
    schema,
    statements: [
      createDatabase(schema, layout),
      ...views.map(
        ({ name, select }) => `CREATE OR REPLACE VIEW ${named(schema)}.${named(name)}${onCluster(layout)} AS ${select}`,
      ),
    ],
  };
}
