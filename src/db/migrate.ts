import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";

/** The two things a migration needs of a database, whichever driver it comes with. */
export interface SqlRunner {
  /** Runs one or several statements. */
  run(sql: string): Promise<void>;
  rows(sql: string, values: unknown[]): Promise<Record<string, unknown>[]>;
}

const MIGRATIONS = new URL("../../prisma/migrations/", import.meta.url);
/** Any number that nobody else uses for a Postgres advisory lock: two replicas that start together take turns. */
const LOCK = 7_201_406_311;

/** Prisma's own bookkeeping, so that `prisma migrate deploy` and `prisma migrate status` work on the same database. */
const BOOKKEEPING = `
CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`;

/**
 * Applies the migrations of `prisma/migrations` that the database does not have yet, each in a transaction of its own.
 * @throws Error when an applied migration has been edited since, or one fails (the database is then as before it)
 */
export async function migrate(database: SqlRunner): Promise<void> {
  await database.run(`SELECT pg_advisory_lock(${LOCK})`);
  try {
    await database.run(BOOKKEEPING);
    const rows = await database.rows(
      'SELECT "migration_name", "checksum" FROM "_prisma_migrations" WHERE "finished_at" IS NOT NULL AND "rolled_back_at" IS NULL',
      [],
    );
    const applied = new Map(rows.map((row) => [String(row.migration_name), String(row.checksum)]));
    for (const { name, sql, checksum } of await readMigrations()) {
      const known = applied.get(name);
      if (known === checksum) continue;
      if (known)
        throw new Error(
          `Migration ${name} was changed after it had been applied. Restore the file, and add a new migration instead.`,
        );
      await apply(database, name, sql, checksum);
    }
  } finally {
    await database.run(`SELECT pg_advisory_unlock(${LOCK})`);
  }
}

async function apply(database: SqlRunner, name: string, sql: string, checksum: string): Promise<void> {
  await database.run("BEGIN");
  try {
    await database.run(sql);
    await database.rows(
      'INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name", "finished_at", "applied_steps_count") VALUES ($1, $2, $3, now(), 1)',
      [randomUUID(), checksum, name],
    );
    await database.run("COMMIT");
  } catch (error) {
    await database.run("ROLLBACK");
    throw new Error(`Migration ${name} failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

async function readMigrations(): Promise<{ name: string; sql: string; checksum: string }[]> {
  const folders = (await readdir(MIGRATIONS, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const names = folders.map((folder) => folder.name).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(`${name}/migration.sql`, MIGRATIONS), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}
