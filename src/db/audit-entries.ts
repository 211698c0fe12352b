import type { Prisma, AuditEntry as Row } from "./client/client.js";
import type { PrismaClient } from "./database.js";

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
  constructor(readonly prisma: PrismaClient) {}

  /** Puts an entry into the outbox, within the transaction of the change that it describes. */
  async enqueue(transaction: Transaction | PrismaClient, record: AuditRecord): Promise<void> {
    await transaction.auditOutbox.create({
      data: { tenantId: record.tenantId, entry: { ...storable(record) } as Prisma.InputJsonObject },
    });
  }

  /**
   * Appends `records`, and whatever waits in the outbox before them, to the sequence: all of it or nothing.
   * @returns how many entries were added
   */
  seal(records: readonly AuditRecord[]): Promise<number> {
    return this.prisma.$transaction(async (transaction) => {
      await transaction.$executeRawUnsafe(`SELECT pg_advisory_xact_lock(${SEALER_LOCK})`);
      let added = 0;
      for (let full = true; full; ) {
        const waiting = await transaction.auditOutbox.findMany({ orderBy: { position: "asc" }, take: 1000 });
        full = waiting.length === 1000;
        const due = [...waiting.map((row) => row.entry as unknown as AuditRecord), ...(full ? [] : records)];
        if (due.length > 0) await append(transaction, due);
        if (waiting.length > 0) {
          await transaction.auditOutbox.deleteMany({ where: { position: { in: waiting.map((row) => row.position) } } });
        }
        added += due.length;
      }
      return added;
    }, PATIENT);
  }

  async page(tenantId: string, query: AuditQuery, limit: number, offset: number) {
    const where = conditions(tenantId, query);
    const [items, total] = await Promise.all([
      this.prisma.auditEntry.findMany({ where, orderBy: { seq: "desc" }, take: limit, skip: offset }),
      this.prisma.auditEntry.count({ where }),
    ]);
    return { items, total };
  }

  /** Count by action and time of the last entry. */
  async summary(tenantId: string, userId: string) {
    const groups = await this.prisma.auditEntry.groupBy({
      by: ["action"],
      where: { tenantId, userId },
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
}

/** One statement for the whole batch: single inserts would be twenty times slower. */
async function append(transaction: Transaction, given: readonly AuditRecord[]): Promise<void> {
  const records = given.map(storable);
  await transaction.$executeRaw`
    INSERT INTO tenants (id, name) SELECT DISTINCT t, t FROM unnest(${records.map((r) => r.tenantId)}::text[]) t
    ON CONFLICT DO NOTHING`;
  await transaction.$executeRaw`
    INSERT INTO audit_entries (tenant_id, seq, id, timestamp, user_id, role, action, resource, method, status, ip,
      user_agent, details, source, event_type, event_id)
    SELECT e.tenant_id,
      COALESCE((SELECT max(seq) FROM audit_entries a WHERE a.tenant_id = e.tenant_id), 0)
        + row_number() OVER (PARTITION BY e.tenant_id ORDER BY e.place),
      e.id, to_timestamp(e.at / 1000.0), e.user_id, e.role, e.action, e.resource, e.method, e.status, e.ip,
      e.user_agent, e.details::jsonb, e.source, e.event_type, e.event_id
    FROM unnest(
      ${records.map((r) => r.tenantId)}::text[], ${records.map((r) => r.id)}::text[],
      ${records.map((r) => r.timestamp)}::double precision[], ${records.map((r) => r.userId)}::text[],
      ${records.map((r) => r.role)}::text[], ${records.map((r) => r.action)}::text[],
      ${records.map((r) => r.resource)}::text[], ${records.map((r) => r.method)}::text[],
      ${records.map((r) => r.status)}::int[], ${records.map((r) => r.ip)}::text[],
      ${records.map((r) => r.userAgent)}::text[], ${records.map((r) => JSON.stringify(r.details))}::text[],
      ${records.map((r) => r.source)}::text[], ${records.map((r) => r.eventType)}::text[],
      ${records.map((r) => r.eventId)}::text[]
    ) WITH ORDINALITY AS e(tenant_id, id, at, user_id, role, action, resource, method, status, ip, user_agent,
      details, source, event_type, event_id, place)
    WHERE NOT EXISTS (SELECT 1 FROM audit_entries known WHERE known.id = e.id)`;
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
