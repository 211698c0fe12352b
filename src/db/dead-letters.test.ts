import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { DATABASES, type TestDatabase } from "../../tests/support/databases.js";
import { AuditEntries, type AuditRecord, type DeadLetterCursor, DeadLetters, type StoredDeadLetter } from "./index.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

type Letter = Parameters<DeadLetters["add"]>[0][number];
const AT = Date.parse("2026-07-14T12:00:00.123Z");
const base64 = (text: string): string => Buffer.from(text).toString("base64");

let made = 0;
function letter(tenant: string, change: Partial<Letter> = {}): Letter {
  const n = ++made;
  return {
    // As they are made: in order of time.
    id: `0197f${String(n).padStart(6, "0")}`,
    tenant,
    kind: "validation",
    error: "payload.phone: is missing",
    faults: [{ path: ["payload", "phone"], message: "is missing", type: "missing" }],
    eventType: "user.registered",
    origin: `kafka:users/0/${n}`,
    shape: "rides",
    eventId: `event-${n}`,
    raw: base64(`{"event_type":"user.registered","n":${n}}`),
    attempts: 1,
    failedAt: AT + n,
    ...change,
  };
}

describe.each(DATABASES)("dead letters in a database %s", (_name, open) => {
  let test: TestDatabase;
  let letters: DeadLetters;
  beforeAll(async () => {
    test = await open();
    letters = new DeadLetters(test.database.prisma, new AuditEntries(test.database.prisma));
  });
  afterAll(() => test.drop());

  let tenants = 0;
  const newTenant = (): string => `tenant ${++tenants}`;
  async function keep(tenant: string, ...changes: Partial<Letter>[]): Promise<Letter[]> {
    const all = changes.map((change) => letter(tenant, change));
    await letters.add(all);
    return all;
  }
  const ids = (found: readonly { id: string }[]): string[] => found.map(({ id }) => id);
  const all = async (tenant: string): Promise<StoredDeadLetter[]> => (await letters.page(tenant, {}, 1000)).items;
  function record(tenantId: string, action: string): AuditRecord {
    const request = { method: null, status: null, ip: null, userAgent: null, eventType: null, eventId: null };
    const who = { userId: "admin", role: "ADMIN", source: "user" as const };
    return {
      id: randomUUID(),
      tenantId,
      timestamp: AT,
      action,
      resource: "/",
      details: { why: "x" },
      ...who,
      ...request,
    };
  }
  async function audited(tenantId: string): Promise<unknown[]> {
    const rows = await test.database.prisma.auditOutbox.findMany({ where: { tenantId }, orderBy: { position: "asc" } });
    return rows.map(({ entry }) => {
      const { action, details } = entry as unknown as AuditRecord;
      return [action, details];
    });
  }

  describe("keeping", () => {
    it("gives back every byte and word", async () => {
      const tenant = newTenant();
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const [odd] = await keep(tenant, {
        raw: bytes.toString("base64"),
        eventType: null,
        kind: "json_decode",
        faults: [],
      });
      expect(await letters.get(tenant, odd?.id ?? "")).toEqual({ ...odd, state: "waiting", replayedAt: null });
      expect(await letters.get(newTenant(), odd?.id ?? "")).toBeNull();
      expect(await letters.get(tenant, "a\0b")).toBeNull();
    });

    it("is not held up by characters that Postgres cannot store", async () => {
      const tenant = newTenant();
      const bad = "a\u0000b\ud800";
      const faults = [{ path: [bad], message: bad, type: "type" }];
      const [kept] = await keep(tenant, {
        error: bad,
        faults,
        eventType: bad,
        origin: bad,
        eventId: bad,
        raw: base64("a\0b"),
      });
      expect(await letters.get(tenant, kept?.id ?? "")).toMatchObject({
        error: "a\ufffdb\ufffd",
        faults,
        raw: base64("a\0b"),
      });
    });

    it("is not held up by an id longer than an index takes", async () => {
      const tenant = newTenant();
      const eventId = randomUUID().repeat(1000);
      await keep(tenant, { eventId });
      expect((await all(tenant))[0]?.eventId).toBe(eventId);
    });

    it("changes nothing when the same letters come again", async () => {
      const tenant = newTenant();
      const batch = await keep(tenant, {}, {}, {});
      const before = await all(tenant);
      await letters.add(batch);
      await letters.add([...batch, ...batch]);
      expect(await all(tenant)).toEqual(before);
    });

    it("takes a message that fails again for the same letter: one more attempt, the newest reason, waiting", async () => {
      const tenant = newTenant();
      const [first] = await keep(tenant, {});
      await letters.markReplayed(tenant, [first?.id ?? ""], AT, null);
      const { eventId, raw } = first as Letter;
      await keep(tenant, {
        eventId,
        raw,
        error: "something else",
        kind: "insert_failed",
        faults: [],
        failedAt: AT + 9e6,
      });
      const [merged, ...others] = await all(tenant);
      expect(others).toEqual([]);
      expect(merged).toMatchObject({ id: first?.id, attempts: 2, error: "something else", kind: "insert_failed" });
      expect(merged).toMatchObject({ faults: [], failedAt: AT + 9e6, state: "waiting", replayedAt: null });
      // A replay says how often it has been tried in all.
      await keep(tenant, { eventId, raw, attempts: 3 });
      expect((await all(tenant))[0]?.attempts).toBe(3);
    });

    it("puts together what repeats itself within a batch", async () => {
      const tenant = newTenant();
      const same = { eventId: "e", raw: base64("{}") };
      await keep(tenant, same, { ...same, error: "last" }, {});
      expect((await all(tenant)).map(({ attempts, error }) => [attempts, error])).toEqual([
        [1, "payload.phone: is missing"],
        [2, "last"],
      ]);
    });

    it("keeps different messages apart: other bytes under one id, the same in two tenants", async () => {
      const [tenant, other] = [newTenant(), newTenant()];
      const same = { eventId: "e", raw: base64("{}") };
      await keep(tenant, same, { ...same, raw: base64("[]") });
      await keep(other, same);
      expect([(await all(tenant)).length, (await all(other)).length]).toEqual([2, 1]);
    });

    it("takes the same batch from two processes at once", async () => {
      const tenant = newTenant();
      const batch = Array.from({ length: 50 }, () => letter(tenant));
      await Promise.all([letters.add(batch), letters.add(batch), letters.add([...batch].reverse())]);
      expect((await all(tenant)).map(({ attempts }) => attempts)).toEqual(batch.map(() => 1));
    });

    it("takes ten thousand at once", async () => {
      const tenant = newTenant();
      await letters.add(Array.from({ length: 10_000 }, () => letter(tenant)));
      expect((await letters.page(tenant, {}, 1)).total).toBe(10_000);
    });
  });

  describe("listing", () => {
    it("goes newest first, page by page, each letter once, with the total", async () => {
      const tenant = newTenant();
      const moments = [5, 3, 3, 3, 9].map((failedAt) => ({ failedAt: AT + failedAt }));
      const kept = await keep(tenant, ...moments);
      const seen: string[] = [];
      for (let after: DeadLetterCursor | null = null; ; ) {
        const { items, total } = await letters.page(tenant, {}, 2, after);
        expect(total).toBe(5);
        seen.push(...ids(items));
        const last = items.at(-1);
        if (!last) break;
        after = { failedAt: last.failedAt, id: last.id };
      }
      const [a, b, c, d, e] = ids(kept);
      expect(seen).toEqual([e, a, d, c, b]);
    });

    it("filters by everything that can be asked for; times are half-open", async () => {
      const tenant = newTenant();
      const [special] = await keep(
        tenant,
        { kind: "json_decode", eventType: "booking.created", origin: "redis:book%ings/1-0", failedAt: AT },
        { failedAt: AT + 1000 },
        { failedAt: AT + 2000 },
      );
      await letters.markReplayed(tenant, ids([special as Letter]), AT, null);
      const found = async (filter: Parameters<DeadLetters["page"]>[1]) =>
        ids((await letters.page(tenant, filter, 10)).items);
      const only = [special?.id];
      expect(await found({ kind: "json_decode" })).toEqual(only);
      expect(await found({ eventType: "booking.created" })).toEqual(only);
      expect(await found({ origin: "redis:book%" })).toEqual(only);
      expect(await found({ origin: "redis:b_" })).toEqual([]);
      expect(await found({ state: "replayed" })).toEqual(only);
      expect(await found({ ids: [special?.id ?? "", "unknown"] })).toEqual(only);
      expect(await found({ from: AT, to: AT + 1000 })).toEqual(only);
      expect(await found({ from: AT + 1, kind: null })).toHaveLength(2);
      expect(await found({ kind: "json_decode", state: "waiting" })).toEqual([]);
    });

    it.each([
      { kind: "\0" },
      { origin: "a\0\ud800" },
      { ids: ["'; DROP TABLE dead_letters; --", "\0"] },
      { from: Number.MAX_SAFE_INTEGER },
      { to: Number.MIN_SAFE_INTEGER },
      { from: Number.NaN, eventType: "%_\\" },
    ])("finds nothing, rather than failing, for %j", async (filter) => {
      const tenant = newTenant();
      await keep(tenant, {});
      const after = { failedAt: Number.POSITIVE_INFINITY, id: "\0" };
      const { items } = await letters.page(tenant, { kind: "none", ...filter }, 10, after);
      expect(items).toEqual([]);
    });
  });

  describe("replaying", () => {
    it("takes waiting letters, oldest first, each once even where it fails again", async () => {
      const tenant = newTenant();
      const kept = await keep(tenant, {}, {}, { kind: "json_decode" }, {}, {});
      const [a = "", b = "", , d = "", e = ""] = ids(kept);
      await letters.markReplayed(tenant, [b], AT, null);
      const filter = { kind: "validation" };
      const first = await letters.take(tenant, filter, 2);
      expect(ids(first)).toEqual([a, d]);
      expect(first[0]).toMatchObject({ raw: kept[0]?.raw, eventId: kept[0]?.eventId, shape: "rides" });
      await letters.failAgain(tenant, [
        { id: a, kind: "insert_failed", error: "no\0", faults: [], failedAt: AT + 5e6 },
        { id: d, kind: "validation", error: "still", faults: [], failedAt: AT + 5e6 },
      ]);
      expect(ids(await letters.take(tenant, filter, 2, d))).toEqual([e]);
      expect(await letters.get(tenant, a)).toMatchObject({ attempts: 2, error: "no\ufffd", failedAt: AT + 5e6 });
    });

    it("marks what was taken in after all, together with its audit entry, and counts each letter once", async () => {
      const [tenant, other] = [newTenant(), newTenant()];
      const kept = ids(await keep(tenant, {}, {}, {}));
      await keep(other, {});
      expect(await letters.markReplayed(tenant, kept.slice(0, 2), AT, record(tenant, "replay"))).toBe(2);
      expect(await letters.markReplayed(other, kept, AT, null)).toBe(0);
      expect(await letters.markReplayed(tenant, kept, AT + 1, record(tenant, "replay"))).toBe(1);
      expect((await all(tenant)).map(({ state, replayedAt }) => [state, (replayedAt ?? 0) - AT])).toEqual([
        ["replayed", 1],
        ["replayed", 0],
        ["replayed", 0],
      ]);
      expect(await audited(tenant)).toEqual([
        ["replay", { why: "x", letters: 2 }],
        ["replay", { why: "x", letters: 1 }],
      ]);
    });
  });

  describe("purging", () => {
    it("deletes by filter or by id, of one tenant, and tells the audit trail how many", async () => {
      const [tenant, other] = [newTenant(), newTenant()];
      const kept = ids(await keep(tenant, { kind: "json_decode" }, {}, {}, {}));
      await keep(other, { kind: "json_decode" }, {});
      expect(await letters.purge(tenant, { kind: "json_decode" }, record(tenant, "purge"))).toBe(1);
      expect(await letters.purge(tenant, { ids: kept.slice(1, 2) }, null)).toBe(1);
      expect(await letters.purge(tenant, { ids: [] }, null)).toBe(0);
      expect(await letters.purge(tenant, {}, record(tenant, "purge"))).toBe(2);
      expect((await all(other)).length).toBe(2);
      expect(await audited(tenant)).toEqual([
        ["purge", { why: "x", letters: 1 }],
        ["purge", { why: "x", letters: 2 }],
      ]);
    });

    it("deletes nothing where it cannot be audited", async () => {
      const tenant = newTenant();
      await keep(tenant, {});
      await expect(letters.purge(tenant, {}, record("no such tenant", "purge"))).rejects.toThrow();
      expect((await all(tenant)).length).toBe(1);
    });
  });

  describe("erasing a person", () => {
    const HARD = 'ü/"mia"\\\n+1 😀';
    const escaped = JSON.stringify(HARD).replaceAll(
      /[^\x20-\x7e]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}`,
    );
    const inner = base64(JSON.stringify({ user: HARD }));
    it.each([
      ["as it is", HARD, { raw: base64(`no json ${HARD}`) }],
      ["as JSON", HARD, { raw: base64(JSON.stringify({ user_id: HARD })) }],
      ["as ASCII JSON", HARD, { raw: base64(`{"user_id":${escaped}}`) }],
      ["as JSON in JSON", HARD, { raw: base64(JSON.stringify({ body: JSON.stringify({ user: HARD }) })) }],
      ["as part of a form", HARD, { raw: base64(`a=1&user=${encodeURIComponent(HARD).replaceAll("%20", "+")}`) }],
      ["as base64", HARD, { raw: base64(`{"specversion":"1.0","data_base64":"${inner}"}`) }],
      ["as a number", "4711", { raw: base64('{"user_id":4711}') }],
      ["with slashes escaped", "a/b", { raw: base64('{"user_id":"a\\/b"}') }],
      ["in bytes that are no text", "mia", { raw: Buffer.from([0xff, 0x6d, 0x69, 0x61, 0x00]).toString("base64") }],
      ["in the error", "mia", { error: 'user: "mia" is unknown' }],
      ["in a fault", HARD, { faults: [{ path: ["user"], message: `got ${HARD}`, type: "type" }] }],
      ["as event id", "mia", { eventId: "signup-mia" }],
      ["as origin", "mia", { origin: "redis:users:mia/1-0" }],
    ] as [string, string, Partial<Letter>][])("finds the id %s", async (_form, user, change) => {
      const [tenant, other] = [newTenant(), newTenant()];
      const [innocent] = await keep(tenant, { raw: base64('{"user_id":"zoë\\n%41\\u0041","data_base64":"em9l"}') });
      await keep(tenant, change);
      await keep(other, change);
      expect(await letters.erase(tenant, user)).toBe(1);
      expect(ids(await all(tenant))).toEqual([innocent?.id]);
      expect((await all(other)).length).toBe(1);
      expect(await letters.erase(tenant, user)).toBe(0);
    });

    it("looks through any number of letters that need a closer look", async () => {
      const tenant = newTenant();
      const raw = (i: number) => base64(`{"user":"${i % 3 === 0 ? "m\\u0069a" : "zo\\u00eb"}","i":${i}}`);
      await keep(tenant, ...Array.from({ length: 700 }, (_, i) => ({ raw: raw(i) })));
      expect(await letters.erase(tenant, "mia")).toBe(234);
      expect((await letters.page(tenant, {}, 1)).total).toBe(466);
    });

    it("does not take nobody for everybody", async () => {
      const tenant = newTenant();
      await keep(tenant, {});
      expect(await letters.erase(tenant, "")).toBe(0);
    });
  });
});
