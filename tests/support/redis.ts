import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";

/** Whether a Redis server can be started here. */
export const HAS_REDIS = spawnSync("redis-server", ["--version"]).status === 0;

if (!HAS_REDIS) console.log("Skipped: suites over a Redis server need redis-server on the PATH");

/** A Redis server of its own, which keeps what it was told through `kill` and `restart`. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** On the same port, with what was kept. */
  restart(): Promise<void>;
  /** Neither answers nor closes connections until it is resumed. */
  suspend(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** @param isDurable whether it has every command on disk before it answers, as tests that kill it need */
export async function startRedis(isDurable = true): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "crowsnest-redis-"));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}/0`;
  let child = await launch(port, folder, isDurable);
  return {
    url,
    port,
    kill: () => end(child),
    restart: async () => {
      child = await launch(port, folder, isDurable);
    },
    suspend: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    stop: async () => {
      await end(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(port: number, folder: string, isDurable: boolean): Promise<ChildProcess> {
  const appendonly = isDurable ? "yes" : "no";
  const settings = { port, dir: folder, bind: "127.0.0.1", save: "", appendonly, appendfsync: "always" };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn("redis-server", flags, { stdio: "ignore" });
  const probe = new Redis(port, "127.0.0.1", { retryStrategy: () => 50, maxRetriesPerRequest: null });
  probe.on("error", () => undefined);
  try {
    const ended = new Promise<never>((_, reject) => {
      child.once("exit", (code) => reject(new Error(`redis-server ended with ${code}`)));
    });
    const late = sleep(10_000).then(() => Promise.reject(new Error("redis-server does not answer")));
    late.catch(() => undefined);
    ended.catch(() => undefined);
    await Promise.race([probe.ping(), ended, late]);
  } finally {
    probe.disconnect();
  }
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((done) => {
    child.once("exit", () => done());
    child.kill("SIGKILL");
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (typeof address !== "object" || address === null) throw new Error("no free port");
  return address.port;
}
