import type { Area } from "../event.js";
import type { ColumnSource, ColumnSources, EventType, JsonSchema, Path } from "./event-type.js";
import { type Fields, nullable } from "./fields.js";

/** What the types of one family have in common; a type's own entry adds to it and wins. */
export interface Family {
  readonly area: Area;
  readonly optional?: Fields;
  readonly columns?: ColumnSources;
  /** Those of these that a type has are personal there. */
  readonly personal?: readonly Path[];
  readonly retentionDays?: number;
}

/** One type as its family's table writes it down. */
export interface Entry {
  readonly name: string;
  readonly description: string;
  readonly required?: Fields;
  readonly optional?: Fields;
  /** Further conditions, of which at least one must hold. */
  readonly anyOf?: readonly JsonSchema[];
  readonly columns?: ColumnSources;
  readonly personal?: readonly Path[];
  readonly example: Readonly<Record<string, unknown>>;
  readonly retentionDays?: number;
}

/** Makes event types of a family's table. */
export function defineTypes(family: Family, entries: readonly Entry[]): readonly EventType[] {
  return entries.map((entry) => {
    const required = entry.required ?? {};
    const properties = { ...nullable({ ...family.optional, ...entry.optional }), ...required };
    const anyOf = entry.anyOf === undefined ? {} : { anyOf: entry.anyOf };
    return {
      name: entry.name,
      area: family.area,
      description: entry.description,
      schema: { type: "object", required: Object.keys(required), properties, ...anyOf },
      columns: { ...family.columns, ...entry.columns },
      personal: [
        ...(family.personal ?? []).filter((path) => (path.split(".")[0] ?? "") in properties),
        ...(entry.personal ?? []),
      ],
      example: entry.example,
      retentionDays: entry.retentionDays ?? family.retentionDays ?? null,
    };
  });
}

/** A column's value is the first of these paths that leads to one. */
export function from(...paths: readonly Path[]): ColumnSource {
  return { paths };
}

/** As `from`, with the value when no path leads to one. */
export function fromOr(always: string, ...paths: readonly Path[]): ColumnSource {
  return { paths, always };
}
