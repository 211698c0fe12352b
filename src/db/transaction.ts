import type { Prisma } from "./client/client.js";
import type { PrismaClient } from "./database.js";

/** Several writes that commit together. */
export type Transaction = Prisma.TransactionClient;

/** Prisma's own five seconds are short for a large batch on a busy machine. */
const PATIENT = { maxWait: 10_000, timeout: 30_000 };

/** Runs `work` so that everything it writes commits together, or nothing when it throws. */
export function inTransaction<T>(prisma: PrismaClient, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  return prisma.$transaction(work, PATIENT);
}

/** Tenants are known from tokens and events before anybody has entered them here. */
export async function ensureTenants(transaction: Transaction, ids: readonly string[]): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO tenants (id, name) SELECT DISTINCT t, t FROM unnest(${[...ids]}::text[]) t ON CONFLICT DO NOTHING`;
}

/** Postgres stores neither NUL nor half a surrogate pair: one such character must not hold up a whole batch. */
export function storableText(text: string): string {
  return text.replaceAll(/\0|\p{Surrogate}/gu, "\ufffd");
}
