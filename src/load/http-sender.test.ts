import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { LoadFailed, TryAgain, UsageError } from "./errors.js";
import { HttpSender } from "./http-sender.js";

type Answer = (request: IncomingMessage, body: string, response: ServerResponse) => void;

const TAKEN: Answer = (_, body, response) =>
  response.end(JSON.stringify({ accepted: body.trim().split("\n").length, set_aside: 0 }));
const status =
  (code: number, detail = "no", headers: Record<string, string> = {}): Answer =>
  (_, __, response) =>
    response.writeHead(code, headers).end(JSON.stringify({ detail, code: "X" }));
const cut: Answer = (request) => request.socket.destroy();

let server: Server | undefined;
afterEach(() => server?.close().closeAllConnections());

/** A server that gives these answers in turn, then takes everything. */
async function answering(...answers: Answer[]): Promise<{ url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  server = createServer(async (request, response) => {
    const body = await text(request);
    requests.push(request);
    (answers[requests.length - 1] ?? TAKEN)(request, body, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const sender = (url: string, token: string | null = "secret") => new HttpSender({ url, token });

describe("sending over HTTP", () => {
  it("posts NDJSON with the token, asking to set aside what is invalid", async () => {
    const { url, requests } = await answering();
    expect(await sender(`${url}/`).send("{}\n{}\n")).toEqual({ accepted: 2, setAside: 0 });
    expect(requests[0]).toMatchObject({
      method: "POST",
      url: "/v1/events?faults=set-aside",
      headers: { "content-type": "application/x-ndjson", authorization: "Bearer secret" },
    });
  });

  it("keeps the path of a gateway behind a proxy", async () => {
    const { url, requests } = await answering();
    await sender(`${url}/crowsnest/`).send("{}\n");
    expect(requests[0]?.url).toBe("/crowsnest/v1/events?faults=set-aside");
  });

  it.each([429, 500, 503, 507])("may be tried again after %i", async (code) => {
    const { url } = await answering(status(code));
    await expect(sender(url).send("{}\n")).rejects.toThrow(new TryAgain(`${url} answers ${code}: no`));
  });

  it("may be tried again after a connection that breaks, or is refused", async () => {
    const { url } = await answering(cut);
    await expect(sender(url).send("{}\n")).rejects.toThrow(TryAgain);
    server?.close().closeAllConnections();
    await expect(sender(url).send("{}\n")).rejects.toThrow(new TryAgain(`${url} does not answer (ECONNREFUSED)`));
  });

  it("tells how long the gateway asks to wait", async () => {
    const date = new Date(Date.now() + 60_000).toUTCString();
    const headers = [{ "retry-after": "7" }, { "retry-after": date }, { "retry-after": "soon" }, {}];
    const { url } = await answering(...headers.map((header) => status(503, "x", header)));
    const waits: unknown[] = [];
    for (const _ of headers)
      await sender(url)
        .send("{}\n")
        .catch((error: TryAgain) => waits.push(error.afterMs));
    expect(waits).toEqual([7000, expect.any(Number), null, null]);
    expect(waits[1]).toBeGreaterThan(50_000);
  });

  it.each([
    [401, "the gateway refuses the token"],
    [403, "may not send events"],
    [404, "Is it a gateway"],
    [413, "answers 413: no"],
    [422, "answers 422: no"],
  ])("is over after %i", async (code, message) => {
    const { url, requests } = await answering(status(code));
    const failure = sender(url).send("{}\n");
    await expect(failure).rejects.toThrow(LoadFailed);
    await expect(failure).rejects.toThrow(message);
    expect(requests).toHaveLength(1);
  });

  it("says how to give a token where there is none", async () => {
    const { url, requests } = await answering(status(401));
    await expect(sender(url, null).send("{}\n")).rejects.toThrow("CROWSNEST_TOKEN");
    expect(requests[0]?.headers.authorization).toBeUndefined();
  });

  it("does not take another server's 200 for an acknowledgement", async () => {
    const { url } = await answering((_, __, response) => response.end("<html>Welcome</html>"));
    await expect(sender(url).send("{}\n")).rejects.toThrow("not as a gateway does");
  });

  it("does not send the token on to where a redirect leads", async () => {
    const { url, requests } = await answering(status(307, "x", { location: "/elsewhere" }));
    await expect(sender(url).send("{}\n")).rejects.toThrow(new LoadFailed(`${url} answers 307: x`));
    expect(requests).toHaveLength(1);
  });

  it.each(["gateway:8007", "ftp://gateway", "nothing"])("refuses %s as a URL", (url) => {
    expect(() => sender(url)).toThrow(UsageError);
  });
});
