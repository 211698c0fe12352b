/** Parts of payload schemas: each says what a field means, in which unit, and what it may hold. */

/** The schema of one field. */
export type Field = Readonly<Record<string, unknown>>;
/** The schemas of an object's fields, by name. */
export type Fields = Readonly<Record<string, Field>>;

/** Any text that is not empty. */
export const id = (description: string): Field => ({ type: "string", minLength: 1, description });

/** A whole number or text that is not empty. */
export const numericId = (description: string): Field => ({ ...id(description), type: ["integer", "string"] });

export const text = (description: string): Field => ({ type: "string", description });

export const matching = (description: string, pattern: string): Field => ({ type: "string", pattern, description });

export const choice = (description: string, ...values: readonly string[]): Field => ({
  type: "string",
  enum: values,
  description,
});

interface Bounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
}

export const integer = (description: string, bounds: Bounds = {}): Field => ({
  type: "integer",
  ...bounds,
  description,
});

export const number = (description: string, bounds: Bounds = {}): Field => ({ type: "number", ...bounds, description });

/** Zero to one: never percent. */
export const score = (description: string): Field => number(`${description}, 0 to 1`, { minimum: 0, maximum: 1 });

export const latitude = (description: string): Field =>
  number(`${description}: latitude in degrees, WGS 84`, { minimum: -90, maximum: 90 });

export const longitude = (description: string): Field =>
  number(`${description}: longitude in degrees, WGS 84`, { minimum: -180, maximum: 180 });

/** Decimal number as text or number with at most so many digits before and after the point. */
const decimal = (description: string, before: number, after: number): Field => ({
  type: ["string", "number"],
  "x-decimal": [before, after],
  description,
});

/** Money of two decimals, at most 99,999,999.99. */
export const money = (description: string): Field => decimal(`${description}, decimal number of two places`, 8, 2);

/** Money as precise as the store keeps it. */
export const amount = (description: string): Field => decimal(description, 14, 4);

/** ISO 8601 (no zone means UTC), epoch seconds or milliseconds. */
export const time = (description: string): Field => ({
  type: ["string", "number"],
  "x-time": true,
  description: `${description}; ISO 8601 (no zone: UTC) or epoch seconds or milliseconds`,
});

/** YYYY-MM-DD. */
export const date = (description: string): Field => ({
  type: "string",
  format: "date",
  description: `${description} (YYYY-MM-DD)`,
});

export const flag = (description: string): Field => ({ type: "boolean", description });

export const list = (description: string, items: Field = {}): Field => ({ type: "array", items, description });

/** Holds anything. */
export const anything = (description: string): Field => ({ description });

export const object = (description: string, fields: Fields = {}): Field => ({
  type: "object",
  properties: nullable(fields),
  description,
});

/** With the value that a missing field stands for. */
export const withDefault = (field: Field, value: string | number | boolean): Field => ({ ...field, default: value });

/** Producers write null for what they do not have: a field that may be missing may be null as well. */
export function nullable(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, orNull(field)]));
}

function orNull(field: Field): Field {
  if (field.type === undefined) return field;
  const values = Array.isArray(field.enum) ? { enum: [...field.enum, null] } : {};
  return { ...field, ...values, type: [field.type, "null"].flat() };
}
