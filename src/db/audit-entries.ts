import { ENTRY, type EntryText, GENESIS, hashOfEntry, type Tail } from "./audit-chain.js";
import type { AuditSubjects } from "./audit-subjects.js";
import type { Prisma, AuditEntry as Row } from "./client/client.js";
import type { PrismaClient } from "./database.js";
import { ensureTenants } from "./transaction.js";

export type StoredAuditEntry = Row;

/** What happened, before the sealer has given it its place in the sequence. */
export interface AuditRecord {
  readonly id: string;
  readonly tenantId: string;
  /** Epoch milliseconds UTC. */
  readonly timestamp: number;
  readonly userId: string | null;
  readonly role: string | null;
  readonly action: string;
  readonly resource: string;
  readonly method: string | null;
  readonly status: number | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly source: "user" | "event";
  readonly eventType: string | null;
  readonly eventId: string | null;
}

export interface AuditQuery {
  readonly userId?: string | null | undefined;
  readonly action?: string | null | undefined;
  readonly resource?: string | null | undefined;
  readonly eventType?: string | null | undefined;
  readonly source?: "user" | "event" | null | undefined;
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
}

/** Any number that nobody else uses for a Postgres advisory lock: one sealer at a time, whatever the number of replicas. */
const SEALER_LOCK = 7_201_406_312;

/** Prisma's own five seconds are short for a large batch on a busy machine. */
const PATIENT = { maxWait: 10_000, timeout: 30_000 };

type Transaction = Prisma.TransactionClient;

/** The audit trail in the database. Rows are added in order by `seal`, and nothing here changes or deletes one. */
export class AuditEntries {
  constructor(
    readonly prisma: PrismaClient,
    /** Null: people are kept in plain text. */
    readonly subjects: AuditSubjects | null = null,
  ) {}

  /** Puts an entry into the outbox, within the transaction of the change that it describes. */
  async enqueue(transaction: Transaction | PrismaClient, record: AuditRecord): Promise<void> {
    await transaction.auditOutbox.create({
      data: { tenantId: record.tenantId, entry: { ...storable(record) } as Prisma.InputJsonObject },
    });
  }

  /** Number and hash of the last entry that this process has written, by tenant. */
  readonly tails = new Map<string, Tail>();

  /**
   * Appends `records`, and whatever waits in the outbox before them, to the sequence: all of it or nothing.
   * @returns how many entries were added
   */
  async seal(records: readonly AuditRecord[]): Promise<number> {
    const tails = new Map<string, Tail>();
    const sealing = this.prisma.$transaction(async (transaction) => {
      await lockTrail(transaction);
      let added = 0;
      for (let full = true; full; ) {
        const waiting = await transaction.auditOutbox.findMany({ orderBy: { position: "asc" }, take: 1000 });
        full = waiting.length === 1000;
        const due = [...waiting.map((row) => row.entry as unknown as AuditRecord), ...(full ? [] : records)];
        if (due.length > 0) await append(transaction, due, tails, this.subjects);
        if (waiting.length > 0) {
          await transaction.auditOutbox.deleteMany({ where: { position: { in: waiting.map((row) => row.position) } } });
        }
        added += due.length;
      }
      return added;
    }, PATIENT);
    const sealed = await sealing.catch((error: unknown) => {
      // Keys made meanwhile are gone with everything else.
      this.subjects?.forgetKnown();
      throw error;
    });
    // Only now: what was rolled back is no tail.
    for (const [tenant, tail] of tails) this.tails.set(tenant, tail);
    return sealed;
  }

  /** Chains the entries that are older than the chain, once, in order. @returns how many */
  async chainOld(): Promise<number> {
    for (let chained = 0; ; ) {
      const count = await this.prisma.$transaction(chainSome, PATIENT);
      chained += count;
      if (count === 0) return chained;
    }
  }

  async page(tenantId: string, query: AuditQuery, limit: number, offset: number) {
    const where = await this.#conditions(tenantId, query);
    const [rows, total] = await Promise.all([
      this.prisma.auditEntry.findMany({ where, orderBy: { seq: "desc" }, take: limit, skip: offset }),
      this.prisma.auditEntry.count({ where }),
    ]);
    return { items: await this.#reveal(rows), total };
  }

  /** Every entry that matches, oldest first, a page at a time. */
  async *pages(tenantId: string, query: AuditQuery): AsyncGenerator<StoredAuditEntry[]> {
    const where = await this.#conditions(tenantId, query);
    for (let last = 0n; ; ) {
      const rows = await this.prisma.auditEntry.findMany({
        where: { AND: [where, { seq: { gt: last } }] },
        orderBy: { seq: "asc" },
        take: READ_AT_ONCE,
      });
      if (rows.length > 0) yield await this.#reveal(rows);
      if (rows.length < READ_AT_ONCE) return;
      last = rows.at(-1)?.seq ?? last;
    }
  }

  /** Count by action and time of the last entry. */
  async summary(tenantId: string, userId: string) {
    const groups = await this.prisma.auditEntry.groupBy({
      by: ["action"],
      where: await this.#conditions(tenantId, { userId }),
      _count: { _all: true },
      _max: { timestamp: true },
    });
    const last = Math.max(0, ...groups.map((group) => group._max.timestamp?.getTime() ?? 0));
    return {
      totalActions: groups.reduce((sum, group) => sum + group._count._all, 0),
      lastActionAt: last === 0 ? null : last,
      byAction: Object.fromEntries(groups.map((group) => [group.action, group._count._all])),
    };
  }

  async #reveal(rows: StoredAuditEntry[]): Promise<StoredAuditEntry[]> {
    return this.subjects ? this.subjects.reveal(rows) : rows;
  }

  async #conditions(tenantId: string, query: AuditQuery): Promise<Prisma.AuditEntryWhereInput> {
    const { userId } = query;
    const names = userId == null || !this.subjects ? null : await this.subjects.namesOf(tenantId, userId);
    return { ...conditions(tenantId, query), ...(names && { userId: { in: names } }) };
  }
}

/** One statement for the whole batch: single inserts would be twenty times slower. */
async function append(
  transaction: Transaction,
  given: readonly AuditRecord[],
  tails: Map<string, Tail>,
  subjects: AuditSubjects | null,
): Promise<void> {
  const added = await unknownOnes(transaction, given.map(storable));
  const records = (await subjects?.protect(transaction, added)) ?? added;
  if (records.length === 0) return;
  await ensureTenants(transaction, [...new Set(records.map((record) => record.tenantId))]);
  await readTails(transaction, records, tails);
  const links = records.map((record) => link(record, tails));
  await transaction.$executeRaw`
    INSERT INTO audit_entries (tenant_id, seq, id, timestamp, user_id, role, action, resource, method, status, ip,
      user_agent, details, source, event_type, event_id, prev_hash, hash)
    SELECT e.tenant_id, e.seq::bigint, e.id, to_timestamp(e.at / 1000.0), e.user_id, e.role, e.action, e.resource,
      e.method, e.status, e.ip, e.user_agent, e.details::json, e.source, e.event_type, e.event_id,
      decode(e.prev_hash, 'hex'), decode(e.hash, 'hex')
    FROM unnest(
      ${records.map((r) => r.tenantId)}::text[], ${links.map((l) => l.seq)}::text[],
      ${records.map((r) => r.id)}::text[],
      ${records.map((r) => r.timestamp)}::double precision[], ${records.map((r) => r.userId)}::text[],
      ${records.map((r) => r.role)}::text[], ${records.map((r) => r.action)}::text[],
      ${records.map((r) => r.resource)}::text[], ${records.map((r) => r.method)}::text[],
      ${records.map((r) => r.status)}::int[], ${records.map((r) => r.ip)}::text[],
      ${records.map((r) => r.userAgent)}::text[], ${links.map((l) => l.details)}::text[],
      ${records.map((r) => r.source)}::text[], ${records.map((r) => r.eventType)}::text[],
      ${records.map((r) => r.eventId)}::text[],
      ${links.map((l) => l.prevHash)}::text[], ${links.map((l) => l.hash)}::text[]
    ) AS e(tenant_id, seq, id, at, user_id, role, action, resource, method, status, ip, user_agent, details, source,
      event_type, event_id, prev_hash, hash)`;
}

/** Without those written before: a batch may come again when its process was killed after it had been written. */
async function unknownOnes(transaction: Transaction, records: readonly AuditRecord[]): Promise<AuditRecord[]> {
  const ids = records.map(({ id }) => id);
  const known = await transaction.$queryRaw<{ id: string }[]>`
    SELECT id FROM audit_entries WHERE id = ANY(${ids}::text[])`;
  const seen = new Set(known.map(({ id }) => id));
  return records.filter(({ id }) => !seen.has(id) && seen.add(id));
}

async function readTails(transaction: Transaction, records: readonly AuditRecord[], tails: Map<string, Tail>) {
  const missing = [...new Set(records.map(({ tenantId }) => tenantId))].filter((tenant) => !tails.has(tenant));
  if (missing.length === 0) return;
  const rows = await transaction.$queryRaw<{ tenant: string; seq: string; hash: string | null }[]>`
    SELECT t.tenant, last.seq::text AS seq, encode(last.hash, 'hex') AS hash
    FROM unnest(${missing}::text[]) AS t(tenant),
      LATERAL (SELECT seq, hash FROM audit_entries WHERE tenant_id = t.tenant ORDER BY seq DESC LIMIT 1) last`;
  for (const tenant of missing) tails.set(tenant, GENESIS);
  for (const { tenant, seq, hash } of rows) tails.set(tenant, { seq: BigInt(seq), hash: hash ?? GENESIS.hash });
}

/** Gives a record its place at the end of its tenant's chain. */
function link(record: AuditRecord, tails: Map<string, Tail>) {
  const { seq: last, hash: prevHash } = tails.get(record.tenantId) ?? GENESIS;
  const seq = last + 1n;
  const details = JSON.stringify(record.details);
  const { tenantId, id, timestamp, userId, role, action, resource, method, status, ip, userAgent } = record;
  const { source, eventType, eventId } = record;
  const hash = hashOfEntry([
    ...([tenantId, String(seq), id, timestamp, userId, role, action, resource, method, status, ip, userAgent] as const),
    ...([details, source, eventType, eventId, prevHash] as const),
  ]);
  tails.set(tenantId, { seq, hash });
  return { seq: String(seq), details, prevHash, hash };
}

const READ_AT_ONCE = 1000;
/** How many entries are chained at a time. */
const PAGE = 5000;

async function chainSome(transaction: Transaction): Promise<number> {
  await lockTrail(transaction);
  const rows = await transaction.$queryRaw<{ entry: string }[]>`
    SELECT ${ENTRY} AS entry FROM audit_entries WHERE hash IS NULL ORDER BY tenant_id, seq LIMIT ${PAGE}`;
  const entries = rows.map(({ entry }) => JSON.parse(entry) as EntryText);
  const tails = new Map<string, string>();
  const links = [];
  for (const [fields] of entries) {
    const [tenant, seq] = fields;
    const prevHash = tails.get(tenant) ?? (await hashBefore(transaction, tenant, seq));
    const hash = hashOfEntry([...fields, prevHash]);
    tails.set(tenant, hash);
    links.push({ tenant, seq, prevHash, hash });
  }
  await transaction.$executeRaw`
    UPDATE audit_entries a SET prev_hash = decode(e.prev_hash, 'hex'), hash = decode(e.hash, 'hex')
    FROM unnest(${links.map((l) => l.tenant)}::text[], ${links.map((l) => l.seq)}::text[],
      ${links.map((l) => l.prevHash)}::text[], ${links.map((l) => l.hash)}::text[]) AS e(tenant, seq, prev_hash, hash)
    WHERE a.tenant_id = e.tenant AND a.seq = e.seq::bigint`;
  return links.length;
}

async function hashBefore(transaction: Transaction, tenant: string, seq: string): Promise<string> {
  const [row] = await transaction.$queryRaw<{ hash: string | null }[]>`
    SELECT encode(hash, 'hex') AS hash FROM audit_entries WHERE tenant_id = ${tenant} AND seq = ${seq}::bigint - 1`;
  return row?.hash ?? GENESIS.hash;
}

/** One writer at a time, whatever the number of replicas. */
export async function lockTrail(transaction: Transaction): Promise<void> {
  await transaction.$executeRawUnsafe(`SELECT pg_advisory_xact_lock(${SEALER_LOCK})`);
}

function conditions(tenantId: string, query: AuditQuery): Prisma.AuditEntryWhereInput {
  const { from, to } = query;
  return {
    tenantId,
    ...(query.userId != null && { userId: query.userId }),
    ...(query.action != null && { action: query.action }),
    ...(query.resource != null && { resource: query.resource }),
    ...(query.eventType != null && { eventType: query.eventType }),
    ...(query.source != null && { source: query.source }),
    ...((from != null || to != null) && {
      timestamp: { ...(from != null && { gte: new Date(from) }), ...(to != null && { lt: new Date(to) }) },
    }),
  };
}

/** Postgres stores neither NUL nor half a surrogate pair: one such character must not hold up the whole trail. */
function storable(record: AuditRecord): AuditRecord {
  const clean = (value: unknown): unknown =>
    typeof value === "string" ? value.replaceAll(/\0|\p{Surrogate}/gu, "\ufffd") : value;
  return JSON.parse(JSON.stringify(record, (_key, value) => clean(value))) as AuditRecord;
}
