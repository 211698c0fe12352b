import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createDatabase, HAS_POSTGRES } from "../../tests/support/postgres.js";
import { Relay } from "../../tests/support/proxy.js";
import { type Database, openDatabase } from "./database.js";
import { isDatabaseUnavailable } from "./unavailable.js";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe.skipIf(!HAS_POSTGRES)("a database server that is away", () => {
  let server: { url: string; drop: () => Promise<void> };
  let relay: Relay;
  let database: Database;
  beforeAll(async () => {
    server = await createDatabase();
    const url = new URL(server.url);
    relay = new Relay(url.hostname, Number(url.port || 5432));
    await relay.open();
    url.hostname = "127.0.0.1";
    url.port = String(relay.port);
    database = await openDatabase({ url: url.href });
  });
  afterAll(async () => {
    await database?.close();
    await server?.drop();
  });

  const QUERIES: [string, (database: Database) => Promise<unknown>][] = [
    ["a query", ({ prisma }) => prisma.tenant.count()],
    ["a raw query", ({ prisma }) => prisma.$queryRaw`SELECT 1`],
    ["a raw statement", ({ prisma }) => prisma.$executeRaw`SELECT 1`],
    ["a transaction", ({ prisma }) => prisma.$transaction((transaction) => transaction.$executeRaw`SELECT 1`)],
  ];

  it.each(QUERIES)("is told from one that refuses: %s", async (_name, query) => {
    await query(database);
    await relay.cut();
    // The first finds a dead connection, the second finds no server.
    for (let i = 0; i < 2; i++) expect(isDatabaseUnavailable(await query(database).catch((error) => error))).toBe(true);
    await relay.open();
  });

  it.each([
    ["a query", (sql: Database["prisma"]) => sql.$queryRaw`SELECT pg_sleep(5)::text`],
    [
      "a transaction",
      (sql: Database["prisma"]) => sql.$transaction((transaction) => transaction.$executeRaw`SELECT pg_sleep(5)`),
    ],
  ])("is told from one that refuses when it goes in the middle of %s", async (_name, query) => {
    const failed = query(database.prisma).catch((error) => error);
    await sleep(300);
    await relay.cut();
    expect(isDatabaseUnavailable(await failed)).toBe(true);
    await relay.open();
  });

  it.each([
    ["bad SQL", (sql: Database["prisma"]) => sql.$executeRaw`SELECT nothing_of_that_name`],
    ["a row that is there", (sql: Database["prisma"]) => sql.tenant.create({ data: { id: "default", name: "" } })],
    ["text it cannot hold", (sql: Database["prisma"]) => sql.tenant.create({ data: { id: "\0", name: "" } })],
  ])("is not what refuses %s", async (_name, query) => {
    const error = await query(database.prisma).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(Error);
    expect(isDatabaseUnavailable(error)).toBe(false);
  });
});
