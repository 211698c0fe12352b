import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./support/gateway.js";
import { createDatabase, HAS_POSTGRES } from "./support/postgres.js";
import { Relay } from "./support/proxy.js";
import { HAS_UPSTREAMS, startUpstreams, type Upstreams } from "./support/standins.js";

describe.skipIf(!HAS_POSTGRES || !HAS_UPSTREAMS)("while the database server is away", () => {
  let database: { url: string; drop: () => Promise<void> };
  let relay: Relay;
  let upstreams: Upstreams;
  let gateway: Gateway;
  beforeAll(async () => {
    database = await createDatabase();
    const url = new URL(database.url);
    relay = new Relay(url.hostname, Number(url.port || 5432));
    await relay.open();
    url.hostname = "127.0.0.1";
    url.port = String(relay.port);
    upstreams = await startUpstreams("--bulk");
    gateway = await startGateway(upstreams, { DATABASE_URL: url.href });
  });
  afterAll(async () => {
    await gateway?.stop();
    await upstreams?.stop();
    await database?.drop();
  });

  const login = () => gateway.send("POST", "/api/v1/auth/login", { username: "nobody", password: "whatever" }, null);

  it("goes on reading with a valid token, refuses what it must write, and catches up on the audit afterwards", async () => {
    expect((await gateway.get("/health/ready", null)).status).toBe(200);
    expect((await login()).status).toBe(401);
    await relay.cut();

    expect((await gateway.get("/api/v1/metrics/uptime")).status).toBe(200);
    const refused = await login();
    expect(refused).toMatchObject({ status: 503, body: { code: "SERVICE_UNAVAILABLE" } });
    expect(refused.headers["retry-after"]).toBeDefined();
    const calls = await upstreams.stats();
    const order = { vehicle_id: "V001", service_type: "engine_repair", scheduled_at: "2016-02-01T09:00:00Z" };
    expect((await gateway.send("POST", "/api/v1/appointments", order)).status).toBe(503);
    // No change without its audit entry: the booking was never sent.
    expect(Object.keys(await upstreams.stats()).filter((call) => call.includes("POST"))).toEqual(
      Object.keys(calls).filter((call) => call.includes("POST")),
    );
    expect((await gateway.get("/health/ready", null)).status).toBe(503);
    expect((await gateway.get("/health/live", null)).status).toBe(200);

    await relay.open();
    const { body } = await gateway.get("/api/v1/audit/logs?limit=100");
    const seen = body.items.map((item: { action: string; status: number }) => `${item.action} ${item.status}`);
    expect(seen).toEqual(["appointment.book 503", "auth.login 503", "metrics.view 200", "auth.login 401"]);
    expect((await gateway.get("/health/ready", null)).status).toBe(200);
  });
});
