import type { DeadLetter } from "../events/index.js";
import type { AuditEntries, AuditRecord } from "./audit-entries.js";
import type { DeadLetter as Row } from "./client/client.js";
import { Prisma } from "./client/client.js";
import type { PrismaClient } from "./database.js";
import { mentions, spellings } from "./mentions.js";
import { ensureTenants, inTransaction, storableText, type Transaction } from "./transaction.js";

export type DeadLetterState = Row["state"];

export interface StoredDeadLetter extends DeadLetter {
  readonly state: DeadLetterState;
  /** Epoch milliseconds UTC. */
  readonly replayedAt: number | null;
}

/** All conditions hold together. */
export interface DeadLetterFilter {
  readonly ids?: readonly string[] | null | undefined;
  readonly kind?: string | null | undefined;
  readonly eventType?: string | null | undefined;
  /** What the origin begins with. */
  readonly origin?: string | null | undefined;
  /** Last failed from this moment on, before that one: epoch milliseconds UTC. */
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
  readonly state?: DeadLetterState | null | undefined;
}

/** Where a page goes on: behind the letter that failed last at this moment and has this id. */
export interface DeadLetterCursor {
  readonly failedAt: number;
  readonly id: string;
}

/** How a letter that was tried again failed this time. */
export type FailedAgain = Pick<DeadLetter, "id" | "kind" | "error" | "faults" | "failedAt">;

/** Letters looked into at once when searching for a person. */
const SEARCHED_AT_ONCE = 200;

/** Messages that could not be taken in. */
export class DeadLetters {
  constructor(
    readonly prisma: PrismaClient,
    readonly audit: AuditEntries,
  ) {}

  /**
   * Keeps letters, all or none. The same message failing again (same event id, same bytes) is the same letter with more
   * attempts, waiting once more; a letter that is known by its own id changes nothing.
   */
  async add(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    const rows = mergeRepeated(letters.map(storable));
    await inTransaction(this.prisma, async (transaction) => {
      await ensureTenants(
        transaction,
        rows.map((row) => row.tenant),
      );
      await insert(transaction, rows);
    });
  }

  /** Newest failure first; `total` counts all that the filter lets through, on whatever page. */
  async page(tenant: string, filter: DeadLetterFilter, first: number, after: DeadLetterCursor | null = null) {
    const matching = conditions(tenant, filter);
    const behind = after
      ? Prisma.sql`AND (failed_at, id) < (${at(after.failedAt)}, ${storableText(after.id)})`
      : Prisma.empty;
    const [rows, counted] = await Promise.all([
      this.prisma.$queryRaw<Row[]>`
        SELECT ${COLUMNS} FROM dead_letters WHERE ${matching} ${behind}
        ORDER BY failed_at DESC, id DESC LIMIT ${first}`,
      this.prisma.$queryRaw<{ total: bigint }[]>`SELECT count(*) AS total FROM dead_letters WHERE ${matching}`,
    ]);
    return { items: rows.map(stored), total: Number(counted[0]?.total ?? 0) };
  }

  async get(tenant: string, id: string): Promise<StoredDeadLetter | null> {
    const row = await this.prisma.deadLetter.findFirst({ where: { id: storableText(id), tenantId: tenant } });
    return row && stored(row);
  }

  /**
   * Waiting letters to be tried again, by id, which is by age. A letter that fails again keeps its id: going on behind
   * the last one meets each letter once.
   * @param after id of the last letter of the batch before
   */
  async take(tenant: string, filter: DeadLetterFilter, limit: number, after: string | null = null) {
    const behind = after === null ? Prisma.empty : Prisma.sql`AND id > ${storableText(after)}`;
    const rows = await this.prisma.$queryRaw<Row[]>`
      SELECT ${COLUMNS} FROM dead_letters WHERE ${conditions(tenant, { ...filter, state: "waiting" })} ${behind}
      ORDER BY id LIMIT ${limit}`;
    return rows.map(stored);
  }

  /** @param record tells who asked for it; the number of letters is added. @returns how many letters */
  markReplayed(tenant: string, ids: readonly string[], now: number, record: AuditRecord | null): Promise<number> {
    return this.#audited(
      record,
      (transaction) =>
        transaction.$executeRaw`
        UPDATE dead_letters SET state = 'replayed', replayed_at = ${at(now)}
        WHERE tenant_id = ${tenant} AND id = ANY(${ids.map(storableText)}::text[]) AND state = 'waiting'`,
    );
  }

  /** Letters that were tried again in vain: each has one more attempt and waits, for its newest reason. */
  failAgain(tenant: string, failures: readonly FailedAgain[]): Promise<number> {
    return this.prisma.$executeRaw`
      UPDATE dead_letters d SET kind = f.kind, error = f.error, faults = f.faults::json,
        failed_at = to_timestamp(f.failed_at / 1000.0), attempts = d.attempts + 1, state = 'waiting', replayed_at = NULL
      FROM unnest(
        ${failures.map((f) => f.id)}::text[], ${failures.map((f) => f.kind)}::text[],
        ${failures.map((f) => storableText(f.error))}::text[], ${failures.map((f) => JSON.stringify(f.faults))}::text[],
        ${failures.map((f) => f.failedAt)}::double precision[]
      ) AS f(id, kind, error, faults, failed_at)
      WHERE d.tenant_id = ${tenant} AND d.id = f.id`;
  }

  /** Deletes letters for good. @param record tells who asked for it; the number of letters is added. @returns how many */
  purge(tenant: string, filter: DeadLetterFilter, record: AuditRecord | null): Promise<number> {
    return this.#audited(
      record,
      (transaction) => transaction.$executeRaw`DELETE FROM dead_letters WHERE ${conditions(tenant, filter)}`,
    );
  }

  /**
   * Deletes every letter that mentions the user: in its bytes, however they are escaped, or in what was said about it.
   * A short id also deletes letters that contain it by chance: a letter too many is better than one too few.
   * @returns how many
   */
  async erase(tenant: string, user: string): Promise<number> {
    if (user === "") return 0;
    const plain = storableText(user);
    const found = spellings(user).map(
      (bytes) => Prisma.sql`position(decode(${bytes.toString("base64")}, 'base64') IN raw) > 0`,
    );
    const told = Prisma.sql`position(${plain} IN concat_ws(' ', error, event_id, origin, event_type, faults::text)) > 0`;
    const deleted = await this.prisma.$executeRaw`
      DELETE FROM dead_letters WHERE tenant_id = ${tenant} AND (${Prisma.join(found, " OR ")} OR ${told})`;
    return deleted + (await this.#eraseEscaped(tenant, user));
  }

  /** Looks into letters whose bytes may spell the id in another way than the database can search for. */
  async #eraseEscaped(tenant: string, user: string): Promise<number> {
    let deleted = 0;
    for (let after = ""; ; ) {
      const rows = await this.prisma.$queryRaw<{ id: string; raw: Uint8Array; faults: unknown }[]>`
        SELECT id, raw, faults FROM dead_letters
        WHERE tenant_id = ${tenant} AND id > ${after}
          AND (position('\\x5c'::bytea IN raw) > 0 OR position('%'::bytea IN raw) > 0
            OR position('base64'::bytea IN raw) > 0 OR position(${"\\"} IN faults::text) > 0)
        ORDER BY id LIMIT ${SEARCHED_AT_ONCE}`;
      const ids = rows
        .filter(
          ({ raw, faults }) =>
            mentions(Buffer.from(raw), user) || JSON.stringify(faults).includes(JSON.stringify(user).slice(1, -1)),
        )
        .map(({ id }) => id);
      if (ids.length > 0) {
        deleted += await this.prisma.$executeRaw`
          DELETE FROM dead_letters WHERE tenant_id = ${tenant} AND id = ANY(${ids}::text[])`;
      }
      const last = rows.at(-1);
      if (!last || rows.length < SEARCHED_AT_ONCE) return deleted;
      after = last.id;
    }
  }

  #audited(record: AuditRecord | null, change: (transaction: Transaction) => Promise<number>): Promise<number> {
    return inTransaction(this.prisma, async (transaction) => {
      const letters = await change(transaction);
      if (record) await this.audit.enqueue(transaction, { ...record, details: { ...record.details, letters } });
      return letters;
    });
  }
}

const COLUMNS = Prisma.sql`id, tenant_id AS "tenantId", kind, error, faults, event_type AS "eventType", origin, shape,
  event_id AS "eventId", raw, attempts, failed_at AS "failedAt", state, replayed_at AS "replayedAt"`;

/** One statement for all; the digest is made here, where the bytes are. */
async function insert(transaction: Transaction, rows: readonly DeadLetter[]): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO dead_letters AS known (id, tenant_id, kind, error, faults, event_type, origin, shape, event_id, raw,
      digest, attempts, failed_at)
    SELECT l.id, l.tenant_id, l.kind, l.error, l.faults::json, l.event_type, l.origin, l.shape, l.event_id,
      decode(l.raw, 'base64'), sha256(convert_to(l.event_id, 'UTF8') || '\\x00'::bytea || decode(l.raw, 'base64')),
      l.attempts, to_timestamp(l.failed_at / 1000.0)
    FROM unnest(
      ${rows.map((l) => l.id)}::text[], ${rows.map((l) => l.tenant)}::text[], ${rows.map((l) => l.kind)}::text[],
      ${rows.map((l) => l.error)}::text[], ${rows.map((l) => JSON.stringify(l.faults))}::text[],
      ${rows.map((l) => l.eventType)}::text[], ${rows.map((l) => l.origin)}::text[],
      ${rows.map((l) => l.shape)}::text[], ${rows.map((l) => l.eventId)}::text[], ${rows.map((l) => l.raw)}::text[],
      ${rows.map((l) => l.attempts)}::int[], ${rows.map((l) => l.failedAt)}::double precision[]
    ) AS l(id, tenant_id, kind, error, faults, event_type, origin, shape, event_id, raw, attempts, failed_at)
    WHERE NOT EXISTS (SELECT 1 FROM dead_letters same WHERE same.id = l.id)
    ON CONFLICT (tenant_id, digest) DO UPDATE SET kind = excluded.kind, error = excluded.error,
      faults = excluded.faults, event_type = excluded.event_type, origin = excluded.origin, shape = excluded.shape,
      attempts = greatest(known.attempts + 1, excluded.attempts),
      failed_at = greatest(known.failed_at, excluded.failed_at), state = 'waiting', replayed_at = NULL
    WHERE known.id <> excluded.id`;
}

/** One statement may not write one row twice: what repeats itself within a batch is put together beforehand. */
function mergeRepeated(letters: readonly DeadLetter[]): DeadLetter[] {
  const merged = new Map<string, DeadLetter>();
  const ids = new Set<string>();
  for (const letter of letters) {
    if (ids.has(letter.id)) continue;
    ids.add(letter.id);
    const key = JSON.stringify([letter.tenant, letter.eventId, letter.raw]);
    const before = merged.get(key);
    const attempts = before ? Math.max(before.attempts + 1, letter.attempts) : letter.attempts;
    merged.set(key, { ...letter, id: before?.id ?? letter.id, attempts });
  }
  return [...merged.values()];
}

function storable(letter: DeadLetter): DeadLetter {
  return {
    ...letter,
    id: storableText(letter.id),
    tenant: storableText(letter.tenant),
    error: storableText(letter.error),
    eventType: letter.eventType === null ? null : storableText(letter.eventType),
    origin: storableText(letter.origin),
    eventId: storableText(letter.eventId),
    // In the one form that Postgres takes.
    raw: Buffer.from(letter.raw, "base64").toString("base64"),
  };
}

function conditions(tenant: string, filter: DeadLetterFilter): Prisma.Sql {
  const { ids, kind, eventType, origin, from, to, state } = filter;
  const all = [Prisma.sql`tenant_id = ${tenant}`];
  if (ids != null) all.push(Prisma.sql`id = ANY(${ids.map(storableText)}::text[])`);
  if (kind != null) all.push(Prisma.sql`kind = ${storableText(kind)}`);
  if (eventType != null) all.push(Prisma.sql`event_type = ${storableText(eventType)}`);
  if (origin != null) all.push(Prisma.sql`starts_with(origin, ${storableText(origin)})`);
  if (from != null) all.push(Prisma.sql`failed_at >= ${at(from)}`);
  if (to != null) all.push(Prisma.sql`failed_at < ${at(to)}`);
  if (state != null) all.push(Prisma.sql`state = ${state}::"DeadLetterState"`);
  return Prisma.join(all, " AND ");
}

/** Years that both sides can write: a cursor or filter from outside may say anything. */
const [EARLIEST, LATEST] = [Date.parse("0001-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59Z")];

function at(moment: number): Prisma.Sql {
  const sane = Math.min(LATEST, Math.max(EARLIEST, Math.trunc(moment) || 0));
  return Prisma.sql`${new Date(sane).toISOString()}::timestamptz`;
}

function stored({ tenantId, raw, failedAt, replayedAt, kind, faults, ...row }: Omit<Row, "digest">): StoredDeadLetter {
  return {
    id: row.id,
    tenant: tenantId,
    kind: kind as DeadLetter["kind"],
    error: row.error,
    faults: faults as unknown as DeadLetter["faults"],
    eventType: row.eventType,
    origin: row.origin,
    shape: row.shape,
    eventId: row.eventId,
    raw: Buffer.from(raw).toString("base64"),
    attempts: row.attempts,
    failedAt: failedAt.getTime(),
    state: row.state,
    replayedAt: replayedAt?.getTime() ?? null,
  };
}
