import type { ChangeAccess } from "./access.js";
import type { AuditRecord } from "./audit-entries.js";
import type { Session } from "./client/client.js";
import type { PrismaClient } from "./database.js";
import { inTransaction } from "./transaction.js";

export type StoredSession = Session;

export interface NewSession {
  readonly id: string;
  readonly userId: string;
  readonly tenantId: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export interface NewRefreshToken {
  /** SHA-256. */
  readonly hash: Uint8Array<ArrayBuffer>;
  readonly expiresAt: Date;
}

/** `unknown`: no such token, or it has expired. `reused`: it has been used before, so somebody else has it. */
export type Rotation =
  | { readonly kind: "rotated"; readonly session: StoredSession }
  | { readonly kind: "reused"; readonly session: StoredSession }
  | { readonly kind: "unknown" };

/** Sign-ins and the tokens that renew them. */
export class Sessions {
  constructor(
    readonly prisma: PrismaClient,
    readonly change: ChangeAccess,
  ) {}

  async create(session: NewSession, token: NewRefreshToken): Promise<void> {
    await this.prisma.session.create({
      data: { ...session, lastUsedAt: session.createdAt, refreshTokens: { create: { ...token } } },
    });
  }

  /** Exchanges a token for its successor; of two requests with one token, one gets it. */
  rotate(hash: Uint8Array<ArrayBuffer>, next: NewRefreshToken, now: Date, tenantId?: string): Promise<Rotation> {
    return inTransaction(this.prisma, async (transaction) => {
      const { count } = await transaction.refreshToken.updateMany({
        where: { hash, usedAt: null, expiresAt: { gt: now }, session: { revokedAt: null, expiresAt: { gt: now } } },
        data: { usedAt: now },
      });
      const known = await transaction.refreshToken.findUnique({ where: { hash }, include: { session: true } });
      if (!known) return { kind: "unknown" };
      if (count === 0) {
        const isReuse = known.usedAt !== null && known.session.revokedAt === null;
        return isReuse ? { kind: "reused", session: known.session } : { kind: "unknown" };
      }
      const { expiresAt, id } = known.session;
      await transaction.refreshToken.create({
        data: { ...next, sessionId: id, expiresAt: next.expiresAt < expiresAt ? next.expiresAt : expiresAt },
      });
      const data = { lastUsedAt: now, ...(tenantId !== undefined && { tenantId }) };
      return { kind: "rotated", session: await transaction.session.update({ where: { id }, data }) };
    });
  }

  /** Whose it is, as long as it is good. */
  async sessionOf(hash: Uint8Array<ArrayBuffer>): Promise<StoredSession | null> {
    return (
      (await this.prisma.refreshToken.findUnique({ where: { hash }, include: { session: true } }))?.session ?? null
    );
  }

  /** Open sessions in a tenant, latest first. */
  list(tenantId: string, userId: string, now: Date): Promise<StoredSession[]> {
    return this.prisma.session.findMany({
      where: { tenantId, userId, revokedAt: null, expiresAt: { gt: now } },
      orderBy: { createdAt: "desc" },
    });
  }

  find(tenantId: string, id: string): Promise<StoredSession | null> {
    return this.prisma.session.findFirst({ where: { id, tenantId } });
  }

  async revoke(id: string, now: Date, record: AuditRecord): Promise<void> {
    await this.change(record, (transaction) =>
      transaction.session.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: now } }),
    );
  }

  /** Ends all of a user's sessions, and with them every token given out before. */
  async revokeAll(userId: string, now: Date, record: AuditRecord): Promise<void> {
    await this.change(record, async (transaction) => {
      await transaction.session.updateMany({ where: { userId, revokedAt: null }, data: { revokedAt: now } });
      await transaction.membership.updateMany({
        where: { userId },
        data: { version: { increment: 1 }, changedAt: now },
      });
    });
  }

  /** What ended long ago. @returns how many sessions */
  async purge(before: Date): Promise<number> {
    const { count } = await this.prisma.session.deleteMany({
      where: { OR: [{ expiresAt: { lt: before } }, { revokedAt: { lt: before } }] },
    });
    await this.prisma.refreshToken.deleteMany({ where: { expiresAt: { lt: before } } });
    return count;
  }
}
