// Stands between gateway and services and writes down every URL that is called.
import { Agent, createServer, request } from "node:http";

/** One proxy per port. `times` counts by port and URL; proxied calls are slower, so nothing is timed through it. */
export async function startRecorder(ports) {
  const times = new Map();
  const agent = new Agent({ keepAlive: true });
  const servers = await Promise.all(
    ports.map(async (port, index) => {
      const server = createServer((incoming, outgoing) => {
        const key = `${index} ${incoming.method} ${incoming.url}`;
        times.set(key, (times.get(key) ?? 0) + 1);
        const { method, url: path, headers } = incoming;
        const onward = request({ host: "127.0.0.1", port, method, path, headers, agent }, (answer) => {
          outgoing.writeHead(answer.statusCode, answer.headers);
          answer.pipe(outgoing);
        });
        onward.on("error", () => outgoing.destroy());
        incoming.pipe(onward);
      });
      await new Promise((done) => server.listen(0, "127.0.0.1", done));
      return server;
    }),
  );
  return {
    ports: servers.map((server) => server.address().port),
    times,
    async stop() {
      for (const server of servers) server.close().closeAllConnections();
      agent.destroy();
    },
  };
}
