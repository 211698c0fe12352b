import type { PrismaClient } from "./database.js";

/**
 * Roles that one process at a time holds. Rows rather than advisory locks: those belong to a connection, of which the
 * pool hands out any and the embedded database has one for everybody; and a row's holder has a number that grows.
 */
export class LeaseRecords {
  constructor(readonly prisma: PrismaClient) {}

  /** @returns the holder's number, greater than every earlier holder's; null when another's lease still runs */
  async take(name: string, owner: string, leaseMs: number): Promise<bigint | null> {
    const [row] = await this.prisma.$queryRaw<{ fence: bigint }[]>`
      INSERT INTO leases AS held (name, owner, fence, until)
      VALUES (${name}, ${owner}, 1, clock_timestamp() + ${leaseMs}::double precision * interval '1 millisecond')
      ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, fence = held.fence + 1, until = excluded.until
        WHERE held.until < clock_timestamp()
      RETURNING fence`;
    return row ? BigInt(row.fence) : null;
  }

  /** @returns false when another has taken it since */
  async renew(name: string, fence: bigint, leaseMs: number): Promise<boolean> {
    const renewed = await this.prisma.$executeRaw`
      UPDATE leases SET until = clock_timestamp() + ${leaseMs}::double precision * interval '1 millisecond'
      WHERE name = ${name} AND fence = ${fence}`;
    return renewed > 0;
  }

  /** Lets another take it at once. The row stays: its number must go on growing. */
  async release(name: string, fence: bigint): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE leases SET until = to_timestamp(0) WHERE name = ${name} AND fence = ${fence}`;
  }
}
