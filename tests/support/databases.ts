import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openDatabase } from "../../src/db/index.js";
import { createDatabase, HAS_POSTGRES } from "./postgres.js";

export interface TestDatabase {
  readonly database: Database;
  /** Null: embedded. */
  readonly url: string | null;
  /** Closes and removes it. */
  readonly drop: () => Promise<void>;
}

export async function openEmbedded(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "crowsnest-db-"));
  const database = await openDatabase({ folder });
  const drop = async () => {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { database, url: null, drop };
}

export async function openOnServer(): Promise<TestDatabase> {
  const { url, drop } = await createDatabase();
  const database = await openDatabase({ url });
  const close = async () => {
    await database.close();
    await drop();
  };
  return { database, url, drop: close };
}

/** Every kind of database there is here: for `describe.each`. */
export const DATABASES: [name: string, open: () => Promise<TestDatabase>][] = [
  ["embedded", openEmbedded],
  ...(HAS_POSTGRES ? ([["on a server", openOnServer]] as [string, () => Promise<TestDatabase>][]) : []),
];
