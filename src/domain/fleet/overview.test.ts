import { describe, expect, it } from "vitest";
import { healthTable } from "./health-table.js";
import { attentionVehicleIds, heatmap, topIssues, upcoming } from "./overview.js";
import type { Alert, Appointment, Health, Position, Vehicle } from "./records.js";

/** Components as `type: [score, remaining km]`. */
function health(vehicleId: string, score: number, components: Record<string, [number, number | null]> = {}): Health {
  const untold = { rulDays: null, confidence: null, riskFactors: [], recommendedActions: [] };
  return {
    vehicleId,
    score,
    computedAt: null,
    components: Object.entries(components).map(([type, [value, rulKm]]) => ({
      vehicleId,
      type,
      score: value,
      rulKm,
      ...untold,
    })),
  };
}

function alert(vehicleId: string, severity: Alert["severity"], component: string | null): Alert {
  const open = { title: "", message: null, createdAt: 0, acknowledgedAt: null, resolvedAt: null };
  return { id: vehicleId, vehicleId, severity, component, ...open, recipients: [], metadata: {} };
}

describe("top issues", () => {
  const fleet = healthTable([
    health("V1", 0.9, { engine: [0.39, 1000], brakes: [0.4, 9000] }),
    health("V2", 0.9, { engine: [0.1, 2000], brakes: [0.9, 5000] }),
    health("V3", 0.9, { engine: [0.9, 9000], brakes: [0.1, null] }),
  ]);

  it("counts vehicles that score below 0.4 or have an open alert of WARNING or worse, each once", () => {
    const alerts = [alert("V2", "WARNING", "brakes"), alert("V2", "CRITICAL", "engine"), alert("V1", "INFO", "brakes")];
    expect(topIssues(fleet, alerts, new Map([["engine", 500.005]]), null)).toEqual([
      { component: "brakes", affectedVehicles: 2, averageRulKm: 5000, estimatedTotalCost: null },
      { component: "engine", affectedVehicles: 2, averageRulKm: 1500, estimatedTotalCost: 1000.01 },
    ]);
  });

  it("puts what affects most vehicles first", () => {
    const found = topIssues(fleet, [alert("V9", "EMERGENCY", "transmission")], null, null);
    expect(found.map((issue) => [issue.component, issue.affectedVehicles])).toEqual([
      ["engine", 2],
      ["brakes", 1],
      ["transmission", 1],
    ]);
  });

  it("knows no remaining distance where no affected vehicle tells one, and no cost without prices", () => {
    expect(topIssues(fleet, [], null, "brakes")).toEqual([
      { component: "brakes", affectedVehicles: 1, averageRulKm: null, estimatedTotalCost: null },
    ]);
  });

  it("is empty for a sound fleet, and ignores alerts about no component", () => {
    expect(topIssues(healthTable([health("V1", 0.1)]), [alert("V1", "EMERGENCY", null)], null, null)).toEqual([]);
  });
});

describe("vehicles that need attention", () => {
  it("score below 0.4 or have an open critical alert; each is named once, by id", () => {
    const fleet = healthTable([health("V3", 0.39), health("V1", 0.1), health("V2", 0.4)]);
    const alerts = [alert("V3", "CRITICAL", null), alert("V0", "EMERGENCY", null), alert("V2", "WARNING", null)];
    expect(attentionVehicleIds(fleet, alerts, null)).toEqual(["V0", "V1", "V3"]);
  });

  it("are judged by the component that is asked about", () => {
    const fleet = healthTable([
      health("V1", 0.9, { engine: [0.1, null] }),
      health("V2", 0.1, { engine: [0.9, null] }),
      health("V3", 0.1),
    ]);
    expect(attentionVehicleIds(fleet, [], "engine")).toEqual(["V1"]);
  });
});

describe("heatmap", () => {
  function vehicle(id: string, position: Position | null): Vehicle {
    const untold = { vin: null, make: null, model: null, year: null, fleetId: null, ownerId: null, odometerKm: null };
    return { id, position, status: "ACTIVE", inServiceSince: null, lastSeenAt: null, ...untold };
  }
  const place = (latitude: number, longitude: number, region: string | null = null): Position => ({
    latitude,
    longitude,
    region,
  });

  it("gathers vehicles by region and averages their places and scores, most vehicles first", () => {
    const fleet = [
      vehicle("V1", place(10, 20, "North")),
      vehicle("V2", place(19, 72, "West")),
      vehicle("V3", place(21, 74, "West")),
      vehicle("V4", null),
    ];
    const scores = Float64Array.of(Number.NaN, 0.5, Number.NaN, 0.1);
    expect(heatmap(fleet, scores)).toEqual([
      { region: "West", latitude: 20, longitude: 73, vehicles: 2, averageHealthScore: 0.5 },
      { region: "North", latitude: 10, longitude: 20, vehicles: 1, averageHealthScore: null },
    ]);
  });

  it("falls back to a grid of a tenth of a degree where no region is told", () => {
    const fleet = [
      vehicle("V1", place(19.07, 72.87)),
      vehicle("V2", place(19.11, 72.94)),
      vehicle("V3", place(19.18, 72.87)),
    ];
    expect(heatmap(fleet, new Float64Array(3).fill(Number.NaN)).map((cell) => [cell.region, cell.vehicles])).toEqual([
      [null, 2],
      [null, 1],
    ]);
  });

  it("has no seam at the equator and the prime meridian", () => {
    expect(
      heatmap([vehicle("V1", place(0.01, -0.01)), vehicle("V2", place(-0.01, 0.01))], Float64Array.of(0.5, 0.5)),
    ).toHaveLength(1);
  });
});

describe("upcoming maintenance", () => {
  it("is what is booked and not begun in the time asked for, soonest first", () => {
    const job = (id: string, status: Appointment["status"], scheduledAt: number) =>
      ({ id, status, scheduledAt }) as Appointment;
    const jobs = [
      job("late", "SCHEDULED", 20),
      job("b", "CONFIRMED", 15),
      job("a", "SCHEDULED", 15),
      job("first", "SCHEDULED", 10),
      job("before", "SCHEDULED", 9),
      job("begun", "IN_PROGRESS", 15),
      job("cancelled", "CANCELLED", 15),
    ];
    expect(upcoming(jobs, 10, 20).map((a) => a.id)).toEqual(["first", "a", "b"]);
  });
});
