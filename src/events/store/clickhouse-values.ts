import { decimalText } from "./decimal-text.js";

type Convert = (value: unknown) => unknown;

/**
 * How values of a ClickHouse type leave the store: moments as epoch milliseconds, dates as `2026-01-31`, decimals and
 * 64-bit integers as text. The server is told to write those in quotes, since JSON numbers would be rounded.
 */
export function converterOf(type: string): Convert {
  const wrapped = /^(?:Nullable|LowCardinality)\((.*)\)$/.exec(type)?.[1];
  if (wrapped !== undefined) return orNull(converterOf(wrapped));
  const element = /^Array\((.*)\)$/.exec(type)?.[1];
  if (element !== undefined) {
    const convert = converterOf(element);
    return (value) => (value as unknown[]).map(convert);
  }
  if (type.startsWith("DateTime")) return (value) => Date.parse(`${String(value).replace(" ", "T")}Z`);
  if (type.startsWith("Decimal")) return (value) => decimalText(String(value));
  if (/^U?Int(64|128|256)$/.test(type)) return String;
  return (value) => value;
}

function orNull(convert: Convert): Convert {
  return (value) => (value === null ? null : convert(value));
}
