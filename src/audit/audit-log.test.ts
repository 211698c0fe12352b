import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { AuditEntries, type AuditRecord, type Database, openDatabase } from "../db/index.js";
import { DEFAULT_TENANT } from "../domain/access/scope.js";
import { createLogger } from "../ops/logs.js";
import { createMetrics } from "../ops/metrics.js";
import { readLines } from "../spool/index.js";
import { type AuditInput, AuditLog, NO_REQUEST } from "./audit-log.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const NOW = Date.parse("2026-07-14T12:00:00Z");
let folder: string;
let database: Database;
let entries: Flaky;
let audit: AuditLog;
let logs = 0;

/** Entries over a database that goes away at will, as the driver tells of it. */
class Flaky extends AuditEntries {
  isAway = false;
  /** What every batch takes, milliseconds. */
  delay = 0;

  override async seal(records: readonly AuditRecord[]): Promise<number> {
    await sleep(this.delay);
    return this.isAway ? Promise.reject(new Error("Connection terminated unexpectedly")) : super.seal(records);
  }
}
let now: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-audit-log-"));
  database = await openDatabase({ folder });
  entries = new Flaky(database.prisma);
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
  audit = await newLog();
});
afterEach(() => audit.close());

function newLog(spool = join(folder, `spool${++logs}`), maxBytes = 1e9): Promise<AuditLog> {
  const parts = { entries, clock: () => now, metrics: createMetrics(), log: createLogger("test", "silent") };
  return AuditLog.open({ ...parts, folder: spool, maxBytes });
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

describe("the audit log", () => {
  it("has an entry on disk before it returns, and in the database shortly after", async () => {
    await audit.append(input("a"));
    expect(audit.spool.bytes).toBeGreaterThan(100);
    await vi.waitFor(async () => expect(await written()).toEqual(["a"]), { timeout: 20_000 });
    await vi.waitFor(() => expect(audit.spool.bytes).toBe(0));
  });

  it("writes everything on flush, in order, with the time at which it happened", async () => {
    const appended = Array.from({ length: 2500 }, (_, i) => {
      now = NOW + i;
      return audit.append(input(`a${i}`));
    });
    await Promise.all(appended);
    await audit.flush();
    expect(await written()).toEqual(Array.from({ length: 2500 }, (_, i) => `a${i}`));
    const last = await database.prisma.auditEntry.findFirst({ orderBy: { seq: "desc" } });
    expect(last?.timestamp.getTime()).toBe(NOW + 2499);
  });

  it("writes nothing twice when flushed from several sides", async () => {
    await Promise.all(Array.from({ length: 50 }, (_, i) => audit.append(input(`a${i}`))));
    await Promise.all([audit.flush(), audit.flush(), audit.flush()]);
    expect(await written()).toHaveLength(50);
  });

  it("writes what a killed process left behind, once, however far it had come", async () => {
    const spool = join(folder, "killed");
    entries.isAway = true;
    const killed = await newLog(spool);
    await Promise.all(Array.from({ length: 700 }, (_, i) => killed.append(input(`a${i}`))));
    await killed.close();
    entries.isAway = false;
    // Part of it had reached the database when the process was killed.
    const [first = ""] = await readdir(spool).then((names) => names.filter((name) => name.endsWith(".ndjson")));
    const lines = await readLines(join(spool, first));
    await entries.seal(lines.slice(0, 300).map((line) => JSON.parse(line) as AuditRecord));
    const next = await newLog(spool);
    await next.flush();
    expect(await written()).toEqual(Array.from({ length: 700 }, (_, i) => `a${i}`));
    await next.close();
  });

  it("stops within seconds however much waits, and goes on after the next start", async () => {
    const spool = join(folder, "slow");
    entries.delay = 3000;
    const slow = await newLog(spool);
    await Promise.all(Array.from({ length: 5000 }, (_, i) => slow.append(input(`a${i}`))));
    const closing = slow.close().then(() => "closed");
    expect(await Promise.race([closing, sleep(15_000).then(() => "still writing")])).toBe("closed");
    entries.delay = 0;
    expect((await written()).length).toBeLessThan(5000);
    const next = await newLog(spool);
    await next.flush();
    expect(await written()).toEqual(Array.from({ length: 5000 }, (_, i) => `a${i}`));
    await next.close();
  });

  it("has an announcement committed before it returns, and puts it before what was taken in later", async () => {
    await audit.announce(input("change"));
    expect(await database.prisma.auditOutbox.count()).toBe(1);
    await audit.append(input("read"));
    await audit.flush();
    expect(await written()).toEqual(["change", "read"]);
  });

  it("writes an announcement by itself", async () => {
    await audit.announce(input("change"));
    await vi.waitFor(async () => expect(await written()).toEqual(["change"]), { timeout: 20_000 });
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
    entries.isAway = true;
    await Promise.all(Array.from({ length: 1500 }, (_, i) => audit.append(input(`a${i}`))));
    await expect(audit.flush()).rejects.toThrow("Connection terminated");
    await audit.append(input("last"));
    entries.isAway = false;
    await vi.waitFor(async () => expect(await written()).toHaveLength(1501), { timeout: 30_000, interval: 200 });
    expect(await written()).toEqual([...Array.from({ length: 1500 }, (_, i) => `a${i}`), "last"]);
  });

  it("takes nothing in that it has no room for, and says so beforehand", async () => {
    entries.isAway = true;
    const small = await newLog(undefined, 1000);
    try {
      await small.append(input("a"));
      for (let i = 0; i < 5; i++) await small.append(input("a")).catch(() => undefined);
      expect(small.accepts).toBe(false);
      await expect(small.append(input("b"))).rejects.toThrow("too much waits");
    } finally {
      entries.isAway = false;
      await small.close();
    }
  });

  it("writes what waits when it is closed", async () => {
    await audit.append(input("a"));
    await audit.close();
    expect(await written()).toEqual(["a"]);
  });
});
