import type { ColumnSource, ColumnSources, Path } from "./event-type.js";

export type Payload = Readonly<Record<string, unknown>>;
export type ColumnName = keyof ColumnSources;

/** Reads a column's value out of a payload; undefined when it has none. */
export type ReadColumn = (payload: Payload) => unknown;
export type ColumnReaders = Readonly<Record<ColumnName, ReadColumn>>;

const nothing: ReadColumn = () => undefined;

/** Compiles paths once, so that reading an event allocates nothing. */
export function compileColumns(sources: ColumnSources): ColumnReaders {
  return {
    time: compileSource(sources.time),
    user: compileSource(sources.user),
    session: compileSource(sources.session),
    subject: compileSource(sources.subject),
    country: compileSource(sources.country),
    region: compileSource(sources.region),
    city: compileSource(sources.city),
    latitude: compileSource(sources.latitude),
    longitude: compileSource(sources.longitude),
    amount: compileSource(sources.amount),
    currency: compileSource(sources.currency),
  };
}

function compileSource(source: ColumnSource | undefined): ReadColumn {
  if (source === undefined) return nothing;
  const { always } = source;
  const reads = source.paths.map(compilePath);
  const [first = nothing] = reads;
  if (reads.length <= 1) {
    return (payload) => {
      const value = first(payload);
      return isEmpty(value) ? always : value;
    };
  }
  return (payload) => {
    for (const read of reads) {
      const value = read(payload);
      if (!isEmpty(value)) return value;
    }
    return always;
  };
}

function compilePath(path: Path): ReadColumn {
  const [first = "", second, ...rest] = path.split(".");
  if (second === undefined) return (payload) => payload[first];
  if (rest.length === 0) return (payload) => member(payload[first], second);
  return (payload) => rest.reduce(member, member(payload[first], second));
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Payload)[key] : undefined;
}

/** An empty text says as little as none at all. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/** Path of the field that a column was read from; for telling faults. */
export function pathRead(source: ColumnSource | undefined, payload: Payload): readonly string[] {
  const path = source?.paths.find((candidate) => !isEmpty(compilePath(candidate)(payload)));
  return path?.split(".") ?? [];
}
