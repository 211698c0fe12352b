import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROLES, type Role } from "../src/domain/access/roles.js";
import { type Gateway, SECRET, startGateway, tokenFor } from "./support/gateway.js";
import { HAS_UPSTREAMS, startUpstreams, type Upstreams } from "./support/standins.js";

/** The endpoint × role table of the contract: whoever is not named is refused. */
const TABLE: Record<string, readonly Role[]> = {
  "/api/v1/dashboards/fleet": ["FLEET_MANAGER", "ADMIN", "SUPPORT"],
  "/api/v1/dashboards/owner/owner_1": ["FLEET_MANAGER", "ADMIN", "SUPPORT"],
  "/api/v1/dashboards/technician/tech_001": ["FLEET_MANAGER", "ADMIN"],
  "/api/v1/dashboards/executive": ["ADMIN", "EXECUTIVE"],
  "/api/v1/metrics/fleet-health": ["FLEET_MANAGER", "ADMIN", "EXECUTIVE", "SUPPORT"],
  "/api/v1/metrics/cost-avoidance": ["FLEET_MANAGER", "ADMIN", "EXECUTIVE"],
  "/api/v1/metrics/uptime": ["FLEET_MANAGER", "ADMIN", "EXECUTIVE"],
  "/api/v1/metrics/alert-stats": ["FLEET_MANAGER", "ADMIN", "EXECUTIVE", "SUPPORT"],
  "/api/v1/metrics/warranty-stats": ["FLEET_MANAGER", "ADMIN", "EXECUTIVE"],
  "/api/v1/audit/logs": ["ADMIN"],
  "/api/v1/audit/user-activity/somebody_else": ["ADMIN"],
  "/api/v1/users/me": ROLES,
};

/** What each role may open when the id in the path is its own. */
const OWN: Record<string, readonly Role[]> = {
  "/api/v1/dashboards/owner/{own}": ["VEHICLE_OWNER"],
  "/api/v1/dashboards/technician/{own}": ["TECHNICIAN"],
  "/api/v1/audit/user-activity/{own}": ROLES,
  "/api/v1/users/{own}/permissions": ROLES,
};
const OWN_ID: Partial<Record<Role, string>> = { VEHICLE_OWNER: "owner_1", TECHNICIAN: "tech_001" };

describe.skipIf(!HAS_UPSTREAMS)("who may do what", () => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  const as = (role: Role, path: string, claims: Record<string, unknown> = {}) =>
    gateway.app.server.inject({ url: path, headers: { authorization: `Bearer ${tokenFor(role, claims)}` } });

  beforeAll(async () => {
    upstreams = await startUpstreams("--bulk");
    gateway = await startGateway(upstreams);
  });
  afterAll(async () => {
    await gateway?.stop();
    await upstreams?.stop();
  });

  it.each(
    Object.entries(TABLE).flatMap(([path, allowed]) =>
      ROLES.map((role) => ({ path, role, allowed: allowed.includes(role) })),
    ),
  )("$role on $path: $allowed", async ({ path, role, allowed }) => {
    const reply = await as(role, path);
    expect(reply.statusCode).toBe(allowed ? 200 : 403);
    if (!allowed) expect(reply.json()).toMatchObject({ code: "FORBIDDEN", detail: expect.stringContaining(role) });
  });

  it.each(
    Object.entries(OWN).flatMap(([path, roles]) => roles.map((role) => ({ path, role }))),
  )("$role on $path", async ({ path, role }) => {
    const own = OWN_ID[role] ?? `test_${role}`;
    const reply = await as(role, path.replace("{own}", own), { user_id: own });
    // A token of another system need not have a user here: its own profile comes from the token.
    expect(reply.statusCode).toBe(200);
  });

  it("shows support the fleet dashboard without its costs", async () => {
    const { statusCode, body } = await as("SUPPORT", "/api/v1/dashboards/fleet");
    const dashboard = JSON.parse(body);
    expect(statusCode).toBe(200);
    expect(dashboard.cost_metrics).toBeNull();
    expect(dashboard.top_issues[0]).toMatchObject({
      estimated_total_cost: null,
      affected_vehicles: expect.any(Number),
    });
    expect(dashboard.fleet_summary.total_vehicles).toBe(100);
  });

  it("gives a token without permissions those of its role", async () => {
    const reply = await as("FLEET_MANAGER", "/api/v1/users/me");
    expect(reply.json().permissions).toEqual([
      "view_fleet",
      "view_analytics",
      "manage_appointments",
      "generate_reports",
    ]);
  });

  it("keeps an owner to the own vehicles, in lists, by id and through edges", async () => {
    const mine = { user_id: "owner_9", vehicle_ids: ["V041", "V042"] };
    const ask = async (query: string) => {
      const headers = { authorization: `Bearer ${tokenFor("VEHICLE_OWNER", mine)}` };
      return (await gateway.app.server.inject({ method: "POST", url: "/graphql", headers, payload: { query } })).json();
    };
    const list = await ask("{ vehicles { totalCount nodes { id } } }");
    expect(list.data.vehicles).toEqual({ totalCount: 2, nodes: [{ id: "V041" }, { id: "V042" }] });
    const foreign = await ask('{ known: vehicle(id: "V001") { id } unknown: vehicle(id: "V999") { id } }');
    expect(foreign.data).toEqual({ known: null, unknown: null });
    // The same answer for a vehicle that exists and one that does not: nothing can be learnt from it.
    expect(foreign.errors.map((error: { message: string }) => error.message)).toEqual(
      Array(2).fill("This vehicle is outside your scope"),
    );
  });

  it("keeps a manager of one fleet to that fleet, in figures too", async () => {
    const claims = { fleet_ids: ["fleet_1"] };
    const whole = (
      await as("FLEET_MANAGER", "/api/v1/metrics/alert-stats?start_date=2015-01-01&end_date=2015-12-31")
    ).json();
    const own = (
      await as("FLEET_MANAGER", "/api/v1/metrics/alert-stats?start_date=2015-01-01&end_date=2015-12-31", claims)
    ).json();
    const narrowed = (
      await as(
        "FLEET_MANAGER",
        "/api/v1/metrics/alert-stats?start_date=2015-01-01&end_date=2015-12-31&fleet_id=fleet_1",
      )
    ).json();
    expect(own.total_alerts).toBe(narrowed.total_alerts);
    expect(own.total_alerts).toBeLessThan(whole.total_alerts);
    expect((await as("FLEET_MANAGER", "/api/v1/metrics/uptime?fleet_id=fleet_2", claims)).statusCode).toBe(403);
    expect((await as("FLEET_MANAGER", "/api/v1/metrics/uptime", claims)).json().total_vehicles).toBe(16);
  });

  it("never answers an owner from what an administrator has warmed", async () => {
    await as("ADMIN", "/api/v1/dashboards/owner/owner_1");
    const reply = await as("VEHICLE_OWNER", "/api/v1/dashboards/owner/owner_1", {
      user_id: "owner_1",
      vehicle_ids: ["V001"],
    });
    expect(reply.json().vehicles.map((vehicle: { vehicle_id: string }) => vehicle.vehicle_id)).toEqual(["V001"]);
  });

  it("writes an audit entry for every request and refusal", async () => {
    await as("TECHNICIAN", "/api/v1/dashboards/fleet", { user_id: "curious" });
    await gateway.app.server.inject({ url: "/api/v1/metrics/uptime" });
    await gateway.graphql("query Mine { me { id } }", {}, "SUPPORT");
    const { items } = (await as("ADMIN", "/api/v1/audit/logs?limit=3")).json();
    expect(items).toMatchObject([
      {
        action: "graphql.query",
        actor: { user_id: "test_SUPPORT", role: "SUPPORT" },
        resource: "/graphql",
        details: { name: "Mine", fields: ["me"] },
      },
      {
        action: "metrics.view",
        actor: { user_id: null, role: null },
        status: 401,
        resource: "/api/v1/metrics/uptime",
        method: "GET",
      },
      {
        action: "dashboard.view",
        actor: { user_id: "curious", role: "TECHNICIAN" },
        status: 403,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
    expect([items[0].prev_hash, items[1].prev_hash]).toEqual([items[1].hash, items[2].hash]);
    const { summary } = (await as("ADMIN", "/api/v1/audit/user-activity/curious")).json();
    expect(summary).toMatchObject({ total_actions: 1, by_action: { "dashboard.view": 1 } });
    const refused = (await as("ADMIN", "/api/v1/audit/logs?action=dashboard.view&user_id=curious")).json();
    expect(refused.total).toBe(1);
  });

  it("signs in, audits both outcomes and answers unknown users and wrong passwords alike", async () => {
    const login = (body: unknown) => gateway.send("POST", "/api/v1/auth/login", body, null);
    const unknown = await login({ username: "nobody", password: "password" });
    expect(unknown).toMatchObject({ status: 401, body: { detail: "Invalid credentials", code: "UNAUTHENTICATED" } });
    expect((await login({ username: "nobody" })).status).toBe(422);
    const { items } = (await as("ADMIN", "/api/v1/audit/logs?action=auth.login")).json();
    expect(items[1]).toMatchObject({ status: 401, details: { username: "nobody" } });
    expect(JSON.stringify(items)).not.toContain(SECRET);
  });
});
