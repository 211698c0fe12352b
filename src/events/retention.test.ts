import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openEmbedded, type TestDatabase } from "../../tests/support/databases.js";
import { DAY } from "../base/clock.js";
import { AuditEntries, type AuditRecord, inTransaction } from "../db/index.js";
import { encodeEvent, type StoredEvent } from "./event.js";
import { applyRetention, type RetentionOptions, type RetentionProgress, retentionRules } from "./retention.js";
import { type EventStore, openDuckDbStore } from "./store/index.js";
import type { Work } from "./work.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

const NOW = Date.parse("2026-07-14T03:00:00Z");
const TYPES = [
  { name: "short", retentionDays: 7 },
  { name: "also short", retentionDays: 7 },
  { name: "long", retentionDays: 365 },
  { name: "default", retentionDays: null },
];

let folder: string;
let database: TestDatabase;
let store: EventStore;
let audit: AuditEntries;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-retention-"));
  database = await openEmbedded();
  audit = new AuditEntries(database.database.prisma);
  store = await openDuckDbStore({ folder, memoryLimit: "128MB" });
});
afterAll(async () => {
  await store.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await database.database.prisma.auditOutbox.deleteMany();
  for (const tenant of await store.tenants()) await store.deleteReceivedBefore(tenant, { except: [] }, NOW + 1e12);
});

let made = 0;
/** Events by tenant and type with how many days ago they were received. */
async function receive(...events: [tenant: string, type: string, daysAgo: number][]): Promise<void> {
  const nowhere = { country: null, region: null, city: null, latitude: null, longitude: null };
  const nothing = { session: null, subject: null, amount: null, currency: null, properties: "{}" };
  const lines = events.map(([tenant, type, daysAgo]) => {
    // Happened long before or after: the time of receipt counts.
    const time = NOW + (made % 2 === 0 ? -1000 : 1000) * DAY;
    const received = NOW - daysAgo * DAY;
    const event: StoredEvent = {
      tenant,
      id: `${++made}`,
      type,
      time,
      received,
      origin: "http",
      user: "u",
      ...nowhere,
      ...nothing,
    };
    return `${encodeEvent(event)}\n`;
  });
  const path = join(folder, `${++made}.ndjson`);
  await writeFile(path, lines.join(""));
  await store.append([path]);
}
async function left(tenant: string): Promise<string[]> {
  const events = await store.events({ tenant }, 100);
  return events.map(({ type, received }) => `${type} ${(NOW - received) / DAY}`).sort();
}
async function audited(): Promise<[tenant: string, details: unknown][]> {
  const rows = await database.database.prisma.auditOutbox.findMany({ orderBy: { position: "asc" } });
  return rows.map(({ tenantId, entry }) => {
    const { action, details } = entry as unknown as AuditRecord;
    expect(action).toBe("events.retention.applied");
    return [tenantId, details];
  });
}

/** Work that a crash ends at the n-th thing it notes. */
function work(
  kept: { progress: RetentionProgress | null },
  crashAt = Number.POSITIVE_INFINITY,
): Work<unknown, RetentionProgress> {
  let notes = 0;
  return {
    job: { id: "job", payload: {}, progress: kept.progress },
    signal: new AbortController().signal,
    async progress(value, write) {
      if (++notes === crashAt) throw new Error("killed");
      await inTransaction(database.database.prisma, async (transaction) => write?.(transaction));
      kept.progress = value;
    },
    finish: () => Promise.reject(new Error("not used")),
  };
}
function retention(change: Partial<RetentionOptions> = {}) {
  return applyRetention({ store, types: () => TYPES, defaultDays: 90, clock: () => NOW, audit, ...change });
}

describe("the rules of retention", () => {
  it("are one for each number of days, and one for everything else", () => {
    expect(retentionRules(TYPES, 90)).toEqual([
      { days: 7, types: { only: ["short", "also short"] } },
      { days: 365, types: { only: ["long"] } },
      { days: 90, types: { except: ["short", "also short", "long"] } },
    ]);
  });

  it("leave alone for ever what has no days", () => {
    expect(retentionRules(TYPES, null).map(({ days }) => days)).toEqual([7, 365]);
    expect(retentionRules([], null)).toEqual([]);
  });
});

describe("applying retention", () => {
  it("deletes what was received strictly longer ago than its rule allows, in every tenant, and audits the counts", async () => {
    const justTooOld = 1 / DAY;
    await receive(
      ["a", "short", 7],
      ["a", "short", 7 + justTooOld],
      ["a", "also short", 8],
      ["a", "long", 365],
      ["a", "long", 364],
      ["a", "default", 90 + justTooOld],
      ["a", "of a type nobody declared", 91],
      ["a", "default", 90],
      ["b", "long", 366],
      ["c", "default", 1],
    );
    expect(await retention()(work({ progress: null }))).toEqual({ deleted: 5 });
    expect(await left("a")).toEqual(["default 90", "long 364", "long 365", "short 7"]);
    expect(await left("b")).toEqual([]);
    expect(await left("c")).toEqual(["default 1"]);
    const except = ["short", "also short", "long"];
    expect(await audited()).toEqual([
      ["a", { only: ["short", "also short"], days: 7, receivedBefore: "2026-07-07T03:00:00.000Z", events: 2 }],
      ["a", { except, days: 90, receivedBefore: "2026-04-15T03:00:00.000Z", events: 2 }],
      ["b", { only: ["long"], days: 365, receivedBefore: "2025-07-14T03:00:00.000Z", events: 1 }],
    ]);
  });

  it("deletes nothing more, and tells of nothing, when it is repeated", async () => {
    await receive(["a", "short", 8], ["a", "short", 1]);
    await retention()(work({ progress: null }));
    await database.database.prisma.auditOutbox.deleteMany();
    expect(await retention()(work({ progress: null }))).toEqual({ deleted: 0 });
    expect(await left("a")).toEqual(["short 1"]);
    expect(await audited()).toEqual([]);
  });

  it("keeps everything for ever where nothing has days", async () => {
    await receive(["a", "short", 5000]);
    expect(await retention({ types: () => [], defaultDays: null })(work({ progress: null }))).toEqual({ deleted: 0 });
    expect(await left("a")).toHaveLength(1);
  });

  it("resumes wherever it was killed: nothing is audited twice, nothing is left, and lost counts are owned up to", async () => {
    for (let crashAt = 1; crashAt <= 12; crashAt++) {
      await database.database.prisma.auditOutbox.deleteMany();
      await receive(["a", "short", 8], ["a", "long", 400], ["b", "short", 8], ["b", "default", 100]);
      const kept = { progress: null as RetentionProgress | null };
      await expect(retention()(work(kept, crashAt))).rejects.toThrow("killed");
      // Hours later: "days ago" is still counted from the first start.
      await retention({ clock: () => NOW + DAY })(work(kept));
      expect([await left("a"), await left("b")]).toEqual([[], []]);
      const told = (await audited()).map(([tenant, details]) => ({
        tenant,
        ...(details as { days: number; events: number; interrupted?: boolean }),
      }));
      const rules = told.map(({ tenant, days }) => `${tenant} ${days}`);
      expect(new Set(rules).size).toBe(rules.length);
      expect(rules).toEqual(expect.arrayContaining(["a 7", "a 365", "b 7", "b 90"]));
      const missing = 4 - told.reduce((sum, { events }) => sum + events, 0);
      expect(missing).toBeLessThanOrEqual(told.filter(({ interrupted }) => interrupted).length);
      if (kept.progress) expect(kept.progress.now === NOW || crashAt === 1).toBe(true);
    }
  });

  it("stops between two steps when it is told to", async () => {
    await receive(["a", "short", 8]);
    const stopping = { ...work({ progress: null }), signal: AbortSignal.abort(new Error("ending")) };
    await expect(retention()(stopping)).rejects.toThrow("ending");
    expect(await left("a")).toHaveLength(1);
  });

  it("writes to a store that is shared in turn with others", async () => {
    await receive(["a", "short", 8]);
    let turns = 0;
    const exclusively = <T>(write: () => Promise<T>): Promise<T> => {
      turns++;
      return write();
    };
    await retention({ exclusively })(work({ progress: null }));
    expect(turns).toBe(3);
  });
});
