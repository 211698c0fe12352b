import { PublicError } from "../base/errors.js";
import { compareText } from "../base/groups.js";

/** Relay connection, as resolvers return it. */
export interface Connection<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly nodes: readonly T[];
  readonly totalCount: number;
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** What an item is ordered by; the id decides between equals, so that no item is on two pages or none. */
type Key = readonly [rank: number | string | null, id: string];

const MAX_FIRST = 500;
const DEFAULT_FIRST = 50;

/** A page of something that is ordered and cut where it is stored, highest key first. */
export interface Page {
  readonly first: number;
  /** Key of the item that the page follows on from. */
  readonly after: Key | null;
  /** @param items one more than `first`, where there are more */
  connect<T>(items: readonly T[], keyOf: (item: T) => Key): Omit<Connection<T>, "totalCount">;
}

/** @throws PublicError BAD_USER_INPUT for `first` out of bounds or a cursor that is not one of ours */
export function pageOf(args: PageArgs): Page {
  const first = checkedFirst(args);
  const after = args.after ? decodeCursor(args.after) : null;
  return {
    first,
    after,
    connect(items, keyOf) {
      const edges = items.slice(0, first).map((node) => new Edge(keyOf(node), node));
      return {
        edges,
        nodes: edges.map((edge) => edge.node),
        pageInfo: pageInfo(edges, items.length > first, after !== null),
      };
    },
  };
}

/** Items in an order, with what each is ordered by. */
export interface Ordered<T> {
  readonly items: readonly { readonly item: T; readonly key: Key }[];
  readonly direction: "ASC" | "DESC";
}

export function inOrder<T>(
  items: readonly T[],
  keyOf: (item: T) => Key,
  direction: "ASC" | "DESC" = "ASC",
): Ordered<T> {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  return { items: keyed.sort((a, b) => compareKeys(a.key, b.key, direction)), direction };
}

/**
 * Cuts the page after the cursor. Cursors name a place in the order, not an item: a page follows on correctly even when
 * its item has gone meanwhile.
 * @throws PublicError BAD_USER_INPUT for `first` out of bounds or a cursor that is not one of ours
 */
export function connect<T, Node = T>(
  { items, direction }: Ordered<T>,
  args: PageArgs,
  nodeOf: (item: T) => Node = (item) => item as unknown as Node,
): Connection<Node> {
  const first = checkedFirst(args);
  const after = args.after ? decodeCursor(args.after) : null;
  const start = after ? placeAfter(items, (key) => compareKeys(key, after, direction) > 0) : 0;
  const end = Math.min(start + first, items.length);
  return {
    get nodes() {
      return this.edges.map((edge) => edge.node);
    },
    get edges() {
      return items.slice(start, end).map(({ item, key }) => new Edge(key, nodeOf(item)));
    },
    totalCount: items.length,
    get pageInfo() {
      return pageInfo(this.edges, end < items.length, start > 0);
    },
  };
}

/** The first place from which on all follow; how many there are where none does. */
function placeAfter(items: readonly { readonly key: Key }[], follows: (key: Key) => boolean): number {
  let from = 0;
  let to = items.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const { key } = items[middle] as { readonly key: Key };
    if (follows(key)) to = middle;
    else from = middle + 1;
  }
  return from;
}

function checkedFirst(args: PageArgs): number {
  const first = args.first ?? DEFAULT_FIRST;
  if (first >= 1 && first <= MAX_FIRST) return first;
  throw new PublicError("BAD_USER_INPUT", `first must be from 1 to ${MAX_FIRST}, got ${first}`, { field: "first" });
}

function pageInfo(edges: readonly { readonly cursor: string }[], hasNextPage: boolean, hasPreviousPage: boolean) {
  return {
    hasNextPage,
    hasPreviousPage,
    get startCursor() {
      return edges[0]?.cursor ?? null;
    },
    get endCursor() {
      return edges.at(-1)?.cursor ?? null;
    },
  };
}

/** Its cursor is made for whoever asks for it. */
class Edge<T> {
  constructor(
    readonly key: Key,
    readonly node: T,
  ) {}

  get cursor(): string {
    return encodeCursor(this.key);
  }
}

function compareKeys(a: Key, b: Key, direction: "ASC" | "DESC"): number {
  const [rankA, idA] = a;
  const [rankB, idB] = b;
  if (rankA === null || rankB === null) return Number(rankA === null) - Number(rankB === null) || compareText(idA, idB);
  const order =
    typeof rankA === "number" && typeof rankB === "number" ? rankA - rankB : compareText(String(rankA), String(rankB));
  return (direction === "ASC" ? order : -order) || compareText(idA, idB);
}

function encodeCursor(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

function decodeCursor(cursor: string): Key {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (Array.isArray(key) && key.length === 2 && typeof key[1] === "string") {
      const rank: unknown = key[0];
      if (rank === null || typeof rank === "number" || typeof rank === "string") return [rank, key[1]];
    }
  } catch {
    // Falls through to the one message for every way of not being a cursor.
  }
  throw new PublicError("BAD_USER_INPUT", `"${cursor.slice(0, 60)}" is not a cursor of this list`, { field: "after" });
}
