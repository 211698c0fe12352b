import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import { JobRecords, type StoredJob } from "../../src/db/index.js";
import { Jobs, type JobsOptions } from "../../src/jobs/index.js";
import { createLogger } from "../../src/ops/logs.js";
import type { TestDatabase } from "./databases.js";

export const NOW = Date.parse("2026-07-14T12:00:00Z");
export const PATIENT = { timeout: 20_000, interval: 20 };

/** Jobs over a database of the suite's own, emptied before each test, at a time that the test decides. */
export class JobsBench {
  now = NOW;
  #started: Jobs[] = [];
  #opened: TestDatabase | undefined;

  constructor(open: () => Promise<TestDatabase>) {
    beforeAll(async () => {
      this.#opened = await open();
    });
    afterAll(() => this.#opened?.drop());
    beforeEach(async () => {
      this.now = NOW;
      await this.prisma.$executeRawUnsafe("TRUNCATE jobs, leases");
    });
    afterEach(async () => {
      await Promise.all(this.#started.splice(0).map((jobs) => jobs.stop(0)));
    });
  }

  get test(): TestDatabase {
    if (!this.#opened) throw new Error("The suite has not begun");
    return this.#opened;
  }
  get prisma() {
    return this.test.database.prisma;
  }
  get records(): JobRecords {
    return new JobRecords(this.prisma);
  }

  /** The jobs of one process among those that share the database. */
  process(owner = "a", change: Partial<JobsOptions> = {}): Jobs {
    const log = createLogger("test", "silent");
    const { records } = this;
    const jobs = new Jobs({ records, clock: () => this.now, log, owner, random: () => 1, pollMs: 50, ...change });
    this.#started.push(jobs);
    return jobs;
  }

  async reach(id: string, state: StoredJob["state"]): Promise<StoredJob> {
    await vi.waitFor(async () => expect((await this.records.get(id))?.state).toBe(state), PATIENT);
    return (await this.records.get(id)) as StoredJob;
  }

  /** As if the process that runs it had been killed and its lease had run out. */
  async orphan(id: string): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE jobs SET lease_until = clock_timestamp() - interval '1 second' WHERE id = ${id}`;
  }
}
