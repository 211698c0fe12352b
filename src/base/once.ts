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

/** The same of several sources: for as long as all of them are in use. */
export function onceOf<T>(sources: readonly object[], name: string, compute: () => T): T {
  const [first, ...others] = sources;
  if (!first) return compute();
  let own: object = first;
  for (const other of others) {
    const parts = once(own, "with", () => new WeakMap<object, object>());
    const next = parts.get(other) ?? {};
    parts.set(other, next);
    own = next;
  }
  return once(own, name, compute);
}
