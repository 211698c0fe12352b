import "./whole-text.js";
import { parentPort, workerData } from "node:worker_threads";
import type { DuckDbCalls, DuckDbSettings, Reply, Request } from "./duckdb-rpc.js";
import { DuckDbService } from "./duckdb-service.js";
import { StoreUnavailable } from "./store.js";

/** The thread that owns the file: flushing and checkpoints would hold up the gateway's own loop. */
const port = parentPort;
if (!port) throw new Error("This file runs as a worker thread");

const reply = (message: Reply): void => port.postMessage(message);
const service = DuckDbService.open(workerData as DuckDbSettings);
// The first request reports the failure.
service.catch(() => undefined);

port.on("message", (request: Request) => {
  void answer(request).catch((error: unknown) => {
    const unavailable = error instanceof StoreUnavailable || isUnavailable(error);
    reply({ id: request.id, error: { unavailable, message: error instanceof Error ? error.message : String(error) } });
    // DuckDB refuses everything after such an error; a new thread opens the file again.
    if (isFatal(error)) process.exit(1);
  });
});

async function answer(request: Request): Promise<void> {
  const { id } = request;
  const target = await service;
  if ("read" in request) {
    await target.read(request.read, (names, columns) => reply({ id, names, columns }));
    reply({ id, result: null });
    return;
  }
  const method = target[request.call] as (...values: readonly unknown[]) => ReturnType<DuckDbCalls["close"]>;
  reply({ id, result: await method.apply(target, [...request.values]) });
  if (request.call === "close") port?.close();
}

function isFatal(error: unknown): boolean {
  return /^(FATAL|INTERNAL) Error|database has been invalidated/.test(
    String(error instanceof Error ? error.message : error),
  );
}

/** No room in memory or on disk, the file locked or unreadable, or the query cut off by closing. */
function isUnavailable(error: unknown): boolean {
  const message = error instanceof Error ? error.message : String(error);
  return isFatal(error) || /^(IO Error: (?!No files found)|Out of Memory Error|INTERRUPT Error)/.test(message);
}
