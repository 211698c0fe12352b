import { readFile } from "node:fs/promises";
import { z } from "zod";
import { AREAS } from "../event.js";
import type { EventType } from "./event-type.js";
import { type Check, createValidator } from "./validator.js";

/** An operator's file of event types that cannot be used; the message names file, entry and field. */
export class OverrideError extends Error {
  override name = "OverrideError";
}

const path = z.string().regex(/^[^.]+(\.[^.]+)*$/, "must be a dotted path such as booking_data.total_amount");
const source = z.strictObject({ paths: z.array(path), always: z.string().min(1).exactOptional() });

/** One entry: the name says which type; of a known type only what is given is replaced, columns one by one. */
const entryShape = z.strictObject({
  name: z.string().regex(/^[^\p{Cc}]{1,200}$/u, "must be 1 to 200 characters without control characters"),
  area: z.enum(AREAS).exactOptional(),
  description: z.string().exactOptional(),
  schema: z.record(z.string(), z.unknown()).exactOptional(),
  columns: z
    .strictObject({
      time: source.exactOptional(),
      user: source.exactOptional(),
      session: source.exactOptional(),
      subject: source.exactOptional(),
      country: source.exactOptional(),
      region: source.exactOptional(),
      city: source.exactOptional(),
      latitude: source.exactOptional(),
      longitude: source.exactOptional(),
      amount: source.exactOptional(),
      currency: source.exactOptional(),
    })
    .exactOptional(),
  personal: z.array(path).exactOptional(),
  example: z.record(z.string(), z.unknown()).exactOptional(),
  retentionDays: z.number().int().positive().nullable().exactOptional(),
});

type Entry = z.infer<typeof entryShape>;

/**
 * Reads a JSON file with an array of entries and returns the types with them merged in.
 * @throws OverrideError when the file cannot be read or something in it is wrong
 */
export async function loadOverrides(file: string, types: readonly EventType[]): Promise<EventType[]> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new OverrideError(`${file}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  return mergeOverrides(types, content, file);
}

/**
 * Types with an operator's entries merged in: entries replace parts of known types, others are added at the end, in
 * the area `custom` unless they say otherwise.
 * @param file for messages only
 * @throws OverrideError that tells everything that is wrong
 */
export function mergeOverrides(types: readonly EventType[], content: unknown, file: string): EventType[] {
  const parsed = z.array(entryShape).safeParse(content);
  if (!parsed.success) {
    throw new OverrideError(
      parsed.error.issues.map((issue) => `${place(file, content, issue.path)}: ${issue.message}`).join("\n"),
    );
  }
  const merged = new Map(types.map((type) => [type.name, type]));
  const seen = new Set<string>();
  const problems: string[] = [];
  parsed.data.forEach((entry, index) => {
    const type = merge(merged.get(entry.name), entry);
    const problem = seen.has(entry.name) ? ", name: this entry is there twice" : problemOf(type);
    if (problem !== null) problems.push(`${place(file, content, [index])}${problem}`);
    seen.add(entry.name);
    merged.set(entry.name, type);
  });
  if (problems.length > 0) throw new OverrideError(problems.join("\n"));
  return [...merged.values()];
}

const NEW_TYPE: Omit<EventType, "name"> = {
  area: "custom",
  description: "",
  schema: { type: "object" },
  columns: {},
  personal: [],
  example: {},
  retentionDays: null,
};

function merge(known: EventType | undefined, entry: Entry): EventType {
  const before = known ?? { ...NEW_TYPE, name: entry.name };
  return { ...before, ...entry, columns: { ...before.columns, ...entry.columns } };
}

/** A schema that does not compile would refuse every event of its type; an example that is not valid misleads. */
function problemOf(type: EventType): string | null {
  let check: Check;
  try {
    check = createValidator().compile(type.schema);
  } catch (error) {
    return `, schema: ${error instanceof Error ? error.message : error}`;
  }
  const [fault] = check(type.example) ?? [];
  if (fault === undefined) return null;
  return `, example: ${fault.instancePath || "the payload"} ${fault.message}: give an example that the schema allows`;
}

/** `types.json, entry 3 (booking.created), columns.user` */
function place(file: string, content: unknown, [index, ...fields]: readonly PropertyKey[]): string {
  if (index === undefined) return file;
  const name: unknown = Array.isArray(content) ? content[Number(index)]?.name : undefined;
  const entry = `${file}, entry ${Number(index) + 1}${typeof name === "string" ? ` (${name})` : ""}`;
  return fields.length === 0 ? entry : `${entry}, ${fields.map(String).join(".")}`;
}
