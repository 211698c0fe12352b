import { UsageError } from "./errors.js";

/** What of an event a column or a constant may fill. */
export const FIELDS = [
  "type",
  "id",
  "time",
  "user",
  "session",
  "subject",
  "country",
  "region",
  "city",
  "latitude",
  "longitude",
  "amount",
  "currency",
] as const;
export type Field = (typeof FIELDS)[number];

/** Where a field's value comes from: a column of the file, or the same for all rows. */
export type FieldSource = { readonly column: string } | { readonly constant: string };
export type Mapping = ReadonlyMap<Field, FieldSource>;

/** What of `--map` and its like the command line holds. */
export interface MappingArguments {
  readonly map: readonly string[];
  readonly set: readonly string[];
  readonly type?: string;
  readonly "type-from"?: string;
  readonly currency?: string;
}

/** @throws UsageError when a field is none, is filled twice, or nothing says the type */
export function readMapping(given: MappingArguments): Mapping {
  const mapping = new Map<Field, FieldSource>();
  const fill = (field: Field, source: FieldSource): void => {
    if (mapping.has(field)) throw new UsageError(`${field} is given twice: one column or one constant fills it`);
    mapping.set(field, source);
  };
  for (const [field, column] of pairs("--map", "COLUMN", given.map)) fill(field, { column });
  for (const [field, constant] of pairs("--set", "VALUE", given.set)) fill(field, { constant });
  if (given.type !== undefined) fill("type", { constant: given.type });
  if (given["type-from"] !== undefined) fill("type", { column: given["type-from"] });
  if (given.currency !== undefined) fill("currency", { constant: given.currency });
  if (!mapping.has("type")) throw new UsageError("say of which type the events are: --type NAME or --type-from COLUMN");
  return mapping;
}

/** A comma separates pairs only where another pair follows: columns and constants may contain commas. */
const BETWEEN_PAIRS = /,(?=\s*\w+\s*=)/;

function pairs(option: string, what: string, texts: readonly string[]): (readonly [Field, string])[] {
  return texts.flatMap((text) =>
    text.split(BETWEEN_PAIRS).map((pair) => {
      const at = pair.indexOf("=");
      const [name, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
      if (at === -1 || value === "") throw new UsageError(`${option} ${text}: expected field=${what}, got "${pair}"`);
      return [fieldOf(name, option), value] as const;
    }),
  );
}

function fieldOf(name: string, option: string): Field {
  const field = FIELDS.find((known) => known === name);
  if (field) return field;
  throw new UsageError(`${option}: there is no field "${name}". There are: ${FIELDS.join(", ")}`);
}
