import type { Entry } from "./cache.js";

/** Whoever asks for many wants failures of single ones as values, so that one does not fail them all. */
export function settle<T>(entry: Entry<T> | Promise<Entry<T>>): Entry<T> | Promise<Entry<T> | Error> {
  return entry instanceof Promise ? entry.catch(asError) : entry;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
