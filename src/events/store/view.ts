/** Types of view columns; each dialect has its own name for them. Decimals have 2 places. */
export type ViewType = "text" | "integer" | "float" | "decimal" | "boolean" | "time";

/** Where a column's value comes from. */
export type ViewSource =
  /** A column of the stored events, as it is. */
  | { readonly column: string }
  /** A field of the payload; several names lead into nested objects. */
  | { readonly property: readonly string[] }
  /** The first that is there and not empty, else the text given. */
  | { readonly firstOf: readonly ViewSource[]; readonly otherwise: string | null }
  /** A text that depends on the event's type; null for types that are not named. */
  | { readonly byType: Readonly<Record<string, string>> }
  /** What stands before the first dot of the event's type. */
  | { readonly family: true }
  /** A part of where a Kafka event came from, null for others. */
  | { readonly kafka: "partition" | "offset" }
  | { readonly always: boolean };

export interface ViewColumn {
  readonly name: string;
  readonly source: ViewSource;
  readonly type: ViewType;
}

/** One row per event. */
export interface EventView {
  readonly name: string;
  /** Null: events of every type. */
  readonly types: readonly string[] | null;
  readonly columns: readonly ViewColumn[];
}

/** A figure over the rows of a group, or over those of one event type or with a column that is true. */
export interface Measure {
  readonly name: string;
  readonly figure: "count" | "sum" | "average" | "distinct" | "hours";
  /** Of which column; `count` has none. */
  readonly of?: string;
  readonly when?: { readonly type?: string; readonly isTrue?: string };
}

/** One row per day and group, over an event view. */
export interface DailyView {
  readonly name: string;
  readonly over: string;
  /** Only rows of this event type; else all. */
  readonly only?: string;
  readonly groups: readonly { readonly name: string; readonly column: string }[];
  readonly measures: readonly Measure[];
}

export const column = (name: string, from: string, type: ViewType = "text"): ViewColumn => ({
  name,
  source: { column: from },
  type,
});
export const property = (name: string, type: ViewType = "text", ...path: string[]): ViewColumn => ({
  name,
  source: { property: path.length > 0 ? path : [name] },
  type,
});
export const first = (
  name: string,
  type: ViewType,
  otherwise: string | null,
  ...sources: ViewSource[]
): ViewColumn => ({
  name,
  source: { firstOf: sources, otherwise },
  type,
});

export const EVENT_ID = column("event_id", "id");
export const EVENT_TYPE = column("event_type", "type");
export const EVENT_TIMESTAMP = column("event_timestamp", "time", "time");
export const METADATA = column("metadata", "properties");
export const INGESTED_AT = column("ingested_at", "received", "time");
