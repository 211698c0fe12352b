import { randomUUID } from "node:crypto";
import pg from "pg";

/** A Postgres server that tests may make databases on. */
const SERVER = process.env.TEST_DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";

async function isReachable(): Promise<boolean> {
  const client = new pg.Client({ connectionString: SERVER, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.log(`Skipped: suites over a Postgres server need one (set TEST_DATABASE_URL): ${reason}`);
    return false;
  }
}

export const HAS_POSTGRES = await isReachable();

/** A database of its own, gone again after `drop`. */
export async function createDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `crowsnest_test_${randomUUID().replaceAll("-", "")}`;
  await onServer(`CREATE DATABASE ${name}`);
  const url = new URL(SERVER);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function onServer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: SERVER });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
