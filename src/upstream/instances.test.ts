import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMetrics } from "../ops/metrics.js";
import { Deadline, onBehalf } from "../ops/on-behalf.js";
import { createService, DEADLINE_HEADER, type Service, type ServiceOptions } from "./http.js";

const WINDOW_MS = 200;
const NAMES = ["one", "two", "three"] as const;
let servers: Server[];
let urls: string[];
let handlers: RequestListener[];
let seen: { by: string; headers: Record<string, unknown> }[];
const opened: Service[] = [];

beforeAll(async () => {
  servers = NAMES.map((by, i) =>
    createServer((request, response) => {
      seen.push({ by, headers: request.headers });
      handlers[i]?.(request, response);
    }),
  );
  await Promise.all(servers.map((server) => new Promise<void>((done) => server.listen(0, "127.0.0.1", done))));
  urls = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach(() => {
  seen = [];
  handlers = NAMES.map((by) => (_, response) => void response.end(JSON.stringify({ by })));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((service) => service.close()));
});

function serviceAt(baseUrls: string[], change: Partial<ServiceOptions> = {}): Service {
  const limits = { timeoutMs: 2000, concurrency: 8, maxBytes: 10_000, breakerWindowMs: WINDOW_MS };
  const service = createService({ name: "health", baseUrls, ...limits, ...change }, createMetrics());
  opened.push(service);
  return service;
}

const counts = () => NAMES.map((name) => seen.filter(({ by }) => by === name).length);
const failing: RequestListener = (_, response) => void response.writeHead(503).end("{}");
const slow =
  (milliseconds: number): RequestListener =>
  (_, response) =>
    void setTimeout(() => response.end('{"by":"slow"}'), milliseconds);

describe("a service at several addresses", () => {
  it("is asked in turn", async () => {
    const service = serviceAt(urls);
    for (let i = 0; i < 30; i++) await service.get("/");
    expect(counts()).toEqual([10, 10, 10]);
    // And still once it is known how long answers usually take.
    for (let i = 0; i < 270; i++) await service.get("/");
    for (const count of counts()) expect(count).toBeGreaterThanOrEqual(90);
  });

  it("is asked again elsewhere when one fails, and not there any more once it keeps failing", async () => {
    handlers[1] = failing;
    const service = serviceAt(urls.slice(0, 2));
    for (let i = 0; i < 30; i++) expect((await service.get("/")).body).toEqual({ by: "one" });
    expect(counts()[1]).toBe(5);
    expect(service.breaker()).toBe("closed");
  });

  it("is asked everywhere again once the one is well", async () => {
    handlers[1] = failing;
    const service = serviceAt(urls.slice(0, 2));
    for (let i = 0; i < 12; i++) await service.get("/");
    handlers[1] = (_, response) => void response.end('{"by":"two"}');
    await sleep(WINDOW_MS + 50);
    seen = [];
    for (let i = 0; i < 20; i++) await service.get("/");
    expect(counts()[1]).toBeGreaterThanOrEqual(9);
  });

  it("is left alone when all of them keep failing", async () => {
    handlers = [failing, failing, failing];
    const service = serviceAt(urls, { breakerWindowMs: 60_000 });
    for (let i = 0; i < 60; i++) await service.get("/").catch(() => undefined);
    expect(counts()).toEqual([5, 5, 5]);
    expect(service.breaker()).toBe("open");
  });

  it("is asked elsewhere as well when one takes longer than usual, within a budget", async () => {
    const service = serviceAt(urls.slice(0, 2));
    for (let i = 0; i < 100; i++) await service.get("/");
    handlers[0] = slow(1000);
    seen = [];
    const answers = await Promise.all(Array.from({ length: 8 }, () => service.get("/")));
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 8 }, () => ({ by: "two" })));
    expect(seen.length).toBeGreaterThanOrEqual(12);
    expect(seen.length).toBeLessThanOrEqual(16);
    // What is slow but answers is not left alone, nor are calls that were given up held against it.
    expect(service.breaker()).toBe("closed");
    handlers[0] = slow(150);
    seen = [];
    for (let i = 0; i < 60; i++) await service.get("/");
    expect(seen.length).toBeLessThan(60 + 16);
  });

  it("is asked once where there is one address only, however long it takes", async () => {
    const service = serviceAt(urls.slice(0, 1));
    for (let i = 0; i < 100; i++) await service.get("/");
    handlers[0] = slow(300);
    seen = [];
    await service.get("/");
    expect(seen).toHaveLength(1);
  });
});

describe("a request's deadline", () => {
  const within = <T>(milliseconds: number, work: () => Promise<T>) =>
    onBehalf({ correlationId: "c", deadline: new Deadline(milliseconds) }, work);

  it("ends its calls, and is told to the service", async () => {
    handlers[0] = slow(1000);
    const service = serviceAt(urls.slice(0, 1));
    const started = performance.now();
    await expect(within(100, () => service.get("/"))).rejects.toMatchObject({ code: "UPSTREAM_TIMEOUT" });
    expect(performance.now() - started).toBeLessThan(500);
    expect(Number(seen[0]?.headers[DEADLINE_HEADER])).toBeGreaterThan(50);
    expect(Number(seen[0]?.headers[DEADLINE_HEADER])).toBeLessThanOrEqual(100);
  });

  it("is not held against the service, however often it is too short", async () => {
    handlers[0] = slow(60);
    const service = serviceAt(urls.slice(0, 1));
    for (let i = 0; i < 10; i++) await within(20, () => service.get("/")).catch(() => undefined);
    expect(service.breaker()).toBe("closed");
    expect((await service.get("/")).body).toEqual({ by: "slow" });
  });

  it("that has passed makes no call", async () => {
    const service = serviceAt(urls.slice(0, 1));
    const late = within(5, async () => {
      await sleep(20);
      return service.get("/");
    });
    await expect(late).rejects.toMatchObject({ code: "UPSTREAM_TIMEOUT" });
    expect(seen).toHaveLength(0);
  });
});
