import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openOnServer, type TestDatabase } from "../../tests/support/databases.js";
import { HAS_POSTGRES } from "../../tests/support/postgres.js";
import { JobRecords } from "../db/index.js";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const LEASE_MS = 3000;
const WORKER = fileURLToPath(new URL("../../tests/support/job-worker.ts", import.meta.url));
const JOBS = 20;

describe.skipIf(!HAS_POSTGRES)("two processes that do jobs, one of them killed -9", () => {
  let test: TestDatabase;
  const workers: ChildProcess[] = [];
  beforeAll(async () => {
    test = await openOnServer();
    await test.database.prisma.$executeRawUnsafe("CREATE TABLE effects (job text, what text, by text)");
  });
  afterAll(async () => {
    for (const worker of workers) worker.kill("SIGKILL");
    await test?.drop();
  });

  async function start(owner: string): Promise<ChildProcess> {
    const worker = spawn(process.execPath, ["--import", "tsx", WORKER, test.url ?? "", owner, `${LEASE_MS}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    workers.push(worker);
    await once(worker.stdout, "data");
    return worker;
  }

  it("have every effect exactly once; what the dead one held is resumed where it stood, within its lease", async () => {
    const { prisma } = test.database;
    const records = new JobRecords(prisma);
    const [victim] = await Promise.all([start("victim"), start("survivor")]);
    const now = Date.now();
    for (let i = 0; i < JOBS; i++) {
      await records.insert({ kind: "steps", key: `${i}`, tenant: null, payload: {}, runAt: now, maxAttempts: 5 }, now);
    }
    await vi.waitFor(
      async () => {
        expect(await prisma.job.count({ where: { state: "done" } })).toBeGreaterThan(3);
        const running = await prisma.job.findMany({ where: { state: "running", leaseOwner: "victim" } });
        expect(running.map((job) => job.progress)).toContain(1);
        victim?.kill("SIGKILL");
      },
      { timeout: 30_000, interval: 5 },
    );
    const killedAt = Date.now();
    await once(victim as ChildProcess, "exit");
    await sleep(LEASE_MS);

    await vi.waitFor(async () => expect(await prisma.job.count({ where: { state: "done" } })).toBe(JOBS), {
      timeout: 30_000,
      interval: 50,
    });
    const effects = await prisma.$queryRaw<{ job: string; what: string; by: string }[]>`SELECT * FROM effects`;
    const expected = Array.from({ length: JOBS }, (_, i) =>
      ["step 0", "step 1", "step 2", "end"].map((what) => `${i} ${what}`),
    );
    expect(effects.map(({ job, what }) => `${job} ${what}`).sort()).toEqual(expected.flat().sort());

    const resumed = await prisma.job.findMany({
      where: { attempts: { gt: 1 }, finishedAt: { gt: new Date(killedAt) } },
    });
    expect(resumed.length).toBeGreaterThan(0);
    for (const job of resumed) {
      expect(job.result).toEqual({ by: "survivor" });
      // Its lease, the next look, and the work itself, with room for a busy machine.
      expect((job.finishedAt?.getTime() ?? 0) - killedAt).toBeLessThan(LEASE_MS + 3000);
      const own = effects.filter((effect) => effect.job === job.key);
      expect(own.some(({ by }) => by === "survivor")).toBe(true);
    }
    const shared = resumed.filter((job) => effects.some(({ job: key, by }) => key === job.key && by === "victim"));
    expect(shared.length).toBeGreaterThan(0);
  });
});
