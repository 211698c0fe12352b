import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMetrics } from "../../ops/metrics.js";
import { UpstreamRefusal } from "../errors.js";
import { createService } from "../http.js";
import { SchedulingClient } from "./client.js";

type Reply = { status?: number; body?: unknown };
const NOT_FOUND: Reply = { status: 404, body: { detail: "Not Found" } };
const RANGE = { start: Date.parse("2026-02-01T00:00:00Z"), end: Date.parse("2026-02-03T00:00:00Z") };
const WANTED = { vehicle_id: "V001", service_type: "engine_repair", urgency: "HIGH", preferred_date: "2026-02-01" };
const SLOTS = { recommended_slots: [{ datetime: "2026-02-01T09:00:00Z", technician: { id: "T1", name: "Mike" } }] };

let server: Server;
let client: SchedulingClient;
/** Replies by `METHOD path`; anything else is a 404. */
let routes: Record<string, Reply | ((query: URLSearchParams, body: unknown) => Reply)>;
let asked: string[];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://service");
    const route = `${request.method} ${url.pathname}`;
    asked.push(route);
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const found = routes[route] ?? NOT_FOUND;
    const { status = 200, body } =
      typeof found === "function" ? found(url.searchParams, text && JSON.parse(text)) : found;
    response.writeHead(status).end(body === undefined ? "" : JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  routes = {};
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const limits = { timeoutMs: 2000, concurrency: 8, maxBytes: 1_000_000, breakerWindowMs: 100 };
  const service = createService({ name: "scheduling", baseUrls: [baseUrl], ...limits }, createMetrics());
  client = new SchedulingClient(service, "auto");
  return () => service.close();
});

const appointment = (appointment_id: string) => ({
  appointment_id,
  vehicle_id: "V001",
  scheduled_at: "2026-02-01T09:00:00Z",
});

describe("free slots", () => {
  it("are asked for by POST with the wish as JSON", async () => {
    let wish: unknown;
    routes["POST /api/v1/slots/available"] = (_query, body) => {
      wish = body;
      return { body: SLOTS };
    };
    expect((await client.slots(WANTED)).map((slot) => slot.technician.name)).toEqual(["Mike"]);
    expect(wish).toEqual(WANTED);
    expect(asked).toEqual(["POST /api/v1/slots/available"]);
  });

  it.each([405, 404])("are asked for by GET with the wish as query after a %d, and from then on", async (status) => {
    let wish: unknown;
    routes["POST /api/v1/slots/available"] = { status, body: {} };
    routes["GET /api/v1/slots/available"] = (query) => {
      wish = Object.fromEntries(query);
      return { body: SLOTS };
    };
    expect(await client.slots(WANTED)).toHaveLength(1);
    expect(await client.slots(WANTED)).toHaveLength(1);
    expect(wish).toEqual(WANTED);
    expect(asked.map((route) => route.split(" ")[0])).toEqual(["POST", "GET", "GET"]);
  });

  it("pass a refusal on instead of asking differently", async () => {
    routes["POST /api/v1/slots/available"] = { status: 422, body: { detail: "no such vehicle" } };
    await expect(client.slots(WANTED)).rejects.toThrow("scheduling-service refused with 422: no such vehicle");
    expect(asked).toHaveLength(1);
  });

  it("are unavailable where neither form exists", async () => {
    await expect(client.slots(WANTED)).rejects.toThrow("scheduling-service: offers no free slots");
  });
});

describe("appointments of a period", () => {
  it("come from the list where there is one", async () => {
    routes["GET /api/v1/appointments"] = (query) => {
      expect([query.get("from"), query.get("to")]).toEqual(["2026-02-01T00:00:00Z", "2026-02-03T00:00:00Z"]);
      return { body: { appointments: [appointment("a"), appointment("b")] } };
    };
    expect((await client.appointments(RANGE))?.value.map((a) => a.id)).toEqual(["a", "b"]);
    expect(asked).toHaveLength(1);
  });

  it("come from all technicians' schedules where there is no list, each once", async () => {
    const technicians = ["T1", "T2", "T3"].map((id) => ({ id, name: id }));
    routes["GET /api/v1/appointments"] = { status: 405, body: {} };
    routes["GET /api/v1/technicians"] = { body: { technicians } };
    routes["GET /api/v1/technicians/T1/schedule"] = {
      body: { technician_id: "T1", appointments: [appointment("a"), appointment("b")] },
    };
    routes["GET /api/v1/technicians/T2/schedule"] = { body: { technician_id: "T2", appointments: [appointment("b")] } };
    expect((await client.appointments(RANGE))?.value.map((a) => a.id)).toEqual(["a", "b"]);
    await client.appointments(RANGE);
    expect(asked.filter((route) => route === "GET /api/v1/appointments")).toHaveLength(1);
  });

  it("cannot be told without list, technicians or schedules", async () => {
    expect(await client.appointments(RANGE)).toBeNull();
    routes["GET /api/v1/technicians"] = { body: [{ id: "T1", name: "Mike" }] };
    expect(await client.appointments(RANGE)).toBeNull();
  });

  it("fail rather than be incomplete when one schedule does", async () => {
    routes["GET /api/v1/technicians"] = { body: ["T1", "T2"].map((id) => ({ id, name: id })) };
    routes["GET /api/v1/technicians/T1/schedule"] = { body: [appointment("a")] };
    routes["GET /api/v1/technicians/T2/schedule"] = { status: 500, body: {} };
    await expect(client.appointments(RANGE)).rejects.toThrow("answered 500");
  });
});

describe("changing appointments", () => {
  const request = { vehicle_id: "V001", service_type: "engine_repair", scheduled_at: "2026-02-01T09:00:00Z" };

  it("books, and tells when what is named does not exist", async () => {
    routes["POST /api/v1/appointments"] = { status: 201, body: appointment("new") };
    expect((await client.book(request)).id).toBe("new");
    routes = {};
    await expect(client.book(request)).rejects.toBeInstanceOf(UpstreamRefusal);
  });

  it("has nothing to move or cancel where there is no appointment", async () => {
    expect(await client.reschedule("gone", { scheduled_at: "2026-02-02T09:00:00Z" })).toBeNull();
    expect(await client.cancel("gone")).toBeNull();
    expect(asked).toEqual(["PUT /api/v1/appointments/gone", "DELETE /api/v1/appointments/gone"]);
  });

  it("asks for the cancelled appointment when the answer is empty", async () => {
    routes["DELETE /api/v1/appointments/a"] = { status: 204 };
    routes["GET /api/v1/appointments/a"] = { body: { ...appointment("a"), status: "cancelled" } };
    expect(await client.cancel("a")).toMatchObject({ id: "a", status: "CANCELLED" });
  });
});
