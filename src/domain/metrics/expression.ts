import type { Formula } from "./metric.js";

/** What is wrong with an expression, for whoever wrote it. */
export class ExpressionFault extends Error {
  override name = "ExpressionFault";
}

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+)|([-+*/()]))/y;
const MOST_TOKENS = 200;

/**
 * Reads arithmetic over metrics, such as `rides.revenue / rides.bookings_confirmed * 100`.
 * @throws ExpressionFault naming the place that cannot be read
 */
export function parseExpression(text: string, formulaOf: (id: string) => Formula): Formula {
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
    if (/^[a-z]/.test(token)) return formulaOf(token);
    throw new ExpressionFault(`"${text}" has ${token} where a metric, a number or ( is expected`);
  };
  const formula = sums();
  if (at < tokens.length)
    throw new ExpressionFault(`"${text}" goes on with ${tokens[at]} where an operator or its end is expected`);
  return formula;
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
