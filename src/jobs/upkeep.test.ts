import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openEmbedded } from "../../tests/support/databases.js";
import { JobsBench, NOW, PATIENT } from "../../tests/support/jobs.js";
import { DAY, HOUR } from "../base/clock.js";
import { AuditEntries, DeadLetters } from "../db/index.js";
import { ERASURE_JOB, ERASURE_JOB_OPTIONS, Erasure } from "../events/erasure.js";
import { encodeEvent, type StoredEvent } from "../events/event.js";
import { applyRetention, RETENTION_HOUR, RETENTION_JOB } from "../events/retention.js";
import { type EventStore, openDuckDbStore } from "../events/store/index.js";
import { dailyAt, type Jobs } from "./index.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

describe("the gateway's own jobs", () => {
  const bench = new JobsBench(openEmbedded);
  let folder: string;
  let store: EventStore;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "crowsnest-upkeep-"));
    store = await openDuckDbStore({ folder, memoryLimit: "128MB" });
  });
  afterAll(async () => {
    await store?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function receive(id: string, user: string, received: number): Promise<void> {
    const nowhere = { country: null, region: null, city: null, latitude: null, longitude: null };
    const nothing = { session: null, subject: null, amount: null, currency: null, properties: "{}" };
    const event: StoredEvent = {
      tenant: "t",
      id,
      type: "t",
      time: received,
      received,
      origin: "http",
      user,
      ...nowhere,
      ...nothing,
    };
    const path = join(folder, `${id}.ndjson`);
    await writeFile(path, `${encodeEvent(event)}\n`);
    await store.append([path]);
  }
  const left = async () => (await store.events({ tenant: "t" }, 10)).map(({ id }) => id).sort();
  function wired(): { jobs: Jobs; erasure: Erasure } {
    const jobs = bench.process();
    const audit = new AuditEntries(bench.prisma);
    const clock = () => bench.now;
    const deadLetters = new DeadLetters(bench.prisma, audit);
    const erasure = new Erasure({ before: [], store, deadLetters, after: [], audit, clock, secret: "s" });
    jobs.define(ERASURE_JOB, erasure.handle, ERASURE_JOB_OPTIONS);
    jobs.define(RETENTION_JOB, applyRetention({ store, types: () => [], defaultDays: 30, clock, audit }));
    jobs.every(RETENTION_JOB, dailyAt(RETENTION_HOUR));
    jobs.start();
    return { jobs, erasure };
  }

  it("delete what is older than its days, every day at 03:00 UTC", async () => {
    await receive("old", "mia", NOW - 30 * DAY);
    await receive("new", "mia", NOW);
    const { jobs } = wired();
    const next = (after: number) =>
      vi.waitFor(async () => {
        const [job] = await jobs.list({ kind: RETENTION_JOB, state: "waiting" });
        expect(job?.runAt).toBeGreaterThan(after);
        return job?.runAt;
      }, PATIENT);
    expect(await next(NOW)).toBe(NOW + 15 * HOUR);
    expect(await left()).toEqual(["new", "old"]);
    bench.now = NOW + 15 * HOUR;
    expect(await next(bench.now)).toBe(NOW + 39 * HOUR);
    expect(await left()).toEqual(["new"]);
    expect((await jobs.list({ kind: RETENTION_JOB, state: "done" }))[0]?.result).toEqual({ deleted: 1 });
  });

  it("erase a person, and forget then whom", async () => {
    await receive("hers", "zoë", NOW);
    const { jobs, erasure } = wired();
    const requestedBy = { userId: "admin", role: "ADMIN", method: null, status: null, ip: null, userAgent: null };
    const id = await erasure.eraseSubject(jobs, { tenant: "t", user: "zoë", requestedBy });
    const done = await bench.reach(id, "done");
    expect(done).toMatchObject({ tenant: "t", result: { deleted: { events: 1, "dead letters": 0 } } });
    expect(JSON.stringify(done)).not.toContain("zoë");
    expect(await left()).not.toContain("hers");
  });
});
