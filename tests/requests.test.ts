import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";
import { HAS_UPSTREAMS, startUpstreams, type Upstreams } from "./support/standins.js";

describe.skipIf(!HAS_UPSTREAMS)("requests", () => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  beforeAll(async () => {
    upstreams = await startUpstreams("--bulk", "--api-key", "the-key");
    gateway = await startGateway(upstreams, { UPSTREAM_API_KEY: "the-key" });
  });
  afterAll(async () => {
    await gateway?.stop();
    await upstreams?.stop();
  });

  describe("that cannot be answered say what is wrong, as JSON", () => {
    it.each([
      ["an unknown vehicle", "/api/v1/metrics/uptime?vehicle_id=V999", 404, "NOT_FOUND", 'There is no vehicle "V999"'],
      [
        "an unknown fleet",
        "/api/v1/dashboards/fleet?fleet_id=nowhere",
        404,
        "NOT_FOUND",
        'There is no fleet "nowhere"',
      ],
      ["an unknown owner", "/api/v1/dashboards/owner/nobody", 404, "NOT_FOUND", 'There is no owner "nobody"'],
      [
        "an unknown technician",
        "/api/v1/dashboards/technician/nobody",
        404,
        "NOT_FOUND",
        'There is no technician "nobody"',
      ],
      ["an unknown user", "/api/v1/users/nobody/permissions", 404, "NOT_FOUND", 'There is no user "nobody"'],
      ["an unknown path", "/api/v1/nonsense", 404, "NOT_FOUND", "There is no GET /api/v1/nonsense"],
      [
        "a start after the end",
        "/api/v1/metrics/uptime?start_date=2015-03-02&end_date=2015-03-01",
        422,
        "BAD_USER_INPUT",
        "not before end",
      ],
      [
        "a date that does not exist",
        "/api/v1/metrics/uptime?start_date=2015-02-30",
        422,
        "BAD_USER_INPUT",
        "2015-02-30",
      ],
      [
        "an unknown enum",
        "/api/v1/audit/logs?source=martian",
        422,
        "BAD_USER_INPUT",
        'source must be one of user, event, got "martian"',
      ],
      [
        "a parameter that is missing",
        "/v1/metrics/users?end_date=2026-01-31",
        422,
        "BAD_USER_INPUT",
        "start_date is required",
      ],
      ["a number that is none", "/api/v1/audit/logs?limit=many", 422, "BAD_USER_INPUT", "many"],
      ["a limit out of bounds", "/api/v1/audit/logs?limit=1001", 422, "BAD_USER_INPUT", "from 1 to 1000"],
    ])("%s", async (_what, path, status, code, detail) => {
      const reply = await gateway.get(path);
      expect(reply.status).toBe(status);
      expect(reply.headers["content-type"]).toContain("application/json");
      expect(reply.body).toMatchObject({ code, detail: expect.stringContaining(detail) });
    });

    it("no token, a bad one, an expired one", async () => {
      const path = "/api/v1/dashboards/fleet";
      expect(await gateway.get(path, null)).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
      for (const authorization of ["Bearer nonsense", "Basic dTpw", `Bearer ${tokenFor("ADMIN", { exp: 1 })}`]) {
        const reply = await gateway.app.server.inject({ url: path, headers: { authorization } });
        expect(reply.statusCode).toBe(401);
        expect(reply.json()).toMatchObject({
          code: "UNAUTHENTICATED",
          detail: expect.stringContaining("Not signed in"),
        });
      }
      const graphql = await gateway.graphql("{ me { id } }", {}, null);
      expect(graphql).toMatchObject({ status: 401, body: { errors: [{ extensions: { code: "UNAUTHENTICATED" } }] } });
    });

    it("a body that is no JSON, or far too large", async () => {
      const headers = { "content-type": "application/json", authorization: `Bearer ${tokenFor("ADMIN")}` };
      const post = (payload: string) =>
        gateway.app.server.inject({ method: "POST", url: "/api/v1/appointments", headers, payload });
      const garbled = await post('{"vehicle_id":');
      expect(garbled.statusCode).toBe(400);
      expect(garbled.json()).toMatchObject({ code: "BAD_REQUEST", detail: expect.any(String) });
      const huge = await post(JSON.stringify({ notes: "x".repeat(2_000_000) }));
      expect(huge.statusCode).toBe(413);
      expect(huge.json()).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    });
  });

  it("over GraphQL get null and a code for an unknown vehicle, siblings intact", async () => {
    const { status, body } = await gateway.graphql(
      '{ missing: vehicle(id: "V999") { id } there: vehicle(id: "V001") { id } }',
    );
    expect(status).toBe(200);
    expect(body.data).toEqual({ missing: null, there: { id: "V001" } });
    expect(body.errors).toMatchObject([{ path: ["missing"], extensions: { code: "NOT_FOUND", id: "V999" } }]);
  });

  it("over GraphQL are refused before execution when they do not fit the schema", async () => {
    const { status, body } = await gateway.graphql("{ vehicles(orderBy: { field: SIZE }) { totalCount } }");
    expect(status).toBe(400);
    expect(body.errors[0].extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
    const variables = await gateway.graphql("query ($first: Int) { vehicles(first: $first) { totalCount } }", {
      first: "many",
    });
    expect(variables.body.errors[0]).toMatchObject({ extensions: { code: "BAD_USER_INPUT" } });
  });

  it("page through all vehicles exactly once, in any order", async () => {
    for (const orderBy of ["{ field: HEALTH_SCORE, direction: DESC }", "{ field: ODOMETER }", "{ field: ID }"]) {
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const query = `query ($after: String) { vehicles(first: 33, after: $after, orderBy: ${orderBy}) { nodes { id } totalCount pageInfo { hasNextPage endCursor } } }`;
        const { body } = await gateway.graphql(query, { after });
        seen.push(...body.data.vehicles.nodes.map((vehicle: { id: string }) => vehicle.id));
        after = body.data.vehicles.pageInfo.hasNextPage ? body.data.vehicles.pageInfo.endCursor : null;
      } while (after);
      expect(seen).toHaveLength(100);
      expect(new Set(seen).size).toBe(100);
    }
  });

  it("filter vehicles by fleet, status, band, component score and text", async () => {
    const count = async (filter: string) =>
      (
        await gateway.graphql(
          `{ vehicles(filter: ${filter}, first: 500) { totalCount nodes { id status fleetId health { status } } } }`,
        )
      ).body.data.vehicles;
    expect((await count('{ fleetId: "fleet_1" }')).totalCount).toBe(16);
    expect((await count("{ status: [IN_MAINTENANCE] }")).totalCount).toBe(7);
    expect((await count("{ band: [POOR] }")).totalCount).toBe(7);
    expect((await count('{ text: "scania" }')).totalCount).toBe(17);
    const weak = await count('{ componentBelow: { component: "brakes", score: 0.1 } }');
    expect(weak.totalCount).toBeGreaterThan(0);
    expect(weak.totalCount).toBeLessThan(100);
  });

  it("tell by X-Cache whether upstream data was fetched, and bypass the cache on demand", async () => {
    const path = "/api/v1/metrics/warranty-stats?start_date=2015-05-01&end_date=2015-05-31";
    expect((await gateway.get(path)).headers["x-cache"]).toBe("MISS");
    const hit = await gateway.get(path);
    expect(hit.headers["x-cache"]).toBe("HIT");
    expect(hit.body.cached).toBe(true);
    await upstreams.resetStats();
    const bypass = await gateway.get(`${path}&refresh=true`);
    expect(bypass.headers["x-cache"]).toBe("BYPASS");
    expect(bypass.body).toMatchObject({ cached: false, total_claims: hit.body.total_claims });
    expect((await upstreams.stats())["warranty GET /api/v1/claims"]).toBeGreaterThan(0);
    expect((await gateway.get("/api/v1/users/me")).headers["x-cache"]).toBeUndefined();
  });

  it("carry a correlation id through to the answer", async () => {
    const reply = await gateway.app.server.inject({ url: "/health/live", headers: { "x-correlation-id": "abc-123" } });
    expect(reply.headers["x-correlation-id"]).toBe("abc-123");
    const made = await gateway.app.server.inject({
      url: "/health/live",
      headers: { "x-correlation-id": "bad id\u0007" },
    });
    expect(made.headers["x-correlation-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("find health, metrics, docs and the explorer without a token", async () => {
    const { body: health } = await gateway.get("/health", null);
    expect(Object.keys(health.dependencies)).toEqual([
      "database",
      "event-store",
      ...["ingestion", "health", "agent", "alert", "scheduling", "warranty"].map((name) => `${name}-service`),
    ]);
    const metrics = (await gateway.get("/metrics", null)).body;
    for (const name of [
      "crowsnest_request_duration_seconds",
      "crowsnest_upstream_duration_seconds",
      "crowsnest_cache_reads_total",
      "crowsnest_breaker_state",
    ]) {
      expect(metrics).toContain(name);
    }
    const explorer = await gateway.app.server.inject({ url: "/graphiql" });
    expect(explorer.headers["content-type"]).toContain("text/html");
    const { body: openapi } = await gateway.get("/openapi.json", null);
    expect(openapi.openapi).toBe("3.1.0");
    expect(Object.keys(openapi.paths)).toContain("/api/v1/dashboards/technician/{id}");
    expect((await gateway.get("/docs/", null)).status).toBe(200);
  });
});
