import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createDatabase, HAS_POSTGRES } from "../../tests/support/postgres.js";
import { Relay } from "../../tests/support/proxy.js";
import { systemClock } from "../base/clock.js";
import { type Database, JobRecords, openDatabase } from "../db/index.js";
import { createLogger } from "../ops/logs.js";
import { Jobs } from "./index.js";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });
const PATIENT = { timeout: 30_000, interval: 50 };

describe.skipIf(!HAS_POSTGRES)("jobs while the database server is away", () => {
  let server: { url: string; drop: () => Promise<void> };
  let relay: Relay;
  let database: Database;
  beforeAll(async () => {
    server = await createDatabase();
    const url = new URL(server.url);
    relay = new Relay(url.hostname, Number(url.port || 5432));
    await relay.open();
    url.hostname = "127.0.0.1";
    url.port = String(relay.port);
    database = await openDatabase({ url: url.href });
  });
  afterAll(async () => {
    await database?.close();
    await server?.drop();
  });

  it("keep the result of what was under way, complain once, and go on by themselves", async () => {
    const log = createLogger("test", "silent");
    const warned = vi.spyOn(log, "warn");
    const jobs = new Jobs({
      records: new JobRecords(database.prisma),
      clock: systemClock,
      log,
      owner: "a",
      pollMs: 50,
    });
    let release: () => void = () => undefined;
    let aborted = false;
    jobs.define(
      "long",
      async ({ signal }) => {
        await new Promise<void>((done) => {
          release = done;
        });
        aborted = signal.aborted;
        return "kept";
      },
      { leaseMs: 1000 },
    );
    jobs.define("short", async () => "done");
    jobs.start();
    const { id } = await jobs.enqueue("long", "1", {});
    await vi.waitFor(async () => expect((await jobs.get(id))?.state).toBe("running"), PATIENT);

    await relay.cut();
    await expect(jobs.enqueue("short", "1", {})).rejects.toThrow();
    await sleep(2500);
    // Nobody could renew the lease: the handler is told, and decides to end all the same.
    release();
    await sleep(1000);
    expect(aborted).toBe(true);
    expect(warned.mock.calls.filter(([, message]) => message === "no jobs while the database fails")).toHaveLength(1);

    await relay.open();
    await vi.waitFor(async () => {
      expect(await jobs.get(id)).toMatchObject({ state: "done", result: "kept", attempts: 1 });
    }, PATIENT);
    const short = await jobs.enqueue("short", "1", {});
    await vi.waitFor(async () => expect((await jobs.get(short.id))?.state).toBe("done"), PATIENT);
    await jobs.stop();
  });

  it("can be stopped all the same", async () => {
    const log = createLogger("test", "silent");
    const jobs = new Jobs({
      records: new JobRecords(database.prisma),
      clock: systemClock,
      log,
      owner: "b",
      pollMs: 50,
    });
    jobs.define("endless", () => new Promise(() => undefined));
    await jobs.enqueue("endless", "1", {});
    jobs.start();
    await vi.waitFor(
      async () => expect(await jobs.list({ kind: "endless", state: "running" })).toHaveLength(1),
      PATIENT,
    );
    await relay.cut();
    const begun = performance.now();
    await jobs.stop(500);
    expect(performance.now() - begun).toBeLessThan(8000);
    await relay.open();
  });
});
