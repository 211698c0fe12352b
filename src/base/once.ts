/** Different questions about one source that are remembered; periods that callers choose freely must not pile up. */
const MOST_NAMES = 64;

const results = new WeakMap<object, Map<string, unknown>>();

/** What `compute` makes of `source`, made once for as long as that very object is in use. */
export function once<T>(source: object, name: string, compute: () => T): T {
  const own = results.get(source) ?? new Map<string, unknown>();
  results.set(source, own);
  if (own.has(name)) return own.get(name) as T;
  if (own.size >= MOST_NAMES) own.clear();
  own.set(name, compute());
  return own.get(name) as T;
}
