import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { DATABASES } from "../../tests/support/databases.js";
import { JobsBench, NOW, PATIENT } from "../../tests/support/jobs.js";
import { HOUR, MINUTE } from "../base/clock.js";
import { dailyAt, type Jobs } from "./index.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

describe.each(DATABASES)("recurring jobs in a database %s", (_name, open) => {
  const bench = new JobsBench(open);

  describe("recurring work", () => {
    /** Two processes that share a schedule; which due times were run, in milliseconds after NOW. */
    function replicas(schedule: Parameters<Jobs["every"]>[1], work: () => Promise<void> = async () => undefined) {
      const ran: number[] = [];
      const both = ["a", "b"].map((owner) => {
        const jobs = bench.process(owner);
        jobs.define("tick", async ({ job }) => {
          ran.push(Date.parse(job.key.slice(1)) - NOW);
          await work();
        });
        jobs.every("tick", schedule, { of: "every" });
        return jobs;
      });
      return {
        ran,
        start: () => {
          for (const jobs of both) jobs.start();
        },
        both,
      };
    }
    const waiting = () =>
      bench.prisma.job
        .findMany({ where: { kind: "tick", state: "waiting" } })
        .then((rows) => rows.map((row) => row.runAt.getTime() - NOW));

    it("is run once per due time among all processes", async () => {
      const { ran, start } = replicas(10 * MINUTE);
      start();
      for (const due of [10, 20, 30]) {
        await vi.waitFor(async () => expect(await waiting()).toEqual([due * MINUTE]), PATIENT);
        bench.now = NOW + due * MINUTE + 5;
      }
      await vi.waitFor(async () => expect(await waiting()).toEqual([40 * MINUTE]), PATIENT);
      expect(ran).toEqual([10, 20, 30].map((minutes) => minutes * MINUTE));
    });

    it("makes up once for all the times that were missed", async () => {
      const before = replicas(10 * MINUTE);
      before.start();
      await vi.waitFor(async () => expect(await waiting()).toEqual([10 * MINUTE]), PATIENT);
      bench.now += 10 * MINUTE;
      await vi.waitFor(() => expect(before.ran).toHaveLength(1), PATIENT);
      await Promise.all(before.both.map((jobs) => jobs.stop()));
      await bench.prisma.job.deleteMany({ where: { state: "waiting" } });
      bench.now += 5 * HOUR + 1;
      const after = replicas(10 * MINUTE);
      after.start();
      await vi.waitFor(async () => expect(await waiting()).toEqual([5 * HOUR + 20 * MINUTE]), PATIENT);
      expect(after.ran).toEqual([20 * MINUTE]);
    });

    it("never runs twice at once, and skips the times that one run takes", async () => {
      let free: () => void = () => undefined;
      const { ran, start } = replicas(
        10 * MINUTE,
        () =>
          new Promise((done) => {
            free = done;
          }),
      );
      start();
      await vi.waitFor(async () => expect(await waiting()).toEqual([10 * MINUTE]), PATIENT);
      bench.now += 10 * MINUTE;
      await vi.waitFor(() => expect(ran).toHaveLength(1), PATIENT);
      bench.now += 25 * MINUTE;
      await sleep(300);
      expect(ran).toHaveLength(1);
      free();
      await vi.waitFor(async () => expect(await waiting()).toEqual([40 * MINUTE]), PATIENT);
      expect(ran).toHaveLength(1);
    });

    it("goes by a new schedule from the next start on", async () => {
      const old = replicas(dailyAt(3));
      old.start();
      await vi.waitFor(async () => expect(await waiting()).toEqual([15 * HOUR]), PATIENT);
      await Promise.all(old.both.map((jobs) => jobs.stop()));
      replicas(dailyAt(14)).start();
      await vi.waitFor(async () => expect(await waiting()).toEqual([2 * HOUR]), PATIENT);
    });

    it("goes on after a time that was cancelled", async () => {
      const { ran, start, both } = replicas(10 * MINUTE);
      start();
      await vi.waitFor(async () => expect(await waiting()).toEqual([10 * MINUTE]), PATIENT);
      const [job] = await bench.records.list({ kind: "tick" }, 1);
      await both[0]?.cancel(job?.id ?? "");
      bench.now += 1;
      const later = replicas(10 * MINUTE);
      later.start();
      await vi.waitFor(async () => expect(await waiting()).toEqual([20 * MINUTE]), PATIENT);
      expect(ran).toEqual([]);
    });
  });
});
