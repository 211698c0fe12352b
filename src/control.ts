import { rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { PublicError } from "./base/errors.js";
import { SpoolRefused } from "./events/index.js";
import type { Operator } from "./operator.js";

/**
 * How commands reach a gateway whose embedded data only its own process may open: a socket in the data folder, which
 * nobody but the owner of that folder can enter. `POST /<command>` with its argument as JSON.
 */
const SOCKET = "control.sock";

/** The gateway does not answer, or has no room: trying again later may help. */
export class GatewayAway extends Error {
  override name = "GatewayAway";
}

/** @returns closes it */
export async function openControl(folder: string, operator: Operator): Promise<() => Promise<void>> {
  const path = join(folder, SOCKET);
  await rm(path, { force: true });
  const server = createServer(async (incoming, outgoing) => {
    const answer = (status: number, body: unknown) => outgoing.writeHead(status).end(JSON.stringify(body));
    try {
      const name = (incoming.url ?? "").slice(1);
      if (!Object.hasOwn(operator, name)) return answer(404, { error: `this gateway knows no command ${name}` });
      const command = operator[name as keyof Operator] as (argument: unknown) => Promise<unknown>;
      answer(200, { value: await command(JSON.parse(await text(incoming))) });
    } catch (error) {
      if (error instanceof PublicError) answer(error.httpStatus, { error: error.message });
      else if (error instanceof SpoolRefused) answer(503, { error: error.message });
      else answer(500, { error: String(error) });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return async () => {
    await new Promise((resolve) => server.close(resolve));
    await rm(path, { force: true });
  };
}

/** Has the gateway that runs on this folder do it. */
export function remoteOperator(folder: string): Operator {
  return new Proxy({} as Operator, {
    get: (_target, name) => (argument: unknown) => call(folder, String(name), argument),
  });
}

/** @throws Error with what the gateway says against it */
function call(folder: string, name: string, argument: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socketPath = join(folder, SOCKET);
    const outgoing = request({ socketPath, method: "POST", path: `/${name}` }, async (incoming) => {
      try {
        const body = JSON.parse(await text(incoming)) as { value?: unknown; error?: string };
        if (incoming.statusCode === 200) resolve(body.value);
        else {
          const message = body.error ?? `the gateway answered ${incoming.statusCode}`;
          reject(incoming.statusCode === 503 ? new GatewayAway(message) : new Error(message));
        }
      } catch (error) {
        reject(error);
      }
    });
    outgoing.once("error", (error) => {
      const hint = `If no gateway runs on ${folder}, a killed one has left process.lock behind there: remove it`;
      reject(
        new GatewayAway(`The gateway that holds ${folder} does not answer (${error.message}). ${hint}`, {
          cause: error,
        }),
      );
    });
    outgoing.end(JSON.stringify(argument ?? null));
  });
}
