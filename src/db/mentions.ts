/** The ways in which a message most likely spells an id: as it is, and as writers of JSON escape it. */
export function spellings(id: string): Buffer[] {
  const quoted = JSON.stringify(id).slice(1, -1);
  const ascii = quoted.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return [...new Set([id, quoted, ascii])].map((text) => Buffer.from(text));
}

/** JSON within JSON within JSON is as deep as anybody goes. */
const DEEPEST = 3;

/** Whether the bytes of a message contain the id once every escape has been undone: of JSON, of URLs, of base64. */
export function mentions(raw: Buffer, id: string): boolean {
  let text = raw.toString("utf8");
  if (withinBase64(text).some((inner) => mentions(inner, id))) return true;
  for (let depth = 0; depth <= DEEPEST; depth++) {
    if (text.includes(id) || undoPercents(text).includes(id)) return true;
    text = undoEscapes(text);
  }
  return false;
}

const SHORT: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** Escapes of JSON undone wherever they stand: a message that is no JSON may still be the better part of one. */
function undoEscapes(text: string): string {
  return text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, unit: string | undefined, character: string) =>
    unit ? String.fromCharCode(Number.parseInt(unit, 16)) : (SHORT[character] ?? character),
  );
}

function undoPercents(text: string): string {
  return text.replaceAll("+", " ").replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
    return Buffer.from(run.replaceAll("%", ""), "hex").toString("utf8");
  });
}

/** What CloudEvents and the like carry as base64. */
function withinBase64(text: string): Buffer[] {
  return [...text.matchAll(/base64"?\s*[:=,]\s*"?([\w+/=-]{8,})/gi)].map(([, encoded = ""]) =>
    Buffer.from(encoded, "base64"),
  );
}
