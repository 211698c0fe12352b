import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, HAS_POSTGRES } from "../../tests/support/postgres.js";
import { AuditEntries, type AuditRecord } from "./audit-entries.js";
import { AuditSubjects } from "./audit-subjects.js";
import { type Database, openDatabase } from "./database.js";

function record(userId: string | null, change: Partial<AuditRecord> = {}): AuditRecord {
  return {
    id: randomUUID(),
    tenantId: "default",
    timestamp: Date.parse("2026-01-28T22:00:00.123Z"),
    userId,
    role: "ADMIN",
    action: "dashboard.view",
    resource: "/api/v1/dashboards/fleet",
    method: "GET",
    status: 200,
    ip: "203.0.113.7",
    userAgent: "a very personal browser",
    details: { username: "mia.person", nested: { a: [1, "ü"] } },
    source: "user",
    eventType: null,
    eventId: null,
    ...change,
  };
}

describe.skipIf(!HAS_POSTGRES)("people in the audit trail", () => {
  let database: Database;
  let drop: () => Promise<void>;
  let entries: AuditEntries;
  let subjects: AuditSubjects;
  const masterKey = randomBytes(32);

  beforeAll(async () => {
    const { url, drop: dropDatabase } = await createDatabase();
    drop = dropDatabase;
    database = await openDatabase({ url });
    subjects = new AuditSubjects(database.prisma, masterKey);
    entries = new AuditEntries(database.prisma, subjects);
  });
  afterAll(async () => {
    await database?.close();
    await drop?.();
  });

  const raw = async (): Promise<string> => {
    const rows = await database.prisma.$queryRaw<{ row: string }[]>`SELECT a::text AS row FROM audit_entries a`;
    return rows.map(({ row }) => row).join("\n");
  };

  it("are read back as they were written, found by their id, and stand nowhere in plain text", async () => {
    await entries.seal([
      record("user_mia"),
      record("user_tom"),
      record(null, { userAgent: "nobody's", details: { anonymous: true } }),
    ]);
    const { items, total } = await entries.page("default", { userId: "user_mia" }, 10, 0);
    expect(total).toBe(1);
    expect(items[0]).toMatchObject({
      userId: "user_mia",
      ip: "203.0.113.7",
      userAgent: "a very personal browser",
      details: { username: "mia.person", nested: { a: [1, "ü"] } },
    });
    expect(await entries.summary("default", "user_mia")).toMatchObject({ totalActions: 1 });
    const text = await raw();
    for (const secret of ["user_mia", "mia.person", "personal browser"]) expect(text).not.toContain(secret);
    // Nobody's entry has nobody to be encrypted for.
    expect(text).toContain("anonymous");
  });

  it("are the same to another process with the same key, and a riddle to one with another", async () => {
    const other = new AuditEntries(database.prisma, new AuditSubjects(database.prisma, masterKey));
    await other.seal([record("user_mia")]);
    expect((await other.page("default", { userId: "user_mia" }, 10, 0)).total).toBe(2);
    const stranger = new AuditEntries(database.prisma, new AuditSubjects(database.prisma, randomBytes(32)));
    await expect(stranger.page("default", { userId: "user_mia" }, 10, 0)).rejects.toThrow();
  });

  it("are forgotten for good: their entries stay, and tell nothing of them", async () => {
    await entries.seal([
      record("admin", { action: "user.update", resource: "users/user_eve", details: { email: "eve@example.com" } }),
    ]);
    await entries.seal([record("user_eve")]);
    expect(await subjects.erase("default", "user_eve")).toBe(1);
    expect((await entries.page("default", { userId: "user_eve" }, 10, 0)).total).toBe(0);
    const { items } = await entries.page("default", {}, 2, 0);
    expect(items).toMatchObject([
      { userId: null, ip: null, details: { erased: true }, action: "dashboard.view" },
      { userId: "admin", ip: null, details: { erased: true }, action: "user.update" },
    ]);
    const kept = await database.prisma.$queryRaw<{ row: string }[]>`SELECT s::text AS row FROM audit_subjects s`;
    expect(JSON.stringify(kept)).not.toContain("user_eve");
    expect(await subjects.erase("default", "user_eve")).toBe(0);
    // Whoever comes back is somebody new.
    await entries.seal([record("user_eve")]);
    expect((await entries.page("default", { userId: "user_eve" }, 10, 0)).total).toBe(1);
  });

  it("are told apart by tenant", async () => {
    await entries.seal([record("user_mia", { tenantId: "elsewhere" })]);
    await subjects.erase("elsewhere", "user_mia");
    expect((await entries.page("default", { userId: "user_mia" }, 10, 0)).total).toBe(2);
  });

  it("keep their keys when a batch is rolled back", async () => {
    const bad = record("user_new", { status: 2 ** 40 });
    await expect(entries.seal([bad])).rejects.toThrow();
    await entries.seal([record("user_new")]);
    expect((await entries.page("default", { userId: "user_new" }, 10, 0)).items[0]).toMatchObject({
      userId: "user_new",
    });
  });

  it("can all be read in order, page by page", async () => {
    const seen: (string | null)[] = [];
    for await (const page of entries.pages("default", { action: "dashboard.view" }))
      seen.push(...page.map(({ userId }) => userId));
    expect(seen).toEqual(["user_mia", "user_tom", null, "user_mia", null, "user_eve", "user_new"]);
  });
});
