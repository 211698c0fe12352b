import { z } from "zod";
import type { ServiceName } from "./errors.js";
import { UpstreamError } from "./errors.js";

/** RFC 3339 to epoch milliseconds UTC. A missing offset is read as UTC, as the services mean it. */
export const instant = z.string().transform((text, context) => {
  const at = utc(text);
  if (!Number.isNaN(at)) return at;
  context.addIssue({ code: "custom", message: `expected an RFC 3339 instant, got "${text.slice(0, 40)}"` });
  return z.NEVER;
});

/** `YYYY-MM-DD` (or an instant) to epoch milliseconds of that moment UTC. */
export const day = z.string().transform((text, context) => {
  const at = utc(text);
  if (!Number.isNaN(at)) return at;
  context.addIssue({ code: "custom", message: `expected a date, got "${text.slice(0, 40)}"` });
  return z.NEVER;
});

/**
 * May be absent or null. The record's own transform makes null of both: a transform for each field would take longer
 * than all the rest of the check, and lists have tens of thousands of records.
 */
export function optional<T extends z.ZodType>(type: T) {
  return type.nullish();
}

export function listOf<T extends z.ZodType>(type: T) {
  return z.array(type).nullish();
}

/** An id: opaque, not empty. Numbers are taken as text, since nothing says that ids must not be numeric. */
export const id = z.union([z.string().min(1), z.number()]).transform(String);

export const score = z.number().min(0).max(1);
export const finite = z.number().refine(Number.isFinite);
export const text = z.string();

/**
 * A closed set whose upstream spelling is not certain: `in-progress` is IN_PROGRESS, and a word that nobody documented
 * is UNKNOWN rather than a reason to drop the record.
 */
export function tolerantEnum<const T extends readonly [string, ...string[]]>(words: T) {
  return z
    .string()
    .nullish()
    .transform((word): T[number] | "UNKNOWN" => {
      const normal = (word ?? "").toUpperCase().replaceAll(/[\s-]+/g, "_");
      return words.includes(normal) ? (normal as T[number]) : "UNKNOWN";
    });
}

/**
 * Checks one value that came back from a service.
 * @throws UpstreamError UPSTREAM_MALFORMED naming service and field
 */
export function parseShape<T extends z.ZodType>(
  service: ServiceName,
  type: T,
  value: unknown,
  where = "",
): z.output<T> {
  const result = type.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = [where, ...(issue?.path ?? [])].filter((part) => part !== "").join(".") || "body";
  throw new UpstreamError("UPSTREAM_MALFORMED", service, `field ${field}: ${issue?.message ?? "does not fit"}`);
}

const LIST_KEYS = [
  "items",
  "data",
  "vehicles",
  "alerts",
  "claims",
  "appointments",
  "decisions",
  "technicians",
  "history",
  "records",
  "health",
];

export interface Page {
  readonly items: readonly unknown[];
  /** How many there are in all, where the service says so. */
  readonly total: number | null;
}

/** A list as services wrap it: a bare array, or an object whose array is under one of the known keys. */
export function parsePage(service: ServiceName, body: unknown): Page {
  if (Array.isArray(body)) return { items: body, total: null };
  if (typeof body === "object" && body !== null) {
    const record = body as Record<string, unknown>;
    const items = LIST_KEYS.map((key) => record[key]).find(Array.isArray);
    if (items) return { items, total: typeof record.total === "number" ? record.total : null };
  }
  throw new UpstreamError("UPSTREAM_MALFORMED", service, "expected a list");
}

export function parseItems<T extends z.ZodType>(
  service: ServiceName,
  type: T,
  items: readonly unknown[],
  offset = 0,
): z.output<T>[] {
  return items.map((item, index) => parseShape(service, type, item, `items[${offset + index}]`));
}

const OFFSET = /[+-]\d{2}:?\d{2}$/;

function utc(text: string): number {
  return Date.parse(text.endsWith("Z") || /z$/.test(text) || OFFSET.test(text.slice(10)) ? text : `${text}Z`);
}
