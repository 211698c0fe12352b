import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  LIST,
  listValue,
  SQLNULL,
  VARCHAR,
} from "@duckdb/node-api";
import { decimalText } from "./decimal-text.js";
import type { Value } from "./store.js";

/** Values as they are bound: whole numbers as BIGINT, others as DOUBLE, lists of the type of what is in them. */
export function bound(parameters: Readonly<Record<string, Value>>): {
  values: Record<string, DuckDBValue>;
  types: Record<string, DuckDBType>;
} {
  const values: Record<string, DuckDBValue> = {};
  const types: Record<string, DuckDBType> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (Array.isArray(value)) {
      const items: readonly (string | number)[] = value;
      const type = items
        .map(typeOf)
        .reduce((a, b) => (a === b ? a : DOUBLE), items.length ? typeOf(items[0]) : VARCHAR);
      values[name] = listValue(items.map((item) => scalar(item, type)));
      types[name] = LIST(type);
    } else {
      types[name] = typeOf(value as Scalar);
      values[name] = scalar(value as Scalar, types[name]);
    }
  }
  return { values, types };
}

type Scalar = string | number | bigint | boolean | null | undefined;

function typeOf(value: Scalar): DuckDBType {
  switch (typeof value) {
    case "string":
      return VARCHAR;
    case "boolean":
      return BOOLEAN;
    case "bigint":
      return BIGINT;
    case "number":
      return Number.isSafeInteger(value) ? BIGINT : DOUBLE;
    default:
      return SQLNULL;
  }
}

function scalar(value: Scalar, type: DuckDBType): DuckDBValue {
  if (value === undefined) return null;
  return type === BIGINT && typeof value === "number" ? BigInt(value) : value;
}

/**
 * A value as it leaves the store: moments as epoch milliseconds, dates as `2026-01-31`, decimals and integers that may
 * exceed 2^53 as text.
 */
export function plain(value: DuckDBValue): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value === null || typeof value !== "object") return value;
  if (value instanceof DuckDBDecimalValue) return decimalText(value.toString());
  if (value instanceof DuckDBTimestampMillisecondsValue) return Number(value.millis);
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) {
    return Number(value.micros) / 1000;
  }
  if (value instanceof DuckDBTimestampSecondsValue) return Number(value.seconds) * 1000;
  if (value instanceof DuckDBDateValue) return value.toString();
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  return value.toString();
}
