import { v7 as uuidv7 } from "uuid";
import type { Job as Row } from "./client/client.js";
import { Prisma } from "./client/client.js";
import type { PrismaClient } from "./database.js";
import { inTransaction, storableText, type Transaction } from "./transaction.js";

export type JobState = Row["state"];

/** A piece of work as it stands in the database. Times are epoch milliseconds UTC. */
export interface StoredJob {
  readonly id: string;
  readonly kind: string;
  readonly key: string;
  readonly tenant: string | null;
  readonly payload: unknown;
  readonly state: JobState;
  readonly runAt: number;
  /** How often it has been begun, the run under way included. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly leaseOwner: string | null;
  /** By the clock of the database. */
  readonly leaseUntil: number | null;
  /** What the handler saved last, of whichever attempt; null: nothing yet. */
  readonly progress: unknown;
  readonly result: unknown;
  /** Why the last attempt failed; null once done. */
  readonly error: string | null;
  readonly createdAt: number;
  readonly finishedAt: number | null;
}

export interface NewJob {
  readonly kind: string;
  readonly key: string;
  readonly tenant: string | null;
  readonly payload: unknown;
  readonly runAt: number;
  readonly maxAttempts: number;
}

export interface JobFilter {
  /** Undefined: every tenant's; null: work for the whole installation. */
  readonly tenant?: string | null | undefined;
  readonly kind?: string | undefined;
  readonly state?: JobState | undefined;
}

/** What else commits together with a step of a job. */
export type Write = (transaction: Transaction) => Promise<void>;

/**
 * Jobs in the database. Whether work is due is decided by the caller's clock, whether a lease has run out by the
 * database's: replicas need not agree on the time. Every write of a runner shows the token of its claim and does
 * nothing, answering false, once somebody else has claimed or cancelled the job.
 */
export class JobRecords {
  constructor(readonly prisma: PrismaClient) {}

  /** Adds the job unless its kind and key are known. */
  async insert(job: NewJob, now: number, within?: Transaction): Promise<{ id: string; created: boolean }> {
    const client = within ?? this.prisma;
    // In the order of queueing: work that is due at the same moment is done in that order.
    const id = uuidv7();
    const created = await client.$executeRaw`
      INSERT INTO jobs (id, kind, key, tenant_id, payload, run_at, max_attempts, created_at)
      VALUES (${id}, ${job.kind}, ${job.key}, ${job.tenant}, ${text(job.payload)}::json, ${at(job.runAt)},
        ${job.maxAttempts}, ${at(now)})
      ON CONFLICT (kind, key) DO NOTHING`;
    if (created > 0) return { id, created: true };
    const known = await client.job.findUniqueOrThrow({
      where: { kind_key: { kind: job.kind, key: job.key } },
      select: { id: true },
    });
    return { id: known.id, created: false };
  }

  /**
   * Takes the job of these kinds that has been due longest, or whose runner let its lease run out.
   * @param kinds each with the milliseconds of its lease
   * @param own jobs that the caller has in hand itself, however its leases stand
   * @returns null when nothing is due
   */
  async claim(
    kinds: ReadonlyMap<string, number>,
    lease: { readonly owner: string; readonly token: string },
    now: number,
    own: readonly string[] = [],
  ): Promise<StoredJob | null> {
    const names = [...kinds.keys()];
    const [row] = await this.prisma.$queryRaw<Row[]>`
      UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_owner = ${lease.owner},
        lease_token = ${lease.token}, lease_until = clock_timestamp() + interval '1 millisecond' * (
          SELECT ms FROM unnest(${names}::text[], ${[...kinds.values()]}::double precision[]) k(name, ms)
          WHERE name = jobs.kind)
      WHERE id = (
        SELECT id FROM jobs
        WHERE kind = ANY(${names}::text[]) AND id <> ALL(${[...own]}::text[])
          AND ((state = 'waiting' AND run_at <= ${at(now)}) OR (state = 'running' AND lease_until < clock_timestamp()))
        ORDER BY run_at, id FOR UPDATE SKIP LOCKED LIMIT 1)
      RETURNING id, kind, key, tenant_id AS "tenantId", payload, state, run_at AS "runAt", attempts,
        max_attempts AS "maxAttempts", lease_owner AS "leaseOwner", lease_token AS "leaseToken",
        lease_until AS "leaseUntil", progress, result, error, created_at AS "createdAt", finished_at AS "finishedAt"`;
    return row ? stored(row) : null;
  }

  /** When the next waiting job of these kinds is due; null: none waits. */
  async nextDue(kinds: readonly string[]): Promise<number | null> {
    const first = await this.prisma.job.findFirst({
      where: { state: "waiting", kind: { in: [...kinds] } },
      orderBy: { runAt: "asc" },
      select: { runAt: true },
    });
    return first?.runAt.getTime() ?? null;
  }

  async renew(id: string, token: string, leaseMs: number): Promise<boolean> {
    return this.#own(this.prisma, Prisma.sql`UPDATE jobs SET lease_until = ${inMs(leaseMs)} WHERE ${held(id, token)}`);
  }

  async saveProgress(id: string, token: string, progress: unknown, write?: Write): Promise<boolean> {
    return this.#with(Prisma.sql`UPDATE jobs SET progress = ${text(progress)}::json WHERE ${held(id, token)}`, write);
  }

  /** @param forget whether the payload is emptied: what it named may have been personal */
  async finish(
    id: string,
    token: string,
    done: { readonly result: unknown; readonly now: number; readonly forget: boolean },
    write?: Write,
  ): Promise<boolean> {
    return this.#with(
      Prisma.sql`
        UPDATE jobs SET state = 'done', result = ${text(done.result)}::json, error = NULL, finished_at = ${at(done.now)},
          payload = CASE WHEN ${done.forget} THEN '{}'::json ELSE payload END, ${NO_LEASE}
        WHERE ${held(id, token)}`,
      write,
    );
  }

  /** @param retryAt null: this was the last attempt */
  async fail(id: string, token: string, failed: { error: string; retryAt: number | null; now: number }) {
    const error = storableText(failed.error);
    return this.#own(
      this.prisma,
      failed.retryAt === null
        ? Prisma.sql`
            UPDATE jobs SET state = 'failed', error = ${error}, finished_at = ${at(failed.now)},
              attempts = least(attempts, max_attempts), ${NO_LEASE}
            WHERE ${held(id, token)}`
        : Prisma.sql`
            UPDATE jobs SET state = 'waiting', error = ${error}, run_at = ${at(failed.retryAt)}, ${NO_LEASE}
            WHERE ${held(id, token)}`,
    );
  }

  /** Gives the job back unfinished: another may take it at once, and the attempt does not count. */
  async release(id: string, token: string): Promise<boolean> {
    return this.#own(
      this.prisma,
      Prisma.sql`
        UPDATE jobs SET state = 'waiting', attempts = greatest(attempts - 1, 0), ${NO_LEASE} WHERE ${held(id, token)}`,
    );
  }

  /** @returns false when there was nothing left to cancel */
  async cancel(id: string, now: number, within?: Transaction): Promise<boolean> {
    return this.#own(
      within ?? this.prisma,
      Prisma.sql`
        UPDATE jobs SET state = 'cancelled', finished_at = ${at(now)}, ${NO_LEASE}
        WHERE id = ${id} AND state IN ('waiting', 'running')`,
    );
  }

  /** Puts a failed or cancelled job in line again, with all its attempts. @returns false when it is neither */
  async retry(id: string, now: number, within?: Transaction): Promise<boolean> {
    return this.#own(
      within ?? this.prisma,
      Prisma.sql`
        UPDATE jobs SET state = 'waiting', attempts = 0, run_at = ${at(now)}, finished_at = NULL
        WHERE id = ${id} AND state IN ('failed', 'cancelled')`,
    );
  }

  async get(id: string): Promise<StoredJob | null> {
    const row = await this.prisma.job.findUnique({ where: { id } });
    return row && stored(row);
  }

  /** Newest first. */
  async list(filter: JobFilter, limit: number): Promise<StoredJob[]> {
    const rows = await this.prisma.job.findMany({
      where: {
        ...(filter.tenant !== undefined && { tenantId: filter.tenant }),
        ...(filter.kind !== undefined && { kind: filter.kind }),
        ...(filter.state !== undefined && { state: filter.state }),
      },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit,
    });
    return rows.map(stored);
  }

  /** Of the jobs whose keys begin so: whether one waits or runs, and up to when the ended ones did their work. */
  async latest(kind: string, keyPrefix: string): Promise<{ open: boolean; doneUntil: number | null }> {
    const [row] = await this.prisma.$queryRaw<{ open: boolean | null; until: Date | null }[]>`
      SELECT bool_or(state IN ('waiting', 'running')) AS open,
        max(greatest(run_at, finished_at)) FILTER (WHERE finished_at IS NOT NULL) AS until
      FROM jobs WHERE kind = ${kind} AND starts_with(key, ${keyPrefix})`;
    return { open: row?.open ?? false, doneUntil: row?.until?.getTime() ?? null };
  }

  /** Deletes jobs with such keys that wait, have never been begun, and are due later than now, but not at `due`. */
  async deleteUnbegun(kind: string, keyPrefix: string, due: number, now: number): Promise<void> {
    await this.prisma.$executeRaw`
      DELETE FROM jobs WHERE kind = ${kind} AND starts_with(key, ${keyPrefix}) AND state = 'waiting' AND attempts = 0
        AND run_at > ${at(now)} AND run_at <> ${at(due)}`;
  }

  /** Deletes ended jobs with such keys, but for the newest. */
  async deleteAllButNewest(kind: string, keyPrefix: string, keep: number): Promise<void> {
    await this.prisma.$executeRaw`
      DELETE FROM jobs WHERE id IN (
        SELECT id FROM jobs WHERE kind = ${kind} AND starts_with(key, ${keyPrefix}) AND finished_at IS NOT NULL
        ORDER BY finished_at DESC OFFSET ${keep})`;
  }

  /** @returns how many */
  deleteFinishedBefore(moment: number): Promise<number> {
    return this.prisma.$executeRaw`DELETE FROM jobs WHERE finished_at < ${at(moment)}`;
  }

  async #own(client: Transaction | PrismaClient, update: Prisma.Sql): Promise<boolean> {
    return (await client.$executeRaw(update)) > 0;
  }

  #with(update: Prisma.Sql, write?: Write): Promise<boolean> {
    if (!write) return this.#own(this.prisma, update);
    return inTransaction(this.prisma, async (transaction) => {
      // First: it locks the row, so that nobody can claim the job before all of this has committed.
      if (!(await this.#own(transaction, update))) return false;
      await write(transaction);
      return true;
    });
  }
}

const NO_LEASE = Prisma.sql`lease_owner = NULL, lease_token = NULL, lease_until = NULL`;

function held(id: string, token: string): Prisma.Sql {
  return Prisma.sql`id = ${id} AND state = 'running' AND lease_token = ${token}`;
}

function at(moment: number): Prisma.Sql {
  return Prisma.sql`${new Date(moment).toISOString()}::timestamptz`;
}

function inMs(ms: number): Prisma.Sql {
  return Prisma.sql`clock_timestamp() + ${ms}::double precision * interval '1 millisecond'`;
}

function text(value: unknown): string {
  return JSON.stringify(value ?? null);
}

function stored({ tenantId, runAt, leaseUntil, leaseToken: _, createdAt, finishedAt, ...row }: Row): StoredJob {
  return {
    ...row,
    tenant: tenantId,
    runAt: runAt.getTime(),
    leaseUntil: leaseUntil?.getTime() ?? null,
    createdAt: createdAt.getTime(),
    finishedAt: finishedAt?.getTime() ?? null,
  };
}
