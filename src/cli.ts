#!/usr/bin/env node
import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { AuditLog } from "./audit/index.js";
import { type NewAccount, Registry } from "./auth/index.js";
import { systemClock } from "./base/clock.js";
import { ConfigError, readStorageConfig } from "./config.js";
import { createThroughGateway } from "./control.js";
import { AuditEntries, DEFAULT_TENANT, lockHolder, openDatabase, Users } from "./db/index.js";
import { createLogger } from "./ops/logs.js";
import { createMetrics } from "./ops/metrics.js";

const HELP = `crowsnest <command>

  admin create --username NAME [--email ADDRESS]
      Makes an administrator. The password is asked for, or read from standard input.
      Uses DATABASE_URL, else DATA_DIR, as the gateway does. With embedded data, a running gateway does it.

  --help`;

/** Wrong usage: exit code 2, as of every command. */
class UsageError extends Error {}

try {
  await run(process.argv.slice(2));
} catch (error) {
  const known = error instanceof Error && !(error instanceof TypeError);
  console.error(known ? error.message : error);
  process.exitCode = error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
}

async function run(args: string[]): Promise<void> {
  const [area, command, ...rest] = args;
  if (area === undefined || area === "--help" || area === "help") {
    console.log(HELP);
    return;
  }
  if (area !== "admin" || command !== "create") throw new UsageError(`unknown command: ${args.join(" ")}\n\n${HELP}`);
  const options = readOptions(rest);
  const account: NewAccount = { ...options, password: await readPassword(), role: "ADMIN" };
  const created = await createAdmin(account);
  console.log(`Administrator ${created.username} made.`);
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

async function createAdmin(account: NewAccount): Promise<{ username: string | null }> {
  const storage = readStorageConfig(process.env);
  if (!storage.databaseUrl && (await lockHolder(storage.dataDir)) !== null) {
    return createThroughGateway(storage.dataDir, account);
  }
  const database = await openDatabase(storage.databaseUrl ? { url: storage.databaseUrl } : { folder: storage.dataDir });
  try {
    const entries = new AuditEntries(database.prisma);
    const audit = new AuditLog(entries, systemClock, createMetrics(), createLogger("crowsnest", "error"));
    const user = await new Registry(new Users(database.prisma, entries), audit).create(DEFAULT_TENANT, account, "cli");
    await audit.close();
    return user;
  } finally {
    await database.close();
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
