import { PublicError } from "../base/errors.js";
import type { ChangeAccess } from "./access.js";
import type { AuditRecord } from "./audit-entries.js";
import { type Fleet, Prisma, type Tenant } from "./client/client.js";
import type { PrismaClient } from "./database.js";
import type { Transaction } from "./transaction.js";

export type StoredTenant = Tenant;
export type StoredFleet = Fleet;

const WITH = { permissions: { orderBy: { name: "asc" } } } as const;
export type StoredRole = Prisma.RoleGetPayload<{ include: typeof WITH }>;

export interface TenantChange {
  readonly name?: string;
  readonly logoUrl?: string | null;
  readonly primaryColor?: string | null;
  readonly accentColor?: string | null;
  readonly disabled?: boolean;
}

/** Tenants, the fleets and the roles that are theirs. */
export class Tenants {
  constructor(
    readonly prisma: PrismaClient,
    readonly change: ChangeAccess,
  ) {}

  find(id: string): Promise<StoredTenant | null> {
    return this.prisma.tenant.findUnique({ where: { id } });
  }

  list(): Promise<StoredTenant[]> {
    return this.prisma.tenant.findMany({ orderBy: { id: "asc" } });
  }

  /** @returns null when the id is taken */
  create(id: string, change: TenantChange & { readonly name: string }, record: AuditRecord) {
    return this.change(record, (transaction) => transaction.tenant.create({ data: { id, ...change } })).catch(taken);
  }

  update(id: string, change: TenantChange, record: AuditRecord): Promise<StoredTenant> {
    return this.change(record, (transaction) => transaction.tenant.update({ where: { id }, data: change }));
  }

  fleets(tenantId: string): Promise<StoredFleet[]> {
    return this.prisma.fleet.findMany({ where: { tenantId }, orderBy: { id: "asc" } });
  }

  fleet(tenantId: string, id: string): Promise<StoredFleet | null> {
    return this.prisma.fleet.findFirst({ where: { id, tenantId } });
  }

  /** Gives a fleet to a tenant, or another name. @throws PublicError CONFLICT when it is another tenant's */
  putFleet(tenantId: string, id: string, name: string, record: AuditRecord): Promise<StoredFleet> {
    return this.change(record, async (transaction) => {
      const known = await transaction.fleet.findUnique({ where: { id } });
      if (known && known.tenantId !== tenantId) {
        throw new PublicError("CONFLICT", `Fleet "${id}" is another tenant's`, { field: "fleetId" });
      }
      return transaction.fleet.upsert({ where: { id }, create: { id, tenantId, name }, update: { name } });
    });
  }

  /** Takes a fleet from a tenant: it is the default tenant's again. */
  async removeFleet(tenantId: string, id: string, record: AuditRecord): Promise<void> {
    await this.change(record, (transaction) => transaction.fleet.deleteMany({ where: { id, tenantId } }));
  }

  /** Built-in roles, then the tenant's own. */
  async roles(tenantId: string): Promise<StoredRole[]> {
    const roles = await this.prisma.role.findMany({
      where: { OR: [{ tenantId: null }, { tenantId }] },
      include: WITH,
      orderBy: { name: "asc" },
    });
    return roles.toSorted((a, b) => Number(a.tenantId !== null) - Number(b.tenantId !== null));
  }

  role(tenantId: string, id: string): Promise<StoredRole | null> {
    return this.prisma.role.findFirst({ where: { id, OR: [{ tenantId: null }, { tenantId }] }, include: WITH });
  }

  /** @returns null when the name is taken */
  createRole(
    role: { id: string; tenantId: string; name: string; base: StoredRole["base"] },
    permissions: readonly string[],
    record: AuditRecord,
  ): Promise<StoredRole | null> {
    return this.change(record, (transaction) =>
      transaction.role.create({ data: { ...role, permissions: { connect: named(permissions) } }, include: WITH }),
    ).catch(taken);
  }

  /** Also ends the tokens of everybody who has the role. */
  updateRole(id: string, permissions: readonly string[], record: AuditRecord): Promise<StoredRole> {
    return this.change(record, async (transaction) => {
      await outdate(transaction, id);
      return transaction.role.update({
        where: { id },
        data: { permissions: { set: named(permissions) } },
        include: WITH,
      });
    });
  }

  /** @throws PublicError CONFLICT when somebody has the role */
  async deleteRole(id: string, record: AuditRecord): Promise<void> {
    await this.change(record, async (transaction) => {
      if ((await transaction.membership.count({ where: { roleId: id, removedAt: null } })) > 0) {
        throw new PublicError("CONFLICT", "Somebody has this role", { field: "id" });
      }
      const { base } = await transaction.role.findUniqueOrThrow({ where: { id } });
      // Ended memberships stay, for their tokens to be refused.
      await transaction.membership.updateMany({ where: { roleId: id }, data: { roleId: base } });
      await transaction.role.delete({ where: { id } });
    });
  }
}

async function outdate(transaction: Transaction, roleId: string): Promise<void> {
  await transaction.membership.updateMany({
    where: { roleId },
    data: { version: { increment: 1 }, changedAt: new Date() },
  });
}

const named = (permissions: readonly string[]) => permissions.map((name) => ({ name }));

function taken(error: unknown): null {
  if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === "P2002") return null;
  throw error;
}
