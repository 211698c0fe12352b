import type { Role } from "../domain/access/roles.js";
import type { AuditEntries, AuditRecord } from "./audit-entries.js";
import type { User } from "./client/client.js";
import { Prisma } from "./client/client.js";
import type { PrismaClient } from "./database.js";

export type StoredUser = User;

export interface NewUser {
  readonly id: string;
  readonly tenantId: string;
  readonly username: string;
  readonly email: string | null;
  readonly passwordHash: string;
  readonly role: Role;
  readonly vehicleIds: readonly string[];
  readonly fleetIds: readonly string[];
}

/** The users that can sign in here. Every change commits together with its audit entry. */
export class Users {
  constructor(
    readonly prisma: PrismaClient,
    readonly audit: AuditEntries,
  ) {}

  byName(tenantId: string, username: string): Promise<StoredUser | null> {
    return this.prisma.user.findUnique({ where: { tenantId_username: { tenantId, username } } });
  }

  byId(tenantId: string, id: string): Promise<StoredUser | null> {
    return this.prisma.user.findFirst({ where: { tenantId, id } });
  }

  /** Ids of users who may no longer act, whatever token they hold. */
  async disabledIds(): Promise<Set<string>> {
    const users = await this.prisma.user.findMany({ where: { disabled: true }, select: { id: true } });
    return new Set(users.map((user) => user.id));
  }

  count(tenantId: string, role: Role): Promise<number> {
    return this.prisma.user.count({ where: { tenantId, role } });
  }

  /** @returns null when the name is taken */
  async create(user: NewUser, record: AuditRecord): Promise<StoredUser | null> {
    try {
      return await this.prisma.$transaction(async (transaction) => {
        const data = { ...user, vehicleIds: [...user.vehicleIds], fleetIds: [...user.fleetIds] };
        const created = await transaction.user.create({ data });
        await this.audit.enqueue(transaction, record);
        return created;
      });
    } catch (error) {
      if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === "P2002") return null;
      throw error;
    }
  }

  async signedIn(id: string, at: number): Promise<void> {
    await this.prisma.user.update({ where: { id }, data: { lastLoginAt: new Date(at) } });
  }
}
