import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STANDINS, stopProcess } from "./standins.js";

const SCRIPT = `${STANDINS}/tools/clickhouse-over-chdb.cjs`;
/** The engine is a library of half a gigabyte: fetched once per machine, outside the repository. */
const CACHE = join(tmpdir(), "crowsnest-standins");
const ENGINE = "chdb@3.4.0";
const READY_TIMEOUT_MS = 30_000;
const STALE_LOCK_MS = 600_000;

/** Whether ClickHouse's engine can be run here behind its HTTP interface. */
export const HAS_CLICKHOUSE = existsSync(SCRIPT) && hasEngine();

export interface ClickHouseServer {
  readonly url: string;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startClickHouse(): Promise<ClickHouseServer> {
  const data = await mkdtemp(join(tmpdir(), "crowsnest-clickhouse-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child = run(port, data);
  await ready(url);
  return {
    url,
    kill: () => stopProcess(child),
    restart: async () => {
      child = run(port, data);
      await ready(url);
    },
    stop: async () => {
      await stopProcess(child);
      await rm(data, { recursive: true, force: true });
    },
  };
}

function hasEngine(): boolean {
  // Written last: a fetch that was cut off has left everything but this.
  const fetched = join(CACHE, `${ENGINE}.fetched`);
  if (existsSync(fetched)) return true;
  const lock = `${CACHE}.lock`;
  try {
    mkdirSync(CACHE, { recursive: true });
    // Test files run side by side: the first one fetches, the others wait for it.
    while (!acquired(lock)) {
      sleep(500);
      if (existsSync(fetched)) return true;
    }
    try {
      execFileSync("npm", ["install", "--prefix", CACHE, "--no-audit", "--no-fund", ENGINE], { stdio: "ignore" });
      writeFileSync(fetched, "");
      return true;
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  } catch (error) {
    console.log(`Skipped: suites over ClickHouse need ${ENGINE} in ${CACHE}: ${String(error)}`);
    return false;
  }
}

function acquired(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > STALE_LOCK_MS) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/**
 * Makes the stand-in behave as a server does in two respects: it listens where it is told, and parameters are read as
 * ClickHouse reads them (escaped text; arrays as literals), where the library under it wants plain values.
 */
const FAITHFUL = `
  const { Server } = require("node:net");
  const { Session } = require("chdb");
  const listen = Server.prototype.listen;
  Server.prototype.listen = function (_port, ...rest) { return listen.call(this, Number(process.env.PORT), ...rest); };
  const CONTROLS = { t: "\\t", n: "\\n", r: "\\r", 0: "\\0", b: "\\b", f: "\\f" };
  const unescaped = (text) => text.replace(/\\\\([^])/g, (_, c) => CONTROLS[c] ?? c);
  const elements = (text) => [...text.matchAll(/'((?:[^'\\\\]|\\\\[^])*)'|([^,\\[\\]]+)/g)]
    .map(([, quoted, bare]) => (quoted === undefined ? Number(bare) : unescaped(quoted)));
  const bind = Session.prototype.queryBindAsync;
  Session.prototype.queryBindAsync = function (sql, params, ...rest) {
    const isList = (name) => new RegExp("\\\\{\\\\s*" + name + "\\\\s*:\\\\s*Array").test(sql);
    const values = Object.entries(params).map(([name, text]) => [name, isList(name) ? elements(text) : unescaped(text)]);
    return bind.call(this, sql, Object.fromEntries(values), ...rest);
  };
`;

/** What the client sets for each request: the stand-in takes such settings only for all of them. */
const SETTINGS = "SET output_format_json_quote_64bit_integers = 1, output_format_json_quote_decimals = 1";

function run(port: number, data: string) {
  return spawn(process.execPath, ["-e", `${FAITHFUL}; require(${JSON.stringify(SCRIPT)});`], {
    cwd: data,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TZ: "UTC",
      NODE_PATH: join(CACHE, "node_modules"),
      DATA: join(data, "ch"),
      PORT: String(port),
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

async function ready(url: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const answered = await fetch(url, { method: "POST", body: SETTINGS }).catch(() => null);
    if (answered?.ok) return;
    if (Date.now() > deadline) throw new Error(`ClickHouse's stand-in did not answer on ${url}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (typeof address !== "object" || address === null) throw new Error("no free port");
  return address.port;
}
