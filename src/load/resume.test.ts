import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, copyFile, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { Collector, load, newFolder, type SentEvent } from "../../tests/support/loading.js";
import { LoadFailed } from "./errors.js";
import type { Sent } from "./sender.js";

const MAP = ["--type", "visit", "--map", "time=at,user=who"];

async function rowsFile(rows: number, name = "rows.csv"): Promise<string> {
  const path = join(newFolder(), name);
  const lines = Array.from({ length: rows }, (_, n) => `${new Date(1.7e12 + n).toISOString()},user${n}`);
  await writeFile(path, `at,who\n${lines.join("\n")}\n`);
  return path;
}

const users = (sender: Collector): (string | undefined)[] => sender.events.map(({ user }) => user);
const expectedUsers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => `user${from + n}`);

describe("loading again", () => {
  it("sends nothing once a file is loaded, whatever it is called, and says so", async () => {
    const [path, dataDir] = [await rowsFile(1500), newFolder()];
    await load([path, ...MAP], new Collector(), { dataDir });
    const copy = join(newFolder(), "copy.csv");
    await copyFile(path, copy);
    const sender = new Collector();
    const { code, out, err } = await load([copy, ...MAP], sender, { dataDir });
    expect([code, out, sender.batches]).toEqual([0, "", 0]);
    expect(err).toContain("copy.csv is loaded already (1,500 events taken in, 0 set aside)");
  });

  it("gives the same ids, with --restart and from anywhere", async () => {
    const path = await rowsFile(1500);
    const [first, again, elsewhere] = [new Collector(), new Collector(), new Collector()];
    const dataDir = newFolder();
    await load([path, ...MAP], first, { dataDir });
    await load([path, ...MAP, "--restart"], again, { dataDir });
    await load([path, ...MAP], elsewhere);
    expect(again.events).toEqual(first.events);
    expect(elsewhere.events).toEqual(first.events);
    expect(new Set(first.events.map(({ id }) => id)).size).toBe(1500);
  });

  it("goes on where --limit ended", async () => {
    const [path, dataDir] = [await rowsFile(2500), newFolder()];
    const sender = new Collector();
    await load([path, ...MAP, "--limit", "1234"], sender, { dataDir });
    expect(users(sender)).toEqual(expectedUsers(0, 1234));
    const { out, err } = await load([path, ...MAP], sender, { dataDir });
    expect(users(sender)).toEqual(expectedUsers(0, 2500));
    expect(err).toContain("going on at row 1,235");
    expect(out).toBe("2,500 events taken in, 0 set aside\n");
  });

  it("is another load for another gateway, and for a file that has grown", async () => {
    const [path, dataDir] = [await rowsFile(10), newFolder()];
    const sender = new Collector();
    await load([path, ...MAP], sender, { dataDir });
    await load([path, ...MAP], sender);
    await appendFile(path, "2024-07-04,late\n");
    await load([path, ...MAP], sender, { dataDir });
    expect(sender.events).toHaveLength(10 + 10 + 11);
  });

  it("with other options begins anew, and says that ids stay", async () => {
    const [path, dataDir] = [await rowsFile(10), newFolder()];
    const sender = new Collector();
    await load([path, ...MAP], sender, { dataDir });
    const { err } = await load([path, ...MAP, "--time-zone", "Europe/Berlin"], sender, { dataDir });
    expect(err).toContain("--id-prefix TEXT");
    expect([sender.events.length, new Set(sender.events.map(({ id }) => id)).size]).toEqual([20, 10]);
  });

  it("keeps its state where it is told to", async () => {
    const [path, state] = [await rowsFile(10), join(newFolder(), "my-state.json")];
    await load([path, ...MAP, "--state", state], new Collector());
    expect(JSON.parse(await readFile(state, "utf8"))).toMatchObject({ progress: { rows: 10, isFinished: true } });
  });

  it("takes several files, each with its own line", async () => {
    const files = [await rowsFile(3, "a.csv"), await rowsFile(2, "b.csv")];
    const sender = new Collector();
    const { out } = await load([...files, ...MAP], sender);
    expect(out).toBe(`${files[0]}: 3 events taken in, 0 set aside\n${files[1]}: 2 events taken in, 0 set aside\n`);
    expect(sender.events).toHaveLength(5);
  });
});

/** Acknowledges batches in a random order, and fails or stops at one of them. */
class Hindered extends Collector {
  #sent = 0;
  constructor(
    readonly at: number,
    readonly hinder: () => void,
  ) {
    super();
  }

  override async send(lines: string): Promise<Sent> {
    const own = this.#sent++;
    await sleep((own * 7) % 5);
    if (own === this.at) this.hinder();
    return super.send(lines);
  }
}

describe("a load that is cut short", () => {
  it("by a batch that fails, ends with 1, and the next run goes on without a gap", async () => {
    const [path, dataDir] = [await rowsFile(20_000), newFolder()];
    const failing = new Hindered(7, () => {
      throw new LoadFailed("the gateway refuses the token: expired");
    });
    const { code, err } = await load([path, ...MAP], failing, { dataDir });
    expect(code).toBe(1);
    expect(err).toContain("the gateway refuses the token: expired\n7,000 rows are done");
    const next = new Collector();
    const { out } = await load([path, ...MAP], next, { dataDir });
    expect(users(next)).toEqual(expectedUsers(7000, 20_000));
    expect(new Set([...users(failing), ...users(next)]).size).toBe(20_000);
    // Batches behind the failed one are sent again, and counted once.
    expect(out).toBe("20,000 events taken in, 0 set aside\n");
  });

  it("after --restart, has forgotten what was done before", async () => {
    const [path, dataDir] = [await rowsFile(2500), newFolder()];
    await load([path, ...MAP], new Collector(), { dataDir });
    const failing = new Hindered(0, () => {
      throw new LoadFailed("no");
    });
    expect((await load([path, ...MAP, "--restart"], failing, { dataDir })).err).toBe("no\n");
    const next = new Collector();
    await load([path, ...MAP], next, { dataDir });
    expect(users(next)).toEqual(expectedUsers(0, 2500));
  });

  it("by Ctrl-C, waits for the batches under way, ends with 130, and goes on behind them", async () => {
    const [path, dataDir, stop] = [await rowsFile(20_000), newFolder(), new AbortController()];
    const first = new Hindered(9, () => stop.abort());
    const { code, err } = await load([path, ...MAP], first, { dataDir, stop: stop.signal });
    const done = first.events.length;
    expect(code).toBe(130);
    expect(done).toBeGreaterThanOrEqual(10_000);
    expect(done).toBeLessThanOrEqual(13_000);
    expect(err).toContain(`interrupted after ${done.toLocaleString("en-US")} rows`);
    const next = new Collector();
    await load([path, ...MAP], next, { dataDir });
    expect(users(next)).toEqual(expectedUsers(done, 20_000));
  });
});

let server: Server | undefined;
let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill("SIGKILL");
  server?.close().closeAllConnections();
});

/** Keeps how often each id arrived. */
async function recorder(): Promise<{ url: string; times: Map<string, number> }> {
  const times = new Map<string, number>();
  server = createServer(async (request, response) => {
    const events = (await text(request)).trimEnd().split("\n");
    for (const { id } of events.map((line) => JSON.parse(line) as SentEvent)) times.set(id, (times.get(id) ?? 0) + 1);
    await sleep(10);
    response.end(JSON.stringify({ accepted: events.length, set_aside: 0 }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, times };
}

/** `crowsnest load` as a process of its own. */
function start(args: readonly string[], dataDir: string): ChildProcess {
  const script = `
    import { runLoad } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
    const stop = new AbortController();
    process.once("SIGINT", () => stop.abort());
    const { stdin, stdout, stderr } = process;
    process.exitCode = await runLoad(${JSON.stringify(args)}, {
      stdin, stdout, stderr, environment: {}, dataDir: ${JSON.stringify(dataDir)}, stop: stop.signal,
    });`;
  const flags = ["--import", "tsx", "--input-type=module", "--eval", script];
  return spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "pipe"] });
}

describe("a process that is killed", () => {
  it("again and again still sends every row, and hardly any twice", { timeout: 60_000 }, async () => {
    const rows = 100_000;
    const [path, dataDir] = [await rowsFile(rows), newFolder()];
    const { url, times } = await recorder();
    const args = [path, ...MAP, "--url", url, "--quiet"];
    let kills = 0;
    for (const goal of [5000, 30_000, 60_000]) {
      child = start(args, dataDir);
      while (times.size < goal && child.exitCode === null) await sleep(5);
      child.kill("SIGKILL");
      await once(child, "exit");
      kills += 1;
      expect(times.size).toBeLessThan(rows);
    }
    child = start(args, dataDir);
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(times.size).toBe(rows);
    const twice = [...times.values()].filter((count) => count > 1);
    // What was under way, or acknowledged and not yet noted.
    expect(twice.length).toBeLessThanOrEqual(kills * 5 * 1000);
    expect(Math.max(...times.values())).toBeLessThanOrEqual(kills + 1);
  });

  it("by Ctrl-C ends in good order, and sends nothing twice", { timeout: 60_000 }, async () => {
    const rows = 50_000;
    const [path, dataDir] = [await rowsFile(rows), newFolder()];
    const { url, times } = await recorder();
    const args = [path, ...MAP, "--url", url];
    child = start(args, dataDir);
    while (times.size < 5000) await sleep(5);
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
    expect(times.size).toBeLessThan(rows);
    child = start(args, dataDir);
    expect(await once(child, "exit")).toEqual([0, null]);
    expect([times.size, Math.max(...times.values())]).toEqual([rows, 1]);
  });
});
