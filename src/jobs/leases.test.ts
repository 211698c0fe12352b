import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DATABASES } from "../../tests/support/databases.js";
import { JobsBench, PATIENT } from "../../tests/support/jobs.js";
import { LeaseRecords } from "../db/index.js";
import { createLogger } from "../ops/logs.js";
import { Leases } from "./index.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

describe.each(DATABASES)("leases in a database %s", (_name, open) => {
  const bench = new JobsBench(open);
  let opened: Leases[] = [];
  afterEach(async () => {
    await Promise.all(opened.map((leases) => leases.stop()));
    opened = [];
  });

  function process(owner: string, leaseMs = 3000): Leases {
    const leases = new Leases({
      records: new LeaseRecords(bench.prisma),
      owner,
      leaseMs,
      log: createLogger("test", "silent"),
    });
    opened.push(leases);
    return leases;
  }
  const expire = () => bench.prisma.$executeRaw`UPDATE leases SET until = to_timestamp(0)`;
  const untilAborted = (signal: AbortSignal) =>
    new Promise<void>((done) => signal.addEventListener("abort", () => done()));

  it("are held by one at a time and free again afterwards, each holder with a greater number", async () => {
    const [a, b] = [process("a"), process("b")];
    const fences: bigint[] = [];
    const inside = await a.withLease("store", async (_signal, fence) => {
      fences.push(fence);
      expect(await b.withLease("store", async () => "b")).toBeNull();
      expect(await a.withLease("store", async () => "a again")).toBeNull();
      expect(await b.withLease("another", async () => "b")).toEqual({ value: "b" });
      return "a";
    });
    expect(inside).toEqual({ value: "a" });
    await expect(
      b.withLease("store", async (_signal, fence) => {
        fences.push(fence);
        throw new Error("failed");
      }),
    ).rejects.toThrow("failed");
    await a.withLease("store", async (_signal, fence) => fences.push(fence));
    expect(fences).toEqual([1n, 2n, 3n]);
  });

  it("are given to one of many that ask at once", async () => {
    const got = await Promise.all(
      Array.from({ length: 8 }, (_, i) => process(`${i}`).withLease("store", () => sleep(300, i))),
    );
    expect(got.filter((held) => held !== null)).toHaveLength(1);
  });

  it("are renewed for as long as the work goes on", async () => {
    const [a, b] = [process("a"), process("b")];
    const work = a.withLease("store", async (signal) => {
      await sleep(4500);
      return signal.aborted;
    });
    for (let i = 0; i < 20; i++) {
      await sleep(200);
      expect(await b.withLease("store", async () => "b")).toBeNull();
    }
    expect(await work).toEqual({ value: false });
  });

  it("that were lost are told by the signal, and are not given back in the new holder's stead", async () => {
    const [a, b] = [process("a"), process("b", 10_000)];
    let taken: Promise<unknown> = Promise.resolve();
    await a.withLease("store", async (signal) => {
      await expire();
      taken = b.withLease("store", () => sleep(1500));
      await untilAborted(signal);
      expect(String(signal.reason)).toContain("The lease store was lost: another process has taken it");
    });
    expect(await a.withLease("store", async () => "a")).toBeNull();
    await taken;
    expect(await a.withLease("store", async () => "a")).toEqual({ value: "a" });
  });

  it("let everybody have a turn, one after the other", async () => {
    let [inside, most] = [0, 0];
    const turns = ["a", "b", "a", "c"].map((owner) =>
      process(owner).inTurn("store", async () => {
        most = Math.max(most, ++inside);
        await sleep(100);
        inside--;
        return owner;
      }),
    );
    expect(await Promise.all(turns)).toEqual(["a", "b", "a", "c"]);
    expect(most).toBe(1);
  });

  it("let nobody wait for a turn in a process that ends", async () => {
    const [a, b] = [process("a"), process("b")];
    await a.withLease("store", async () => {
      const turn = b.inTurn("store", async () => "b");
      const refused = expect(turn).rejects.toThrow("This process is ending");
      await sleep(50);
      await b.stop();
      await refused;
    });
  });

  it("make one process lead, and the next one when it stops", async () => {
    const leading: string[] = [];
    const all = ["a", "b", "c"].map((owner) => {
      const leases = process(owner);
      leases.leader("writer", async (signal) => {
        leading.push(owner);
        await untilAborted(signal);
      });
      return { owner, leases };
    });
    await vi.waitFor(() => expect(leading).toHaveLength(1), PATIENT);
    await sleep(1200);
    expect(leading).toHaveLength(1);
    await all.find(({ owner }) => owner === leading[0])?.leases.stop();
    await vi.waitFor(() => expect(leading).toHaveLength(2), PATIENT);
    expect(leading[1]).not.toBe(leading[0]);
  });

  it("let work that failed be begun again", async () => {
    let begun = 0;
    process("a").leader("writer", async (signal) => {
      if (++begun < 3) throw new Error("not yet");
      await untilAborted(signal);
    });
    await vi.waitFor(() => expect(begun).toBe(3), PATIENT);
  });
});
