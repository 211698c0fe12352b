import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SECRET } from "./support/gateway.js";
import { ended, type RunningGateway, run, startProcess } from "./support/processes.js";
import { stopUnderLoad } from "./support/under-load.js";

const DEMO_USERS = ["fleet_manager", "admin", "executive", "support", "technician", "owner"];

async function login(base: string, username: string, password = "password") {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ username, password });
  const reply = await fetch(`${base}/api/v1/auth/login`, { method: "POST", headers, body });
  return { status: reply.status, body: (await reply.json()) as { access_token: string; user: { role: string } } };
}

async function get(base: string, path: string, token: string) {
  const reply = await fetch(base + path, { headers: { authorization: `Bearer ${token}` } });
  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever the gateway answered; the test says what it expects.
  return { status: reply.status, body: (await reply.json()) as any };
}

async function graphql(base: string, token: string, query: string) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const reply = await fetch(`${base}/graphql`, { method: "POST", headers, body: JSON.stringify({ query }) });
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  return (await reply.json()) as any;
}

describe("a start without configuration", () => {
  let gateway: RunningGateway;
  const token = async (username: string) => (await login(gateway.base, username)).body.access_token;
  beforeAll(async () => {
    gateway = await startProcess({});
  });
  afterAll(async () => {
    gateway?.child.kill("SIGKILL");
    await ended(gateway.child);
  });

  it("prints where the explorer and the docs are, and a login per role", () => {
    const printed = gateway.printed();
    for (const expected of ["/graphiql", "/docs", ...DEMO_USERS]) expect(printed).toContain(expected);
  });

  it("signs in each demo user with the printed password", async () => {
    for (const username of DEMO_USERS) expect((await login(gateway.base, username)).status).toBe(200);
    expect((await login(gateway.base, "admin", "passwort")).status).toBe(401);
  });

  it("shows a fleet of 1,000 vehicles whose month and day are never empty", async () => {
    const { status, body } = await get(gateway.base, "/api/v1/dashboards/fleet", await token("fleet_manager"));
    expect(status).toBe(200);
    expect(body.fleet_summary.total_vehicles).toBe(1000);
    expect(body.cost_metrics.total_cost_avoidance_this_month).not.toBeNull();
    expect(body.cost_metrics.total_cost_avoidance_this_month).not.toBe(0);
    expect(body.coverage.vehicles_with_data).toBeLessThan(1000);
    expect(body.recent_alerts).toHaveLength(10);
    expect(body.upcoming_maintenance.length).toBeGreaterThan(0);
    expect(body.warnings.filter((warning: { source: string }) => warning.source !== "health-service")).toEqual([]);
  });

  it("shows a technician today's jobs and an owner the own vehicles", async () => {
    const day = await get(gateway.base, "/api/v1/dashboards/technician/tech_001", await token("technician"));
    expect(day.status).toBe(200);
    expect(day.body.jobs.total).toBeGreaterThan(0);
    const own = await get(gateway.base, "/api/v1/dashboards/owner/owner_001", await token("owner"));
    expect(own.status).toBe(200);
    expect(own.body.vehicles).toHaveLength(4);
    expect(own.body.vehicles[0].service_history.length).toBeGreaterThan(0);
    expect(own.body.actions.book_appointment_url).toBe("/api/v1/appointments");
  });

  it("books, moves and cancels an appointment, shows it at once, and audits each step", async () => {
    const manager = await token("fleet_manager");
    const list = '{ vehicle(id: "V0001") { appointments(first: 500) { nodes { id status scheduledAt } } } }';
    const before = (await graphql(gateway.base, manager, list)).data.vehicle.appointments.nodes;
    const at = new Date(Date.now() + 20 * 86_400_000).toISOString();
    const booked = await graphql(
      gateway.base,
      manager,
      `mutation { appointmentBook(input: { vehicleId: "V0001", serviceType: "brakes_repair", scheduledAt: "${at}", type: COMPONENT_REPAIR }) { appointment { id component status } errors { code message } } }`,
    );
    expect(booked.data.appointmentBook).toMatchObject({
      errors: [],
      appointment: { component: "brakes", status: "SCHEDULED" },
    });
    const { id } = booked.data.appointmentBook.appointment;
    const after = (await graphql(gateway.base, manager, list)).data.vehicle.appointments.nodes;
    expect(after).toHaveLength(before.length + 1);

    const headers = { "content-type": "application/json", authorization: `Bearer ${manager}` };
    const url = `${gateway.base}/api/v1/appointments/${id}`;
    const moved = new Date(Date.now() + 21 * 86_400_000).toISOString().replace(/\.\d+Z/, "Z");
    const put = await fetch(url, { method: "PUT", headers, body: JSON.stringify({ scheduled_at: moved }) });
    expect([put.status, ((await put.json()) as { scheduled_at: string }).scheduled_at]).toEqual([200, moved]);
    const cancelled = await fetch(url, { method: "DELETE", headers: { authorization: `Bearer ${manager}` } });
    expect([cancelled.status, ((await cancelled.json()) as { status: string }).status]).toEqual([200, "CANCELLED"]);
    const again = await fetch(url, { method: "DELETE", headers: { authorization: `Bearer ${manager}` } });
    expect([again.status, await again.json()]).toMatchObject([409, { code: "CONFLICT" }]);

    const trail = await get(gateway.base, "/api/v1/audit/logs?limit=100", await token("admin"));
    const actions = trail.body.items.map((item: { action: string }) => item.action);
    for (const action of ["book", "reschedule", "cancel"]) expect(actions).toContain(`appointment.${action}.requested`);
    expect(actions).toContain("appointment.cancel");
  });

  it("refuses a booking for a vehicle outside the scope, and one that the service cannot take", async () => {
    const book = async (username: string, body: unknown) => {
      const headers = { "content-type": "application/json", authorization: `Bearer ${await token(username)}` };
      const reply = await fetch(`${gateway.base}/api/v1/appointments`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      return [reply.status, await reply.json()];
    };
    const at = new Date(Date.now() + 9 * 86_400_000).toISOString();
    const order = { service_type: "engine_repair", scheduled_at: at };
    expect(await book("owner", { ...order, vehicle_id: "V0500" })).toMatchObject([403, { code: "FORBIDDEN" }]);
    expect(await book("support", { ...order, vehicle_id: "V0001" })).toMatchObject([403, { code: "FORBIDDEN" }]);
    expect(await book("fleet_manager", { ...order, vehicle_id: "V9999" })).toMatchObject([404, { code: "NOT_FOUND" }]);
    expect(await book("fleet_manager", { vehicle_id: "V0001" })).toMatchObject([422, { code: "BAD_USER_INPUT" }]);
    expect(await book("owner", { ...order, vehicle_id: "V0001" })).toMatchObject([201, { vehicle_id: "V0001" }]);
  });

  it("acknowledges and resolves an alert, once", async () => {
    const manager = await token("fleet_manager");
    const open = await graphql(
      gateway.base,
      manager,
      '{ vehicle(id: "V0002") { alerts(status: OPEN) { nodes { id } } } }',
    );
    const id = open.data.vehicle.alerts.nodes[0].id;
    const act = (action: string) =>
      graphql(
        gateway.base,
        manager,
        `mutation { ${action}(input: { id: "${id}" }) { alert { status } errors { code } } }`,
      );
    expect((await act("alertAcknowledge")).data.alertAcknowledge).toEqual({
      alert: { status: "ACKNOWLEDGED" },
      errors: [],
    });
    expect((await act("alertResolve")).data.alertResolve).toEqual({ alert: { status: "RESOLVED" }, errors: [] });
    expect((await act("alertResolve")).data.alertResolve).toEqual({ alert: null, errors: [{ code: "CONFLICT" }] });
  });

  it("makes administrators through the running gateway, whose data nobody else may open", async () => {
    const values = { DATA_DIR: gateway.folder };
    const created = await run("src/cli.ts", ["admin", "create", "--username", "root"], values, "a-long-password\n");
    expect(created).toMatchObject({ code: 0, stdout: "Administrator root made.\n" });
    expect((await login(gateway.base, "root", "a-long-password")).body.user.role).toBe("ADMIN");
    const again = await run("src/cli.ts", ["admin", "create", "--username", "root"], values, "a-long-password");
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('There already is a user "root"') });
    const short = await run("src/cli.ts", ["admin", "create", "--username", "root2"], values, "short");
    expect(short).toMatchObject({ code: 1, stderr: expect.stringContaining("at least 8 characters") });
    await expect(startProcess(values)).rejects.toThrow(/is in use by process \d+.*set DATABASE_URL/);
  });

  it("keeps users and audit over a kill -9, and stops cleanly on SIGTERM", async () => {
    const admin = await token("admin");
    await sleep(300);
    gateway.child.kill("SIGKILL");
    await ended(gateway.child);
    gateway = await startProcess({ DATA_DIR: gateway.folder });
    // The old token is still good: the secret made at first start has been kept.
    const trail = await get(gateway.base, "/api/v1/audit/logs?action=auth.login&limit=1000", admin);
    expect(trail.status).toBe(200);
    expect(trail.body.total).toBeGreaterThanOrEqual(DEMO_USERS.length);
    gateway.child.kill("SIGTERM");
    expect(await ended(gateway.child)).toBe(0);
  });
});

it("answers every request that it has taken when it is told to stop under load, and ends within ten seconds", async () => {
  const gateway = await startProcess({ JWT_SECRET_KEY: SECRET, DEMO_VEHICLES: "50" });
  const { code, milliseconds, answered, failed } = await stopUnderLoad(gateway, "/api/v1/dashboards/fleet");
  expect({ code, failed }).toEqual({ code: 0, failed: [] });
  expect(milliseconds).toBeLessThan(10_000);
  expect(answered).toBeGreaterThanOrEqual(8);
  await rm(gateway.folder, { recursive: true, force: true });
});

describe("a production start", () => {
  const services = Object.fromEntries(
    ["INGESTION", "HEALTH", "AGENT", "ALERT", "SCHEDULING", "WARRANTY"].map((name) => [
      `${name}_SERVICE_URL`,
      "http://127.0.0.1:9",
    ]),
  );

  it("refuses to start without services and secret, listing everything at once", async () => {
    const { code, stderr } = await run("src/main.ts", [], { NODE_ENV: "production", PORT: "70000" });
    expect(code).toBe(1);
    expect(stderr).toContain("PORT");
    const second = await run("src/main.ts", [], { NODE_ENV: "production" });
    expect(second.code).toBe(1);
    for (const name of [
      ...Object.keys(services),
      "JWT_SECRET_KEY must be set in production",
      "openssl rand -base64 32",
    ]) {
      expect(second.stderr).toContain(name);
    }
  });

  it.each([
    ["your_secret_key_change_in_production", "well-known default"],
    ["too-short", "at least 32 characters in production, got 9"],
  ])("refuses the secret %s", async (secret, reason) => {
    const { code, stderr } = await run("src/main.ts", [], {
      NODE_ENV: "production",
      JWT_SECRET_KEY: secret,
      ...services,
    });
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
  });

  it("has no user until an administrator is made, and hides the schema", async () => {
    const DATA_DIR = await mkdtemp(join(tmpdir(), "crowsnest-production-"));
    const values = { NODE_ENV: "production", JWT_SECRET_KEY: "k".repeat(40), DATA_DIR, SWEEP: "off", ...services };
    const made = await run("src/cli.ts", ["admin", "create", "--username", "root"], { DATA_DIR }, "a-long-password");
    expect(made).toMatchObject({ code: 0 });
    const gateway = await startProcess(values);
    try {
      for (const username of DEMO_USERS) expect((await login(gateway.base, username)).status).toBe(401);
      const { status, body } = await login(gateway.base, "root", "a-long-password");
      expect(status).toBe(200);
      const hidden = await graphql(gateway.base, body.access_token, "{ __schema { queryType { name } } }");
      expect(hidden.errors[0].extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
      expect(gateway.printed()).not.toContain("password");
    } finally {
      gateway.child.kill("SIGTERM");
      await ended(gateway.child);
    }
  });
});
