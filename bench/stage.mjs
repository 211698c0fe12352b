// What a scenario plays on: upstream services and gateways as processes of their own, started fresh and always stopped.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { cp, mkdtemp } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import jwt from "jsonwebtoken";
import { Pool } from "undici";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
export const STANDINS_DIR = resolve(ROOT, process.env.STANDINS_DIR || "../shared");
const SECRET = "bench-secret-bench-secret-bench-secret";
/** What the upstream services take for now; their data ends there. */
const FLEET_NOW = "2016-01-01T06:00:00Z";
const SERVICES = ["INGESTION", "HEALTH", "AGENT", "ALERT", "SCHEDULING", "WARRANTY"];
const START_MS = 60_000;
const STOP_MS = 12_000;

const children = new Set();
const folders = new Set();

/** Last resort, also on Ctrl-C: nothing that was started outlives the benchmark. */
function abandonAll() {
  for (const child of children) kill(child, "SIGKILL");
  // What was killed may still be writing for a moment.
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}
process.on("exit", abandonAll);
for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
  // Not once: a second signal would end the clearing up half-way.
  process.on(signal, () => process.exit(code));
}

export async function temporaryFolder(name) {
  const folder = await mkdtemp(join(tmpdir(), `crowsnest-bench-${name}-`));
  folders.add(folder);
  return folder;
}

export function dropFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** A process in a group of its own, so that what it starts goes with it and Ctrl-C reaches us alone. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options, detached: true });
  children.add(child);
  child.told = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      child.told = (child.told + chunk).slice(-4000);
    });
  }
  child.ended = new Promise((done) => child.once("close", done).once("error", done)).finally(() =>
    children.delete(child),
  );
  return child;
}

export async function stop(child) {
  kill(child, "SIGTERM");
  const timer = setTimeout(() => kill(child, "SIGKILL"), STOP_MS);
  await child.ended;
  clearTimeout(timer);
}

function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Already gone.
  }
}

/** First of `count` neighbouring ports that are free, below those that systems hand out by themselves. */
export async function freePorts(count) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const base = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(base + i)));
    if (free.every(Boolean)) return base;
  }
  throw new Error(`found no ${count} free ports in a row between 20000 and 30000`);
}

function isFree(port) {
  return new Promise((tell) => {
    const server = createServer();
    server.once("error", () => tell(false));
    server.listen(port, "0.0.0.0", () => server.close(() => tell(true)));
  });
}

async function untilAnswering(child, url, what) {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline) {
    if (!children.has(child)) throw new Error(`${what} ended while starting:\n${child.told}`);
    const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`${what} did not answer at ${url} within ${START_MS / 1000} s:\n${child.told}`);
}

/** The six upstream services: `calls()` by route, `reset()`, and where they are. */
export async function startUpstreams({ scale = 10, latency = 20, bulk = false, port } = {}) {
  const script = join(STANDINS_DIR, "upstreams/serve.mjs");
  if (!existsSync(script))
    throw new Error(`there is no ${script}: set STANDINS_DIR to the folder of upstreams/serve.mjs`);
  const base = port ?? (await freePorts(SERVICES.length));
  const options = ["--base-port", base, "--now", FLEET_NOW, "--scale", scale, "--latency", latency].map(String);
  const child = start(process.execPath, [script, ...options, ...(bulk ? ["--bulk"] : [])]);
  const ports = SERVICES.map((_, i) => base + i);
  for (const each of ports) await untilAnswering(child, `http://127.0.0.1:${each}/health`, "the upstream services");
  const stats = async (method) => (await fetch(`http://127.0.0.1:${base}/__stats`, { method })).json();
  await stats("POST");
  return {
    ports,
    pid: child.pid,
    vehicles: 100 * scale,
    calls: () => stats("GET"),
    reset: () => stats("POST"),
    stop: () => stop(child),
  };
}

/** The built-in demo fleet, of any size with the same light history; it counts no calls. */
export async function startDemoFleet(vehicles, latency = 20) {
  const base = await freePorts(SERVICES.length);
  const options = ["--base-port", base, "--vehicles", vehicles, "--latency", latency].map(String);
  const child = start(process.execPath, [join(ROOT, "dist/demo/main.js"), ...options]);
  const ports = SERVICES.map((_, i) => base + i);
  for (const each of ports) await untilAnswering(child, `http://127.0.0.1:${each}/health`, "the demo fleet");
  return { ports, pid: child.pid, vehicles, stop: () => stop(child) };
}

export const total = (calls) => Object.values(calls).reduce((sum, count) => sum + count, 0);

/** Waits until no further call arrives, and returns all calls by route. */
export async function settled(upstreams, quietMs = 700) {
  let calls = await upstreams.calls();
  let since = performance.now();
  while (performance.now() - since < quietMs) {
    await sleep(50);
    const now = await upstreams.calls();
    if (total(now) !== total(calls)) since = performance.now();
    calls = now;
  }
  return calls;
}

let template;

/** A data folder as the first start leaves it: making the database anew each time would only take time. */
async function dataFolder() {
  template ??= (async () => {
    const folder = await temporaryFolder("template");
    const services = Object.fromEntries(SERVICES.map((name) => [`${name}_SERVICE_URL`, "http://127.0.0.1:9"]));
    const gateway = await startProcess(folder, { ...services, SWEEP: "off" });
    await stop(gateway.child);
    return folder;
  })();
  const folder = await temporaryFolder("data");
  await cp(await template, folder, { recursive: true });
  return folder;
}

async function startProcess(folder, environment) {
  const port = await freePorts(1);
  const child = start(process.execPath, [...nodeOptions(), join(ROOT, "dist/main.js")], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: "production",
      LOG_LEVEL: "error",
      HOST: "127.0.0.1",
      PORT: String(port),
      DATA_DIR: folder,
      JWT_SECRET_KEY: SECRET,
      RATE_LIMIT: "off",
      FLEET_NOW,
      ...environment,
    },
  });
  await untilAnswering(child, `http://127.0.0.1:${port}/health/live`, "the gateway");
  return { child, port };
}

/** As `npm start` has them; `GATEWAY_NODE_OPTIONS="--cpu-prof --cpu-prof-dir=/profiles"` adds to them. */
function nodeOptions() {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const shipped = scripts.start.split(" ").filter((word) => word.startsWith("--"));
  return [...shipped, ...(process.env.GATEWAY_NODE_OPTIONS ?? "").split(" ").filter(Boolean)];
}

/** A gateway over the given ports of the six services, with nothing in its cache. */
export async function startGateway(ports, environment = {}) {
  const folder = await dataFolder();
  const urls = Object.fromEntries(SERVICES.map((name, i) => [`${name}_SERVICE_URL`, `http://127.0.0.1:${ports[i]}`]));
  const { child, port } = await startProcess(folder, { ...urls, ...environment });
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 64, bodyTimeout: 120_000, headersTimeout: 120_000 });
  const request = (options) => timed(pool, options);
  return {
    pid: child.pid,
    url: `http://127.0.0.1:${port}`,
    live: () => request({ method: "GET", path: "/health/live" }),
    dashboard: (user = "bench") =>
      request({ method: "GET", path: "/api/v1/dashboards/fleet", headers: { authorization: `Bearer ${token(user)}` } }),
    graphql: (query, user = "bench") =>
      request({
        method: "POST",
        path: "/graphql",
        headers: { authorization: `Bearer ${token(user)}`, "content-type": "application/json" },
        body: JSON.stringify({ query }),
      }),
    post: (path, payload, user = "bench") =>
      request({
        method: "POST",
        path,
        headers: { authorization: `Bearer ${token(user)}`, "content-type": "application/json" },
        body: JSON.stringify(payload),
      }),
    async stop() {
      await pool.destroy();
      await stop(child);
      dropFolder(folder);
    },
  };
}

/** One exchange, timed from sending to the last byte; parsed after the clock has stopped. */
async function timed(pool, options) {
  const started = performance.now();
  const response = await pool.request(options);
  const text = await response.body.text();
  const ms = performance.now() - started;
  if (response.statusCode !== 200)
    throw new Error(`${options.path} answered ${response.statusCode}: ${text.slice(0, 500)}`);
  return { ms, headers: response.headers, body: JSON.parse(text), bytes: text.length };
}

const tokens = new Map();

/** Made before the clock starts, once per user. */
export function token(user) {
  const known = tokens.get(user);
  if (known) return known;
  const claims = { user_id: user, role: "FLEET_MANAGER", vehicle_ids: ["*"] };
  const made = jwt.sign(claims, SECRET, { algorithm: "HS256", expiresIn: "4h" });
  tokens.set(user, made);
  return made;
}

/** CPU time that a process has used, ms; null where /proc does not tell. */
export function cpuTime(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return null;
  }
}

/** What a process has in memory; null where /proc does not tell. */
export function residentBytes(pid) {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
  } catch {
    return null;
  }
}
