import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { DATABASES } from "../../tests/support/databases.js";
import { JobsBench, PATIENT } from "../../tests/support/jobs.js";
import { HOUR } from "../base/clock.js";
import type { Job, JobRun } from "./index.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

describe.each(DATABASES)("jobs whose processes come and go, in a database %s", (_name, open) => {
  const bench = new JobsBench(open);

  describe("leases", () => {
    it("are renewed for as long as the handler runs: nobody else takes the job", async () => {
      const [a, b] = [bench.process("a"), bench.process("b")];
      const ran: string[] = [];
      for (const [name, jobs] of Object.entries({ a, b })) {
        jobs.define(
          "k",
          async () => {
            ran.push(name);
            await sleep(4500);
          },
          { leaseMs: 3000 },
        );
      }
      const { id } = await a.enqueue("k", "1", {});
      a.start();
      b.start();
      expect(await bench.reach(id, "done")).toMatchObject({ attempts: 1 });
      expect(ran).toHaveLength(1);
    });

    it("that ran out let another process take over, which sees how far the first one got", async () => {
      const [a, b] = [bench.process("a"), bench.process("b")];
      let first: JobRun | undefined;
      let effects = 0;
      a.define("k", async (run) => {
        first = run;
        await run.progress({ rows: 500 });
        await new Promise((done) => run.signal.addEventListener("abort", done));
        await run.finish("stolen", async () => void effects++);
      });
      let seen: Job["progress"];
      b.define("k", async (run) => {
        seen = run.job.progress;
        await run.finish("mine", async () => void effects++);
      });
      a.start();
      const { id } = await a.enqueue("k", "1", {});
      await vi.waitFor(async () => expect((await bench.records.get(id))?.progress).toEqual({ rows: 500 }), PATIENT);
      await bench.orphan(id);
      b.start();
      expect(await bench.reach(id, "done")).toMatchObject({ result: "mine", attempts: 2 });
      expect(seen).toEqual({ rows: 500 });
      await expect(first?.extend()).rejects.toThrow("another process");
      expect(first?.signal.aborted).toBe(true);
      await a.stop();
      expect(await bench.records.get(id)).toMatchObject({ result: "mine", state: "done" });
      expect(effects).toBe(1);
    });

    it("that ran out keep the first process from writing anything while the second one works", async () => {
      const runs: JobRun[] = [];
      const written = vi.fn(async () => undefined);
      for (const jobs of [bench.process("a"), bench.process("b")]) {
        jobs.define("k", (run) => {
          runs.push(run);
          return new Promise((done) => run.signal.addEventListener("abort", done));
        });
        const { id } = await jobs.enqueue("k", "1", {});
        jobs.start();
        const expected = runs.length + 1;
        await vi.waitFor(() => expect(runs).toHaveLength(expected), PATIENT);
        if (expected === 1) await bench.orphan(id);
      }
      const [first, second] = runs;
      await expect(first?.finish("first", written)).rejects.toThrow("another process has the job");
      await expect(first?.progress("first", written)).rejects.toThrow("another process has the job");
      expect(first?.signal.aborted).toBe(true);
      // What the first one's handler returns after that changes nothing either.
      await sleep(200);
      expect(await bench.records.get(second?.job.id ?? "")).toMatchObject({
        state: "running",
        leaseOwner: "b",
        progress: null,
      });
      await second?.finish("second", written);
      expect(await bench.reach(second?.job.id ?? "", "done")).toMatchObject({ result: "second", attempts: 2 });
      expect(written).toHaveBeenCalledTimes(1);
    });

    it("that ran out do not make a process take its own job a second time", async () => {
      const jobs = bench.process();
      let free: () => void = () => undefined;
      const ran = vi.fn();
      jobs.define(
        "k",
        async () => {
          ran();
          await new Promise<void>((done) => {
            free = done;
          });
        },
        { concurrency: 2 },
      );
      jobs.start();
      const { id } = await jobs.enqueue("k", "1", {});
      await vi.waitFor(() => expect(ran).toHaveBeenCalled(), PATIENT);
      await bench.orphan(id);
      await sleep(300);
      free();
      expect(await bench.reach(id, "done")).toMatchObject({ attempts: 1 });
      expect(ran).toHaveBeenCalledTimes(1);
    });

    it("commit a step together with its progress, or neither", async () => {
      const jobs = bench.process();
      const { prisma } = bench;
      await prisma.tenant.deleteMany({ where: { id: { startsWith: "step" } } });
      jobs.define(
        "k",
        async ({ job, progress }: JobRun<unknown, number>) => {
          const from = job.progress ?? 0;
          for (let step = from; step < 3; step++) {
            await progress(step + 1, async (transaction) => {
              await transaction.tenant.create({ data: { id: `step${step}`, name: "" } });
              if (step === 1 && job.attempts === 1) throw new Error("in the middle");
            });
          }
        },
        { backoff: { firstMs: 1, longestMs: 1 } },
      );
      jobs.start();
      const { id } = await jobs.enqueue("k", "1", {});
      await vi.waitFor(
        async () => expect(await bench.records.get(id)).toMatchObject({ state: "waiting", attempts: 1 }),
        PATIENT,
      );
      expect((await bench.records.get(id))?.progress).toBe(1);
      expect(await prisma.tenant.count({ where: { id: { startsWith: "step" } } })).toBe(1);
      bench.now += 10;
      await bench.reach(id, "done");
      expect(await prisma.tenant.count({ where: { id: { startsWith: "step" } } })).toBe(3);
    });

    it("of a job that ends its process every time are given out a limited number of times", async () => {
      const jobs = bench.process();
      const ran = vi.fn();
      jobs.define("k", async () => ran(), { maxAttempts: 2 });
      const { id } = await jobs.enqueue("k", "1", {});
      for (let i = 0; i < 2; i++) {
        await bench.records.claim(new Map([["k", HOUR]]), { owner: "crashing", token: `${i}` }, bench.now);
        await bench.orphan(id);
      }
      jobs.start();
      const failed = await bench.reach(id, "failed");
      expect(failed).toMatchObject({ attempts: 2, error: expect.stringContaining("attempt 2 of 2 ended") });
      expect(ran).not.toHaveBeenCalled();
    });
  });

  describe("stopping", () => {
    it("waits for what is under way and takes nothing more", async () => {
      const jobs = bench.process();
      jobs.define("k", async () => sleep(300));
      const first = await jobs.enqueue("k", "1", {});
      const second = await jobs.enqueue("k", "2", {});
      jobs.start();
      await bench.reach(first.id, "running");
      await jobs.stop();
      expect((await jobs.get(first.id))?.state).toBe("done");
      expect(await jobs.get(second.id)).toMatchObject({ state: "waiting", attempts: 0 });
    });

    it("gives back what does not end in time, for others to take at once, and does not count it as an attempt", async () => {
      const [a, b] = [bench.process("a"), bench.process("b")];
      let run: JobRun | undefined;
      a.define("deaf", (given) => {
        run = given;
        return new Promise(() => undefined);
      });
      a.define("polite", async ({ signal, progress }) => {
        await progress("half");
        await new Promise((done) => signal.addEventListener("abort", done));
        signal.throwIfAborted();
      });
      const deaf = await a.enqueue("deaf", "1", {});
      const polite = await a.enqueue("polite", "1", {});
      a.start();
      await vi.waitFor(async () => expect((await bench.records.get(polite.id))?.progress).toBe("half"), PATIENT);
      await vi.waitFor(() => expect(run).toBeDefined(), PATIENT);
      await a.stop(100);
      expect(await bench.records.get(deaf.id)).toMatchObject({ state: "waiting", attempts: 0, leaseOwner: null });
      expect(await bench.records.get(polite.id)).toMatchObject({ state: "waiting", attempts: 0, progress: "half" });
      await expect(run?.finish("late")).rejects.toThrow("another process has the job");
      b.define("deaf", async () => "heard");
      b.start();
      expect(await bench.reach(deaf.id, "done")).toMatchObject({ result: "heard", attempts: 1 });
    });
  });
});
