import type { ChangeAccess } from "./access.js";
import type { AuditRecord } from "./audit-entries.js";
import type { ApiKey } from "./client/client.js";
import type { PrismaClient } from "./database.js";

export type ApiKeyRow = Omit<ApiKey, "hash">;

export interface NewApiKey {
  readonly id: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly name: string;
  /** SHA-256. */
  readonly hash: Uint8Array<ArrayBuffer>;
  readonly prefix: string;
  readonly permissions: readonly string[] | null;
  readonly vehicleIds: readonly string[];
  readonly fleetIds: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** Credentials of programs. The keys themselves are not kept. */
export class ApiKeys {
  constructor(
    readonly prisma: PrismaClient,
    readonly change: ChangeAccess,
  ) {}

  create(key: NewApiKey, record: AuditRecord): Promise<ApiKeyRow> {
    const { permissions, ...rest } = key;
    const data = {
      ...rest,
      ...(permissions && { permissions: [...permissions] }),
      vehicleIds: [...key.vehicleIds],
      fleetIds: [...key.fleetIds],
    };
    return this.change(record, (transaction) => transaction.apiKey.create({ data, omit: { hash: true } }));
  }

  /** Latest first; one user's, or everybody's. */
  list(tenantId: string, userId: string | null): Promise<ApiKeyRow[]> {
    return this.prisma.apiKey.findMany({
      where: { tenantId, ...(userId !== null && { userId }) },
      orderBy: [{ createdAt: "desc" }, { id: "asc" }],
      omit: { hash: true },
    });
  }

  find(tenantId: string, id: string): Promise<ApiKeyRow | null> {
    return this.prisma.apiKey.findFirst({ where: { id, tenantId }, omit: { hash: true } });
  }

  async revoke(id: string, now: Date, record: AuditRecord): Promise<void> {
    await this.change(record, (transaction) =>
      transaction.apiKey.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: now } }),
    );
  }
}
