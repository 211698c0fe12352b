import type { Area } from "../event.js";

/** A JSON Schema (2020-12) of an object. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Dotted path into the payload: `booking_data.total_amount`. */
export type Path = string;

/**
 * Where the payload keeps what a column holds: the first path that leads to a value wins. `always` is used when none
 * does. What the message's own envelope says (time, user, session, subject) goes before any of this.
 */
export interface ColumnSource {
  readonly paths: readonly Path[];
  readonly always?: string;
}

export interface ColumnSources {
  readonly time?: ColumnSource;
  readonly user?: ColumnSource;
  readonly session?: ColumnSource;
  readonly subject?: ColumnSource;
  readonly country?: ColumnSource;
  readonly region?: ColumnSource;
  readonly city?: ColumnSource;
  readonly latitude?: ColumnSource;
  readonly longitude?: ColumnSource;
  readonly amount?: ColumnSource;
  readonly currency?: ColumnSource;
}

/** One type of event: plain data, so that it can be listed, documented and overridden from a file. */
export interface EventType {
  /** As it stands in messages: `booking.created`, `BookingCreated`, `page_view`. */
  readonly name: string;
  readonly area: Area;
  readonly description: string;
  /** What the payload must look like. Unknown extra fields are allowed unless a contract forbids them. */
  readonly schema: JsonSchema;
  readonly columns: ColumnSources;
  /** Paths of personal data in the payload: masked where a role may not see them, removed by anonymisation. */
  readonly personal: readonly Path[];
  /** A payload that is valid. */
  readonly example: Readonly<Record<string, unknown>>;
  /** Days that events are kept after they were received; null: the default of the installation. */
  readonly retentionDays: number | null;
}
