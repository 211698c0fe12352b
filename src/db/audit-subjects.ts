import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { AuditRecord, StoredAuditEntry } from "./audit-entries.js";
import type { PrismaClient } from "./database.js";
import { storableText, type Transaction } from "./transaction.js";

interface Subject {
  readonly token: string;
  readonly key: Buffer;
}

/** What of an entry tells of a person, besides who it was. */
type Personal = Pick<AuditRecord, "ip" | "userAgent" | "details">;

/** Details of an entry whose personal part is encrypted: for whom, and the ciphertext. */
interface Sealed {
  readonly subject: string;
  readonly sealed: string;
}

const CIPHER = "aes-256-gcm";
const [IV_BYTES, TAG_BYTES, KEY_BYTES] = [12, 16, 32];
/** How long another process may go on with a key that has been erased: what it writes with it, nobody can read. */
const REMEMBERED_MS = 60_000;
/** Changes of a user's account are about that user, whoever makes them. */
const ABOUT_USER = /^users\/(.+)$/;

/**
 * Keeps what the audit trail knows of people so that it can be forgotten. Entries name a person by a random token, and
 * address, client and details are encrypted with a key of the person they are about; token and key are in one row.
 * Entries never change: without the row they tell nothing, and their hashes still hold.
 */
export class AuditSubjects {
  readonly #known = new LRUCache<string, Subject>({ max: 10_000, ttl: REMEMBERED_MS });

  /** @param masterKey 32 bytes, kept outside of the database */
  constructor(
    readonly prisma: PrismaClient,
    readonly masterKey: Buffer,
  ) {
    if (masterKey.length !== KEY_BYTES) throw new Error(`the key of audit subjects has ${KEY_BYTES} bytes`);
  }

  /** The records as they may be kept for good. */
  async protect(transaction: Transaction, records: readonly AuditRecord[]): Promise<AuditRecord[]> {
    const people = records.flatMap((record) =>
      [record.userId, subjectOf(record)].map((user) => [record.tenantId, user]),
    );
    await this.#load(transaction, people);
    return records.map((record) => {
      const { tenantId, userId, ip, userAgent, details } = record;
      const person = subjectOf(record);
      if (person === null) return record;
      const subject = this.#of(tenantId, person);
      const personal: Personal = { ip, userAgent, details };
      const sealed: Sealed = { subject: subject.token, sealed: encrypt(subject.key, JSON.stringify(personal)) };
      return {
        ...record,
        userId: userId === null ? null : this.#of(tenantId, userId).token,
        ip: null,
        userAgent: null,
        details: { ...sealed },
      };
    });
  }

  /** After a transaction that was rolled back: what it had added is not there. */
  forgetKnown(): void {
    this.#known.clear();
  }

  /** Entries as they were, except for what has been erased. */
  async reveal(entries: readonly StoredAuditEntry[]): Promise<StoredAuditEntry[]> {
    const tokens = entries.flatMap(({ userId, details }) => [userId, isSealed(details) ? details.subject : null]);
    const rows = await this.prisma.auditSubject.findMany({
      where: { token: { in: [...new Set(tokens.filter((token) => token !== null))] } },
    });
    const people = new Map(rows.map((row) => [row.token, { userId: row.userId, key: this.#unwrap(row.wrappedKey) }]));
    return entries.map((entry) => {
      const { userId, details } = entry;
      if (!isSealed(details)) return entry;
      const key = people.get(details.subject)?.key;
      const personal = key
        ? (JSON.parse(decrypt(key, details.sealed)) as Personal)
        : { ip: null, userAgent: null, details: { erased: true } };
      const whoever = userId === null ? null : (people.get(userId)?.userId ?? null);
      return { ...entry, ...personal, details: personal.details as never, userId: whoever };
    });
  }

  /** What entries call a person; the id itself for entries older than tokens. */
  async namesOf(tenantId: string, userId: string): Promise<string[]> {
    const row = await this.prisma.auditSubject.findUnique({ where: { tenantId_userId: { tenantId, userId } } });
    return row ? [row.token, userId] : [userId];
  }

  /** Forgets a person for good. @returns how many entries tell nothing of the person any more */
  async erase(tenantId: string, userId: string): Promise<number> {
    const row = await this.prisma.auditSubject.findUnique({ where: { tenantId_userId: { tenantId, userId } } });
    this.#known.delete(keyOf(tenantId, userId));
    if (!row) return 0;
    const entries = await this.prisma.auditEntry.count({ where: { tenantId, userId: row.token } });
    await this.prisma.auditSubject.delete({ where: { token: row.token } });
    // Until then the row is only marked as deleted, and its bytes stay in the file.
    await this.prisma.$executeRawUnsafe("VACUUM audit_subjects");
    return entries;
  }

  #of(tenantId: string, userId: string): Subject {
    const subject = this.#known.get(keyOf(tenantId, userId));
    if (!subject) throw new Error("a person of the audit trail has no key");
    return subject;
  }

  /** Sees to it that everybody has a key. */
  async #load(transaction: Transaction, people: readonly (readonly (string | null)[])[]): Promise<void> {
    const missing = new Map<string, readonly [tenant: string, user: string]>();
    for (const [tenant, user] of people) {
      if (!tenant || user == null || this.#known.has(keyOf(tenant, user))) continue;
      missing.set(keyOf(tenant, user), [tenant, user]);
    }
    if (missing.size === 0) return;
    const wanted = [...missing.values()];
    await transaction.auditSubject.createMany({
      data: wanted.map(([tenantId, userId]) => ({
        tenantId,
        userId,
        token: `subject_${randomUUID()}`,
        wrappedKey: new Uint8Array(Buffer.from(encrypt(this.masterKey, randomBytes(KEY_BYTES)), "base64")),
      })),
      skipDuplicates: true,
    });
    const rows = await transaction.auditSubject.findMany({
      where: { OR: wanted.map(([tenantId, userId]) => ({ tenantId, userId })) },
    });
    for (const { tenantId, userId, token, wrappedKey } of rows) {
      this.#known.set(keyOf(tenantId, userId), { token, key: this.#unwrap(wrappedKey) });
    }
  }

  #unwrap(wrapped: Uint8Array): Buffer {
    return decryptBytes(this.masterKey, Buffer.from(wrapped));
  }
}

function keyOf(tenantId: string, userId: string): string {
  return JSON.stringify([tenantId, userId]);
}

function subjectOf({ resource, userId }: AuditRecord): string | null {
  const about = ABOUT_USER.exec(resource)?.[1];
  return about === undefined ? userId : storableText(about);
}

function isSealed(details: unknown): details is Sealed {
  return typeof details === "object" && details !== null && "sealed" in details && "subject" in details;
}

function encrypt(key: Buffer, content: string | Buffer): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv);
  const encrypted = Buffer.concat([cipher.update(content as string), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), encrypted]).toString("base64");
}

function decrypt(key: Buffer, text: string): string {
  return decryptBytes(key, Buffer.from(text, "base64")).toString("utf8");
}

function decryptBytes(key: Buffer, bytes: Buffer): Buffer {
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
}
