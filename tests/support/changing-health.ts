import { once } from "node:events";
import { createServer, type Server } from "node:http";

/** The health service, with scores of single vehicles replaced. */
export interface ChangingHealth {
  readonly url: string;
  readonly scores: Map<string, number>;
  stop(): void;
}

export async function changingHealth(target: string): Promise<ChangingHealth> {
  const scores = new Map<string, number>();
  const server: Server = createServer(async (request, response) => {
    const answer = await fetch(target + request.url);
    const body = await answer.text();
    const vehicle = /^\/api\/v1\/health\/([^/?]+)$/.exec(request.url ?? "")?.[1] ?? "";
    const score = scores.get(vehicle);
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(score === undefined ? body : JSON.stringify({ ...JSON.parse(body), overall_health_score: score }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, scores, stop };
}
