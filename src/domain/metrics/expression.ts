import { numeric } from "../insights/fields.js";
import type { Field } from "../insights/plan.js";
import type { Formula } from "./metric.js";

/** What is wrong with an expression, for whoever wrote it. */
export class ExpressionFault extends Error {
  override name = "ExpressionFault";
}

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_]\w*(?:\.\w+)*)|([-+*/()]))/y;
const MOST_TOKENS = 200;

/** What names in an expression stand for. */
export interface Names {
  /** @throws Error when there is no such metric */
  metric(id: string): Formula;
  /** @throws Error when events have nothing of that name */
  field(name: string): Field;
}

/** Figures over all events that are looked at, by the names that expressions have for them. */
const FUNCTIONS = ["count", "distinct", "sum", "min", "max", "average", "median", "p1 to p99"];

/**
 * Reads arithmetic over metrics, such as `rides.revenue / rides.bookings_confirmed * 100`, and over what events have,
 * such as `sum(properties.added) / count()`.
 * @throws ExpressionFault naming the place that cannot be read
 */
export function parseExpression(text: string, names: Names): Formula {
  const tokens = tokensOf(text);
  let at = 0;
  const next = (): string | undefined => tokens[at];
  const sums = (): Formula => {
    let left = products();
    for (let operator = next(); operator === "+" || operator === "-"; operator = next()) {
      at++;
      const right = products();
      left = operator === "+" ? { add: [left, right] } : { subtract: [left, right] };
    }
    return left;
  };
  const products = (): Formula => {
    let left = operand();
    for (let operator = next(); operator === "*" || operator === "/"; operator = next()) {
      at++;
      const right = operand();
      left = operator === "*" ? { multiply: [left, right] } : { ratio: [left, right] };
    }
    return left;
  };
  const operand = (): Formula => {
    const token = next();
    at++;
    if (token === undefined) throw new ExpressionFault(`"${text}" ends where a metric, a number or ( is expected`);
    if (token === "-") return { multiply: [{ constant: -1 }, operand()] };
    if (token === "(") {
      const inner = sums();
      if (next() !== ")") throw new ExpressionFault(`"${text}" has a ( without its )`);
      at++;
      return inner;
    }
    if (/^\d/.test(token)) return { constant: Number(token) };
    if (/^\w/.test(token)) return next() === "(" ? figure(token) : names.metric(token);
    throw new ExpressionFault(`"${text}" has ${token} where a metric, a number or ( is expected`);
  };
  /** `name(field)`, of which the name has been read. */
  const figure = (name: string): Formula => {
    at++;
    const field = next() === ")" ? null : next();
    if (field !== null) at++;
    if (next() !== ")") throw new ExpressionFault(`"${text}" has ${name}( without its )`);
    at++;
    const of = field === null || field === undefined ? null : names.field(field);
    const found = figureNamed(name, of);
    if (!found) {
      throw new ExpressionFault(
        `"${text}" has ${name}(${field ?? ""}): expected one of ${FUNCTIONS.join(", ")}, of a dimension`,
      );
    }
    return found;
  };
  const formula = sums();
  if (at < tokens.length)
    throw new ExpressionFault(`"${text}" goes on with ${tokens[at]} where an operator or its end is expected`);
  return formula;
}

function figureNamed(name: string, of: Field | null): Formula | null {
  const all = { types: null };
  if (name === "count")
    return { figure: { figure: "count" }, of: of ? { ...all, where: { field: of, isSet: true } } : all };
  if (!of) return null;
  if (name === "distinct") return { figure: { figure: name, of }, of: all };
  const number = numeric(of);
  if (name === "sum" || name === "min" || name === "max" || name === "average") {
    return { figure: { figure: name, of: number }, of: all };
  }
  const rank = name === "median" ? 50 : Number(/^p([1-9]\d?)$/.exec(name)?.[1]);
  return Number.isNaN(rank) ? null : { figure: { figure: "percentile", of: number, at: rank / 100 }, of: all };
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== "") {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match)
      throw new ExpressionFault(
        `"${text}" cannot be read from "${text.slice(from, from + 20)}" on: expected metric ids, numbers, + - * / and ( )`,
      );
    tokens.push(match[1] ?? match[2] ?? match[3] ?? "");
    if (tokens.length > MOST_TOKENS) throw new ExpressionFault(`A formula has at most ${MOST_TOKENS} parts`);
  }
  return tokens;
}
