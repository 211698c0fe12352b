import { createHash } from "node:crypto";
import { round } from "../base/numbers.js";
import { readTime } from "../events/index.js";
import { UsageError } from "./errors.js";
import type { Field, FieldSource, Mapping } from "./fields.js";
import { type FaultyRow, type GoodRow, isFaulty, type Row } from "./rows.js";
import { timeReader } from "./times.js";

export interface MappingOptions {
  readonly mapping: Mapping;
  readonly timeFormat: string | null;
  readonly timeZone: string;
  /** Columns that become properties. */
  readonly properties: "all" | "none" | readonly string[];
  /** Columns whose text is turned into numbers. */
  readonly numbers: readonly string[];
  /** Put before ids that are made of the file and the row. */
  readonly idPrefix: string;
}

/** A row as it is sent: one line of NDJSON, and what is known to be wrong with it before the gateway says so. */
export interface Mapped {
  readonly line: string;
  readonly fault: string | null;
}

export type Mapper = (row: Row, rowNumber: number) => Mapped;

/** A row that is larger than this is not sent: the gateway takes 10 MB per request. */
const MOST_BYTES = 9_000_000;
/** So much of a faulty row goes to the dead letters. */
const MOST_RAW = 100_000;
/** Decimals that amounts are stored with. */
const AMOUNT_DECIMALS = 4;

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** @throws UsageError naming the columns that there are */
export function checkColumns(options: MappingOptions, columns: readonly string[], file: string): void {
  const known = new Set(columns);
  const mapped = [...options.mapping].flatMap(([field, source]) =>
    "column" in source ? [[`${field}=${source.column}`, source.column] as const] : [],
  );
  const chosen = Array.isArray(options.properties) ? (options.properties as string[]) : [];
  const listed = [...chosen, ...options.numbers].map((column) => [column, column] as const);
  for (const [told, column] of [...mapped, ...listed]) {
    if (known.has(column) || known.has(pathOf(column)[0] as string)) continue;
    throw new UsageError(`${file} has no column "${column}" (${told}). It has: ${columns.join(", ")}`);
  }
}

/** @throws UsageError */
export function createMapper(options: MappingOptions, identity: string): Mapper {
  const readField = fieldReader(options.mapping);
  const timeOf = timeReader(options.timeFormat, options.timeZone);
  const form = options.timeFormat ?? "ISO 8601 or epoch seconds or milliseconds";
  const idOf = idMaker(identity, options.idPrefix);
  const numbers = new Set(options.numbers);

  const mapGood = (row: GoodRow, rowNumber: number): Mapped => {
    const read = (field: Field): unknown => readField(row, field);
    const type = textOf(read("type"));
    const envelope: Record<string, unknown> = { type, id: textOf(read("id")) ?? idOf(String(type), rowNumber) };
    let fault = type === undefined ? "it has no type" : null;
    if (options.mapping.has("time")) {
      const given = read("time");
      const time = timeOf(given);
      if (time === null) fault = `its time is not ${form}: ${JSON.stringify(given ?? null)}`;
      envelope.time = time === null ? refusable(given, form) : new Date(time).toISOString();
    }
    envelope.user = textOf(read("user"));
    envelope.session = textOf(read("session"));
    envelope.subject = textOf(read("subject"));
    envelope.place = placeOf(read);
    envelope.amount = amountOf(read("amount"), textOf(read("currency")));
    return { line: withProperties(envelope, row, options.properties, numbers), fault };
  };

  return (row, rowNumber) => {
    const mapped = isFaulty(row) ? mapFaulty(row, rowNumber) : mapGood(row, rowNumber);
    // UTF-8 takes at most three bytes for a character: most rows need no counting.
    if (mapped.line.length * 3 <= MOST_BYTES || Buffer.byteLength(mapped.line) <= MOST_BYTES) return mapped;
    return mapFaulty({ fault: `it is larger than ${MOST_BYTES} bytes`, raw: mapped.line }, rowNumber);
  };
}

/**
 * What cannot be read goes to the gateway all the same, which keeps it with its reason. It has no type, so it can be
 * taken for no event.
 */
function mapFaulty({ fault, raw, isJson }: FaultyRow, rowNumber: number): Mapped {
  const line =
    isJson && raw.length <= MOST_RAW && raw.trim() !== "" && !/[\r\n]/.test(raw)
      ? raw
      : JSON.stringify({ row: rowNumber, fault, raw: raw.slice(0, MOST_RAW) });
  return { line, fault };
}

function fieldReader(mapping: Mapping): (row: GoodRow, field: Field) => unknown {
  const readers = new Map([...mapping].map(([field, source]) => [field, sourceReader(source)]));
  return (row, field) => readers.get(field)?.(row.record);
}

function sourceReader(source: FieldSource): (record: GoodRow["record"]) => unknown {
  if ("constant" in source) return () => source.constant;
  const { column } = source;
  const path = pathOf(column);
  if (path.length === 1) return (record) => own(record, column);
  // A column whose name has a dot goes before a path into an object.
  return (record) => (Object.hasOwn(record, column) ? record[column] : path.reduce<unknown>(own, record));
}

function pathOf(column: string): string[] {
  return column.split(".");
}

function own(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

/** Text of what names something; undefined when there is none. Objects stay, for the gateway to refuse them. */
function textOf(value: unknown): unknown {
  if (value === null || value === undefined || value === "") return undefined;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
}

/** What the gateway cannot take for a time either, whatever the row has there. */
function refusable(given: unknown, form: string): string {
  const text = typeof given === "string" ? given : JSON.stringify(given ?? null);
  return readTime(given) === null && text !== "" && text !== "null" ? text : `not ${form}: ${text}`;
}

function placeOf(read: (field: Field) => unknown): Record<string, unknown> | undefined {
  const place = {
    country: textOf(read("country")),
    region: textOf(read("region")),
    city: textOf(read("city")),
    latitude: degreesOf(read("latitude")),
    longitude: degreesOf(read("longitude")),
  };
  return Object.values(place).some((value) => value !== undefined) ? place : undefined;
}

function degreesOf(value: unknown): unknown {
  if (value === null || value === "") return undefined;
  return typeof value === "string" && NUMBER.test(value.trim()) ? Number(value) : value;
}

/** Text stays exactly what it is; a double is rounded to what is stored, so that 12.340000000000002 is 12.34. */
function amountOf(value: unknown, currency: unknown): { value: unknown; currency: unknown } | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "number") return { value: String(round(value, AMOUNT_DECIMALS)), currency };
  if (typeof value !== "string") return { value, currency };
  const text = value.trim();
  return text === "" ? undefined : { value: text, currency };
}

function withProperties(
  envelope: Record<string, unknown>,
  { record, text }: GoodRow,
  properties: MappingOptions["properties"],
  numbers: ReadonlySet<string>,
): string {
  // Text of the file that goes on as it is keeps every digit of its numbers.
  if (properties === "all" && text !== undefined && numbers.size === 0) {
    return `${JSON.stringify(envelope).slice(0, -1)},"properties":${text}}`;
  }
  const chosen: Record<string, unknown> = {};
  const columns = properties === "none" ? [] : properties === "all" ? Object.keys(record) : properties;
  for (const column of columns) {
    const value = Object.hasOwn(record, column) ? record[column] : pathOf(column).reduce<unknown>(own, record);
    if (value !== undefined) chosen[column] = numbers.has(column) ? numberOf(value) : value;
  }
  return JSON.stringify({ ...envelope, properties: chosen });
}

/** The number that a text is, unless it is none or more exact than a number can be. */
function numberOf(value: unknown): unknown {
  if (typeof value !== "string" || !NUMBER.test(value.trim())) return value;
  const number = Number(value);
  return Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number)) ? number : value;
}

/**
 * Ids by file, type and row: loading a file again stores nothing again, and one file may be loaded as two types of
 * event.
 */
function idMaker(identity: string, prefix: string): (type: string, rowNumber: number) => string {
  const known = new Map<string, string>();
  return (type, rowNumber) => {
    let start = known.get(type);
    if (start === undefined) {
      start = prefix + createHash("sha256").update(`${identity}\0${type}`).digest("hex").slice(0, 32);
      if (known.size < 1000) known.set(type, start);
    }
    return `${start}-${rowNumber}`;
  };
}
