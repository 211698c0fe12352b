import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createSocketServer, type Server as SocketServer } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createMetrics } from "../ops/metrics.js";
import { onBehalf } from "../ops/on-behalf.js";
import { UpstreamError, UpstreamRefusal } from "./errors.js";
import { createService, type Service, type ServiceOptions } from "./http.js";

const WINDOW_MS = 150;
const metrics = createMetrics();
const opened: Service[] = [];
let server: Server;
let baseUrl: string;
let handle: RequestListener;
/** Requests as they arrived. */
let seen: IncomingMessage[];

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request);
    handle(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
  handle = (_request, response) => json(response, 200, { ok: true });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((service) => service.close()));
});

function serviceWith(change: Partial<ServiceOptions> = {}): Service {
  const limits = { timeoutMs: 2000, concurrency: 4, maxBytes: 10_000, breakerWindowMs: WINDOW_MS };
  const service = createService({ name: "health", baseUrls: [baseUrl], ...limits, ...change }, metrics);
  opened.push(service);
  return service;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Answers the first calls with these statuses, all others with 200. */
function answering(...statuses: number[]): void {
  handle = (_request, response) => json(response, statuses[seen.length - 1] ?? 200, { ok: true });
}

const failure = (code: string, reason: string) => expect.objectContaining({ code, service: "health", reason });

describe("a call", () => {
  it("goes below the base URL's own path and comes back as parsed JSON with its size", async () => {
    const service = serviceWith({ baseUrls: [`${baseUrl}/fleet/`] });
    expect(await service.get("/api/v1/health?a=1")).toEqual({ body: { ok: true }, status: 200, bytes: 11 });
    expect(seen[0]?.url).toBe("/fleet/api/v1/health?a=1");
  });

  it("carries the key of the caller and the id of the request on whose behalf it is made", async () => {
    const service = serviceWith({ apiKey: "alert_service_api_key_xyz123" });
    await onBehalf({ correlationId: "story-17", deadline: null }, () => service.get("/"));
    expect(seen[0]?.headers).toMatchObject({
      "x-api-key": "alert_service_api_key_xyz123",
      "x-correlation-id": "story-17",
    });
    await serviceWith().get("/");
    expect(seen[1]?.headers).not.toHaveProperty("x-api-key");
    expect(seen[1]?.headers).not.toHaveProperty("x-correlation-id");
  });

  it("sends a body as JSON", async () => {
    handle = (request, response) => void request.pipe(response.writeHead(201));
    const answer = await serviceWith().send("POST", "/", { a: "ü" }, { "idempotency-key": "once" });
    expect(answer).toMatchObject({ body: { a: "ü" }, status: 201 });
    expect(seen[0]?.headers).toMatchObject({ "content-type": "application/json", "idempotency-key": "once" });
  });

  it("takes an empty answer for nothing", async () => {
    handle = (_request, response) => void response.writeHead(204).end();
    expect(await serviceWith().send("DELETE", "/", undefined)).toEqual({ body: undefined, status: 204, bytes: 0 });
  });

  it("takes 404 for absent, which says nothing against the service", async () => {
    handle = (_request, response) => json(response, 404, { detail: "Not Found" });
    const service = serviceWith();
    for (let i = 0; i < 8; i++) expect(await service.get("/")).toEqual({ body: undefined, status: 404, bytes: 0 });
    expect(service.breaker()).toBe("closed");
  });

  it.each([
    ['{"detail":"no such vehicle"}', "no such vehicle"],
    ['{"error":"bad date"}', "bad date"],
    ['{"detail":[{"loc":["from"]}]}', '[{"loc":["from"]}]'],
    ["<html>", "no reason given"],
  ])("tells a refusal with the reason in %s, which says nothing against the service either", async (body, reason) => {
    handle = (_request, response) => void response.writeHead(422).end(body);
    const service = serviceWith();
    for (let i = 0; i < 8; i++) {
      await expect(service.get("/")).rejects.toThrow(expect.objectContaining({ status: 422, reason }));
    }
    await expect(service.get("/")).rejects.toBeInstanceOf(UpstreamRefusal);
    expect(service.breaker()).toBe("closed");
    expect(seen).toHaveLength(9);
  });
});

describe("a call that fails", () => {
  it("is given up at its deadline, and leaves its place to the next", async () => {
    handle = (request, response) => {
      if (request.url !== "/hang") json(response, 200, { ok: true });
    };
    const service = serviceWith({ timeoutMs: 100, concurrency: 1 });
    const hanging = expect(service.get("/hang")).rejects.toThrow(failure("UPSTREAM_TIMEOUT", "timeout"));
    const waiting = service.get("/next");
    await hanging;
    expect((await waiting).status).toBe(200);
  });

  it("is given up at its deadline even when the answer has begun", async () => {
    handle = (_request, response) => void response.writeHead(200).write("[1,");
    await expect(serviceWith({ timeoutMs: 100 }).get("/")).rejects.toThrow(failure("UPSTREAM_TIMEOUT", "timeout"));
  });

  it.each([502, 503, 504])("is tried once more after %d", async (status) => {
    answering(status);
    expect((await serviceWith().get("/")).status).toBe(200);
    expect(seen).toHaveLength(2);
  });

  it("is not tried a third time", async () => {
    answering(503, 503);
    await expect(serviceWith().get("/")).rejects.toThrow(failure("UPSTREAM_UNAVAILABLE", "answered 503"));
    expect(seen).toHaveLength(2);
  });

  it.each([500, 429])("is not repeated after %d", async (status) => {
    answering(status);
    await expect(serviceWith().get("/")).rejects.toThrow(failure("UPSTREAM_UNAVAILABLE", `answered ${status}`));
    expect(seen).toHaveLength(1);
  });

  it("is never repeated when it writes", async () => {
    answering(503);
    await expect(serviceWith().send("POST", "/", {})).rejects.toThrow("answered 503");
    handle = (request) => void request.socket.resetAndDestroy();
    await expect(serviceWith().send("PUT", "/", {})).rejects.toThrow("connection lost");
    expect(seen).toHaveLength(2);
  });

  it("is tried once more after a reset", async () => {
    handle = (request, response) => {
      if (seen.length === 1) request.socket.resetAndDestroy();
      else json(response, 200, { ok: true });
    };
    expect((await serviceWith().get("/")).status).toBe(200);
    handle = (request) => void request.socket.resetAndDestroy();
    await expect(serviceWith().get("/")).rejects.toThrow(failure("UPSTREAM_UNAVAILABLE", "connection lost"));
    expect(seen).toHaveLength(4);
  });

  it("tells that nobody listens", async () => {
    const closed = createServer();
    await new Promise<void>((listening) => closed.listen(0, "127.0.0.1", listening));
    const { port } = closed.address() as AddressInfo;
    await new Promise((done) => closed.close(done));
    const service = serviceWith({ baseUrls: [`http://127.0.0.1:${port}`] });
    await expect(service.get("/")).rejects.toThrow(failure("UPSTREAM_UNAVAILABLE", "connection refused"));
  });

  it("tells that the answer is not JSON, and not even HTTP", async () => {
    handle = (_request, response) => void response.end('{"vehicles": [');
    await expect(serviceWith().get("/")).rejects.toThrow(failure("UPSTREAM_MALFORMED", "answer is not JSON"));
    const noise: SocketServer = createSocketServer((socket) => socket.end("\u0000\u0001 what?\r\n\r\n"));
    await new Promise<void>((listening) => noise.listen(0, "127.0.0.1", listening));
    const service = serviceWith({ baseUrls: [`http://127.0.0.1:${(noise.address() as AddressInfo).port}`] });
    await expect(service.get("/")).rejects.toThrow(failure("UPSTREAM_MALFORMED", "answer is not HTTP"));
    noise.close();
  });

  it("reads no answer to the end that is too large", async () => {
    let disconnected = false;
    handle = (_request, response) => {
      response.on("close", () => {
        disconnected = true;
      });
      response.write(`"${"x".repeat(20_000)}`);
    };
    const service = serviceWith({ maxBytes: 10_000 });
    await expect(service.get("/")).rejects.toThrow(failure("UPSTREAM_MALFORMED", "answer exceeds 10000 bytes"));
    await vi.waitFor(() => expect(disconnected).toBe(true));
    handle = (_request, response) => void response.end(`"${"x".repeat(9_998)}"`);
    expect((await service.get("/")).bytes).toBe(10_000);
  });

  it("follows no redirect, whose target nobody configured", async () => {
    handle = (_request, response) => void response.writeHead(302, { location: `${baseUrl}/elsewhere` }).end();
    await expect(serviceWith().get("/")).rejects.toThrow(failure("UPSTREAM_MALFORMED", "redirected (302)"));
    expect(seen.map((request) => request.url)).toEqual(["/"]);
  });
});

describe("a service that keeps failing", () => {
  async function failing(change: Partial<ServiceOptions> = {}): Promise<Service> {
    answering(500, 500, 500, 500, 500);
    const service = serviceWith(change);
    for (let i = 0; i < 5; i++) {
      expect(service.breaker()).toBe("closed");
      await expect(service.get("/")).rejects.toThrow("answered 500");
    }
    return service;
  }

  it("is left alone after five failures", async () => {
    const service = await failing();
    expect(service.breaker()).toBe("open");
    await expect(service.get("/")).rejects.toThrow(failure("UPSTREAM_UNAVAILABLE", "circuit open"));
    await expect(service.send("POST", "/", {})).rejects.toBeInstanceOf(UpstreamError);
    expect(seen).toHaveLength(5);
  });

  it("is called again after its window, and then as before", async () => {
    const service = await failing();
    await vi.waitFor(async () => expect((await service.get("/")).status).toBe(200), {
      timeout: 20 * WINDOW_MS,
      interval: 20,
    });
    expect(service.breaker()).toBe("closed");
    expect(await Promise.all(Array.from({ length: 10 }, () => service.get("/")))).toHaveLength(10);
  });

  it("is left alone again when it still fails after its window", async () => {
    const service = await failing();
    handle = (_request, response) => json(response, 500, {});
    await vi.waitFor(() => expect(service.get("/")).rejects.toThrow("answered 500"), {
      timeout: 20 * WINDOW_MS,
      interval: 20,
    });
    expect(service.breaker()).toBe("open");
    expect(seen).toHaveLength(6);
  });

  it("keeps nobody waiting in line for it", async () => {
    handle = () => undefined;
    const service = serviceWith({ timeoutMs: 100, concurrency: 5 });
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => service.get("/")));
    const reasons = outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.reason : "answered"));
    expect(reasons.filter((reason) => reason === "timeout").length).toBeLessThanOrEqual(10);
    expect(reasons.filter((reason) => reason === "circuit open").length).toBeGreaterThanOrEqual(40);
  });

  it("is not failing when good answers come between the bad ones", async () => {
    answering(500, 500, 500, 500, 200, 500, 500, 500, 500);
    const service = serviceWith();
    for (let i = 0; i < 9; i++) await service.get("/").catch(() => undefined);
    expect(service.breaker()).toBe("closed");
  });
});

describe("many calls at once", () => {
  it("are never more in flight than allowed, and all answered", async () => {
    let inFlight = 0;
    let most = 0;
    handle = (_request, response) => {
      most = Math.max(most, ++inFlight);
      setTimeout(() => {
        inFlight -= 1;
        json(response, 200, { ok: true });
      }, 10);
    };
    const service = serviceWith({ concurrency: 3 });
    expect(await Promise.all(Array.from({ length: 20 }, () => service.get("/")))).toHaveLength(20);
    expect(most).toBe(3);
  });
});
