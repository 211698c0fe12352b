import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ServiceName } from "../src/upstream/index.js";
import { NEEDS } from "./support/dashboard.js";
import { type Gateway, startGateway } from "./support/gateway.js";
import { HAS_UPSTREAMS, PDM_DATA, PDM_NOW, startUpstreams, type Upstreams } from "./support/standins.js";
import { recompute } from "./truth/recompute.js";

const DASHBOARD = "/api/v1/dashboards/fleet?start_date=2015-01-01&end_date=2015-12-31";
/** As on a cold cache: nothing that was read before may help. */
const COLD = `${DASHBOARD}&refresh=true`;
const MODES = ["503", "hang", "reset", "garbage"];
const BREAKER_SECONDS = 0.5;

const truth = HAS_UPSTREAMS
  ? recompute({ data: PDM_DATA, now: PDM_NOW, start: "2015-01-01T00:00:00Z", end: "2016-01-01T00:00:00Z" })
      .fleetDashboard
  : null;

describe.skipIf(!HAS_UPSTREAMS)("with a service in trouble", () => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  beforeAll(async () => {
    upstreams = await startUpstreams();
    gateway = await startGateway(upstreams, {
      UPSTREAM_TIMEOUT_MS: "3000",
      UPSTREAM_BREAKER_SECONDS: String(BREAKER_SECONDS),
      TREND_PATIENCE_MS: "60000",
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await upstreams?.stop();
  });
  afterEach(async () => {
    await mendAll();
  });

  /** All services answer again, and breakers have had their window to notice. */
  async function mendAll(): Promise<void> {
    for (const name of Object.keys(upstreams.urls)) await upstreams.fail(name as ServiceName, "");
    await sleep(BREAKER_SECONDS * 1000 + 50);
  }

  const cases = Object.keys(NEEDS).flatMap((service) => MODES.map((mode) => [service, mode] as const));
  it.each(
    cases,
  )("%s on %s: the other fields are right, a warning names it, and all is right once it is back", async (service, mode) => {
    const name = service as Exclude<ServiceName, "agent">;
    await upstreams.fail(name, mode);
    const { status, body } = await gateway.get(COLD);
    expect(status).toBe(200);
    expect(body.warnings.map((warning: { source: string }) => warning.source)).toContain(`${name}-service`);
    for (const [block, figures] of Object.entries(truth ?? {})) {
      if (!NEEDS[name].includes(block)) expect(body[block], block).toEqual(figures);
      else expect(body[block], block).not.toEqual(figures);
    }

    await mendAll();
    const { body: healed } = await gateway.get(COLD);
    expect(healed.warnings).toEqual([]);
    expect(healed).toMatchObject(truth ?? {});
  });

  it("keeps what it knows of a block whose other source failed", async () => {
    await upstreams.fail("health", "503");
    const { body } = await gateway.get(COLD);
    expect(body.fleet_summary).toEqual({ ...truth?.fleet_summary, average_health_score: null });
    expect(body.coverage).toEqual({ vehicles_known: 100, vehicles_with_data: null });
    expect(body.heatmap.every((cell: { average_health_score: unknown }) => cell.average_health_score === null)).toBe(
      true,
    );
  });

  it("says null, never zero, for what takes the vehicle list while the ingestion service is down", async () => {
    await upstreams.fail("ingestion", "503");
    const { body } = await gateway.get("/api/v1/metrics/uptime?refresh=true");
    expect(body).toMatchObject({
      uptime_pct: null,
      total_vehicles: null,
      operational_vehicles: null,
      in_maintenance: null,
    });
    const { body: health } = await gateway.get("/api/v1/metrics/fleet-health?refresh=true");
    expect(health).toMatchObject({ total_vehicles: null, average_health_score: null, distribution: null });
  });

  it("answers 503 over REST, and null with a code over GraphQL, when all six are down and nothing is cached", async () => {
    for (const name of Object.keys(upstreams.urls)) await upstreams.fail(name as ServiceName, "503");
    for (const path of [
      COLD,
      "/api/v1/metrics/alert-stats?refresh=true",
      "/api/v1/dashboards/executive?refresh=true",
    ]) {
      const reply = await gateway.get(path);
      expect(reply.status, path).toBe(503);
      expect(reply.body, path).toMatchObject({
        code: "UPSTREAM_UNAVAILABLE",
        detail: expect.stringContaining("-service"),
      });
      expect(reply.headers["retry-after"]).toBeDefined();
    }
    const { status, body } = await gateway.graphql("{ fleet(refresh: true) { summary { totalVehicles } } }");
    expect(status).toBe(200);
    expect(body.data).toEqual({ fleet: { summary: null } });
    expect(body.errors[0]).toMatchObject({ path: ["fleet", "summary"], extensions: { code: "UPSTREAM_UNAVAILABLE" } });
  });

  it("serves what is cached while everything is down", async () => {
    const { body: before } = await gateway.get(DASHBOARD);
    for (const name of Object.keys(upstreams.urls)) await upstreams.fail(name as ServiceName, "reset");
    const { status, headers, body } = await gateway.get(DASHBOARD);
    expect(status).toBe(200);
    expect(headers["x-cache"]).toBe("HIT");
    expect(body).toMatchObject({ fleet_summary: before.fleet_summary, cached: true, warnings: [] });
  });

  it("nulls a vehicle's field of a slow service with UPSTREAM_TIMEOUT and leaves its siblings alone", async () => {
    await upstreams.fail("health", "slow:5000");
    const started = Date.now();
    const { body } = await gateway.graphql(
      '{ vehicle(id: "V017", refresh: true) { id make health { score } claims { totalCount } } }',
    );
    expect(Date.now() - started).toBeLessThan(8000);
    expect(body.data.vehicle).toMatchObject({ id: "V017", health: null, claims: { totalCount: expect.any(Number) } });
    expect(body.errors).toHaveLength(1);
    expect(body.errors[0]).toMatchObject({
      path: ["vehicle", "health"],
      extensions: { code: "UPSTREAM_TIMEOUT", service: "health-service" },
    });
  });

  it("makes at most one more try per call while a service answers every tenth call with 503", async () => {
    // Closes the breaker first: a single try that fails would open it again before anything is asked.
    await gateway.get("/api/v1/metrics/fleet-health?refresh=true");
    await upstreams.resetStats();
    // More would now and then be five in a row, which open the breaker.
    await upstreams.fail("health", "rate:0.1");
    const { status, body } = await gateway.get("/api/v1/metrics/fleet-health?refresh=true");
    expect(status).toBe(200);
    const calls = (await upstreams.stats())["health GET /api/v1/health/:id"] ?? 0;
    expect(calls).toBeGreaterThanOrEqual(100);
    expect(calls).toBeLessThanOrEqual(200);
    expect(body.vehicles_with_data).toBeGreaterThan(60);
    if (body.vehicles_with_data < 98) expect(body.warnings[0].error).toMatch(/for \d+ of 100 vehicles/);
  });
});
