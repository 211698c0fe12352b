import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { DEFAULT_TENANT } from "../domain/access/scope.js";
import { seedRoles } from "./access.js";
import { PrismaClient } from "./client/client.js";
import { EmbeddedPostgres } from "./embedded.js";
import { lockFolder } from "./lock.js";
import { migrate } from "./migrate.js";

export type { PrismaClient } from "./client/client.js";

/** The gateway's own database: one Prisma client, whichever Postgres is behind it. */
export interface Database {
  readonly prisma: PrismaClient;
  /** Where it is, for logs and health: never with a password. */
  readonly description: string;
  close(): Promise<void>;
}

export type DatabaseOptions = { readonly url: string } | { readonly folder: string };

/**
 * Opens Postgres at `url`, or the embedded Postgres in `folder`, and brings the schema up to date.
 * @throws Error when it cannot be reached, or when another process holds the folder
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database = "url" in options ? await openServer(options.url) : await openEmbedded(options.folder);
  await database.prisma.tenant.upsert({
    where: { id: DEFAULT_TENANT },
    create: { id: DEFAULT_TENANT, name: "Default" },
    update: {},
  });
  await seedRoles(database.prisma);
  return database;
}

async function openServer(url: string): Promise<Database> {
  // SQLAlchemy's way of naming a driver within the scheme, as the replaced service was configured.
  const connectionString = url.replace(/^postgres(ql)?\+\w+:/, "postgresql:");
  const pool = new pg.Pool({ connectionString, max: 10, connectionTimeoutMillis: 5_000 });
  // A connection that breaks while idle is replaced at the next query; without a listener it would end the process.
  pool.on("error", () => undefined);
  const client = await pool.connect();
  try {
    await migrate({
      run: async (sql) => void (await client.query(sql)),
      rows: async (sql, values) => (await client.query(sql, values)).rows,
    });
  } finally {
    client.release();
  }
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  const { host, pathname } = new URL(connectionString);
  return {
    prisma,
    description: `postgres ${host}${pathname}`,
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

async function openEmbedded(folder: string): Promise<Database> {
  const { PrismaPGlite } = await import("pglite-prisma-adapter");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(folder);
  const engine = new EmbeddedPostgres(join(folder, "postgres"));
  try {
    await migrate({
      run: (sql) => engine.exec(sql),
      rows: async (sql, values) => {
        const { fields, rows } = await engine.query(sql, values);
        return rows.map((row) => Object.fromEntries(fields.map(({ name }, i) => [name, row[i]])));
      },
    });
  } catch (error) {
    await engine.close();
    await unlock();
    throw error;
  }
  const prisma = new PrismaClient({ adapter: new PrismaPGlite(engine as unknown as PGlite) });
  return {
    prisma,
    description: "embedded postgres",
    async close() {
      await prisma.$disconnect();
      await engine.close();
      await unlock();
    },
  };
}
