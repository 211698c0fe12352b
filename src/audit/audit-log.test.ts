import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { AuditEntries, type Database, openDatabase } from "../db/index.js";
import { DEFAULT_TENANT } from "../domain/access/scope.js";
import { createLogger } from "../ops/logs.js";
import { createMetrics } from "../ops/metrics.js";
import { type AuditInput, AuditLog, NO_REQUEST } from "./audit-log.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const NOW = Date.parse("2026-07-14T12:00:00Z");
let folder: string;
let database: Database;
let entries: AuditEntries;
let audit: AuditLog;
let now: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-audit-log-"));
  database = await openDatabase({ folder });
  entries = new AuditEntries(database.prisma);
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  now = NOW;
  for (const sql of [
    "ALTER TABLE audit_entries DISABLE TRIGGER USER",
    "TRUNCATE audit_entries, audit_outbox",
    "ALTER TABLE audit_entries ENABLE TRIGGER USER",
  ]) {
    await database.prisma.$executeRawUnsafe(sql);
  }
  audit = newLog();
});
afterEach(() => audit.close());

function newLog(): AuditLog {
  return new AuditLog(entries, () => now, createMetrics(), createLogger("test", "silent"));
}

function input(action: string): AuditInput {
  return {
    ...NO_REQUEST,
    tenantId: DEFAULT_TENANT,
    userId: "u",
    role: "ADMIN",
    action,
    resource: "/",
    details: {},
    source: "user",
  };
}

async function written(): Promise<string[]> {
  const rows = await database.prisma.auditEntry.findMany({ orderBy: { seq: "asc" } });
  expect(rows.map((row) => Number(row.seq))).toEqual(rows.map((_, i) => i + 1));
  return rows.map((row) => row.action);
}

const away = () => database.prisma.$executeRawUnsafe("ALTER TABLE audit_entries RENAME TO away");
const back = () => database.prisma.$executeRawUnsafe("ALTER TABLE away RENAME TO audit_entries");

describe("the audit log", () => {
  it("writes by itself what was taken in, shortly after", async () => {
    audit.append(input("a"));
    expect(await written()).toEqual([]);
    await vi.waitFor(async () => expect(await written()).toEqual(["a"]), { timeout: 20_000 });
  });

  it("writes everything on flush, in order, with the time at which it happened", async () => {
    for (let i = 0; i < 2500; i++) {
      now = NOW + i;
      audit.append(input(`a${i}`));
    }
    await audit.flush();
    expect(await written()).toEqual(Array.from({ length: 2500 }, (_, i) => `a${i}`));
    const last = await database.prisma.auditEntry.findFirst({ orderBy: { seq: "desc" } });
    expect(last?.timestamp.getTime()).toBe(NOW + 2499);
  });

  it("writes nothing twice when flushed from several sides", async () => {
    for (let i = 0; i < 50; i++) audit.append(input(`a${i}`));
    await Promise.all([audit.flush(), audit.flush(), audit.flush()]);
    expect(await written()).toHaveLength(50);
  });

  it("has an announcement committed before it returns, and puts it before what was taken in later", async () => {
    await audit.announce(input("change"));
    expect(await database.prisma.auditOutbox.count()).toBe(1);
    audit.append(input("read"));
    await audit.flush();
    expect(await written()).toEqual(["change", "read"]);
  });

  it("writes what a killed process left in the outbox, however much", async () => {
    const left = Array.from({ length: 1500 }, (_, i) => audit.record(input(`left${i}`)));
    await database.prisma.auditOutbox.createMany({
      data: left.map((entry) => ({ tenantId: DEFAULT_TENANT, entry: { ...entry } as object })),
    });
    await audit.flush();
    expect(await database.prisma.auditOutbox.count()).toBe(0);
    expect(await written()).toHaveLength(1500);
  });

  it("keeps everything in order while the database is away, and writes it once it is back", async () => {
    await away();
    for (let i = 0; i < 1500; i++) audit.append(input(`a${i}`));
    await expect(audit.flush()).rejects.toThrow();
    audit.append(input("last"));
    await back();
    await audit.flush();
    expect(await written()).toEqual([...Array.from({ length: 1500 }, (_, i) => `a${i}`), "last"]);
  });

  it("tries again by itself after a failure, announcements alone included", async () => {
    await away();
    await audit.announce(input("change"));
    await new Promise((done) => setTimeout(done, 400));
    await back();
    await vi.waitFor(async () => expect(await written()).toEqual(["change"]), { timeout: 20_000, interval: 100 });
  });

  it("writes what waits when it is closed", async () => {
    audit.append(input("a"));
    await audit.close();
    expect(await written()).toEqual(["a"]);
  });
});
