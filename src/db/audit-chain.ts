import { createHash } from "node:crypto";
import { Prisma } from "./client/client.js";

/** Where a tenant's chain ends. */
export interface Tail {
  readonly seq: bigint;
  /** Hexadecimal. */
  readonly hash: string;
}

/** What the first entry of a chain follows on from. */
export const GENESIS: Tail = { seq: 0n, hash: "0".repeat(64) };

/** Fields of an entry in the order in which they are hashed; details as their text. */
export type EntryFields = readonly [
  tenant: string,
  seq: string,
  id: string,
  /** Epoch milliseconds UTC. */
  timestamp: number,
  userId: string | null,
  role: string | null,
  action: string,
  resource: string,
  method: string | null,
  status: number | null,
  ip: string | null,
  userAgent: string | null,
  details: string,
  source: string,
  eventType: string | null,
  eventId: string | null,
];

/** An entry as `ENTRY` reads it. */
export type EntryText = readonly [fields: EntryFields, prevHash: string | null, hash: string | null];

/** One column that holds a whole entry, exactly: a tenth of the work of reading column by column. */
export const ENTRY = Prisma.sql`json_build_array(
  json_build_array(tenant_id, seq::text, id, round(extract(epoch FROM timestamp) * 1000)::bigint, user_id, role, action,
    resource, method, status, ip, user_agent, details::text, source, event_type, event_id),
  encode(prev_hash, 'hex'), encode(hash, 'hex'))::text`;

/**
 * SHA-256 of an entry and of the hash before it, as the JSON text of a list that begins with the version of this rule:
 * no two different entries have the same text.
 * @returns hexadecimal
 */
export function hashOfEntry(fields: readonly [...EntryFields, prevHash: string]): string {
  return createHash("sha256")
    .update(JSON.stringify(["crowsnest-audit-1", ...fields]))
    .digest("hex");
}
