import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** What a program said and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A gateway as a process of its own, started from the sources as `npm start` starts it from the build. */
export interface RunningGateway {
  readonly child: ChildProcess;
  readonly base: string;
  readonly folder: string;
  /** What it has printed so far. */
  printed(): string;
}

const TSX = ["--import", "tsx"];

/** Only what is named here: nothing of the machine's own settings reaches the program under test. */
function environment(values: Record<string, string>): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: process.env.HOME, ...values };
}

export async function run(script: string, args: string[], values: Record<string, string>, input = ""): Promise<Ended> {
  const child = spawn(process.execPath, [...TSX, script, ...args], { env: environment(values), stdio: "pipe" });
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, stdout, stderr };
}

/** What `npm start` gives to Node. */
async function shippedOptions(): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile("package.json", "utf8")) as { scripts: { start: string } };
  return scripts.start.split(" ").filter((word) => word.startsWith("--"));
}

/** @param script what to run: the sources, or `dist/main.js` where a start must be as quick as a user's */
export async function startProcess(
  values: Record<string, string>,
  script: "src/main.ts" | "dist/main.js" = "src/main.ts",
): Promise<RunningGateway> {
  const port = await freePort();
  const folder = values.DATA_DIR ?? (await mkdtemp(join(tmpdir(), "crowsnest-process-")));
  const child = spawn(process.execPath, [...(script === "src/main.ts" ? TSX : await shippedOptions()), script], {
    env: environment({
      LOG_LEVEL: "error",
      RATE_LIMIT: "off",
      HOST: "127.0.0.1",
      PORT: String(port),
      DATA_DIR: folder,
      ...values,
    }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.includes("Crowsnest is ready")) resolve();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
    child.once("exit", (code) => reject(new Error(`the gateway ended with ${code}: ${printed}`)));
  });
  await ready;
  return { child, base: `http://127.0.0.1:${port}`, folder, printed: () => printed };
}

export async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no free port");
  return address.port;
}
