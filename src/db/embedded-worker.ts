import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { messages, PGlite, type Transaction } from "@electric-sql/pglite";
import type { Failure, QueryResult, Reply, Request } from "./embedded-rpc.js";

/** The thread that runs the embedded Postgres: its queries would hold up the gateway's own loop. */
const port = parentPort;
if (!port) throw new Error("This file runs as a worker thread");

/** Made at install: an initialised database without anything in it. */
const EMPTY_DATABASE = new URL("../../generated/empty-database.tgz", import.meta.url);

/** Begun in a thread that has ended since. Told like a broken connection: the work may be done again, and is not to blame. */
const OVER = "Connection terminated: the transaction is over";

interface Open {
  readonly transaction: Transaction;
  readonly finish: () => void;
  readonly over: Promise<void>;
}

const reply = (message: Reply): void => port.postMessage(message);
const opening = createEngine(workerData as string);
const transactions = new Map<number, Open>();

port.on("message", (request: Request) => {
  const { id } = request;
  answer(request).then(
    (result) => reply({ id, result }),
    async (error: unknown) => {
      reply({ id, error: failure(error) });
      // Neither can be made good here: the next query starts another thread.
      const isBroken = error instanceof WebAssembly.RuntimeError;
      if (isBroken || (await opening.catch(() => null)) === null) port.close();
    },
  );
});

async function answer(request: Request): Promise<unknown> {
  const engine = await opening;
  switch (request.call) {
    case "query":
      return query(engine, request);
    case "exec":
      await within(engine, request.tx).exec(request.sql);
      return null;
    case "begin":
      return begin(engine, request.tx);
    case "end":
      return end(request.tx, request.commit);
    case "close":
      await engine.close();
      port?.close();
      return null;
  }
}

async function query(engine: PGlite, request: Extract<Request, { call: "query" }>): Promise<QueryResult> {
  const { tx, sql, values, asText } = request;
  const parsers = Object.fromEntries(asText.map((type) => [type, (text: string) => text]));
  const { rows, fields, affectedRows } = await within(engine, tx).query<unknown[]>(sql, values, {
    rowMode: "array",
    parsers,
  });
  return { rows, fields, ...(affectedRows === undefined ? {} : { affectedRows }) };
}

function within(engine: PGlite, tx: number | null): Pick<PGlite, "query" | "exec"> {
  if (tx === null) return engine;
  const open = transactions.get(tx);
  if (!open) throw new Error(OVER);
  return open.transaction;
}

function begin(engine: PGlite, tx: number): Promise<null> {
  return new Promise((begun, failed) => {
    const over: Promise<void> = engine.transaction((transaction) => {
      const finished = new Promise<void>((finish) => {
        transactions.set(tx, { transaction, finish, over });
      });
      begun(null);
      return finished;
    });
    over.catch(failed);
  });
}

async function end(tx: number, commit: boolean): Promise<null> {
  const open = transactions.get(tx);
  if (!open) throw new Error(OVER);
  transactions.delete(tx);
  if (!commit) await open.transaction.rollback();
  open.finish();
  await open.over;
  return null;
}

function failure(error: unknown): Failure {
  if (!(error instanceof messages.DatabaseError)) {
    const message = error instanceof Error ? error.message : String(error);
    const isBroken = error instanceof WebAssembly.RuntimeError;
    return { message: isBroken ? `Connection terminated: ${message}` : message, postgres: null };
  }
  const told = Object.entries(error).filter(([, value]) => typeof value === "string" || typeof value === "number");
  return { message: error.message, postgres: Object.fromEntries(told) };
}

/** A new folder starts from the packed database, where there is one: initialising takes several times as long. */
async function createEngine(path: string): Promise<PGlite> {
  const isNew = !existsSync(join(path, "PG_VERSION"));
  if (!isNew || !existsSync(EMPTY_DATABASE)) return PGlite.create(path);
  return PGlite.create(path, { loadDataDir: new Blob([await readFile(EMPTY_DATABASE)]) });
}
