import { setImmediate as nextTurn } from "node:timers/promises";
import type { z } from "zod";
import type { Loaded } from "./cache.js";
import { type ServiceName, UpstreamError, UpstreamRefusal } from "./errors.js";
import type { Service } from "./http.js";
import { type Page, parseItems, parsePage } from "./shapes.js";

const PAGE_SIZE = 1000;
/** Services that choose their own page size choose a round one; other sizes are the end of a list. */
const PAGE_STEP = 50;
/** Records checked before other requests get their turn. */
const CHECKED_AT_ONCE = 250;
/** More pages than any fleet has: a service that never ends a list must not keep us busy for ever. */
const MAX_PAGES = 5000;

export type Query = Readonly<Record<string, string | number | undefined>>;

export function withQuery(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? path : `${path}?${search}`;
}

/**
 * All pages of a list, each record once. Services that ignore `limit` or `offset` are recognised by what they answer.
 * @returns null when the service has no such list (404)
 */
export async function fetchList<T extends z.ZodType>(
  service: Service,
  path: string,
  query: Query,
  shape: T,
  idOf: (item: z.output<T>) => string,
): Promise<Loaded<z.output<T>[]> | null> {
  let bytes = 0;
  const byId = new Map<string, z.output<T>>();
  const fetchPage = async (offset: number): Promise<Page | null> => {
    const answer = await service.get(withQuery(path, { ...query, limit: PAGE_SIZE, offset }));
    if (answer.status === 404) return null;
    bytes += answer.bytes;
    return parsePage(service.name, answer.body);
  };
  const add = async (page: Page): Promise<number> => {
    const before = byId.size;
    for (let start = 0; start < page.items.length; start += CHECKED_AT_ONCE) {
      // Others' turn: checking thousands of records in one go would hold up every other request.
      if (start > 0) await nextTurn();
      const part = page.items.slice(start, start + CHECKED_AT_ONCE);
      for (const item of parseItems(service.name, shape, part, start)) byId.set(idOf(item), item);
    }
    return byId.size - before;
  };
  const first = await fetchPage(0);
  if (first === null) return null;
  await add(first);
  const size = first.items.length;
  if (first.total !== null && size > 0 && size < first.total) {
    const offsets = Array.from(
      { length: Math.min(MAX_PAGES, Math.ceil(first.total / size)) - 1 },
      (_, i) => (i + 1) * size,
    );
    for (const page of await Promise.all(offsets.map(fetchPage))) {
      if (page) await add(page);
      await nextTurn();
    }
  } else if (first.total === null && size > 0 && size % PAGE_STEP === 0) {
    // No total, and the size of a full page: go on while something new arrives. A service that ignores `offset` repeats itself.
    for (let n = 1, offset = size; n < MAX_PAGES; n++) {
      const page = await fetchPage(offset);
      if (!page || (await add(page)) === 0 || page.items.length < size) break;
      offset += page.items.length;
    }
  }
  return { value: [...byId.values()], bytes };
}

/** Whether a service has a bulk form: told by configuration, or found out once by trying. */
export type BulkSetting = "auto" | "on" | "off";

export class BulkForm {
  #known: boolean | undefined;
  constructor(
    readonly service: ServiceName,
    setting: BulkSetting,
  ) {
    if (setting !== "auto") this.#known = setting === "on";
  }

  /** False once the form is known to be missing; true while it may exist. */
  get possible(): boolean {
    return this.#known !== false;
  }

  get certain(): boolean {
    return this.#known === true;
  }

  /**
   * Runs the bulk call unless the form is known to be missing. A refusal, a 404 (null) or an answer that is no list
   * means missing, and is remembered; trouble (timeout, 5xx) says nothing about it and is thrown.
   * @returns null when the caller has to fall back to single calls
   */
  async attempt<T>(call: () => Promise<T | null>): Promise<T | null> {
    if (this.#known === false) return null;
    try {
      const answer = await call();
      this.#known ??= answer !== null;
      return answer;
    } catch (error) {
      if (this.#known === undefined && isMissing(error)) {
        this.#known = false;
        return null;
      }
      throw error;
    }
  }
}

function isMissing(error: unknown): boolean {
  // Garbage that is not even JSON is trouble; JSON of another shape is another endpoint (`/health` next to `/health/{id}`).
  if (error instanceof UpstreamError) return error.code === "UPSTREAM_MALFORMED" && !error.reason.startsWith("answer");
  return error instanceof UpstreamRefusal && error.status !== 401 && error.status !== 403;
}
