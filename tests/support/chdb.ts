import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
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
  if (existsSync(join(CACHE, "node_modules/chdb/package.json"))) return true;
  try {
    mkdirSync(CACHE, { recursive: true });
    execFileSync("npm", ["install", "--prefix", CACHE, "--no-audit", "--no-fund", ENGINE], { stdio: "ignore" });
    return true;
  } catch (error) {
    console.log(`Skipped: suites over ClickHouse need ${ENGINE} in ${CACHE}: ${String(error)}`);
    return false;
  }
}

function run(port: number, data: string) {
  // The script listens on one fixed port: this lets several run at once.
  const code = `const { Server } = require("node:net");
    const listen = Server.prototype.listen;
    Server.prototype.listen = function (_port, ...rest) { return listen.call(this, ${port}, ...rest); };
    require(${JSON.stringify(SCRIPT)});`;
  return spawn(process.execPath, ["-e", code], {
    cwd: data,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_PATH: join(CACHE, "node_modules"),
      DATA: join(data, "ch"),
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

async function ready(url: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const answered = await fetch(`${url}/?query=SELECT%201`, { method: "POST" }).catch(() => null);
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
