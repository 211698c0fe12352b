import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startThread } from "../ops/thread.js";
import { EmbeddedPostgres } from "./embedded.js";

let folder: string;
let engine: EmbeddedPostgres;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "embedded-"));
  engine = new EmbeddedPostgres(join(folder, "postgres"));
  await engine.exec("CREATE TABLE things (id int PRIMARY KEY, amount numeric, at timestamptz)");
}, 60_000);
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const ids = async (): Promise<unknown[]> => {
  const { rows } = await engine.query("SELECT id FROM things ORDER BY id");
  await engine.exec("DELETE FROM things");
  return rows.flat();
};
const insert = "INSERT INTO things (id) VALUES ($1)";

describe("embedded Postgres in its thread", () => {
  it("parses values here by the parsers given, and leaves null alone", async () => {
    const parsers = { 1700: (text: string) => `<${text}>` };
    const { rows, fields } = await engine.query("SELECT 1.50::numeric AS n, NULL::numeric AS z, 2 AS i", [], {
      parsers,
    });
    expect(fields.map(({ name }) => name)).toEqual(["n", "z", "i"]);
    expect(rows).toEqual([["<1.50>", null, 2]]);
  });

  it("commits when the work is done, and undoes it when it throws or asks for that", async () => {
    await engine.transaction((tx) => tx.query(insert, [1]));
    await expect(
      engine.transaction(async (tx) => {
        await tx.query(insert, [2]);
        throw new Error("changed my mind");
      }),
    ).rejects.toThrow("changed my mind");
    await engine.transaction(async (tx) => {
      await tx.query(insert, [3]);
      await tx.rollback();
    });
    expect(await ids()).toEqual([1]);
  });

  it("runs transactions one after the other, and queries outside not within them", async () => {
    const first = engine.transaction(async (tx) => {
      await tx.query(insert, [1]);
      await tx.query(insert, [2]);
    });
    const second = engine.transaction((tx) => tx.query("INSERT INTO things (id) SELECT count(*) * 10 FROM things"));
    const outside = engine.query("SELECT count(*)::int FROM things");
    await Promise.all([first, second]);
    expect((await outside).rows).not.toEqual([[1]]);
    expect(await ids()).toEqual([1, 2, 20]);
  });

  it("tells errors as Postgres does, and goes on", async () => {
    await engine.query(insert, [1]);
    const refused = engine.transaction((tx) => tx.query(insert, [1]));
    await expect(refused).rejects.toMatchObject({ name: "error", code: "23505", severity: "ERROR" });
    expect(await ids()).toEqual([1]);
  });

  it("opens what was written before, and takes nothing more once closed", async () => {
    await engine.query(insert, [7]);
    await engine.close();
    await expect(engine.query("SELECT 1")).rejects.toThrow("Connection terminated");
    engine = new EmbeddedPostgres(join(folder, "postgres"));
    expect(await ids()).toEqual([7]);
  });

  it("fails what is under way when its thread ends, and recovers with the next query", async () => {
    await engine.query(insert, [1]);
    await engine.close();
    const threads: Worker[] = [];
    engine = new EmbeddedPostgres(join(folder, "postgres"), () => {
      const thread = startThread(new URL("./embedded-worker.js", import.meta.url), join(folder, "postgres"));
      threads.push(thread);
      return thread;
    });
    await engine.query(insert, [2]);
    const cut = engine.transaction((tx) => tx.query("INSERT INTO things (id) SELECT generate_series(10, 100000)"));
    const refused = expect(cut).rejects.toThrow("Connection terminated");
    await threads[0]?.terminate();
    await refused;
    expect(await ids()).toEqual([1, 2]);
    const overtaken = engine.transaction(async (tx) => {
      await threads[1]?.terminate();
      await tx.query(insert, [3]);
    });
    await expect(overtaken).rejects.toThrow("Connection terminated");
    expect(await ids()).toEqual([]);
    expect(threads).toHaveLength(3);
  });
});
