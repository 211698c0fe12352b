import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SERVICE_NAMES } from "../src/upstream/index.js";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";

const urls = Object.fromEntries(SERVICE_NAMES.map((name) => [name, "http://127.0.0.1:9"]));
const PERIOD = "start_date=2024-01-01&end_date=2024-01-31";

describe("areas on ports of their own, two of them open to anybody", () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ urls } as never, {
      AREA_PORTS: "rides:0,documents:0,bookings:0,product:0",
      ANONYMOUS_AREAS: "rides,documents",
    });
    await gateway.send("POST", "/v1/events", [
      { type: "page_view", user: "somebody", properties: { page: "/" } },
      {
        event_type: "driver.location.updated",
        event_timestamp: new Date().toISOString(),
        driver_id: "d1",
        lat: 6,
        lon: 3,
      },
    ]);
    await gateway.app.events.stored();
  });
  afterAll(() => gateway?.stop());

  const on = async (area: string, url: string, init: { method?: string; payload?: object; token?: string } = {}) => {
    const server = area === "gateway" ? gateway.app.server : gateway.app.areas.get(area);
    const reply = await server?.inject({
      method: (init.method ?? "GET") as "GET",
      url,
      headers: init.token ? { authorization: `Bearer ${init.token}` } : {},
      ...(init.payload && { payload: init.payload }),
    });
    const isJson = String(reply?.headers["content-type"]).includes("json");
    return { status: reply?.statusCode, body: isJson ? reply?.json() : reply?.body };
  };

  it("answer what their old services answered about themselves", async () => {
    expect((await on("rides", "/")).body).toEqual({
      service: "openride-analytics-service",
      version: "1.0.0",
      status: "running",
    });
    expect((await on("rides", "/health/ready")).body).toEqual({
      status: "healthy",
      checks: { redis: "healthy", clickhouse: "healthy" },
    });
    expect((await on("rides", "/metrics")).body).toContain("# HELP");
    expect((await on("documents", "/health")).body).toMatchObject({
      status: "healthy",
      service: "data-analytics",
      version: "1.0.0",
    });
    expect((await on("bookings", "/health")).body).toEqual({
      ...{
        status: "healthy",
        service: "analytics-service",
        version: "1.0.0",
        database: "connected",
        redis: "connected",
      },
    });
    expect((await on("bookings", "/info")).body.features).toHaveLength(10);
    expect((await on("product", "/healthz")).body).toEqual({ status: "ok", service: "analytics" });
    const spec = (await on("product", "/api/analytics/openapi.json")).body;
    expect(Object.keys(spec.paths).sort()).toEqual([
      "/api/analytics/dashboard",
      "/api/analytics/ingest",
      "/api/analytics/reports/dau",
    ]);
    expect((await on("product", "/api/analytics/docs")).body).toContain("Crowsnest REST docs");
    expect((await on("bookings", "/docs")).body).toContain("Crowsnest REST docs");
    expect(Object.keys((await on("documents", "/openapi.json")).body.paths)).toContain("/api/analytics/track");
  });

  it("count requests under the names that scrapers of the product service know", async () => {
    expect((await on("product", "/api/analytics/reports/dau")).status).toBe(401);
    const { body } = await on("product", "/metrics");
    const labels = 'method="GET",endpoint="/api/analytics/reports/dau",http_status="401"';
    expect(body).toContain(`analytics_request_total{${labels}} 1\n`);
    expect(body).toContain('analytics_request_latency_seconds_count{endpoint="/api/analytics/reports/dau"} 1\n');
  });

  it("have nothing of other areas, and the gateway's own shapes stay on its port", async () => {
    expect((await on("rides", `/api/analytics/summary`)).status).toBe(404);
    expect((await on("documents", `/v1/metrics/users?${PERIOD}`)).status).toBe(404);
    expect((await on("product", "/graphql", { method: "POST", payload: { query: "{ version }" } })).status).toBe(404);
    expect((await on("gateway", "/health")).body).toMatchObject({ service: "crowsnest" });
    expect((await on("gateway", "/readyz")).body).toEqual({ status: "ok" });
  });

  it("are open where that is allowed, on either port, for figures of that area alone", async () => {
    for (const where of ["rides", "gateway"]) {
      expect((await on(where, `/v1/metrics/users?${PERIOD}`)).status).toBe(200);
      expect((await on(where, "/v1/metrics/realtime")).body).toMatchObject({ active_drivers: 1 });
    }
    expect((await on("documents", "/api/analytics/metrics/processing")).body.time_series).toEqual([]);
    const tracked = await on("documents", "/api/analytics/track", {
      method: "POST",
      payload: { event_type: "document_processed", event_data: {}, service_name: "pdf" },
    });
    expect(tracked.body).toEqual({ success: true, message: "Event tracked successfully" });
    await gateway.app.events.stored();
    expect((await on("documents", "/api/analytics/metrics/processing")).body).toMatchObject({ total_processed: 1 });
  });

  it("need a token everywhere else", async () => {
    expect((await on("bookings", "/api/v1/analytics/overview")).status).toBe(401);
    expect((await on("product", "/api/analytics/reports/dau")).status).toBe(401);
    const open = await on("gateway", "/graphql", {
      method: "POST",
      payload: { query: '{ metrics(ids: ["events.events"]) { truncated } }' },
    });
    expect(open.body.errors[0].extensions.code).toBe("UNAUTHENTICATED");
    expect((await on("product", "/api/analytics/reports/dau", { token: tokenFor("SUPPORT") })).body).toMatchObject({
      dau: 1,
    });
    const broken = await on("rides", `/v1/metrics/users?${PERIOD}`, { token: "nonsense" });
    expect(broken.status).toBe(401);
  });
});

describe("settings of areas", () => {
  it.each([
    { AREA_PORTS: "fleet:1" },
    { AREA_PORTS: "rides:99999" },
    { AREA_PORTS: "rides" },
    { ANONYMOUS_AREAS: "rides,everything" },
  ])("%j is refused, naming what is allowed", async (environment) => {
    await expect(startGateway({ urls } as never, environment as never)).rejects.toThrow(
      /rides, documents, bookings, product/,
    );
  });
});
