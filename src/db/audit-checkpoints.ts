import { ENTRY, type EntryText, type Tail } from "./audit-chain.js";
import { lockTrail } from "./audit-entries.js";
import type { PrismaClient } from "./database.js";
import { inTransaction } from "./transaction.js";

/** Signed word of how far a tenant's audit trail had come. Hashes in hexadecimal, signatures in base64. */
export interface Checkpoint {
  readonly tenant: string;
  readonly seq: string;
  readonly hash: string;
  /** Epoch milliseconds UTC. */
  readonly createdAt: number;
  readonly keyId: string;
  /** Signature of the tenant's checkpoint before; empty for the first. */
  readonly previous: string;
  readonly signature: string;
}

const bytes = (text: string, encoding: "hex" | "base64") => new Uint8Array(Buffer.from(text, encoding));
const encoded = (value: Uint8Array, encoding: "hex" | "base64") => Buffer.from(value).toString(encoding);

/** The checkpoints in the database, and the entries they are about. */
export class AuditCheckpoints {
  constructor(readonly prisma: PrismaClient) {}

  /**
   * Adds a checkpoint for a tail, made by `sign` from the signature of the one before.
   * @returns null when there already is one at or beyond it
   */
  add(tenant: string, { seq }: Tail, sign: (previous: string) => Promise<Checkpoint>): Promise<Checkpoint | null> {
    return inTransaction(this.prisma, async (transaction) => {
      await lockTrail(transaction);
      const last = await transaction.auditCheckpoint.findFirst({
        where: { tenantId: tenant },
        orderBy: { seq: "desc" },
      });
      if (last && last.seq >= seq) return null;
      const checkpoint = await sign(last ? encoded(last.signature, "base64") : "");
      await transaction.auditCheckpoint.create({ data: rowOf(checkpoint) });
      return checkpoint;
    });
  }

  /** Puts back what was written elsewhere and not here before a process was killed. */
  async restore(checkpoint: Checkpoint): Promise<void> {
    await this.prisma.auditCheckpoint.createMany({ data: [rowOf(checkpoint)], skipDuplicates: true });
  }

  /** All of them, in order. */
  async list(): Promise<Checkpoint[]> {
    const rows = await this.prisma.auditCheckpoint.findMany({ orderBy: [{ tenantId: "asc" }, { seq: "asc" }] });
    return rows.map((row) => ({
      tenant: row.tenantId,
      seq: String(row.seq),
      hash: encoded(row.hash, "hex"),
      createdAt: row.createdAt.getTime(),
      keyId: row.keyId,
      previous: encoded(row.previous, "base64"),
      signature: encoded(row.signature, "base64"),
    }));
  }

  /** Every entry of every tenant in the order of its chain, a page at a time. */
  async *pages(size: number): AsyncGenerator<EntryText[]> {
    let [tenant, seq] = ["", "0"];
    for (;;) {
      const rows = await this.prisma.$queryRaw<{ entry: string }[]>`
        SELECT ${ENTRY} AS entry FROM audit_entries WHERE (tenant_id, seq) > (${tenant}, ${seq}::bigint)
        ORDER BY tenant_id, seq LIMIT ${size}`;
      const page = rows.map(({ entry }) => JSON.parse(entry) as EntryText);
      const last = page.at(-1);
      if (last) yield page;
      if (!last || page.length < size) return;
      [tenant, seq] = last[0];
    }
  }
}

function rowOf(checkpoint: Checkpoint) {
  return {
    tenantId: checkpoint.tenant,
    seq: BigInt(checkpoint.seq),
    hash: bytes(checkpoint.hash, "hex"),
    createdAt: new Date(checkpoint.createdAt),
    keyId: checkpoint.keyId,
    previous: bytes(checkpoint.previous, "base64"),
    signature: bytes(checkpoint.signature, "base64"),
  };
}
