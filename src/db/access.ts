import { PERMISSIONS, ROLE_PERMISSIONS, ROLES } from "../domain/access/roles.js";
import type { AuditEntries, AuditRecord } from "./audit-entries.js";
import type { PrismaClient } from "./database.js";
import { inTransaction, type Transaction } from "./transaction.js";

/** Runs a change to who may do what: it commits together with its audit entry, and every replica will notice. */
export type ChangeAccess = <T>(record: AuditRecord, work: (transaction: Transaction) => Promise<T>) => Promise<T>;

/** @param committed makes it count here, before the change is answered */
export function accessChanges(prisma: PrismaClient, audit: AuditEntries, committed: () => Promise<void>): ChangeAccess {
  return async (record, work) => {
    const result = await inTransaction(prisma, async (transaction) => {
      const changed = await work(transaction);
      await transaction.accessEpoch.updateMany({ data: { epoch: { increment: 1 } } });
      await audit.enqueue(transaction, record);
      return changed;
    });
    await committed();
    return result;
  };
}

/** What tokens do not tell, because it came after them. */
export interface AccessSnapshot {
  /** Grows with every change. */
  readonly epoch: bigint;
  /** Users who may no longer act, whatever token they hold. */
  readonly disabledUsers: ReadonlySet<string>;
  readonly disabledTenants: ReadonlySet<string>;
  readonly tenants: ReadonlySet<string>;
  /** Version of the memberships changed since, by `membershipKey`; infinite for those that have ended. */
  readonly versions: ReadonlyMap<string, number>;
  readonly revokedSessions: ReadonlySet<string>;
  /** Tenant by fleet. */
  readonly fleets: ReadonlyMap<string, string>;
  /** Active API keys by their hash, hexadecimal. */
  readonly apiKeys: ReadonlyMap<string, StoredApiKey>;
}

/** An API key together with what its user may do. */
export interface StoredApiKey {
  readonly id: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly username: string;
  readonly base: keyof typeof ROLE_PERMISSIONS;
  /** Of the user's role. */
  readonly rolePermissions: readonly string[];
  /** Of the key; null: all. */
  readonly permissions: readonly string[] | null;
  /** Of the user. */
  readonly userVehicleIds: readonly string[];
  readonly userFleetIds: readonly string[];
  /** Of the key. */
  readonly vehicleIds: readonly string[];
  readonly fleetIds: readonly string[];
  /** Epoch milliseconds UTC. */
  readonly expiresAt: number;
}

export function membershipKey(userId: string, tenantId: string): string {
  return JSON.stringify([userId, tenantId]);
}

/** Reads what the gateway must know of access at every request. */
export class AccessRecords {
  constructor(readonly prisma: PrismaClient) {}

  async epoch(): Promise<bigint> {
    return (await this.prisma.accessEpoch.findFirst())?.epoch ?? 0n;
  }

  /** @param since epoch milliseconds before which no token that is still good was issued */
  async snapshot(since: number): Promise<AccessSnapshot> {
    const after = new Date(since);
    // The number first: a change in between is read twice rather than never.
    const epoch = await this.epoch();
    const [users, tenants, memberships, sessions, fleets, apiKeys] = await Promise.all([
      this.prisma.user.findMany({ where: { disabled: true }, select: { id: true } }),
      this.prisma.tenant.findMany({ select: { id: true, disabled: true } }),
      this.prisma.membership.findMany({
        where: { changedAt: { gte: after }, OR: [{ version: { gt: 0 } }, { removedAt: { not: null } }] },
        select: { userId: true, tenantId: true, version: true, removedAt: true },
      }),
      this.prisma.session.findMany({ where: { revokedAt: { gte: after } }, select: { id: true } }),
      this.prisma.fleet.findMany({ select: { id: true, tenantId: true } }),
      this.#apiKeys(),
    ]);
    return {
      epoch,
      disabledUsers: new Set(users.map(({ id }) => id)),
      tenants: new Set(tenants.map(({ id }) => id)),
      disabledTenants: new Set(tenants.filter(({ disabled }) => disabled).map(({ id }) => id)),
      versions: new Map(
        memberships.map(({ userId, tenantId, version, removedAt }) => [
          membershipKey(userId, tenantId),
          removedAt ? Number.POSITIVE_INFINITY : version,
        ]),
      ),
      revokedSessions: new Set(sessions.map(({ id }) => id)),
      fleets: new Map(fleets.map(({ id, tenantId }) => [id, tenantId])),
      apiKeys,
    };
  }

  /** Notes that keys were used. */
  async keysUsed(ids: readonly string[], at: Date): Promise<void> {
    await this.prisma.apiKey.updateMany({ where: { id: { in: [...ids] } }, data: { lastUsedAt: at } });
  }

  async #apiKeys(): Promise<Map<string, StoredApiKey>> {
    const keys = await this.prisma.apiKey.findMany({
      where: { revokedAt: null, expiresAt: { gt: new Date() } },
      include: {
        user: {
          include: {
            memberships: { where: { removedAt: null }, include: { role: { include: { permissions: true } } } },
          },
        },
      },
    });
    return new Map(
      keys.flatMap(({ user, hash, permissions, expiresAt, ...key }) => {
        const membership = user.memberships.find(({ tenantId }) => tenantId === key.tenantId);
        if (!membership || user.disabled) return [];
        const stored: StoredApiKey = {
          ...key,
          username: user.username,
          base: membership.role.base,
          rolePermissions: membership.role.permissions.map(({ name }) => name),
          permissions: permissions as string[] | null,
          userVehicleIds: membership.vehicleIds,
          userFleetIds: membership.fleetIds,
          expiresAt: expiresAt.getTime(),
        };
        return [[Buffer.from(hash).toString("hex"), stored] as const];
      }),
    );
  }
}

/** Brings permissions, and what the built-in roles are granted, up to what this version of the gateway knows. */
export async function seedRoles(prisma: PrismaClient): Promise<void> {
  const [names, descriptions] = [Object.keys(PERMISSIONS), Object.values(PERMISSIONS)];
  const links = ROLES.flatMap((role) => ROLE_PERMISSIONS[role].map((permission) => [permission, role] as const));
  await inTransaction(prisma, async (transaction) => {
    await transaction.$executeRaw`
      INSERT INTO permissions (name, description) SELECT * FROM unnest(${names}::text[], ${descriptions}::text[])
      ON CONFLICT (name) DO UPDATE SET description = excluded.description`;
    await transaction.$executeRaw`
      INSERT INTO "_PermissionToRole" ("A", "B")
      SELECT * FROM unnest(${links.map(([a]) => a)}::text[], ${links.map(([, b]) => b)}::text[]) ON CONFLICT DO NOTHING`;
  });
}
