import type { ChangeAccess } from "./access.js";
import type { AuditRecord } from "./audit-entries.js";
import { Prisma } from "./client/client.js";
import type { PrismaClient } from "./database.js";
import type { Transaction } from "./transaction.js";

const WITH = { user: true, tenant: true, role: { include: { permissions: true } } } as const;

/** A user in one tenant: the account, and what it may do there. */
export type StoredMember = Prisma.MembershipGetPayload<{ include: typeof WITH }>;

export interface NewUser {
  readonly id: string;
  readonly tenantId: string;
  readonly username: string;
  readonly email: string | null;
  readonly passwordHash: string;
}

export interface Grant {
  readonly roleId: string;
  readonly vehicleIds: readonly string[];
  readonly fleetIds: readonly string[];
}

export interface AccountChange {
  readonly email?: string | null;
  readonly disabled?: boolean;
  readonly passwordHash?: string;
}

/** Accounts and memberships. Every change commits together with its audit entry. */
export class Members {
  constructor(
    readonly prisma: PrismaClient,
    readonly change: ChangeAccess,
  ) {}

  /** By the name to sign in with, which belongs to the account's home tenant. */
  byName(tenantId: string, username: string): Promise<StoredMember | null> {
    return this.prisma.membership.findFirst({ where: { tenantId, user: { tenantId, username } }, include: WITH });
  }

  find(tenantId: string, userId: string): Promise<StoredMember | null> {
    return this.prisma.membership.findFirst({ where: { userId, tenantId, removedAt: null }, include: WITH });
  }

  /** What a user may do in all tenants, the home tenant first. */
  async of(userId: string): Promise<StoredMember[]> {
    const where = { userId, removedAt: null, tenant: { disabled: false } };
    const members = await this.prisma.membership.findMany({ where, include: WITH, orderBy: { tenantId: "asc" } });
    return members.toSorted((a, b) => Number(b.tenantId === b.user.tenantId) - Number(a.tenantId === a.user.tenantId));
  }

  /** Ordered by name and id, from the one after `after` on. */
  async page(tenantId: string, limit: number, after: { username: string; id: string } | null) {
    const where = { tenantId, removedAt: null };
    const [items, total] = await Promise.all([
      this.prisma.membership.findMany({
        where: {
          ...where,
          ...(after && {
            user: {
              OR: [{ username: { gt: after.username } }, { username: after.username, id: { gt: after.id } }],
            },
          }),
        },
        include: WITH,
        orderBy: [{ user: { username: "asc" } }, { userId: "asc" }],
        take: limit,
      }),
      this.prisma.membership.count({ where }),
    ]);
    return { items, total };
  }

  count(tenantId: string, base: StoredMember["role"]["base"]): Promise<number> {
    const where = { tenantId, removedAt: null, role: { base }, user: { disabled: false } };
    return this.prisma.membership.count({ where });
  }

  /** @returns null when the name is taken */
  async create(user: NewUser, grant: Grant, record: AuditRecord): Promise<StoredMember | null> {
    try {
      return await this.change(record, async (transaction) => {
        await transaction.user.create({ data: user });
        return transaction.membership.create({
          data: { userId: user.id, tenantId: user.tenantId, ...listed(grant) },
          include: WITH,
        });
      });
    } catch (error) {
      if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === "P2002") return null;
      throw error;
    }
  }

  /** Makes the user a member, or changes what a member may do: tokens given out before are refused from now on. */
  grant(tenantId: string, userId: string, grant: Grant, record: AuditRecord): Promise<StoredMember> {
    return this.change(record, (transaction) =>
      transaction.membership.upsert({
        where: { userId_tenantId: { userId, tenantId } },
        create: { userId, tenantId, ...listed(grant) },
        update: { ...listed(grant), version: { increment: 1 }, changedAt: new Date(), removedAt: null },
        include: WITH,
      }),
    );
  }

  /** Ends a membership, with its sessions and keys. */
  async remove(tenantId: string, userId: string, record: AuditRecord): Promise<void> {
    await this.change(record, async (transaction) => {
      const now = new Date();
      await transaction.membership.updateMany({
        where: { userId, tenantId },
        data: { version: { increment: 1 }, changedAt: now, removedAt: now },
      });
      await endCredentials(transaction, { userId, tenantId }, now);
    });
  }

  /** Changes an account; a new password or being disabled ends everything that the user is signed in to. */
  async update(userId: string, change: AccountChange, record: AuditRecord): Promise<void> {
    await this.change(record, async (transaction) => {
      await transaction.user.update({ where: { id: userId }, data: change });
      if (change.passwordHash === undefined && !change.disabled) return;
      const now = new Date();
      await transaction.membership.updateMany({
        where: { userId },
        data: { version: { increment: 1 }, changedAt: now },
      });
      await endCredentials(transaction, { userId }, now);
    });
  }

  /**
   * Forgets the person of an account that is at home here, and ends the membership of one that is not. What stays is the
   * id of a disabled account without a name: tokens from before must go on being refused.
   * @returns how many rows told of the person
   */
  async erase(
    tenantId: string,
    userId: string,
    empty: { username: string; passwordHash: string },
    record: AuditRecord,
  ) {
    const user = await this.prisma.user.findUnique({ where: { id: userId } });
    if (!user) return 0;
    return this.change(record, async (transaction) => {
      const isHome = user.tenantId === tenantId;
      const where = { userId, ...(!isHome && { tenantId }) };
      const now = new Date();
      const sessions = await transaction.session.deleteMany({ where });
      const keys = await transaction.apiKey.deleteMany({ where });
      const ended = await transaction.membership.updateMany({
        where,
        data: { version: { increment: 1 }, changedAt: now, removedAt: now, vehicleIds: [], fleetIds: [] },
      });
      if (isHome) {
        await transaction.user.update({
          where: { id: userId },
          data: { ...empty, email: null, lastLoginAt: null, disabled: true },
        });
      }
      return sessions.count + keys.count + ended.count + (isHome ? 1 : 0);
    });
  }

  async signedIn(id: string, at: number): Promise<void> {
    await this.prisma.user.update({ where: { id }, data: { lastLoginAt: new Date(at) } });
  }
}

async function endCredentials(transaction: Transaction, of: { userId: string; tenantId?: string }, now: Date) {
  await transaction.session.updateMany({ where: { ...of, revokedAt: null }, data: { revokedAt: now } });
  await transaction.apiKey.updateMany({ where: { ...of, revokedAt: null }, data: { revokedAt: now } });
}

function listed({ roleId, vehicleIds, fleetIds }: Grant) {
  return { roleId, vehicleIds: [...vehicleIds], fleetIds: [...fleetIds] };
}
