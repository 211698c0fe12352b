import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { accessChanges } from "./access.js";
import { AuditEntries, type AuditRecord } from "./audit-entries.js";
import { type Database, openDatabase } from "./database.js";
import { Members, type NewUser } from "./members.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const AT = Date.parse("2026-07-14T12:00:00.123Z");
let folder: string;
let database: Database;
let entries: AuditEntries;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-audit-"));
  database = await openDatabase({ folder });
  entries = new AuditEntries(database.prisma);
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

let tenants = 0;
/** A tenant of its own for a test: its sequence starts at 1. */
async function newTenant(): Promise<string> {
  const id = `tenant_${++tenants}`;
  await database.prisma.tenant.create({ data: { id, name: id } });
  return id;
}

function entry(tenantId: string, change: Partial<AuditRecord> = {}): AuditRecord {
  const request = { method: "GET", status: 200, ip: "127.0.0.1", userAgent: "vitest" };
  const what = { action: "dashboard.view", resource: "/api/v1/dashboards/fleet", details: {}, source: "user" as const };
  const who = { userId: "user_1", role: "ADMIN" };
  return {
    id: randomUUID(),
    tenantId,
    timestamp: AT,
    ...who,
    ...what,
    ...request,
    eventType: null,
    eventId: null,
    ...change,
  };
}
const many = (tenantId: string, count: number, action = "a"): AuditRecord[] =>
  Array.from({ length: count }, (_, i) => entry(tenantId, { action: `${action}${i}` }));

async function sequence(tenantId: string) {
  const rows = await database.prisma.auditEntry.findMany({ where: { tenantId }, orderBy: { seq: "asc" } });
  return { numbers: rows.map((row) => Number(row.seq)), actions: rows.map((row) => row.action) };
}
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe("sealing", () => {
  it("keeps an entry as it happened", async () => {
    const tenant = await newTenant();
    const record = entry(tenant, {
      details: { fields: ["fleet"], nested: { ü: "'\"\\" } },
      eventType: "alert.created",
      eventId: "e1",
    });
    await entries.seal([record]);
    const { timestamp, ...rest } = record;
    const [row] = (await entries.page(tenant, {}, 10, 0)).items;
    const hashes = { prevHash: new Uint8Array(32), hash: expect.any(Uint8Array) };
    expect(row).toEqual({ ...rest, ...hashes, timestamp: new Date(timestamp), seq: 1n });
  });

  it("numbers each tenant's entries without gaps, in the order given", async () => {
    const [a, b] = [await newTenant(), await newTenant()];
    await entries.seal([entry(a, { action: "a0" }), entry(b, { action: "b0" }), entry(a, { action: "a1" })]);
    await entries.seal([entry(b, { action: "b1" }), entry(a, { action: "a2" })]);
    expect(await sequence(a)).toEqual({ numbers: [1, 2, 3], actions: ["a0", "a1", "a2"] });
    expect(await sequence(b)).toEqual({ numbers: [1, 2], actions: ["b0", "b1"] });
  });

  it("puts the outbox first, in its order, and empties it", async () => {
    const tenant = await newTenant();
    await entries.enqueue(database.prisma, entry(tenant, { action: "first" }));
    await entries.enqueue(database.prisma, entry(tenant, { action: "second" }));
    expect(await entries.seal([entry(tenant, { action: "third" })])).toBe(3);
    expect(await sequence(tenant)).toEqual({ numbers: [1, 2, 3], actions: ["first", "second", "third"] });
    expect(await database.prisma.auditOutbox.count()).toBe(0);
    expect(await entries.seal([])).toBe(0);
  });

  it("puts even a long outbox first", async () => {
    const tenant = await newTenant();
    const waiting = many(tenant, 1100, "waiting").map((record) => ({
      tenantId: tenant,
      entry: { ...record } as object,
    }));
    await database.prisma.auditOutbox.createMany({ data: waiting });
    await entries.seal([entry(tenant, { action: "later" })]);
    while ((await entries.seal([])) > 0);
    const { numbers, actions } = await sequence(tenant);
    expect(numbers).toEqual(upTo(1101));
    expect(actions.indexOf("later")).toBe(1100);
  });

  it("takes turns when called at once: no gap, no number twice, every batch in one piece", async () => {
    const tenant = await newTenant();
    await Promise.all(["u", "v", "w", "x", "y"].map((name) => entries.seal(many(tenant, 20, name))));
    const { numbers, actions } = await sequence(tenant);
    expect(numbers).toEqual(upTo(100));
    const batches = Array.from({ length: 5 }, (_, i) => actions.slice(i * 20, (i + 1) * 20));
    for (const batch of batches) expect(batch).toEqual(Array.from({ length: 20 }, (_, i) => `${batch[0]?.[0]}${i}`));
  });

  it("adds all of a batch or nothing, and leaves no gap behind", async () => {
    const tenant = await newTenant();
    await entries.seal([entry(tenant, { action: "known" })]);
    await entries.enqueue(database.prisma, entry(tenant, { action: "waiting" }));
    await expect(entries.seal([entry(tenant), entry(tenant, { status: 2 ** 40 })])).rejects.toThrow();
    expect((await sequence(tenant)).actions).toEqual(["known"]);
    await entries.seal([entry(tenant, { action: "new" })]);
    expect(await sequence(tenant)).toEqual({ numbers: [1, 2, 3], actions: ["known", "waiting", "new"] });
  });

  it("may be repeated when its outcome got lost, and adds only what is not there yet", async () => {
    const tenant = await newTenant();
    const batch = many(tenant, 3);
    await entries.seal(batch);
    await entries.seal([...batch, entry(tenant, { action: "new" })]);
    expect(await sequence(tenant)).toEqual({ numbers: [1, 2, 3, 4], actions: ["a0", "a1", "a2", "new"] });
  });

  it.each([
    ["the character that Postgres cannot store", { details: { name: "a\u0000b" } }],
    ["half a character", { details: { name: "\ud800" } }],
    ["a user whose id it cannot store", { userId: "a\u0000b" }],
    ["a tenant seen for the first time", { tenantId: "tenant_of_a_foreign_token" }],
  ])("is not held up for ever by %s", async (_name, change) => {
    const tenant = await newTenant();
    await entries.seal([entry(tenant), entry(tenant, change), entry(tenant)]);
    expect((await sequence(tenant)).numbers.length).toBeGreaterThanOrEqual(2);
  });
});

describe("reading back", () => {
  it("gives pages newest first with the total, of one tenant only", async () => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    await entries.seal([...many(tenant, 5), ...many(other, 3)]);
    const { items, total } = await entries.page(tenant, {}, 2, 1);
    expect([items.map((item) => item.action), total]).toEqual([["a3", "a2"], 5]);
  });

  it("filters by everything that can be asked for; times are half-open", async () => {
    const tenant = await newTenant();
    const special = { userId: "u", action: "x", resource: "/r", eventType: "t", source: "event" as const };
    await entries.seal([entry(tenant), entry(tenant, special), entry(tenant, { timestamp: AT + 1000 })]);
    const count = async (query: Parameters<AuditEntries["page"]>[1]) =>
      (await entries.page(tenant, query, 10, 0)).total;
    for (const [name, value] of Object.entries(special)) expect(await count({ [name]: value }), name).toBe(1);
    expect(await count({ from: AT, to: AT + 1000 })).toBe(2);
    expect(await count({ from: AT + 1 })).toBe(1);
    expect(await count({ userId: null })).toBe(3);
  });

  it("sums up what one user did", async () => {
    const tenant = await newTenant();
    const own = { userId: "mia" };
    await entries.seal([
      entry(tenant, own),
      entry(tenant, { ...own, timestamp: AT + 5 }),
      entry(tenant, { ...own, action: "login" }),
      entry(tenant),
    ]);
    expect(await entries.summary(tenant, "mia")).toEqual({
      totalActions: 3,
      lastActionAt: AT + 5,
      byAction: { "dashboard.view": 2, login: 1 },
    });
    expect(await entries.summary(tenant, "nobody")).toEqual({ totalActions: 0, lastActionAt: null, byAction: {} });
  });
});

describe("users", () => {
  function user(tenantId: string, change: Partial<NewUser> = {}): NewUser {
    return { id: `${tenantId}_mia`, tenantId, username: "mia", email: null, passwordHash: "hash", ...change };
  }
  const GRANT = { roleId: "ADMIN", vehicleIds: ["*"], fleetIds: ["F1"] };
  const newMembers = () =>
    new Members(
      database.prisma,
      accessChanges(database.prisma, entries, async () => undefined),
    );

  it("are made together with the audit entry that tells of it", async () => {
    const tenant = await newTenant();
    const members = newMembers();
    const created = await members.create(user(tenant), GRANT, entry(tenant, { action: "user.create" }));
    expect(created).toMatchObject({ fleetIds: ["F1"], user: { username: "mia", disabled: false } });
    expect(await database.prisma.auditOutbox.count({ where: { tenantId: tenant } })).toBe(1);
    await entries.seal([]);
    expect((await sequence(tenant)).actions).toEqual(["user.create"]);
  });

  it("are not made twice under one name, and nothing tells of the attempt as a success", async () => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const members = newMembers();
    await members.create(user(tenant), GRANT, entry(tenant));
    await entries.seal([]);
    expect(await members.create(user(tenant, { id: "another id" }), GRANT, entry(tenant))).toBeNull();
    expect(await database.prisma.auditOutbox.count()).toBe(0);
    expect(await members.create(user(other), GRANT, entry(other))).not.toBeNull();
  });

  it("are not made when their audit entry cannot be", async () => {
    const tenant = await newTenant();
    const members = newMembers();
    await expect(members.create(user(tenant), GRANT, entry("no such tenant"))).rejects.toThrow();
    expect(await members.byName(tenant, "mia")).toBeNull();
  });
});
