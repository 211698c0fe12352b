import { type AddressInfo, connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";
import { NOWHERE } from "./support/standins.js";

let gateway: Gateway;
let port: number;
beforeAll(async () => {
  gateway = await startGateway(NOWHERE);
  await gateway.app.server.listen({ port: 0, host: "127.0.0.1" });
  port = (gateway.app.server.server.address() as AddressInfo).port;
}, 60_000);
afterAll(() => gateway?.stop());

interface Dripping {
  readonly socket: Socket;
  /** What the gateway had to say when it hung up. */
  readonly dropped: Promise<string>;
}

/** Sends the beginning at once and then a byte a second, for as long as anybody listens. */
function drip(beginning: string): Dripping {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => undefined);
  socket.write(beginning);
  const timer = setInterval(() => socket.write("x"), 1000);
  const dropped = new Promise<string>((resolve) => {
    socket.once("close", () => {
      clearInterval(timer);
      resolve(text);
    });
  });
  return { socket, dropped };
}

it("lets go of clients that send for ever, and answers the others meanwhile", async () => {
  const inHeaders = Array.from({ length: 200 }, () => drip("GET /health/live HTTP/1.1\r\nhost: x\r\nx-slow: "));
  const inBody = Array.from({ length: 20 }, () =>
    drip(
      `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer ${tokenFor("ADMIN")}\r\ncontent-length: 1000\r\n\r\n`,
    ),
  );
  const all = [...inHeaders, ...inBody];
  let open = all.length;
  for (const { dropped } of all) void dropped.then(() => open--);
  while (open > 0) {
    const { status } = await fetch(`http://127.0.0.1:${port}/health/live`);
    expect(status).toBe(200);
    await sleep(500);
  }
  for (const { dropped } of all) expect(await dropped).toMatch(/^HTTP\/1\.1 408 |^$/);
}, 60_000);

it("lets go of clients that open connections and say nothing", async () => {
  const socket = connect(port, "127.0.0.1");
  await new Promise((dropped) => socket.resume().once("close", dropped));
}, 30_000);
