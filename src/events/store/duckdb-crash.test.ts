import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, it } from "vitest";
import { openDuckDbStore } from "./index.js";

const SEGMENTS = 60;
/** Small ones go to DuckDB's log, large ones straight to its file. */
const sizeOf = (segment: number): number => (segment % 3 === 0 ? 20_000 : 150);

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "crowsnest-crash-"));
  folders.push(folder);
  return folder;
}

async function writeSegments(folder: string): Promise<string[]> {
  return Promise.all(
    Array.from({ length: SEGMENTS }, async (_, segment) => {
      const lines = Array.from({ length: sizeOf(segment) }, (_, i) =>
        JSON.stringify({
          tenant: "t",
          id: `${segment}-${i}`,
          type: `type-${i % 5}`,
          time: 1_780_000_000_000 + segment * 1000 + i,
          received: 1_780_000_000_000,
          origin: "http",
          user: `user-${(segment * 31 + i) % 5000}`,
          properties: { segment, text: `x${Math.imul(i, 2654435761)}` },
        }),
      );
      const path = join(folder, `${segment}.ndjson`);
      await writeFile(path, `${lines.join("\n")}\n`);
      return path;
    }),
  );
}

/** Appends one segment after another and prints the number of each when it is stored. */
const CHILD = `
  const { openDuckDbStore } = await import(process.env.STORE);
  const store = await openDuckDbStore({ folder: process.env.FOLDER });
  console.log("open");
  for (const [number, path] of JSON.parse(process.env.PATHS)) {
    await store.append([path]);
    console.log(number);
  }
  console.log("end");
`;

/** Runs the child until `milliseconds` after it opened the store, then kills it. @returns what it said was stored */
async function appendUntilKilled(
  folder: string,
  paths: readonly (readonly [number, string])[],
  milliseconds: number,
  opened: () => void = () => undefined,
): Promise<{ acknowledged: number[]; ended: boolean }> {
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", CHILD], {
    env: {
      PATH: process.env.PATH,
      FOLDER: folder,
      PATHS: JSON.stringify(paths),
      STORE: new URL("./index.ts", import.meta.url).href,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const acknowledged: number[] = [];
  let ended = false;
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line === "open") {
      opened();
      setTimeout(() => child.kill("SIGKILL"), milliseconds);
    } else if (line === "end") ended = true;
    else acknowledged.push(Number(line));
  });
  await once(child, "close");
  return { acknowledged, ended };
}

/** Small pseudo-random numbers that are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("a DuckDB store whose process is killed", () => {
  it("has every acknowledged event once, and opens again at once", { timeout: 180_000 }, async () => {
    const [segments, folder] = [await newFolder(), await newFolder()];
    const paths = await writeSegments(segments);
    const random = seeded(Number(process.env.SEED ?? 7));
    const stored = new Set<number>();
    for (let round = 0; round < 5; round++) {
      const left = paths.map((path, i) => [i, path] as const).filter(([i]) => !stored.has(i));
      const { acknowledged } = await appendUntilKilled(folder, left, 20 + random() * 700);
      for (const segment of acknowledged) stored.add(segment);
      const before = performance.now();
      const store = await openDuckDbStore({ folder });
      expect(performance.now() - before).toBeLessThan(3000);
      const rows = await store.query<{ segment: number; events: string; different: string; users: string }>(
        `SELECT (properties->>'$.segment')::INTEGER AS segment, count(*) AS events, count(DISTINCT id) AS different,
           count(user_key) AS users FROM events GROUP BY 1`,
      );
      const found = new Map(rows.map((row) => [row.segment, row]));
      for (const segment of stored) expect(found.has(segment)).toBe(true);
      for (const [segment, { events, different, users }] of found) {
        expect([segment, events, different, users]).toEqual([segment, ...Array(3).fill(String(sizeOf(segment)))]);
      }
      const [dictionary] = await store.query<{ users: string; keys: string; wrong: string }>(
        `SELECT count(*) AS users, count(DISTINCT user_key) AS keys,
          (SELECT count(*) FROM events e ANTI JOIN users u USING (tenant, user_id, user_key)) AS wrong FROM users`,
      );
      expect(dictionary).toMatchObject({ keys: dictionary?.users, wrong: "0" });
      await store.close();
    }
    // What was not acknowledged comes again, whole, as the spool would send it.
    const store = await openDuckDbStore({ folder });
    await store.append(paths);
    const total = paths.reduce((sum, _, segment) => sum + sizeOf(segment), 0);
    expect((await store.counts({ tenant: "t" }, "all"))[0]).toMatchObject({ events: total, users: 5000 });
    await store.close();
  });

  it("says who has the file, when another process does", { timeout: 60_000 }, async () => {
    const folder = await newFolder();
    let ending: Promise<unknown> = Promise.resolve();
    await new Promise<void>((opened) => {
      ending = appendUntilKilled(folder, [], 5000, opened);
    });
    await expect(openDuckDbStore({ folder })).rejects.toThrow(
      /The event store .*events.duckdb belongs to another process \(PID \d+\): stop that one, or give/,
    );
    await ending;
    await (await openDuckDbStore({ folder })).close();
  });
});
