/** A number of sixteen digits or more may not fit a double. */
const LONG_NUMBER = /\d[\d.]{15}/;
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|-?Infinity|NaN/g;
const NOT_A_NUMBER = /(?:NaN|Infinity)/;

/**
 * Parses JSON, taking numbers that a double cannot hold (64-bit ids, long decimals) as their text.
 * @throws SyntaxError
 */
export function parseExact(text: string): unknown {
  return JSON.parse(LONG_NUMBER.test(text) ? text.replace(TOKENS, exactToken) : text);
}

/** DuckDB writes NaN and Infinity, which JSON does not know: null takes their place. */
export function withoutNaN(text: string): string {
  if (!NOT_A_NUMBER.test(text)) return text;
  return text.replace(TOKENS, (token) => (!token.startsWith('"') && NOT_A_NUMBER.test(token) ? "null" : token));
}

function exactToken(token: string): string {
  if (token.startsWith('"')) return token;
  return token.length < 16 || isHeldExactly(token) ? token : `"${token}"`;
}

function isHeldExactly(token: string): boolean {
  const value = Number(token);
  if (/^-?\d+$/.test(token)) return Number.isSafeInteger(value);
  const plain = /[eE]/.test(token) ? token : token.replace(/\.?0+$/, "");
  return /[eE]/.test(token) || String(value) === plain;
}
