#!/usr/bin/env node
import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import type { NewAccount } from "./auth/index.js";
import { ConfigError, readCoreConfig } from "./config.js";
import { GatewayAway, remoteOperator } from "./control.js";
import { openCore } from "./core.js";
import { lockHolder } from "./db/index.js";
import { deadLettersCommand } from "./dead-letters-command.js";
import { SpoolRefused } from "./events/index.js";
import { runLoad, TryAgain } from "./load/index.js";
import { createOperator, type Operator } from "./operator.js";
import { createLogger } from "./ops/logs.js";
import { createMetrics } from "./ops/metrics.js";
import { UsageError } from "./usage.js";

const HELP = `crowsnest <command>

  admin create --username NAME [--email ADDRESS]
      Makes an administrator. The password is asked for, or read from standard input.

  dead-letters list|show|replay|purge
      Messages that could not be taken in: crowsnest dead-letters --help

  audit verify [--checkpoints FILE]
      Computes every hash of the audit trail again, and checks every signed checkpoint. Ends with 1 at the first fault.

  load FILE … --type NAME --map …
      Loads events from CSV, NDJSON, JSON or Parquet files: crowsnest load --help

  --help

Commands go through the gateway that runs on DATA_DIR; with none running they open DATA_DIR (and DATABASE_URL,
CLICKHOUSE_URL) themselves.`;

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const known = error instanceof Error && !(error instanceof TypeError);
  console.error(known ? error.message : error);
  process.exitCode = error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
}

async function run(args: string[]): Promise<number> {
  const [area, ...rest] = args;
  switch (area) {
    case undefined:
    case "help":
    case "--help":
      console.log(HELP);
      return 0;
    case "admin":
      return createAdmin(rest);
    case "dead-letters":
      return withOperator((operator) => deadLettersCommand(operator, rest));
    case "audit":
      return verifyAudit(rest);
    case "load":
      return load(rest);
    default:
      throw new UsageError(`unknown command: ${args.join(" ")}\n\n${HELP}`);
  }
}

/** Through the running gateway, whose files nobody else may open; else on the files themselves. */
async function openOperator(): Promise<{ operator: Operator; close: () => Promise<void> }> {
  const config = readCoreConfig(process.env);
  if ((await lockHolder(config.DATA_DIR)) !== null) {
    return { operator: remoteOperator(config.DATA_DIR), close: async () => undefined };
  }
  const core = await openCore(config, createMetrics(), createLogger("crowsnest", "error"));
  return {
    operator: createOperator(core),
    close: async () => {
      await core.events.settled();
      await core.close();
    },
  };
}

async function withOperator<T>(work: (operator: Operator) => Promise<T>): Promise<T> {
  const { operator, close } = await openOperator();
  try {
    return await work(operator);
  } finally {
    await close();
  }
}

async function load(args: string[]): Promise<number> {
  const config = readCoreConfig(process.env);
  const stop = new AbortController();
  // The second one ends it at once, as usual.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return runLoad(args, {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    dataDir: config.DATA_DIR,
    openLocal: async () => {
      const { operator, close } = await openOperator();
      return { send: (lines) => operator.ingest(lines).catch(tryAgainLater), close };
    },
    stop: stop.signal,
  });
}

/** What passes by itself is no reason to end a load. */
function tryAgainLater(error: unknown): never {
  if (error instanceof GatewayAway || error instanceof SpoolRefused) throw new TryAgain(error.message);
  throw error;
}

async function verifyAudit([command, ...args]: string[]): Promise<number> {
  if (command !== "verify") throw new UsageError(`unknown command: audit ${command ?? ""}\n\n${HELP}`);
  const { values } = parseArgs({ args, options: { checkpoints: { type: "string" } } });
  const file = values.checkpoints === undefined ? undefined : resolve(values.checkpoints);
  const { entries, tenants, checkpoints, unsigned, fault } = await withOperator((operator) =>
    operator.verifyAudit({ file }),
  );
  if (fault) {
    console.error(`${fault.kind}: tenant ${fault.tenant}, entry ${fault.seq}: ${fault.message}`);
    return 1;
  }
  console.log(
    `The audit trail is whole. Tenants: ${tenants}, entries: ${entries}, signed checkpoints: ${checkpoints}.`,
  );
  if (unsigned > 0) console.log(`${unsigned} of them are newer than the last checkpoint, which nothing proves yet.`);
  return 0;
}

async function createAdmin([command, ...args]: string[]): Promise<number> {
  if (command !== "create") throw new UsageError(`unknown command: admin ${command ?? ""}\n\n${HELP}`);
  const { username, email } = readOptions(args);
  const account: NewAccount = { username, email, password: await readPassword(), roleId: "ADMIN" };
  const created = await withOperator((operator) => operator.createAccount(account));
  console.log(`Administrator ${created.username} made.`);
  return 0;
}

function readOptions(args: string[]): { username: string; email: string | null } {
  try {
    const { values } = parseArgs({ args, options: { username: { type: "string" }, email: { type: "string" } } });
    if (!values.username) throw new UsageError("--username is needed");
    return { username: values.username, email: values.email ?? null };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function readPassword(): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).replace(/\r?\n$/, "");
  const terminal = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
  try {
    const answer = terminal.question("Password: ");
    // From here on nothing typed is shown.
    (terminal as unknown as { _writeToOutput: (shown: string) => void })._writeToOutput = () => undefined;
    return await answer;
  } finally {
    terminal.close();
    process.stderr.write("\n");
  }
}
