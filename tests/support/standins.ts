import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { SERVICE_NAMES, type ServiceName } from "../../src/upstream/index.js";

/** Folder of programs that play the upstream services, and of public data. Not part of the repository. */
export const STANDINS = resolve(process.env.STANDINS_DIR ?? "../shared");
export const HAS_UPSTREAMS = existsSync(`${STANDINS}/upstreams/serve.mjs`) && existsSync(`${STANDINS}/data/pdm`);
export const PDM_DATA = `${STANDINS}/data/pdm`;
/** The moment that the services over the data set believe it is. */
export const PDM_NOW = "2016-01-01T06:00:00Z";

if (!HAS_UPSTREAMS) {
  console.log(
    `Skipped: suites over independent upstream services need ${STANDINS} (set STANDINS_DIR to where they are)`,
  );
}

export interface Upstreams {
  readonly urls: Readonly<Record<ServiceName, string>>;
  /** Calls counted per route since the last reset. */
  stats(): Promise<Record<string, number>>;
  resetStats(): Promise<void>;
  /** Makes a service fail: 503, hang, reset, garbage, slow:MS, rate:0.2; an empty mode mends it. */
  fail(service: ServiceName, mode: string): Promise<void>;
  stop(): Promise<void>;
}

/** Six services that nobody answers for. */
export const NOWHERE = {
  urls: Object.fromEntries(SERVICE_NAMES.map((name) => [name, "http://127.0.0.1:9"])),
} as unknown as Upstreams;

/** Starts the six services on free ports and waits until all of them answer. */
export async function startUpstreams(...args: string[]): Promise<Upstreams> {
  const base = await freePorts(SERVICE_NAMES.length);
  const script = `${STANDINS}/upstreams/serve.mjs`;
  const child = spawn(process.execPath, [script, "--base-port", String(base), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await listening(child, SERVICE_NAMES.length);
  const url = (index: number): string => `http://127.0.0.1:${base + index}`;
  const post = (path: string, body: unknown) => fetch(url(0) + path, { method: "POST", body: JSON.stringify(body) });
  return {
    urls: Object.fromEntries(SERVICE_NAMES.map((name, i) => [name, url(i)])) as Record<ServiceName, string>,
    stats: async () => (await fetch(`${url(0)}/__stats`)).json() as Promise<Record<string, number>>,
    resetStats: async () => void (await post("/__stats", {})),
    fail: async (service, mode) => void (await post("/__fail", { service, mode })),
    stop: () => stopProcess(child),
  };
}

export function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => {
    child.once("exit", () => done());
    child.kill("SIGKILL");
  });
}

function listening(child: ChildProcess, lines: number): Promise<void> {
  return new Promise((done, failed) => {
    let seen = "";
    child.once("exit", (code) => failed(new Error(`upstream services ended with ${code}`)));
    child.stdout?.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.split("\n").length > lines) done();
    });
  });
}

/** The first of `count` neighbouring ports that are all free right now. */
async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 20_000 + Math.floor(Math.random() * 30_000);
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(base + i)));
    if (free.every(Boolean)) return base;
  }
  throw new Error("no free ports");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}
