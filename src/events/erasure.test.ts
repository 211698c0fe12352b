import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openEmbedded, type TestDatabase } from "../../tests/support/databases.js";
import { AuditEntries, type AuditRecord, DeadLetters, inTransaction, JobRecords } from "../db/index.js";
import { anonymiseUser } from "./anonymise.js";
import { ERASURE_JOB, Erasure, type ErasureOptions, type ErasureProgress, type ErasureQueue } from "./erasure.js";
import { encodeEvent, type StoredEvent } from "./event.js";
import { type EventStore, openDuckDbStore } from "./store/index.js";
import type { Work } from "./work.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

const NOW = Date.parse("2026-07-14T12:00:00Z");
const USER = "mia@example.org";
const BY = { userId: "admin", role: "ADMIN", method: "POST", status: null, ip: "127.0.0.1", userAgent: "vitest" };

let folder: string;
let database: TestDatabase;
let store: EventStore;
let audit: AuditEntries;
let letters: DeadLetters;
let records: JobRecords;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-erasure-"));
  database = await openEmbedded();
  const { prisma } = database.database;
  audit = new AuditEntries(prisma);
  letters = new DeadLetters(prisma, audit);
  records = new JobRecords(prisma);
  store = await openDuckDbStore({ folder, memoryLimit: "128MB" });
});
afterAll(async () => {
  await store.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  const { prisma } = database.database;
  await prisma.auditOutbox.deleteMany();
  await prisma.job.deleteMany();
  await prisma.deadLetter.deleteMany();
  for (const tenant of await store.tenants()) await store.deleteReceivedBefore(tenant, { except: [] }, NOW * 2);
});

let made = 0;
async function receive(tenant: string, ...users: string[]): Promise<void> {
  const nowhere = { country: null, region: null, city: null, latitude: null, longitude: null };
  const nothing = { session: null, subject: null, amount: null, currency: null, properties: "{}" };
  const lines = users.map((user) => {
    const event: StoredEvent = {
      tenant,
      id: `${++made}`,
      type: "t",
      time: NOW,
      received: NOW,
      origin: "http",
      user,
      ...nowhere,
      ...nothing,
    };
    return `${encodeEvent(event)}\n`;
  });
  const path = join(folder, `${++made}.ndjson`);
  await writeFile(path, lines.join(""));
  await store.append([path]);
}
async function refuse(tenant: string, raw: string): Promise<void> {
  const id = `letter ${++made}`;
  const why = { kind: "json_decode" as const, error: "no", faults: [], eventType: null, shape: "plain", attempts: 1 };
  await letters.add([
    { id, tenant, eventId: id, origin: "http", failedAt: NOW, raw: Buffer.from(raw).toString("base64"), ...why },
  ]);
}
const users = async (tenant: string): Promise<(string | null)[]> =>
  (await store.events({ tenant }, 100)).map(({ user }) => user).sort();

async function audited(): Promise<Pick<AuditRecord, "tenantId" | "action" | "userId" | "details">[]> {
  const rows = await database.database.prisma.auditOutbox.findMany({ orderBy: { position: "asc" } });
  return rows.map(({ entry }) => {
    const { tenantId, action, userId, details } = entry as unknown as AuditRecord;
    return { tenantId, action, userId, details };
  });
}

const queue: ErasureQueue = {
  enqueue: (kind, key, payload, { tenant, within }) =>
    records.insert({ kind, key, tenant, payload, runAt: NOW, maxAttempts: 3 }, NOW, within),
};
function erasure(change: Partial<ErasureOptions> = {}): Erasure {
  const places = { before: [], store, deadLetters: letters, after: [] };
  return new Erasure({ ...places, audit, clock: () => NOW, secret: "of the proof", ...change });
}
/** Runs the job as often as it takes, ending it with a crash at each of these things it notes. */
async function carryOut(by: Erasure, id: string, ...crashes: number[]): Promise<unknown> {
  let progress: ErasureProgress | null = null;
  for (const crashAt of [...crashes, Number.POSITIVE_INFINITY]) {
    let notes = 0;
    let ended: unknown;
    const commit = async (write?: Parameters<Work<unknown, unknown>["finish"]>[1]) => {
      if (++notes === crashAt) throw new Error("killed");
      await inTransaction(database.database.prisma, async (transaction) => write?.(transaction));
    };
    const job = await records.get(id);
    const work = {
      job: { id, payload: job?.payload as Parameters<Erasure["handle"]>[0]["job"]["payload"], progress },
      signal: new AbortController().signal,
      progress: async (value: ErasureProgress) => {
        await commit();
        progress = value;
      },
      finish: async (result: unknown, write?: Parameters<typeof commit>[0]) => {
        await commit(write);
        ended = result;
      },
    };
    await by.handle(work).catch((error) => expect(String(error)).toContain("killed"));
    if (ended) return ended;
  }
  return null;
}

describe("asking for an erasure", () => {
  it("queues it together with the entry that tells who asked, neither of which names the person by a key", async () => {
    const id = await erasure().eraseSubject(queue, { tenant: "new tenant", user: USER, requestedBy: BY });
    const job = await records.get(id);
    expect(job).toMatchObject({ kind: ERASURE_JOB, tenant: "new tenant", state: "waiting" });
    expect(job?.key).not.toContain("mia");
    const [entry, ...others] = await audited();
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ tenantId: "new tenant", action: "subject.erasure.requested", userId: "admin" });
    expect(JSON.stringify(entry)).not.toContain("mia");
  });

  it("is the same request however often it is sent, and another one without a name of its own", async () => {
    const ask = (request?: string, tenant = "t") =>
      erasure().eraseSubject(queue, { tenant, user: USER, requestedBy: BY, ...(request !== undefined && { request }) });
    const [first, again] = [await ask("r1"), await ask("r1")];
    expect(again).toBe(first);
    expect(await audited()).toHaveLength(1);
    expect(new Set([first, await ask("r2"), await ask("r1", "another"), await ask(), await ask()]).size).toBe(5);
  });

  it("leaves nothing behind when it cannot be queued", async () => {
    const broken: ErasureQueue = { enqueue: () => Promise.reject(new Error("no")) };
    await expect(erasure().eraseSubject(broken, { tenant: "t", user: USER, requestedBy: BY })).rejects.toThrow("no");
    expect(await audited()).toEqual([]);
  });
});

describe("an erasure", () => {
  it("empties every place of the person, and of nobody else, and proves it without the name", async () => {
    await receive("t", USER, USER, "zoë");
    await receive("another", USER);
    await refuse("t", `{"user_id":"${USER}"}`);
    await refuse("t", '{"user_id":"zoë"}');
    const done: string[] = [];
    const place = (name: string, count: number) => ({
      name,
      async erase() {
        done.push(name);
        return count;
      },
    });
    const by = erasure({ before: [place("spool", 0)], after: [place("exports", 4)] });
    const id = await by.eraseSubject(queue, { tenant: "t", user: USER, requestedBy: BY });
    const deleted = { spool: 0, events: 2, "dead letters": 1, exports: 4 };
    expect(await carryOut(by, id)).toEqual({ deleted });
    expect(done).toEqual(["spool", "exports"]);
    expect([await users("t"), await users("another")]).toEqual([["zoë"], [USER]]);
    expect((await letters.page("t", {}, 10)).total).toBe(1);
    const [, proof] = await audited();
    const subject = anonymiseUser(JSON.stringify(["t", USER]), "of the proof");
    expect(proof).toEqual({ tenantId: "t", action: "subject.erased", userId: "admin", details: { subject, deleted } });
  });

  it("empties the spool first: what waits there would come into the store afterwards", async () => {
    const spool = { name: "spool", erase: () => receive("t", USER).then(() => 0) };
    const by = erasure({ before: [spool] });
    const id = await by.eraseSubject(queue, { tenant: "t", user: USER, requestedBy: BY });
    expect(await carryOut(by, id)).toEqual({ deleted: { spool: 0, events: 1, "dead letters": 0 } });
    expect(await users("t")).toEqual([]);
  });

  it("finds the person under the stand-in as well, where events are anonymised on arrival", async () => {
    const standIn = anonymiseUser(USER, null);
    await receive("t", standIn, USER, "zoë");
    const by = erasure({ aliases: (user) => [anonymiseUser(user, null)] });
    const id = await by.eraseSubject(queue, { tenant: "t", user: USER, requestedBy: BY });
    expect(await carryOut(by, id)).toEqual({ deleted: { events: 2, "dead letters": 0 } });
    expect(await users("t")).toEqual(["zoë"]);
  });

  it("may be repeated, and deletes what has arrived since as what it is: new", async () => {
    await receive("t", USER);
    const by = erasure();
    const ask = () => by.eraseSubject(queue, { tenant: "t", user: USER, requestedBy: BY });
    await carryOut(by, await ask());
    await receive("t", USER);
    expect(await users("t")).toEqual([USER]);
    expect(await carryOut(by, await ask())).toEqual({ deleted: { events: 1, "dead letters": 0 } });
    expect(await carryOut(by, await ask())).toEqual({ deleted: { events: 0, "dead letters": 0 } });
  });

  it("resumes wherever it was killed, with one proof at the end that owns up to counts it may have lost", async () => {
    for (let crashAt = 1; crashAt <= 7; crashAt++) {
      await database.database.prisma.auditOutbox.deleteMany();
      await receive("t", USER, "zoë");
      await refuse("t", `user ${USER}`);
      const exported = vi.fn(async () => 1);
      const by = erasure({ after: [{ name: "exports", erase: exported }] });
      const id = await by.eraseSubject(queue, { tenant: "t", user: USER, requestedBy: BY });
      const ended = (await carryOut(by, id, crashAt)) as { deleted: Record<string, number> };
      expect(Object.keys(ended.deleted)).toEqual(["events", "dead letters", "exports"]);
      expect(await users("t")).not.toContain(USER);
      expect((await letters.page("t", {}, 10)).total).toBe(0);
      expect(exported.mock.calls.length).toBeLessThanOrEqual(2);
      const proofs = (await audited()).filter(({ action }) => action === "subject.erased");
      expect(proofs).toHaveLength(1);
      const { deleted, interrupted } = proofs[0]?.details as {
        deleted: Record<string, number>;
        interrupted?: string[];
      };
      expect(deleted).toEqual(ended.deleted);
      // Notes 2, 4 and 6 tell of a part that is done: killed there, its count is lost.
      const lost = { 2: "events", 4: "dead letters", 6: "exports" }[crashAt];
      expect(interrupted).toEqual(lost ? [lost] : undefined);
      if (lost && lost !== "exports") expect(deleted[lost]).toBe(0);
    }
  });
});
