/** Longer than any token of ours; anything above is not worth decoding. */
const MAX_TOKEN_LENGTH = 16_384;
const MAX_KEY_ID_LENGTH = 200;
const HEADER_MEMBERS = new Set(["alg", "typ", "kid"]);

type Members = Readonly<Record<string, unknown>>;

/**
 * The header of a token in compact form, once it is sure that there is only one way to read it: what verifying libraries
 * pass over (critical extensions, keys that travel with the token, other types, members given twice, other spellings of
 * the same bytes) is refused before they see it.
 * @returns null for what is no such token
 */
export function readHeader(token: string): Members | null {
  if (token.length > MAX_TOKEN_LENGTH) return null;
  const [head, payload, signature, ...rest] = token.split(".");
  if (!head || !payload || !signature || rest.length > 0) return null;
  const header = readObject(head);
  if (!header || !readObject(payload) || decode(signature) === null) return null;
  const { typ, kid } = header;
  const isJwt = typ === undefined || (typeof typ === "string" && typ.toUpperCase() === "JWT");
  const isNamed = kid === undefined || (typeof kid === "string" && kid.length <= MAX_KEY_ID_LENGTH);
  return isJwt && isNamed && Object.keys(header).every((name) => HEADER_MEMBERS.has(name)) ? header : null;
}

function readObject(segment: string): Members | null {
  const bytes = decode(segment);
  if (bytes === null) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && !hasRepeatedMember(text) ? (value as Members) : null;
  } catch {
    return null;
  }
}

/** Bytes of canonical base64url: without padding, and without bits that mean nothing. */
function decode(segment: string): Buffer | null {
  const bytes = Buffer.from(segment, "base64url");
  return bytes.toString("base64url") === segment ? bytes : null;
}

const TOKENS = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;

/** Whether some object of a JSON text names a member twice: one reader would take the first, another the last. */
function hasRepeatedMember(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(TOKENS)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, -colon.length)) as string;
      const members = open.at(-1);
      if (members?.has(name)) return true;
      members?.add(name);
    }
  }
  return false;
}
