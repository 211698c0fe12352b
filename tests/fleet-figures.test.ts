import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./support/gateway.js";
import { HAS_UPSTREAMS, PDM_DATA, PDM_NOW, startUpstreams, type Upstreams } from "./support/standins.js";
import { recompute } from "./truth/recompute.js";

const PERIODS = {
  2015: {
    query: "start_date=2015-01-01&end_date=2015-12-31",
    start: "2015-01-01T00:00:00Z",
    end: "2016-01-01T00:00:00Z",
  },
  "March 2015": {
    query: "start_date=2015-03-01&end_date=2015-03-31",
    start: "2015-03-01T00:00:00Z",
    end: "2015-04-01T00:00:00Z",
  },
};

const ENDPOINTS = {
  fleetDashboard: "/api/v1/dashboards/fleet",
  executiveDashboard: "/api/v1/dashboards/executive",
  fleetHealth: "/api/v1/metrics/fleet-health",
  costAvoidance: "/api/v1/metrics/cost-avoidance",
  uptime: "/api/v1/metrics/uptime",
  alertStats: "/api/v1/metrics/alert-stats",
  warrantyStats: "/api/v1/metrics/warranty-stats",
} as const;

const MODES = ["items", "array", "data"].flatMap((shape) => [
  ["--shape", shape],
  ["--shape", shape, "--bulk"],
]);

const NARROWED = [
  { query: "fleet_id=fleet_3", fleetId: "fleet_3" },
  { query: "vehicle_id=V017", vehicleId: "V017" },
  { query: "component=engine", component: "engine" },
  { query: "vehicle_id=V017&component=brakes", vehicleId: "V017", component: "brakes" },
];

/** Waits for the trend, which a first answer may go without. */
async function settled(gateway: Gateway, path: string) {
  for (let attempt = 0; ; attempt++) {
    const reply = await gateway.get(path);
    const pending = reply.body.warnings?.some((warning: { error: string }) => warning.error.includes("trend is still"));
    if (!pending || attempt === 50) return reply;
  }
}

describe.skipIf(!HAS_UPSTREAMS).each(MODES)("figures over services with %s %s %s", (...args) => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  beforeAll(async () => {
    upstreams = await startUpstreams(...args.filter(Boolean));
    gateway = await startGateway(upstreams);
  });
  afterAll(async () => {
    await gateway?.stop();
    await upstreams?.stop();
  });

  it.each(Object.entries(PERIODS))("equal a recomputation from the data set for %s", async (_name, {
    query,
    start,
    end,
  }) => {
    const truth = recompute({ data: PDM_DATA, now: PDM_NOW, start, end });
    for (const [name, path] of Object.entries(ENDPOINTS)) {
      const { status, body } = await settled(gateway, `${path}?${query}`);
      expect(status, name).toBe(200);
      expect(body.warnings, name).toEqual([]);
      expect(body, name).toMatchObject(truth[name as keyof typeof ENDPOINTS]);
    }
  });

  it.each(NARROWED)("equal a recomputation when narrowed to $query", async ({ query: narrowing, ...filter }) => {
    const { query, start, end } = PERIODS["2015"];
    const truth = recompute({ data: PDM_DATA, now: PDM_NOW, start, end, ...filter });
    for (const [name, path] of Object.entries(ENDPOINTS)) {
      const { body } = await settled(gateway, `${path}?${query}&${narrowing}`);
      expect(body, name).toMatchObject(truth[name as keyof typeof ENDPOINTS]);
    }
  });

  it("say that averages cover 98 of 100 vehicles, since V050 and V100 have no health record", async () => {
    const { body } = await gateway.get("/api/v1/metrics/fleet-health");
    expect(body.total_vehicles).toBe(100);
    expect(body.vehicles_with_data).toBe(98);
    expect(body.coverage).toEqual({ vehicles_known: 100, vehicles_with_data: 98 });
    expect(Object.values<number>(body.distribution).reduce((a, b) => a + b)).toBe(98);
    const { body: answer } = await gateway.graphql(
      '{ a: vehicle(id: "V050") { health { score } } b: vehicle(id: "V049") { health { score } } }',
    );
    expect(answer.data.a.health).toBeNull();
    expect(answer.data.b.health.score).toBeGreaterThan(0);
    expect(answer.errors).toBeUndefined();
  });
});
