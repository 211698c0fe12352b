import type { Entry } from "./cache.js";

/** DataLoader wants failures of single keys as values, so that one does not fail the whole batch. */
export async function settle<T>(entry: Entry<T> | Promise<Entry<T>>): Promise<Entry<T> | Error> {
  try {
    return await entry;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
