import { createHash, createHmac, randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { StoredEvent } from "./event.js";
import type { EventType } from "./registry/event-type.js";
import { isObject } from "./shapes/reading.js";
import type { RawMessage } from "./shapes/shape.js";

/** Ids hashed lately: events of one user come in bunches. */
const REMEMBERED = 20_000;
let remembered = { secret: null as string | null, hashes: new LRUCache<string, string>({ max: REMEMBERED }) };

/**
 * A stand-in for a user id: 16 hexadecimal digits, the same for the same id, so that users can still be counted.
 *
 * With a secret (HMAC-SHA-256) nobody without it can tell whose it is, or check a guess. Without one (SHA-256) anybody
 * who can list the ids can: sequential ids and e-mail addresses are found in seconds, so this hides a name from a
 * reader but protects nobody from an attacker. Both keep 64 bits: among ten million users, two share a stand-in with a
 * chance of about 3 in a million.
 */
export function anonymiseUser(id: string, secret: string | null): string {
  if (remembered.secret !== secret) remembered = { secret, hashes: new LRUCache({ max: REMEMBERED }) };
  const known = remembered.hashes.get(id);
  if (known !== undefined) return known;
  const hash = (secret === null ? createHash("sha256") : createHmac("sha256", secret)).update(id, "utf8");
  const short = hash.digest("hex").slice(0, 16);
  remembered.hashes.set(id, short);
  return short;
}

/**
 * The event without the person: user id replaced wherever a value of the event is just that id, what its type declares
 * as personal (addresses of any kind among it) removed from the payload, ids of other people replaced as well. Ids of event and session stay: they tell
 * events apart and together.
 */
export function anonymise(event: StoredEvent, type: EventType | null, secret: string | null): StoredEvent {
  const { user, subject, properties } = event;
  const personal = type?.personal ?? [];
  const stand = user === null ? null : anonymiseUser(user, secret);
  return {
    ...event,
    user: stand,
    subject: subject === user ? stand : subject,
    properties: mayName(properties, user, personal) ? rewritten(properties, personal, user, stand, secret) : properties,
  };
}

/** Whether the sender says that the person has not agreed: `consent` beside the event's other fields, or a header. */
export function refusesConsent({ value, hints }: RawMessage): boolean {
  return hints?.consent === "denied" || (isObject(value) && value.consent === false);
}

/**
 * The event of somebody who has not agreed to be followed: that it happened is kept, with nothing that leads to the
 * person or to what else they did. User and session are gone, and stand-ins within the payload are new for every event.
 */
export function withoutPerson(event: StoredEvent, type: EventType | null): StoredEvent {
  const once = randomUUID();
  const withoutUser = anonymise(event, type, once);
  const withoutSession = anonymise({ ...withoutUser, user: event.session }, null, once);
  return { ...withoutSession, user: null, session: null };
}

/** Reading a payload costs twenty times as much as looking into its text, which for most events is enough. */
function mayName(properties: string, user: string | null, personal: readonly string[]): boolean {
  if (user === null && personal.length === 0) return false;
  if (properties.includes("\\") || (user !== null && properties.includes(user))) return true;
  return personal.some((path) => properties.includes(`${path.slice(path.lastIndexOf(".") + 1)}"`));
}

/** Numbers that a double cannot hold are carried through parsing as marked text. */
const MARK = "\ue000number:";
const MAY_HOLD_SUCH_NUMBER = /[\d.]{16}|\d[eE][+-]?\d/;
const STRING_OR_SUCH_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.]*[eE][+-]?\d+|-?\d[\d.]{15,}/g;
const MARKED_NUMBER = new RegExp(`"${MARK}([^"]*)"`, "g");

/** Ids of other people that an event names, such as its driver: replaced like the user's, so that they can be counted. */
const PERSON_ID = /(?:_id|Id)$/;

function standIn(value: unknown, secret: string | null): string | undefined {
  if (typeof value === "number") return anonymiseUser(String(value), secret);
  if (typeof value !== "string" || value === "") return undefined;
  return anonymiseUser(value.startsWith(MARK) ? value.slice(MARK.length) : value, secret);
}

function rewritten(
  text: string,
  personal: readonly string[],
  user: string | null,
  stand: string | null,
  secret: string | null,
): string {
  const exact = MAY_HOLD_SUCH_NUMBER.test(text);
  const marked = exact
    ? text.replace(STRING_OR_SUCH_NUMBER, (token) => (token.startsWith('"') ? token : `"${MARK}${token}"`))
    : text;
  const properties = withoutUser(JSON.parse(marked), user, stand);
  for (const path of personal) remove(properties, path.split("."), stand, secret);
  const written = JSON.stringify(properties);
  return exact ? written.replace(MARKED_NUMBER, "$1") : written;
}

/** Replaces every value and key that is the id, as text or as number; texts that merely contain it stay. */
function withoutUser(value: unknown, user: string | null, stand: string | null): unknown {
  if (user === null || stand === null) return value;
  if (value === user || (typeof value === "number" && String(value) === user) || value === MARK + user) return stand;
  if (Array.isArray(value)) return value.map((item) => withoutUser(item, user, stand));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key === user ? stand : key, withoutUser(item, user, stand)]),
  );
}

/**
 * A path leads into every item of a list on its way. A key that contains dots itself is found as well. What holds the
 * stand-in stays: it says no more than the event's own user does.
 */
function remove(value: unknown, path: readonly string[], stand: string | null, secret: string | null): void {
  if (Array.isArray(value)) {
    for (const item of value) remove(item, path, stand, secret);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const record = value as Record<string, unknown>;
  const whole = path.join(".");
  if (Object.hasOwn(record, whole) && (stand === null || record[whole] !== stand)) {
    const stand = PERSON_ID.test(whole) ? standIn(record[whole], secret) : undefined;
    if (stand === undefined) delete record[whole];
    else record[whole] = stand;
  }
  const [head = "", ...rest] = path;
  if (rest.length > 0 && Object.hasOwn(record, head)) remove(record[head], rest, stand, secret);
}
