import cluster, { type Worker } from "node:cluster";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type Config, WORKER } from "./config.js";
import type { Logger } from "./ops/logs.js";
import { answerWithAllMetrics } from "./ops/worker-metrics.js";

const READY = "crowsnest:ready";
const STOP = "crowsnest:stop";
const RESTART_MS = 1000;

/** To be called by a worker that listens. */
export function tellReady(port: number): void {
  process.send?.({ type: READY, port });
}

/** Has a worker hear when it is to stop. Signals reach it too where a terminal or a service manager tells the whole group. */
export function onStop(stop: () => void): void {
  for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) process.on(signal, () => undefined);
  process.on("message", (message: { type?: unknown }) => {
    if (message?.type === STOP) stop();
  });
}

/**
 * Runs WORKERS processes of this program on one port. One that ends is started again; one that cannot start ends all.
 * @returns when all have ended: the exit code, 0 when that was asked for
 */
export async function runWorkers(config: Config, log: Logger, onReady: (port: number) => void): Promise<number> {
  const running = new Map<number, Worker>();
  let isUp = false;
  let stopping = false;
  let exitCode = 0;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    for (const worker of running.values()) if (worker.isConnected()) worker.send({ type: STOP });
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) process.on(signal, stop);
  process.on("SIGHUP", () => {
    for (const worker of running.values()) worker.process.kill("SIGHUP");
  });
  answerWithAllMetrics();
  // Node gives each process four threads for collecting garbage; together they shall not outnumber the cores.
  const threads = Math.max(1, Math.floor(availableParallelism() / config.WORKERS));
  cluster.setupPrimary({ execArgv: [...process.execArgv, `--v8-pool-size=${threads}`] });

  /** Keeps one worker running. @returns its port once it listens, null when it ends before */
  const run = (index: number): Promise<number | null> =>
    new Promise((started) => {
      const worker = cluster.fork({ [WORKER]: String(index) });
      running.set(index, worker);
      worker.on("message", (message: { type?: unknown; port?: number }) => {
        if (message.type === READY) started(message.port ?? null);
      });
      worker.once("exit", async (code, signal) => {
        running.delete(index);
        started(null);
        if (stopping) return;
        if (!isUp) {
          exitCode = 1;
          return stop();
        }
        log.error({ worker: index, code, signal }, "a worker has ended; it is started again");
        await sleep(RESTART_MS);
        if (!stopping) await run(index);
      });
    });

  // The first makes what all need: tables and secrets.
  const port = await run(1);
  const others = Array.from({ length: config.WORKERS - 1 }, (_, i) => i + 2);
  if (port !== null && !stopping) {
    const ports = await Promise.all(others.map(run));
    isUp = !ports.includes(null);
    if (isUp) onReady(port);
  }
  while (running.size > 0 || !stopping) await sleep(100);
  return exitCode;
}
