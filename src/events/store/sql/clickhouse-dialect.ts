import type { PropertyType } from "../../../domain/insights/plan.js";
import type { Value } from "../store.js";
import type { Dialect } from "./dialect.js";

const literal = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

const CASTS: Record<PropertyType, (text: string) => string> = {
  text: (text) => text,
  // Rounded as the other engine rounds: the cast alone would cut off.
  number: (text) => `CAST(round(toDecimal128OrNull(${text}, 10), 6) AS Nullable(Decimal(38, 6)))`,
  boolean: (text) => `accurateCastOrNull(${text}, 'Bool')`,
  time: (text) => `toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(${text}, 3, 'UTC'))`,
};

function typeOf(value: Value): string {
  if (Array.isArray(value)) return typeof value[0] === "number" ? "Array(Int64)" : "Array(String)";
  if (typeof value === "number" || typeof value === "bigint") return Number.isInteger(value) ? "Int64" : "Float64";
  return typeof value === "boolean" ? "Bool" : "String";
}

/** Its window functions look at a frame, which ends at the row itself unless it is told otherwise. */
const FRAMES = {
  before: "UNBOUNDED PRECEDING AND CURRENT ROW",
  behind: "CURRENT ROW AND UNBOUNDED FOLLOWING",
} as const;

export const CLICKHOUSE: Dialect = {
  name: "clickhouse",
  placeholder: (name, value) => `{${name}:${typeOf(value)}}`,
  literal,
  property: (path) => `JSONExtract(e.properties, ${path.map(literal).join(", ")}, 'Nullable(String)')`,
  cast: (text, type) => CASTS[type](text),
  number: (value) => `toFloat64(${value})`,
  text: (value) => `toString(${value})`,
  milliseconds: (moment) => `toUnixTimestamp64Milli(${moment})`,
  moment: (milliseconds) => `fromUnixTimestamp64Milli(${milliseconds}, 'UTC')`,
  quotient: (a, b) => `intDiv(${a}, ${b})`,
  months: (days) =>
    `((toYear(addDays(toDate32('1970-01-01'), ${days})) - 1970) * 12 + toMonth(addDays(toDate32('1970-01-01'), ${days})) - 1)`,
  contains: (text, part) => `(position(${text}, ${part}) > 0)`,
  startsWith: (text, part) => `startsWith(${text}, ${part})`,
  userHash: (tenant, user) => `(reinterpretAsUInt64(substring(MD5(concat(${tenant}, '\\0', ${user})), 1, 8)) % 10000)`,
  aggregate(figure, of, condition) {
    const name =
      { count: "count", distinct: "uniqExact", approximate: "uniq", average: "avg" }[figure as string] ?? figure;
    const values = of === null ? [] : [of];
    return condition === null ? `${name}(${values.join(", ")})` : `${name}If(${[...values, condition].join(", ")})`;
  },
  percentile(of, at, condition) {
    const values = condition === null ? `groupArray(${of})` : `groupArrayIf(${of}, ${condition})`;
    const rank = `toUInt64(greatest(1, length(${values}) - floor(length(${values}) - ${at} * length(${values}))))`;
    return `if(empty(${values}), NULL, arrayElement(arraySort(${values}), ${rank}))`;
  },
  neighbour: (which, of, partition, order) =>
    `${which === "before" ? "lagInFrame" : "leadInFrame"}(toNullable(${of})) OVER (PARTITION BY ${partition} ORDER BY ${order} ROWS BETWEEN ${FRAMES[which]})`,
  valueAtFirst: (of) => `tupleElement(argMin(tuple(${of}), (e.time, e.id)), 1)`,
  settings: " SETTINGS join_use_nulls = 1",
};
