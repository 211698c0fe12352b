import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { DATABASES } from "../../tests/support/databases.js";
import { JobsBench, NOW, PATIENT } from "../../tests/support/jobs.js";
import { DAY, HOUR, MINUTE } from "../base/clock.js";
import { inTransaction } from "../db/index.js";
import { type JobRun, type Jobs, NoRetry } from "./index.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

describe.each(DATABASES)("jobs in a database %s", (_name, open) => {
  const bench = new JobsBench(open);

  describe("queueing", () => {
    it("runs what is queued at once, whatever the pause between two looks, and keeps its result", async () => {
      const jobs = bench.process("a", { pollMs: HOUR });
      jobs.define("sum", async ({ job }: JobRun<number[]>) => ({ sum: job.payload.reduce((a, b) => a + b) }));
      jobs.start();
      await sleep(300);
      const { id, created } = await jobs.enqueue("sum", "1", [1, 2, 3], { tenant: "t" });
      expect(created).toBe(true);
      const done = await bench.reach(id, "done");
      expect(done).toMatchObject({ result: { sum: 6 }, attempts: 1, tenant: "t", payload: [1, 2, 3], error: null });
      expect(done).toMatchObject({ createdAt: NOW, finishedAt: NOW, leaseOwner: null, leaseUntil: null });
    });

    it("takes the same work once, however often and wherever it is queued", async () => {
      const [a, b] = [bench.process("a"), bench.process("b")];
      const ran: string[] = [];
      for (const jobs of [a, b]) jobs.define("k", async ({ job }) => ran.push(job.key));
      const queued = await Promise.all([a, b, a, b].map((jobs) => jobs.enqueue("k", "same", {})));
      expect(new Set(queued.map(({ id }) => id)).size).toBe(1);
      expect(queued.filter(({ created }) => created)).toHaveLength(1);
      a.start();
      b.start();
      await bench.reach(queued[0]?.id ?? "", "done");
      expect(await a.enqueue("k", "same", {})).toMatchObject({ created: false });
      expect((await a.enqueue("another", "same", {})).created).toBe(true);
      await sleep(200);
      expect(ran).toEqual(["same"]);
    });

    it("queues with a transaction or not at all", async () => {
      const jobs = bench.process();
      jobs.define("k", async () => undefined);
      jobs.start();
      const { prisma } = bench;
      const undone = inTransaction(prisma, async (within) => {
        await jobs.enqueue("k", "undone", {}, { within });
        throw new Error("no");
      });
      await expect(undone).rejects.toThrow("no");
      const id = await inTransaction(prisma, async (within) => (await jobs.enqueue("k", "made", {}, { within })).id);
      await bench.reach(id, "done");
      expect((await jobs.list()).map(({ key }) => key)).toEqual(["made"]);
    });

    it("keeps payloads and results to the letter", async () => {
      const jobs = bench.process();
      const strange = { text: "a\u0000b \ud800 ü'\"\\", deep: [{ n: 1.5, none: null }] };
      jobs.define("k", async ({ job }) => job.payload);
      jobs.start();
      const { id } = await jobs.enqueue("k", "1", strange);
      expect(await bench.reach(id, "done")).toMatchObject({ payload: strange, result: strange });
    });

    it("leaves jobs alone that this process does not know how to do", async () => {
      const jobs = bench.process();
      jobs.define("k", async () => undefined);
      jobs.start();
      const { id } = await jobs.enqueue("of a later version", "1", {});
      await bench.reach((await jobs.enqueue("k", "1", {})).id, "done");
      expect(await jobs.get(id)).toMatchObject({ state: "waiting", attempts: 0 });
    });

    it("lists newest first, by tenant, kind and state", async () => {
      const jobs = bench.process();
      for (const [i, tenant] of ["t", "u", "t"].entries()) {
        bench.now = NOW + i;
        await jobs.enqueue(i === 2 ? "other" : "k", `${i}`, {}, { tenant });
      }
      await jobs.enqueue("k", "whole", {});
      const keys = async (...args: Parameters<Jobs["list"]>) => (await jobs.list(...args)).map(({ key }) => key);
      expect(await keys({ tenant: "t" })).toEqual(["2", "0"]);
      expect(await keys({ tenant: "t", kind: "k" })).toEqual(["0"]);
      expect(await keys({ tenant: null })).toEqual(["whole"]);
      expect(await keys({ state: "done" })).toEqual([]);
      expect(await keys({}, 1)).toHaveLength(1);
    });

    it("refuses keys that belong to recurring work, and a kind that is defined twice", async () => {
      const jobs = bench.process();
      await expect(jobs.enqueue("k", "@2026", {})).rejects.toThrow("must not begin with @");
      jobs.define("k", async () => undefined);
      expect(() => jobs.define("k", async () => undefined)).toThrow("defined twice");
    });
  });

  describe("running", () => {
    it("waits until a job is due", async () => {
      const jobs = bench.process();
      jobs.define("k", async () => undefined);
      jobs.start();
      const { id } = await jobs.enqueue("k", "later", {}, { runAt: NOW + HOUR });
      await bench.reach((await jobs.enqueue("k", "now", {})).id, "done");
      expect((await jobs.get(id))?.state).toBe("waiting");
      bench.now = NOW + HOUR;
      await bench.reach(id, "done");
    });

    it("runs at most as many of a kind at once as it may, without holding up others", async () => {
      const jobs = bench.process();
      let [running, most] = [0, 0];
      jobs.define(
        "slow",
        async () => {
          most = Math.max(most, ++running);
          await sleep(150);
          running--;
        },
        { concurrency: 2 },
      );
      jobs.define("quick", async () => undefined);
      const ids = await Promise.all([1, 2, 3, 4, 5].map(async (i) => (await jobs.enqueue("slow", `${i}`, {})).id));
      const quick = await jobs.enqueue("quick", "1", {});
      jobs.start();
      await bench.reach(quick.id, "done");
      expect((await jobs.list({ kind: "slow", state: "waiting" })).length).toBeGreaterThan(0);
      for (const id of ids) await bench.reach(id, "done");
      expect(most).toBe(2);
    });

    it("tries again after a growing pause, then gives up and says why", async () => {
      const jobs = bench.process();
      const tried: number[] = [];
      jobs.define(
        "k",
        async ({ job }) => {
          tried.push(bench.now - NOW);
          throw new Error(`no room (${job.attempts})\u0000`);
        },
        { maxAttempts: 3, backoff: { firstMs: MINUTE, longestMs: HOUR } },
      );
      jobs.start();
      const { id } = await jobs.enqueue("k", "1", {});
      await vi.waitFor(async () => {
        expect(await jobs.get(id)).toMatchObject({ state: "waiting", attempts: 1, runAt: NOW + MINUTE });
      }, PATIENT);
      bench.now += MINUTE;
      await vi.waitFor(async () => expect((await jobs.get(id))?.runAt).toBe(NOW + 3 * MINUTE), PATIENT);
      bench.now += 2 * MINUTE;
      expect(await bench.reach(id, "failed")).toMatchObject({
        error: "Error: no room (3)\ufffd",
        finishedAt: bench.now,
      });
      expect(tried).toEqual([0, MINUTE, 3 * MINUTE]);
    });

    it("does not try again what cannot succeed, until somebody asks for it", async () => {
      const jobs = bench.process();
      let mended = false;
      jobs.define("k", async () => {
        if (!mended) throw new NoRetry("Result exceeds row limit of 10");
      });
      jobs.start();
      const { id } = await jobs.enqueue("k", "1", {});
      expect(await bench.reach(id, "failed")).toMatchObject({ error: "Result exceeds row limit of 10", attempts: 1 });
      mended = true;
      expect(await jobs.retry(id)).toBe(true);
      expect(await bench.reach(id, "done")).toMatchObject({ error: null, attempts: 1 });
      expect(await jobs.retry(id)).toBe(false);
    });

    it("takes a result that is no JSON for a failure", async () => {
      const jobs = bench.process();
      jobs.define("k", async () => 1n, { maxAttempts: 1 });
      jobs.start();
      expect((await bench.reach((await jobs.enqueue("k", "1", {})).id, "failed")).error).toMatch(/BigInt/);
    });

    it("forgets the payload of work that is done, where it is told to", async () => {
      const jobs = bench.process();
      jobs.define("k", async () => undefined, { forgetPayload: true });
      jobs.start();
      expect((await bench.reach((await jobs.enqueue("k", "1", { user: "mia" })).id, "done")).payload).toEqual({});
    });

    it("deletes ended jobs after their time", async () => {
      const jobs = bench.process();
      jobs.define("k", async () => undefined);
      jobs.start();
      const { id } = await jobs.enqueue("k", "1", {});
      await bench.reach(id, "done");
      bench.now += 31 * DAY;
      bench.process("b").start();
      await vi.waitFor(async () => expect(await jobs.get(id)).toBeNull(), PATIENT);
    });
  });

  describe("cancelling", () => {
    it("keeps a waiting job from running", async () => {
      const jobs = bench.process();
      const ran = vi.fn();
      jobs.define("k", async () => ran());
      const { id } = await jobs.enqueue("k", "1", {});
      expect(await jobs.cancel(id)).toBe(true);
      jobs.start();
      await bench.reach((await jobs.enqueue("k", "2", {})).id, "done");
      expect(ran).toHaveBeenCalledTimes(1);
      expect(await jobs.cancel(id)).toBe(false);
    });

    it.each([
      "here",
      "by another process",
    ])("tells a running handler, and refuses what it still writes: %s", async (where) => {
      const jobs = bench.process();
      let run: JobRun | undefined;
      jobs.define(
        "k",
        async (given) => {
          run = given;
          await new Promise((done) => given.signal.addEventListener("abort", done));
          return "too late";
        },
        { leaseMs: 3000 },
      );
      jobs.start();
      const { id } = await jobs.enqueue("k", "1", {});
      await vi.waitFor(() => expect(run).toBeDefined(), PATIENT);
      await (where === "here" ? jobs : bench.process("b")).cancel(id);
      await vi.waitFor(() => expect(run?.signal.aborted).toBe(true), PATIENT);
      await expect(run?.progress(1)).rejects.toThrow("another process has the job, or it was cancelled");
      await expect(run?.extend()).rejects.toThrow(/job/);
      await jobs.stop();
      expect(await jobs.get(id)).toMatchObject({ state: "cancelled", result: null, progress: null });
    });
  });
});
