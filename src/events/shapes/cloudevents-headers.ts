import type { Fault } from "../event.js";
import { fault } from "./reading.js";

type Headers = Readonly<Record<string, string | undefined>>;

/** Prefix of an attribute's header: HTTP encodes values, Kafka writes them as they are. */
const ATTRIBUTE = /^ce([-_])(.+)$/i;
const SPECVERSION = /^ce[-_]specversion$/i;
const CONTENT_TYPE = /^content-type$/i;

const STRUCTURED = /^application\/cloudevents/i;

/** Whether a message brings its attributes in headers; not if its content type says that it is structured. */
export function isBinary(headers: Headers): boolean {
  let found = false;
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    if (CONTENT_TYPE.test(name) && STRUCTURED.test(value)) return false;
    found ||= SPECVERSION.test(name);
  }
  return found;
}

/** Attributes of a CloudEvent out of the headers that it came with. */
export function attributesOfHeaders(headers: Headers): { attributes: Record<string, string>; faults: Fault[] } {
  const found: [name: string, value: string][] = [];
  const faults: Fault[] = [];
  for (const [header, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const [, separator, attribute] = ATTRIBUTE.exec(header) ?? [];
    if (CONTENT_TYPE.test(header)) found.push(["datacontenttype", value]);
    else if (attribute !== undefined) {
      const decoded = separator === "-" ? decode(value) : value;
      const name = attribute.toLowerCase();
      if (decoded === null) faults.push(fault([header], "percent_encoding", "must be percent-encoded UTF-8"));
      // The content type has its own header, and data is what follows the headers.
      else if (name === "data" || name === "datacontenttype") {
        faults.push(fault([header], "header", "is not a header that events have"));
      } else found.push([name, decoded]);
    }
  }
  return { attributes: Object.fromEntries(found), faults };
}

/** Quotes are taken off, then sequences of `%XX` read as UTF-8; null when they are none. */
function decode(value: string): string | null {
  const bare = /^".*"$/s.test(value) ? value.slice(1, -1).replace(/\\(.)/gs, "$1") : value;
  try {
    return bare.replace(/(?:%[\dA-Fa-f]{2})+/g, decodeURIComponent);
  } catch {
    return null;
  }
}
