import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fleet } from "./fleet.js";
import { parseOptions, UsageError } from "./options.js";
import { type RunningServers, startServers } from "./server.js";
import { DAY, timestamp } from "./time.js";

const NOW = Date.parse("2026-07-14T12:00:00Z");
const KEY = "demo-key";
let servers: RunningServers;

beforeAll(async () => {
  const fleet = new Fleet({ vehicles: 250, seed: 1, clock: () => NOW });
  servers = await startServers({ fleet, basePort: 0, apiKey: KEY, latency: 0 });
});

afterAll(() => servers.close());

/** What the tests look at of any answer or row. */
interface Json {
  readonly items?: readonly Json[];
  readonly total?: number;
  readonly limit?: number;
  readonly detail?: string;
  readonly status?: string;
  readonly vehicle_id?: string;
  readonly alert_id?: string;
  readonly appointment_id?: string;
  readonly claim_id?: string;
  readonly scheduled_at?: string;
  readonly resolved_at?: string | null;
  readonly recommended_slots?: readonly { readonly datetime: string; readonly technician: { readonly id: string } }[];
}

async function call(
  method: string,
  url: string,
  body?: unknown,
): Promise<{ status: number; body: Json; allow: string | null }> {
  const response = await fetch(url, {
    method,
    headers: { "x-api-key": KEY },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const json: Json = await response.json().then((value) => Object(value));
  return { status: response.status, body: json, allow: response.headers.get("allow") };
}

const get = (url: string) => call("GET", url);

async function items(url: string): Promise<Json[]> {
  const { body } = await get(url);
  return [...(body.items ?? [])];
}

describe("reading", () => {
  it("pages through all alerts, each exactly once", async () => {
    const url = `${servers.urls.alert}/api/v1/alerts`;
    const { body } = await get(`${url}?limit=1`);
    const ids: unknown[] = [];
    for (let offset = 0; offset < Number(body.total); offset += 1_000) {
      ids.push(...(await items(`${url}?limit=1000&offset=${offset}`)).map((alert) => alert.alert_id));
    }
    expect(ids.length).toBe(body.total);
    expect(new Set(ids).size).toBe(ids.length);
    expect((await get(url)).body).toMatchObject({ limit: 100, offset: 0 });
    expect((await get(`${url}?limit=5000`)).body.limit).toBe(1_000);
  });

  it("filters by half-open periods and by field", async () => {
    const { urls } = servers;
    const query = "from=2026-07-01T00:00:00Z&to=2026-07-02T00:00:00Z&limit=1000";
    const appointments = await items(`${urls.scheduling}/api/v1/appointments?${query}&status=COMPLETED`);
    expect(appointments.length).toBeGreaterThan(0);
    for (const row of appointments) expect(row).toMatchObject({ status: "COMPLETED" });
    expect(appointments.every((row) => String(row.scheduled_at).startsWith("2026-07-01"))).toBe(true);
    const own = await items(`${urls.ingestion}/api/v1/vehicles?owner_id=owner_001&fleet_id=fleet_1`);
    expect(own.map((row) => row.vehicle_id)).toEqual(["V0001", "V0002", "V0003", "V0004"]);
    const health = await items(`${urls.health}/api/v1/health?vehicle_ids=V0001,nobody,V0003`);
    expect(health.map((row) => row.vehicle_id)).toEqual(["V0001", "V0003"]);
  });

  it("answers errors with a detail", async () => {
    const { urls } = servers;
    expect(await get(`${urls.ingestion}/api/v1/vehicles/V9999`)).toMatchObject({
      status: 404,
      body: { detail: "vehicle not found" },
    });
    expect((await get(`${urls.alert}/api/v1/nothing`)).status).toBe(404);
    expect((await get(`${urls.alert}/api/v1/alerts?from=yesterday`)).status).toBe(422);
    expect(await call("PATCH", `${urls.alert}/api/v1/alerts`)).toMatchObject({ status: 405, allow: "GET" });
    expect((await fetch(`${urls.alert}/api/v1/alerts`)).status).toBe(401);
    expect((await fetch(`${urls.alert}/ready`)).status).toBe(200);
  });
});

describe("writing", () => {
  const appointments = () => `${servers.urls.scheduling}/api/v1/appointments`;

  it("finds a slot, books it, moves it and cancels it once", async () => {
    const request = { vehicle_id: "V0003", service_type: "engine_repair", estimated_duration_hours: 3 };
    const slots = await call("POST", `${servers.urls.scheduling}/api/v1/slots/available`, request);
    const query = new URLSearchParams({
      vehicle_id: "V0003",
      service_type: "engine_repair",
      estimated_duration_hours: "3",
    });
    expect(await get(`${servers.urls.scheduling}/api/v1/slots/available?${query}`)).toEqual(slots);
    const [slot] = slots.body.recommended_slots ?? [];
    const wanted = { ...request, scheduled_at: slot?.datetime, technician_id: slot?.technician.id };

    const booked = await call("POST", appointments(), wanted);
    expect(booked).toMatchObject({ status: 201, body: { status: "SCHEDULED", scheduled_at: slot?.datetime } });
    const url = `${appointments()}/${booked.body.appointment_id}`;
    expect((await call("POST", appointments(), { ...wanted, vehicle_id: "V0004" })).status).toBe(409);

    const later = timestamp(NOW + 100 * DAY);
    expect(await call("PUT", url, { scheduled_at: later })).toMatchObject({
      status: 200,
      body: { scheduled_at: later },
    });
    expect(await call("DELETE", url)).toMatchObject({ status: 200, body: { status: "CANCELLED", cost: null } });
    expect((await call("DELETE", url)).status).toBe(409);
    expect((await get(url)).body.status).toBe("CANCELLED");
  });

  it("refuses to change finished appointments and to take bad bodies", async () => {
    const [done] = await items(`${appointments()}?status=COMPLETED&limit=1`);
    const url = `${appointments()}/${done?.appointment_id}`;
    expect(await call("DELETE", url)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("COMPLETED") },
    });
    expect((await call("PUT", url, { scheduled_at: timestamp(NOW + DAY) })).status).toBe(409);
    const bad = [
      "{",
      [],
      {},
      { vehicle_id: "V0001", service_type: "engine_repair", scheduled_at: timestamp(NOW - DAY) },
      { vehicle_id: "nobody", service_type: "engine_repair", scheduled_at: timestamp(NOW + DAY) },
      { vehicle_id: "V0001", service_type: 7, scheduled_at: timestamp(NOW + DAY) },
    ];
    for (const body of bad) {
      const answer = await call("POST", appointments(), body);
      expect(answer.status).toBe(422);
      expect(answer.body.detail).toMatch(/^(body|vehicle_id|service_type|scheduled_at): /);
    }
    expect((await call("POST", appointments(), `"${"x".repeat(1_100_000)}"`)).status).toBe(413);
  });

  it("acknowledges and resolves an alert, each once", async () => {
    const [open] = await items(`${servers.urls.alert}/api/v1/alerts?status=open&limit=1`);
    const url = `${servers.urls.alert}/api/v1/alerts/${open?.alert_id}`;
    expect(await call("POST", `${url}/acknowledge`)).toMatchObject({
      status: 200,
      body: { acknowledged_at: timestamp(NOW) },
    });
    expect((await call("POST", `${url}/acknowledge`)).status).toBe(409);
    expect(await call("POST", `${url}/resolve`)).toMatchObject({ status: 200, body: { resolved_at: timestamp(NOW) } });
    expect((await call("POST", `${url}/resolve`)).status).toBe(409);
    expect((await get(url)).body.resolved_at).toBe(timestamp(NOW));
  });

  it("files a claim once", async () => {
    const claim = {
      vehicle_id: "V0001",
      component: "engine",
      failure_description: "Coolant loss",
      failure_date: "2026-07-10",
      mileage_at_failure: 17_000,
      repair_cost_estimate: 3_500,
    };
    const filed = await call("POST", `${servers.urls.warranty}/api/v1/claims`, claim);
    expect(filed).toMatchObject({ status: 201, body: { ...claim, eligibility: { is_eligible: true } } });
    const stored = await get(`${servers.urls.warranty}/api/v1/claims/${filed.body.claim_id}`);
    expect(stored.body).toEqual(filed.body);
    expect((await call("POST", `${servers.urls.warranty}/api/v1/claims`, claim)).status).toBe(409);
    const wrong = { ...claim, component: "wheel" };
    expect((await call("POST", `${servers.urls.warranty}/api/v1/claims`, wrong)).status).toBe(422);
  });
});

describe("the command line", () => {
  it("takes a starting moment and rejects what it cannot use", () => {
    const options = parseOptions(["--now", "2026-02-01T08:00:00Z", "--vehicles", "20"]);
    expect(options).toMatchObject({ vehicles: 20, seed: 1, basePort: 0, latency: 0 });
    if (options !== "help") expect(Math.abs(options.clock() - Date.parse("2026-02-01T08:00:00Z"))).toBeLessThan(1_000);
    const bad = [
      ["--vehicles", "0"],
      ["--vehicles", "1e3"],
      ["--now", "2026-02-30"],
      ["--now", "noon"],
      ["--bulk"],
      ["x"],
    ];
    for (const args of bad) expect(() => parseOptions(args)).toThrow(UsageError);
  });
});
