import { isAscii, isUtf8 } from "node:buffer";
import type { RawMessage } from "../shapes/index.js";
import { LINE_END, numberAt, type Reply } from "./redis-replies.js";

/** Entries of streams as the intake takes them, and what has to be acknowledged once it has. */
export interface Entries {
  readonly messages: RawMessage[];
  /** By stream; those of entries that were deleted before they could be read are among them. */
  readonly ids: Map<string, string[]>;
}

/** The answer to XREADGROUP: `[[stream, [[id, [name, value, …]], …]], …]`, or null when nothing came. */
export function readEntries(reply: Reply): Entries {
  const entries: Entries = { messages: [], ids: new Map() };
  const walk = new ReplyWalk(reply);
  for (let streams = walk.count(); streams > 0; streams--) {
    walk.count();
    walk.entries(walk.text(), entries);
  }
  return entries;
}

/** The answer to XAUTOCLAIM: `[next, entries, deleted ids]`. */
export function readClaimed(reply: Reply, stream: string): { readonly next: string; readonly entries: Entries } {
  const entries: Entries = { messages: [], ids: new Map() };
  const walk = new ReplyWalk(reply);
  walk.count();
  const next = walk.text();
  walk.entries(stream, entries);
  return { next, entries };
}

/** Runs once per field of everything that streams bring: no closures, no texts that are not needed. */
class ReplyWalk {
  readonly #bytes: Buffer;
  readonly #isAscii: boolean;
  #position = 0;
  /** Where the names and values of an entry begin and end, from the entry's start; reused. */
  readonly #bounds: number[] = [];

  constructor({ bytes, length }: Reply) {
    this.#bytes = bytes;
    this.#isAscii = isAscii(bytes.subarray(0, length));
  }

  /** The length of the array or text that begins here, -1 for null; goes on behind it. */
  count(): number {
    let end = this.#position + 1;
    const number = numberAt(this.#bytes, end);
    while (this.#bytes[end] !== LINE_END) end++;
    this.#position = end + 2;
    return number;
  }

  text(): string {
    const length = this.count();
    const start = this.#position;
    this.#position += length + 2;
    return this.#bytes.toString("utf8", start, start + length);
  }

  entries(stream: string, into: Entries): void {
    const ids: string[] = [];
    const place = `${stream}/`;
    const origin = `redis:${place}`;
    for (let left = this.count(); left > 0; left--) {
      // Servers before 7.0 claim deleted entries as null.
      if (this.count() < 0) continue;
      const idLength = this.count();
      const start = this.#position;
      this.#position += idLength + 2;
      const parts = this.#passFields(start);
      const isPlain = this.#isAscii || isAscii(this.#bytes.subarray(start, this.#position));
      // One text per entry, of which the fields are cut out: cheaper than a text each, and a field that somebody keeps
      // does not keep the whole answer in memory.
      const text = isPlain ? this.#bytes.toString("latin1", start, this.#position) : null;
      const id = text === null ? this.#bytes.toString("latin1", start, start + idLength) : text.slice(0, idLength);
      ids.push(id);
      if (parts < 0) continue;
      const hints = { stream, id };
      const value = text === null ? this.#decoded(start, parts) : this.#cut(text, parts);
      if (value !== null) into.messages.push({ value, fallbackId: place + id, origin: origin + id, hints });
      else {
        const bytes = this.#asJson(start, parts);
        into.messages.push({ value: undefined, bytes, fallbackId: place + id, origin: origin + id, hints });
      }
    }
    into.ids.set(stream, ids);
  }

  /** @returns how many names and values there are; -1: the entry was deleted */
  #passFields(start: number): number {
    const parts = this.count();
    for (let part = 0; part < parts; part++) {
      const length = this.count();
      this.#bounds[2 * part] = this.#position - start;
      this.#bounds[2 * part + 1] = this.#position - start + length;
      this.#position += length + 2;
    }
    return parts;
  }

  #cut(text: string, parts: number): Record<string, string> {
    const bounds = this.#bounds;
    const fields: Record<string, string> = {};
    for (let part = 0; part < parts; part += 2) {
      const name = text.slice(bounds[2 * part], bounds[2 * part + 1]);
      put(fields, name, text.slice(bounds[2 * part + 2], bounds[2 * part + 3]));
    }
    return fields;
  }

  /** Null when a field is no UTF-8. */
  #decoded(start: number, parts: number): Record<string, string> | null {
    const fields: Record<string, string> = {};
    for (let part = 0; part < parts; part += 2) {
      const name = this.#part(start, part);
      const value = this.#part(start, part + 1);
      if (!isUtf8(name) || !isUtf8(value)) return null;
      put(fields, name.toString(), value.toString());
    }
    return fields;
  }

  /** The entry as a JSON object in which bytes that are no UTF-8 stand as they came. */
  #asJson(start: number, parts: number): Buffer {
    const pieces: Buffer[] = [];
    for (let part = 0; part < parts; part++) {
      const bytes = this.#part(start, part);
      const encoding = isUtf8(bytes) ? "utf8" : "latin1";
      pieces.push(Buffer.from(part === 0 ? "{" : part % 2 === 0 ? "," : ":"));
      pieces.push(Buffer.from(JSON.stringify(bytes.toString(encoding)), encoding));
    }
    return Buffer.concat([...pieces, Buffer.from("}")]);
  }

  #part(start: number, part: number): Buffer {
    return this.#bytes.subarray(start + (this.#bounds[2 * part] ?? 0), start + (this.#bounds[2 * part + 1] ?? 0));
  }
}

function put(fields: Record<string, string>, name: string, value: string): void {
  // Assigned, this name would be lost: it stands for the prototype.
  if (name === "__proto__") Object.defineProperty(fields, name, { value, enumerable: true });
  else fields[name] = value;
}
