import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { tokenFor } from "./gateway.js";
import { ended, type RunningGateway } from "./processes.js";

export interface Stopped {
  readonly code: number | null;
  readonly milliseconds: number;
  readonly answered: number;
  /** Of requests that were taken: what came instead of 200. */
  readonly failed: readonly string[];
}

/** Tells a gateway to stop while users ask for a path without a pause, each on a connection that stays open. */
export async function stopUnderLoad(gateway: RunningGateway, path: string, users = 8): Promise<Stopped> {
  let stopping = false;
  let answered = 0;
  const failed: string[] = [];
  const headers = { authorization: `Bearer ${tokenFor("ADMIN")}` };
  const ask = async (agent: Agent): Promise<void> => {
    const sent = request(gateway.base + path, { agent, headers });
    sent.end();
    try {
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      await text(response);
      if (response.statusCode === 200) answered += 1;
      else failed.push(String(response.statusCode));
    } catch (error) {
      // Once nobody listens any more new connections come to nothing: no request was taken.
      if (sent.reusedSocket) failed.push(String(error));
      else await sleep(20);
    }
  };
  const crowd = Array.from({ length: users }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!stopping) await ask(agent);
    agent.destroy();
  });
  await sleep(1500);
  const begun = performance.now();
  gateway.child.kill("SIGTERM");
  const code = await ended(gateway.child);
  const milliseconds = performance.now() - begun;
  stopping = true;
  await Promise.all(crowd);
  return { code, milliseconds, answered, failed };
}
