import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROLES, type Role } from "../src/domain/access/roles.js";
import { DOWNLOADS } from "../src/http/downloads.js";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";

const NOWHERE = {
  urls: Object.fromEntries(
    ["ingestion", "health", "agent", "alert", "scheduling", "warranty"].map((name) => [name, "http://127.0.0.1:9"]),
  ),
} as Parameters<typeof startGateway>[0];
const PASSWORD = "a fine password";

describe("downloads and erasure", () => {
  let gateway: Gateway;
  let eve: string;
  const get = (url: string, role: Role, claims: Record<string, unknown> = {}) =>
    gateway.app.server.inject({ url, headers: { authorization: `Bearer ${tokenFor(role, claims)}` } });
  const lines = (body: string) =>
    body
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));

  beforeAll(async () => {
    gateway = await startGateway(NOWHERE);
    await gateway.send("POST", "/api/v1/tenants", {
      id: "acme",
      name: "Acme",
      admin_username: "boss",
      admin_password: PASSWORD,
    });
    const made = await gateway.send("POST", "/api/v1/users", {
      username: "eve",
      password: PASSWORD,
      email: "eve@example.com",
      role: "SUPPORT",
    });
    eve = made.body.user_id;
    const event = { type: "page_view", user: eve, properties: { page: "/secret-page", user_id: eve } };
    await gateway.send("POST", "/v1/events", [event]);
    await gateway.send("POST", "/api/v1/auth/login", { username: "eve", password: PASSWORD }, null);
    await get("/api/v1/users/me", "SUPPORT", { user_id: eve });
    await gateway.app.events.settled();
  });
  afterAll(() => gateway?.stop());

  it("what can be downloaded is known to this suite", () => {
    const paths = ["/api/v1/audit/export", "/api/v1/users/{id}/export", "/api/v1/metrics/table"];
    expect(DOWNLOADS.map(({ path }) => path).sort()).toEqual(paths.sort());
  });

  it.each(ROLES)("a table of metrics is for those who may see figures, over their own events: %s", async (role) => {
    const path = "/api/v1/metrics/table?ids=events.events&group_by=user,properties.page&start=2000-01-01";
    const may = ["FLEET_MANAGER", "ADMIN", "EXECUTIVE"].includes(role);
    for (const claims of [{}, { tenant_id: "acme" }, { vehicle_ids: ["V1"] }]) {
      const { statusCode, body } = await get(path, role, claims);
      // Whose vehicles are whose is asked of a service that is not there: then nothing is told.
      expect(may ? [200, ...("vehicle_ids" in claims ? [503] : [])] : [403]).toContain(statusCode);
      const mayNotKnow = Object.keys(claims).length > 0 || role === "EXECUTIVE";
      if (mayNotKnow) expect(body).not.toMatch(/\beve\b|secret-page/);
    }
    expect((await gateway.app.server.inject({ url: path })).statusCode).toBe(401);
  });

  it.each(
    DOWNLOADS.filter(({ path }) => path !== "/api/v1/metrics/table").flatMap(({ path }) =>
      ROLES.map((role) => [path, role] as const),
    ),
  )("%s is for administrators only: %s", async (path, role) => {
    for (const claims of [{}, { tenant_id: "acme" }]) {
      const { statusCode, body } = await get(path.replace("{id}", eve), role, claims);
      expect(statusCode).toBe(role === "ADMIN" ? 200 : 403);
      if (claims.tenant_id) expect(body).not.toMatch(/"eve"|eve@|secret-page/);
    }
    expect((await get(path.replace("{id}", eve), role, { vehicle_ids: ["V1"] })).statusCode).toBe(403);
    expect((await gateway.app.server.inject({ url: path })).statusCode).toBe(401);
  });

  it("the trail comes whole, oldest first, each entry with the hash of the one before", async () => {
    const { body, headers } = await get("/api/v1/audit/export", "ADMIN");
    expect(headers["content-type"]).toContain("ndjson");
    expect(headers["content-disposition"]).toBe('attachment; filename="audit.ndjson"');
    const entries = lines(body);
    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1));
    for (const [i, { prev_hash }] of entries.entries()) if (i > 0) expect(prev_hash).toBe(entries[i - 1].hash);
    const mine = lines((await get(`/api/v1/audit/export?user_id=${eve}`, "ADMIN")).body);
    expect(mine.length).toBeGreaterThan(0);
    expect(new Set(mine.map(({ user_id }) => user_id))).toEqual(new Set([eve]));
    expect((await get("/api/v1/audit/export?from=2100-01-01", "ADMIN")).body).toBe("");
  });

  it("as a table nothing becomes a formula", async () => {
    await get("/api/v1/users/me?x=1", "ADMIN", { user_id: '=HYPERLINK("http://evil.example")' });
    await gateway.app.server.inject({
      url: "/api/v1/users/me",
      headers: {
        authorization: `Bearer ${tokenFor("ADMIN", { user_id: "@SUM(1)" })}`,
        "user-agent": "+cmd|' /C calc'!A0",
      },
    });
    const { body, headers } = await get("/api/v1/audit/export?format=csv", "ADMIN");
    expect(headers["content-type"]).toContain("text/csv");
    expect(body).toContain("sequence,timestamp,id,user_id");
    expect(body).toContain("'=HYPERLINK");
    expect(body).toContain("'@SUM(1)");
    expect(body).toContain("'+cmd|");
    expect(body).not.toMatch(/(^|,)"?[=@+](HYPERLINK|SUM|cmd)/m);
  });

  it.each([
    ["/api/v1/audit/export?format=xlsx", "format"],
    ["/api/v1/audit/export?from=yesterday", "from"],
    ["/api/v1/audit/export?source=both", "source"],
    ["/api/v1/users/x/export?format=csv", "format"],
  ])("say what is wrong: %s", async (path, field) => {
    const reply = await get(path, "ADMIN");
    expect([reply.statusCode, reply.json()]).toMatchObject([422, { code: "BAD_USER_INPUT", field }]);
  });

  it("a person gets everything that is kept about them, and nothing of anybody else", async () => {
    const own = await get(`/api/v1/users/${eve}/export`, "SUPPORT", { user_id: eve });
    expect(own.statusCode).toBe(200);
    const rows = lines(own.body);
    expect([...new Set(rows.map(({ kind }) => kind))]).toEqual([
      "account",
      "membership",
      "session",
      "event",
      "audit entry",
    ]);
    expect(rows[0]).toMatchObject({ username: "eve", email: "eve@example.com" });
    expect(own.body).not.toMatch(/argon2|passwordHash/);
    expect(rows.find(({ kind }) => kind === "event")).toMatchObject({
      user: eve,
      properties: { page: "/secret-page" },
    });
    expect((await get(`/api/v1/users/${eve}/export`, "SUPPORT")).statusCode).toBe(403);
  });

  it("is forgotten everywhere, with proof, and the trail still verifies", async () => {
    const { body } = await gateway.graphql(
      `mutation { subjectErase(input: { userId: "${eve}" }) { erasure { id } errors { message } } }`,
    );
    const { id } = body.data.subjectErase.erasure;
    const erasure = async () => (await gateway.graphql(`{ erasure(id: "${id}") { state deleted } }`)).body.data.erasure;
    await expect.poll(async () => (await erasure()).state, { timeout: 30_000 }).toBe("DONE");
    expect((await erasure()).deleted).toMatchObject({ events: 1, account: 3, "audit trail": expect.any(Number) });
    expect(
      (await gateway.send("POST", "/api/v1/auth/login", { username: "eve", password: PASSWORD }, null)).status,
    ).toBe(401);
    expect((await get("/api/v1/users/me", "SUPPORT", { user_id: eve })).statusCode).toBe(401);
    const trail = (await get("/api/v1/audit/export", "ADMIN")).body;
    expect(trail).toContain('"erased":true');
    expect(trail).not.toMatch(/eve@example|"username":"eve","role"/);
    expect((await gateway.graphql("{ users { nodes { username email } } }")).body.data.users.nodes).not.toContainEqual(
      expect.objectContaining({ username: "eve" }),
    );
  });
});
