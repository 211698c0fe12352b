import type { PropertyType } from "../../../domain/insights/plan.js";
import { quoted } from "../duckdb-database.js";
import type { Dialect } from "./dialect.js";

/** Names lead into a document as a JSON pointer, in which every character can be written. */
function pointer(path: readonly string[]): string {
  return path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

const CASTS: Record<PropertyType, (text: string) => string> = {
  text: (text) => text,
  number: (text) => `TRY_CAST(${text} AS DECIMAL(38, 6))`,
  boolean: (text) => `TRY_CAST(${text} AS BOOLEAN)`,
  time: (text) => `epoch_ms((TRY_CAST(${text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')::TIMESTAMP_MS)`,
};

export const DUCKDB: Dialect = {
  name: "duckdb",
  placeholder: (name) => `$${name}`,
  literal: quoted,
  property: (path) => `json_extract_string(e.properties, ${quoted(pointer(path))})`,
  cast: (text, type) => CASTS[type](text),
  number: (value) => `(${value})::DOUBLE`,
  text: (value) => `(${value})::VARCHAR`,
  milliseconds: (moment) => `epoch_ms(${moment})`,
  // Of the column's own type, else DuckDB converts the column and skips nothing.
  moment: (milliseconds) => `make_timestamp_ms(${milliseconds})::TIMESTAMP_MS`,
  quotient: (a, b) => `((${a}) // (${b}))`,
  months: (days) =>
    `((year(DATE '1970-01-01' + (${days})::INTEGER) - 1970) * 12 + month(DATE '1970-01-01' + (${days})::INTEGER) - 1)`,
  contains: (text, part) => `contains(${text}, ${part})`,
  startsWith: (text, part) => `starts_with(${text}, ${part})`,
  userHash: (tenant, user) => `(md5_number_lower(concat(${tenant}, chr(0), ${user})) % 10000)`,
  aggregate(figure, of, condition) {
    const filter = condition === null ? "" : ` FILTER (WHERE ${condition})`;
    switch (figure) {
      case "count":
        return `count(*)${filter}`;
      case "distinct":
        return `count(DISTINCT ${of})${filter}`;
      case "approximate":
        return `approx_count_distinct(${of})${filter}`;
      case "average":
        return `avg(${of})${filter}`;
      default:
        return `${figure}(${of})${filter}`;
    }
  },
  percentile: (of, at, condition) =>
    `quantile_disc(${of}, ${at})${condition === null ? "" : ` FILTER (WHERE ${condition})`}`,
  neighbour: (which, of, partition, order) =>
    `${which === "before" ? "lag" : "lead"}(${of}) OVER (PARTITION BY ${partition} ORDER BY ${order})`,
  valueAtFirst: (of) => `arg_min_null(${of}, (e.time, e.id))`,
  settings: "",
};
