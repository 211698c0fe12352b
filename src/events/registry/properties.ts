/** The text under which a payload is stored: one line of JSON that strict parsers read, each in the same way. */

/** Deeper nesting is refused: no event needs it, and parsers differ in where they give up. */
export const MAX_DEPTH = 100;

export const TOO_DEEP = -1;
export const NOT_JSON = -2;

/**
 * How many members all objects in a value have together. `TOO_DEEP` when it is nested deeper than `MAX_DEPTH`,
 * `NOT_JSON` when something in it cannot be written as JSON: a number beyond the range of doubles reads as infinity.
 */
export function countMembers(value: unknown, depth = 0): number {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return 0;
    case "number":
      return Number.isFinite(value) ? 0 : NOT_JSON;
    case "object":
      if (value === null) return 0;
      if (depth >= MAX_DEPTH) return TOO_DEEP;
      return Array.isArray(value) ? countInArray(value, depth) : countInObject(value as Data, depth);
    default:
      return NOT_JSON;
  }
}

type Data = Readonly<Record<string, unknown>>;

function countInArray(items: readonly unknown[], depth: number): number {
  let members = 0;
  for (const item of items) {
    const within = countMembers(item, depth + 1);
    if (within < 0) return within;
    members += within;
  }
  return members;
}

function countInObject(object: Data, depth: number): number {
  let members = 0;
  for (const key in object) {
    const within = countMembers(object[key], depth + 1);
    if (within < 0) return within;
    members += within + 1;
  }
  return members;
}

/**
 * The text of a payload.
 * @param text the JSON that it was parsed from, where known: taken as it is when that is safe, which is several times
 *   faster than writing it again
 * @param members what `countMembers` says of the payload
 * @param extras further fields; they replace fields of the payload with the same name
 */
export function propertiesText(
  data: Data,
  text: string | undefined,
  members: number,
  extras: Data | undefined,
): string {
  if (extras === undefined) return text !== undefined && isCanonical(text, members) ? text : stringify(data);
  for (const name in extras) if (Object.hasOwn(data, name)) return stringify({ ...data, ...extras });
  const own = text !== undefined && isCanonical(text, members) ? text : stringify(data);
  const further = stringify(extras);
  if (further === "{}") return own;
  return members === 0 || own === "{}" ? further : `${own.slice(0, -1)},${further.slice(1)}`;
}

/**
 * Whether every parser reads this JSON object in one way and in one line: no line break; no escape that might be half a
 * surrogate pair; no name twice, of which some parsers take the first and some the last. Each member has one `":`, so
 * more of them than members mean a name twice (or text that looks like it: then it is written again, which is safe).
 */
function isCanonical(text: string, members: number): boolean {
  if (!text.startsWith("{") || !text.endsWith("}")) return false;
  if (text.includes("\n") || text.includes("\r") || text.includes("\\u")) return false;
  if (text.includes(" :") || text.includes("\t:") || !text.isWellFormed()) return false;
  let found = 0;
  for (let at = text.indexOf('":'); at !== -1; at = text.indexOf('":', at + 2)) {
    found++;
    if (found > members) return false;
  }
  return found === members;
}

function stringify(data: Data): string {
  const json = JSON.stringify(data);
  return json.includes("\\ud") ? withoutLoneSurrogates(json) : json;
}

/** `JSON.stringify` escapes lone surrogates, which strict parsers refuse; pairs it leaves as they are. */
function withoutLoneSurrogates(json: string): string {
  const repaired = json.replace(/\\(?:ud[89a-f][\da-f]{2}|.)/g, (sequence) =>
    sequence.length === 6 ? "\ufffd" : sequence,
  );
  // Two names may have become the same.
  return JSON.stringify(JSON.parse(repaired));
}
