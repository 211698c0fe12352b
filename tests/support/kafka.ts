import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STANDINS } from "./standins.js";

const SOURCE = `${STANDINS}/tools/kafka-mock.c`;
const PROGRAM = buildMock();

/** Whether a Kafka cluster can be played here. */
export const HAS_KAFKA = PROGRAM !== null;

if (!HAS_KAFKA) {
  console.log(`Skipped: suites over Kafka need ${SOURCE}, a C compiler and librdkafka (set STANDINS_DIR)`);
}

/**
 * A cluster of the Kafka protocol in a process of its own. What it holds, offsets among it, ends with it. Topics beyond
 * those it starts with come to be when a producer asks for them. It keeps 5 MB of each partition.
 */
export interface KafkaCluster {
  /** `host:port`. */
  readonly brokers: string;
  /** Neither answers nor closes connections until it is resumed. */
  suspend(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** @param topics number of partitions by topic */
export async function startKafka(topics: Readonly<Record<string, number>>): Promise<KafkaCluster> {
  if (PROGRAM === null) throw new Error("no Kafka here");
  const parts = Object.entries(topics).flatMap(([topic, partitions]) => [topic, String(partitions)]);
  const child = spawn(PROGRAM, ["1", ...parts], { stdio: ["ignore", "pipe", "ignore"] });
  const brokers = await firstLine(child);
  return {
    brokers,
    suspend: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    stop: () => end(child),
  };
}

/** An address that leads to whatever cluster it is pointed to, or to none: connections are refused then. */
export interface Relay {
  readonly address: string;
  /** Null: to none. Connections that are open are cut. */
  point(to: string | null): Promise<void>;
  stop(): Promise<void>;
}

export async function startRelay(): Promise<Relay> {
  const sockets = new Set<Socket>();
  let target: string | null = null;
  const server = createServer((socket) => {
    const [host, port] = (target ?? "127.0.0.1:9").split(":");
    const onward = createConnection({ host: host ?? "", port: Number(port) });
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => sockets.delete(one));
    }
  });
  const listen = (port: number) => new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((done) => server.close(() => done()));
  };
  await listen(0);
  const port = (server.address() as { port: number }).port;
  await close();
  return {
    address: `127.0.0.1:${port}`,
    async point(to) {
      if (target !== null) await close();
      target = to;
      if (to !== null) await listen(port);
    },
    stop: async () => {
      if (target !== null) await close();
      target = null;
    },
  };
}

/** Compiled once per version of its source. */
function buildMock(): string | null {
  if (!existsSync(SOURCE)) return null;
  const version = createHash("sha256").update(readFileSync(SOURCE)).digest("hex").slice(0, 12);
  const folder = join(tmpdir(), "crowsnest-kafka-mock");
  const program = join(folder, version);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  // Two test processes may build at once: each its own file, and the last to finish wins.
  const fresh = `${program}.${process.pid}`;
  const compile = () => spawnSync("cc", [SOURCE, "-o", fresh, "-lrdkafka"], { stdio: "ignore" }).status === 0;
  if (!compile() && !(installLibrary() && compile())) return null;
  renameSync(fresh, program);
  return program;
}

function installLibrary(): boolean {
  if (process.getuid?.() !== 0) return false;
  return spawnSync("apt-get", ["install", "-y", "librdkafka-dev"], { stdio: "ignore", timeout: 120_000 }).status === 0;
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((done, failed) => {
    let seen = "";
    child.once("exit", (code) => failed(new Error(`the Kafka cluster ended with ${code}`)));
    child.stdout?.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      const end = seen.indexOf("\n");
      if (end >= 0) done(seen.slice(0, end));
    });
  });
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => {
    child.once("exit", () => done());
    child.kill("SIGKILL");
  });
}
