import { rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { NewAccount, Registry } from "./auth/index.js";
import { PublicError } from "./base/errors.js";
import { DEFAULT_TENANT } from "./db/index.js";

/**
 * How commands reach a gateway whose embedded database only its own process may open: a socket in the data folder,
 * which nobody but the owner of that folder can enter.
 */
const SOCKET = "control.sock";

/** @returns closes it */
export async function openControl(folder: string, registry: Registry): Promise<() => Promise<void>> {
  const path = join(folder, SOCKET);
  await rm(path, { force: true });
  const server = createServer(async (incoming, outgoing) => {
    const answer = (status: number, body: unknown) => outgoing.writeHead(status).end(JSON.stringify(body));
    try {
      const user = await registry.create(DEFAULT_TENANT, JSON.parse(await text(incoming)) as NewAccount, "cli");
      answer(201, { username: user.username, id: user.id });
    } catch (error) {
      if (error instanceof PublicError) answer(error.httpStatus, { error: error.message });
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

/** Has the gateway that runs on this folder make a user. @throws Error with what the gateway says against it */
export function createThroughGateway(folder: string, account: NewAccount): Promise<{ username: string; id: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: join(folder, SOCKET), method: "POST", path: "/users" }, async (incoming) => {
      try {
        const body = JSON.parse(await text(incoming)) as { username: string; id: string; error?: string };
        if (incoming.statusCode === 201) resolve(body);
        else reject(new Error(body.error ?? `the gateway answered ${incoming.statusCode}`));
      } catch (error) {
        reject(error);
      }
    });
    outgoing.once("error", (error) => {
      const hint = `If no gateway runs on ${folder}, a killed one has left process.lock behind there: remove it`;
      reject(
        new Error(`The gateway that holds ${folder} does not answer (${error.message}). ${hint}`, { cause: error }),
      );
    });
    outgoing.end(JSON.stringify(account));
  });
}
