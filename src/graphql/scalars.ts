import { GraphQLError, GraphQLScalarType, Kind } from "graphql";
import { GraphQLDate, GraphQLDateTime, GraphQLJSONObject } from "graphql-scalars";
import { round } from "../base/numbers.js";
import { formatDate, formatInstant, isDateOrInstant } from "../base/time-range.js";

const dateTime = GraphQLDateTime.toConfig();

/** Parsed by graphql-scalars; instants are epoch milliseconds inside and without needless fractions outside. */
const DateTime = new GraphQLScalarType<number, string>({
  name: "DateTime",
  serialize: (value) => formatInstant(instantOf(value)),
  parseValue: (value) => instantOf(dateTime.parseValue?.(value)),
  parseLiteral: (node, variables) => instantOf(dateTime.parseLiteral?.(node, variables)),
});

function instantOf(value: unknown): number {
  const instant = value instanceof Date ? value.getTime() : value;
  if (typeof instant === "number" && Number.isFinite(instant)) return instant;
  throw new GraphQLError(`DateTime cannot represent ${String(value)}`);
}

/** Days stay text: they have no instant until a zone is chosen. */
const CalendarDate = new GraphQLScalarType<string, string>({
  name: "Date",
  serialize: (value) => (typeof value === "number" ? formatDate(value) : String(value).slice(0, 10)),
  parseValue: parseDay,
  parseLiteral: (node) => parseDay(node.kind === Kind.STRING ? node.value : null),
});

function parseDay(value: unknown): string {
  GraphQLDate.parseValue(value);
  return String(value);
}

const DateOrDateTime = new GraphQLScalarType<string, string>({
  name: "DateOrDateTime",
  serialize: String,
  parseValue: parseBound,
  parseLiteral: (node) => parseBound(node.kind === Kind.STRING ? node.value : null),
});

function parseBound(value: unknown): string {
  if (typeof value === "string" && isDateOrInstant(value)) return value;
  throw new GraphQLError(`expected YYYY-MM-DD or an RFC 3339 instant with an offset, got ${JSON.stringify(value)}`);
}

const Money = new GraphQLScalarType<number, number>({
  name: "Money",
  serialize: (value) => round(Number(value), 2),
  parseValue: Number,
});

/** What a table's cell holds: whatever is a plain value. */
const Cell = new GraphQLScalarType<string | number | null, unknown>({ name: "Cell", serialize: (value) => value });

const URLText = new GraphQLScalarType<string, string>({ name: "URL", serialize: String, parseValue: String });

export const scalars = {
  DateTime,
  Date: CalendarDate,
  DateOrDateTime,
  Money,
  JSONObject: GraphQLJSONObject,
  URL: URLText,
  Cell,
};
