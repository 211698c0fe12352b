import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AuditEntries,
  type AuditRecord,
  accessChanges,
  type Database,
  type DatabaseOptions,
  Members,
  openDatabase,
} from "../src/db/index.js";
import { createDatabase, HAS_POSTGRES } from "./support/postgres.js";

interface Place {
  readonly options: DatabaseOptions;
  readonly remove: () => Promise<void>;
}

const PLACES: [string, boolean, () => Promise<Place>][] = [
  [
    "embedded",
    true,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "crowsnest-db-"));
      return { options: { folder }, remove: () => rm(folder, { recursive: true, force: true }) };
    },
  ],
  [
    "on a server",
    HAS_POSTGRES,
    async () => {
      const { url, drop } = await createDatabase();
      // As the replaced service's configuration spelt it.
      return { options: { url: url.replace("postgres:", "postgresql+asyncpg:") }, remove: drop };
    },
  ],
];

function record(details: Record<string, unknown>, more: Partial<AuditRecord> = {}): AuditRecord {
  return {
    id: randomUUID(),
    tenantId: "default",
    timestamp: Date.parse("2026-01-28T22:00:00.123Z"),
    userId: "user_1",
    role: "ADMIN",
    action: "test",
    resource: "/test",
    method: null,
    status: null,
    ip: null,
    userAgent: null,
    details,
    source: "user",
    eventType: null,
    eventId: null,
    ...more,
  };
}

describe.each(PLACES.filter(([, reachable]) => reachable))("Postgres %s", (_name, _reachable, create) => {
  let place: Place;
  let database: Database;
  let entries: AuditEntries;
  beforeAll(async () => {
    place = await create();
    database = await openDatabase(place.options);
    entries = new AuditEntries(database.prisma);
  });
  afterAll(async () => {
    await database?.close();
    await place?.remove();
  });

  it("is migrated once, and keeps its data over a restart", async () => {
    await database.prisma.tenant.create({ data: { id: "kept", name: "Kept" } });
    await database.close();
    database = await openDatabase(place.options);
    entries = new AuditEntries(database.prisma);
    expect(await database.prisma.tenant.findUnique({ where: { id: "kept" } })).toMatchObject({ name: "Kept" });
    const applied = await database.prisma.$queryRaw`SELECT migration_name FROM _prisma_migrations`;
    expect(applied).toHaveLength(readdirSync("prisma/migrations").filter((name) => /^\d/.test(name)).length);
  });

  it("commits a user together with its audit entry, or neither", async () => {
    const members = new Members(
      database.prisma,
      accessChanges(database.prisma, entries, async () => undefined),
    );
    const user = {
      id: "u1",
      tenantId: "default",
      username: "ann",
      email: null,
      passwordHash: "x",
    };
    const grant = { roleId: "ADMIN", vehicleIds: ["*"], fleetIds: ["fleet_1"] };
    expect(await members.create(user, grant, record({ made: "ann" }))).toMatchObject({
      user: { username: "ann" },
      fleetIds: ["fleet_1"],
    });
    expect(await members.create({ ...user, id: "u2" }, grant, record({ made: "twice" }))).toBeNull();
    const waiting = await database.prisma.auditOutbox.findMany();
    expect(waiting.map((row) => row.entry)).toMatchObject([{ details: { made: "ann" } }]);
    // The same name in another tenant is another user.
    await database.prisma.tenant.create({ data: { id: "other", name: "Other" } });
    expect(
      await members.create({ ...user, id: "u3", tenantId: "other" }, grant, record({}, { tenantId: "other" })),
    ).not.toBeNull();
  });

  it("numbers entries without gaps per tenant, the outbox first, whoever seals at the same time", async () => {
    const batches = Array.from({ length: 6 }, (_, batch) =>
      Array.from({ length: 40 }, (_, i) =>
        record({ batch, i }, { tenantId: i % 4 === 0 ? "other" : "default", status: i, ip: i % 2 ? null : "::1" }),
      ),
    );
    await Promise.all(batches.map((batch) => entries.seal(batch)));
    for (const [tenantId, count] of [
      ["default", 181],
      ["other", 61],
    ] as const) {
      const rows = await database.prisma.auditEntry.findMany({ where: { tenantId }, orderBy: { seq: "asc" } });
      expect(rows.map((row) => Number(row.seq))).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    }
    const [first] = await database.prisma.auditEntry.findMany({
      where: { tenantId: "default" },
      orderBy: { seq: "asc" },
      take: 1,
    });
    expect(first).toMatchObject({ details: { made: "ann" }, timestamp: new Date("2026-01-28T22:00:00.123Z") });
    expect(await database.prisma.auditOutbox.count()).toBe(0);
    // Within a batch the order given is kept.
    const own = await database.prisma.auditEntry.findMany({
      where: { tenantId: "default", details: { path: ["batch"], equals: 3 } },
      orderBy: { seq: "asc" },
    });
    expect(own.map((row) => row.status)).toEqual(
      batches[3]?.filter((r) => r.tenantId === "default").map((r) => r.status),
    );
  });

  it("finds entries by user, action, source and time, newest first, and never another tenant's", async () => {
    const at = Date.parse("2026-02-01T00:00:00Z");
    await entries.seal([
      record({}, { userId: "bob", action: "x", timestamp: at }),
      record({}, { userId: "bob", action: "y", timestamp: at + 1000, source: "event", eventId: "e1" }),
    ]);
    const { items, total } = await entries.page("default", { userId: "bob" }, 10, 0);
    expect([total, items.map((item) => item.action)]).toEqual([2, ["y", "x"]]);
    expect((await entries.page("default", { source: "event" }, 10, 0)).total).toBe(1);
    expect((await entries.page("default", { userId: "bob", from: at + 1, to: at + 1001 }, 10, 0)).items).toMatchObject([
      { action: "y" },
    ]);
    expect((await entries.page("other", { userId: "bob" }, 10, 0)).total).toBe(0);
    expect(await entries.summary("default", "bob")).toEqual({
      totalActions: 2,
      lastActionAt: at + 1000,
      byAction: { x: 1, y: 1 },
    });
  });

  it("stores text of any kind unharmed", async () => {
    const odd = [
      "'; DROP TABLE users; --",
      "\u202Eright to left",
      "😀 ünï",
      'quote " and \\ backslash',
      "{1,2}",
      "NULL",
      "",
    ];
    await entries.seal(odd.map((text) => record({ text }, { resource: text, userAgent: text, action: "odd" })));
    const { items } = await entries.page("default", { action: "odd" }, 100, 0);
    expect(
      items.reverse().map((item) => [item.resource, item.userAgent, (item.details as { text: string }).text]),
    ).toEqual(odd.map((text) => [text, text, text]));
  });
});
