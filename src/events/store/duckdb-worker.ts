import "./whole-text.js";
import { parentPort, workerData } from "node:worker_threads";
import { isFatal, isUnavailable, textOf } from "./duckdb-errors.js";
import type { DuckDbCalls, DuckDbSettings, Reply, Request } from "./duckdb-rpc.js";
import { DuckDbService } from "./duckdb-service.js";
import { StoreUnavailable } from "./store.js";

/** The thread that owns the file: flushing and checkpoints would hold up the gateway's own loop. */
const port = parentPort;
if (!port) throw new Error("This file runs as a worker thread");

const reply = (message: Reply): void => port.postMessage(message);
const opening = DuckDbService.open(workerData as DuckDbSettings);
let failedToOpen = false;
opening.catch(() => {
  failedToOpen = true;
});

port.on("message", (request: Request) => {
  void answer(request).catch((error: unknown) => {
    const unavailable = error instanceof StoreUnavailable || isUnavailable(error);
    reply({ id: request.id, error: { unavailable, message: textOf(error) } });
    if (failedToOpen || isFatal(error)) void retire();
  });
});

async function answer(request: Request): Promise<void> {
  const { id } = request;
  const service = await opening;
  if ("read" in request) {
    await service.read(request.read, (names, columns) => reply({ id, names, columns }));
    reply({ id, result: null });
    return;
  }
  const method = service[request.call] as (...values: readonly unknown[]) => ReturnType<DuckDbCalls["close"]>;
  reply({ id, result: await method.apply(service, [...request.values]) });
  if (request.call === "close") port?.close();
}

/** Ends the thread, so that the next request starts another. Not before all calls are back: cut off, they would end the process. */
async function retire(): Promise<void> {
  await opening.then((service) => service.close()).catch(() => undefined);
  port?.close();
}
