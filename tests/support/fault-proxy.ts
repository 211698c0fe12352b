import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { STANDINS, stopProcess } from "./standins.js";

/** A network between two processes that goes wrong as it is told to; a program of its own, with toxiproxy's interface. */
export interface FaultProxy {
  readonly url: string;
  /** `type` and attributes as toxiproxy names them, and `corrupt`, `half_open`; on what comes back from the target. */
  spoil(type: string, attributes?: Record<string, number>): Promise<void>;
  mend(): Promise<void>;
  stop(): Promise<void>;
}

export async function startFaultProxy(target: string, seed = 1): Promise<FaultProxy> {
  const [control, port] = await Promise.all([freePort(), freePort()]);
  const child = spawn(process.execPath, [`${STANDINS}/tools/fault-proxy.mjs`, String(control)], {
    env: { PATH: process.env.PATH, SEED: String(seed) },
    stdio: "ignore",
  });
  const call = async (method: string, path: string, body?: object): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${control}/${path}`, { method, body: JSON.stringify(body) });
    await answer.text();
    if (!answer.ok) throw new Error(`the fault proxy answered ${answer.status} to ${method} ${path}`);
  };
  for (let attempt = 0; ; attempt++) {
    const isUp = await fetch(`http://127.0.0.1:${control}/version`).catch(() => null);
    if (isUp?.ok) break;
    if (attempt > 100) throw new Error("the fault proxy does not answer");
    await sleep(50);
  }
  await call("POST", "proxies", { name: "p", listen: `127.0.0.1:${port}`, upstream: new URL(target).host });
  return {
    url: `http://127.0.0.1:${port}`,
    spoil: (type, attributes = {}) => call("POST", "proxies/p/toxics", { type, attributes }),
    mend: () => call("POST", "reset"),
    stop: () => stopProcess(child),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (typeof address !== "object" || address === null) throw new Error("no free port");
  return address.port;
}
