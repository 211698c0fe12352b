import type { Health } from "../../domain/fleet/records.js";
import type { Entry, Loaded } from "../cache.js";
import { settle } from "../settle.js";
import type { HealthClient } from "./client.js";

/** Longest id list that services are asked for at once. */
const CHUNK = 200;

interface Wanted {
  readonly id: string;
  readonly resolve: (loaded: Loaded<Health | null>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Health of many vehicles: from the cache what is there, the rest in bulk calls where the service has that form, else
 * one call each. Every id is a cache entry and a flight of its own, however it was fetched.
 */
export function batchHealth(
  client: HealthClient,
  ids: readonly string[],
  cached: (
    id: string,
    load: () => Promise<Loaded<Health | null>>,
  ) => Entry<Health | null> | Promise<Entry<Health | null>>,
): Promise<(Entry<Health | null> | Error)[]> {
  let wanted: Wanted[] = [];
  const fetchAll = (): void => {
    const batch = wanted;
    wanted = [];
    fetchWanted(client, batch).catch((error) => {
      for (const { reject } of batch) reject(error);
    });
  };
  // Mostly all at once; later where other replicas were asked first, or a call that somebody else began has ended too early.
  const load = (id: string): Promise<Loaded<Health | null>> =>
    new Promise((resolve, reject) => {
      if (wanted.length === 0) setImmediate(fetchAll);
      wanted.push({ id, resolve, reject });
    });
  return Promise.all(ids.map((id) => settle(cached(id, () => load(id)))));
}

async function fetchWanted(client: HealthClient, wanted: readonly Wanted[]): Promise<void> {
  if (wanted.length < 2 || !client.bulk.possible) return single(client, wanted);
  const chunks = Array.from({ length: Math.ceil(wanted.length / CHUNK) }, (_, i) =>
    wanted.slice(i * CHUNK, (i + 1) * CHUNK),
  );
  if (!client.bulk.certain) {
    // The first chunk finds out whether there is a bulk form, before the others are sent.
    await inBulk(client, chunks.shift() ?? []);
  }
  await Promise.all(chunks.map((chunk) => inBulk(client, chunk)));
}

async function inBulk(client: HealthClient, chunk: readonly Wanted[]): Promise<void> {
  try {
    const records = await client.healths(chunk.map(({ id }) => id));
    if (records === null) return single(client, chunk);
    for (const { id, resolve } of chunk) {
      const value = records.get(id) ?? null;
      resolve({ value, bytes: value === null ? 0 : ESTIMATED_BYTES * (1 + value.components.length) });
    }
  } catch (error) {
    for (const { reject } of chunk) reject(error);
  }
}

/** A record within a bulk answer has no size of its own; about what one component takes on the wire. */
const ESTIMATED_BYTES = 150;

function single(client: HealthClient, wanted: readonly Wanted[]): void {
  for (const { id, resolve, reject } of wanted) client.health(id).then(resolve, reject);
}
