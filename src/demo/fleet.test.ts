import { describe, expect, it, vi } from "vitest";
import { alertJson, alertStatus } from "./alerts.js";
import { appointmentJson, appointmentStatus } from "./appointments.js";
import { claimJson, claimStatus } from "./claims.js";
import { COMPONENTS } from "./components.js";
import { decisionJson } from "./decisions.js";
import { Fleet } from "./fleet.js";
import { healthHistoryJson, healthJson } from "./health.js";
import { EVER } from "./ledger.js";
import { TECHNICIANS } from "./technicians.js";
import { DAY, dayOf, HOUR, MINUTE } from "./time.js";
import { vehicleJson } from "./vehicles.js";
import { checkDigit } from "./vin.js";

// Several fleets are generated here, one of them large, and test machines may be slow.
vi.setConfig({ testTimeout: 30_000 });

const NOON = "2026-07-14T12:00:00Z";

function fleetAt(moment: string, vehicles = 200, seed = 1): { fleet: Fleet; advance: (ms: number) => number } {
  let now = Date.parse(moment);
  const fleet = new Fleet({ vehicles, seed, clock: () => now });
  return {
    fleet,
    advance: (ms) => {
      now += ms;
      return fleet.now();
    },
  };
}

/** Everything that clients can list, as they would see it. */
function everything(fleet: Fleet) {
  const now = fleet.now();
  return {
    vehicles: fleet.vehicles.map((vehicle) => vehicleJson(vehicle, fleet.inWorkshop(vehicle, now), now)),
    health: fleet.vehicles.map((vehicle) => healthJson(vehicle, now)),
    alerts: fleet.alerts.select(now, EVER).map((alert) => alertJson(alert, now)),
    appointments: fleet.appointments.select(now, EVER).map((appointment) => appointmentJson(appointment, now)),
    claims: fleet.claims.select(now, EVER).map((claim) => claimJson(claim, now)),
    decisions: fleet.decisions.select(now, EVER).map((decision) => decisionJson(decision)),
  };
}

describe("repeatability", () => {
  it("gives two processes with the same seed and clock the same data, and another seed other data", () => {
    const one = everything(fleetAt(NOON).fleet);
    expect(everything(fleetAt(NOON).fleet)).toEqual(one);
    expect(everything(fleetAt(NOON, 200, 2).fleet).vehicles[0]?.vin).not.toBe(one.vehicles[0]?.vin);
  });

  it("shows the same whether a process has run for days or has just started", () => {
    const { fleet, advance } = fleetAt(NOON);
    advance(3 * DAY + 5 * HOUR);
    const fresh = everything(fleetAt("2026-07-17T17:00:00Z").fleet);
    expect(everything(fleet)).toEqual(fresh);
  });
});

describe("the rolling clock", () => {
  it("keeps every alert for twelve months and only ever moves it forward", () => {
    const rank = { open: 0, acknowledged: 1, resolved: 2 };
    const { fleet, advance } = fleetAt(NOON);
    let now = fleet.now();
    let before = fleet.alerts.select(now, { from: now - 365 * DAY, to: Infinity });
    for (const step of [HOUR, 11 * HOUR, MINUTE, 12 * HOUR, DAY]) {
      const ranks = new Map(before.map((alert) => [alert.id, rank[alertStatus(alert, now)]]));
      now = advance(step);
      for (const alert of before.filter((candidate) => candidate.at >= now - 365 * DAY)) {
        const later = fleet.alerts.find(alert.id, now);
        expect(later?.at).toBe(alert.at);
        expect(later && rank[alertStatus(later, now)]).toBeGreaterThanOrEqual(ranks.get(alert.id) ?? 0);
      }
      before = fleet.alerts.select(now, { from: now - 365 * DAY, to: Infinity });
    }
  });

  it("shows nothing from the future", () => {
    const { fleet } = fleetAt(NOON);
    const { alerts, appointments, claims, health } = everything(fleet);
    const moments = [
      ...alerts.flatMap((row) => [row.created_at, row.acknowledged_at, row.resolved_at]),
      ...appointments.flatMap((row) => [row.started_at, row.completed_at]),
      ...claims.flatMap((row) => [row.submitted_at, row.decided_at]),
      ...health.map((record) => record?.last_computed_at),
    ];
    expect(moments.filter((moment) => typeof moment === "string" && moment > NOON)).toEqual([]);
  });
});

describe.each([
  "2026-03-01T00:00:00Z",
  "2026-03-01T00:01:00Z",
  "2028-02-29T03:30:00Z",
  "2026-12-31T23:59:00Z",
  "2027-01-01T00:05:00Z",
  NOON,
])("what is never empty, at %s", (moment) => {
  const { fleet } = fleetAt(moment, 1_000);
  const now = fleet.now();
  const month = Date.UTC(new Date(now).getUTCFullYear(), new Date(now).getUTCMonth());

  it("has work on every technician's list today, and one job in progress", () => {
    const today = { from: dayOf(now) * DAY, to: (dayOf(now) + 1) * DAY };
    for (const technician of TECHNICIANS) {
      const own = fleet.appointments.select(now, today, (row) => row.technician === technician);
      expect(own.length, technician.id).toBeGreaterThanOrEqual(3);
      expect(own.every((row) => row.parts.length > 0)).toBe(true);
      const inProgress = fleet.appointments.select(
        now,
        EVER,
        (row) => row.technician === technician && appointmentStatus(row, now) === "IN_PROGRESS",
      );
      expect(inProgress.length, technician.id).toBe(1);
    }
  });

  it("has costs this month in every fleet: completed work and approved claims", () => {
    for (const fleetId of ["fleet_1", "fleet_2", "fleet_3"]) {
      const period = { from: month, to: Infinity };
      const done = fleet.appointments.select(
        now,
        period,
        (row) => row.vehicle.fleetId === fleetId && appointmentStatus(row, now) === "COMPLETED",
      );
      expect(done.reduce((sum, row) => sum + (row.cost ?? 0), 0)).toBeGreaterThan(0);
      const approved = fleet.claims.select(
        now,
        period,
        (row) => row.vehicle.fleetId === fleetId && claimStatus(row, now) === "APPROVED",
      );
      expect(approved.length).toBeGreaterThan(0);
    }
  });

  it("has dearer emergencies than planned work for every component, and upcoming appointments", () => {
    const year = fleet.appointments.select(
      now,
      { from: now - 365 * DAY, to: Infinity },
      (row) => appointmentStatus(row, now) === "COMPLETED",
    );
    for (const component of COMPONENTS) {
      const mean = (emergency: boolean): number => {
        const costs = year
          .filter((row) => row.component === component && (row.type === "EMERGENCY") === emergency)
          .map((row) => row.cost ?? 0);
        return costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
      };
      expect(mean(true)).toBeGreaterThan(2 * mean(false));
    }
    expect(fleet.appointments.select(now, { from: now, to: now + 14 * DAY }).length).toBeGreaterThan(50);
  });

  it("gives owner_001 three vehicles, an active alert, an upcoming appointment and a service history", () => {
    const own = fleet.vehicles.filter((vehicle) => vehicle.ownerId === "owner_001");
    expect(own.length).toBeGreaterThanOrEqual(3);
    const alerts = own.flatMap((vehicle) => fleet.alerts.ofVehicle(vehicle.id, now));
    expect(alerts.some((alert) => alertStatus(alert, now) === "open")).toBe(true);
    const statuses = fleet.appointments.ofVehicle("V0001", now).map((row) => appointmentStatus(row, now));
    expect(statuses).toContain("COMPLETED");
    expect(fleet.appointments.ofVehicle("V0001", now).some((row) => row.at > now)).toBe(true);
  });
});

describe("consistency", () => {
  const { fleet } = fleetAt(NOON, 1_000);
  const now = fleet.now();
  const { alerts, appointments, claims, decisions, vehicles } = everything(fleet);

  it("refers only to what exists", () => {
    const ids = new Set(vehicles.map((vehicle) => vehicle.vehicle_id));
    const technicians = new Set(TECHNICIANS.map((technician) => technician.id));
    for (const row of [...alerts, ...appointments, ...claims, ...decisions]) expect(ids.has(row.vehicle_id)).toBe(true);
    for (const row of appointments) {
      expect(technicians.has(row.technician_id)).toBe(true);
      if (row.alert_id !== null) expect(fleet.alerts.find(row.alert_id, now)?.vehicle.id).toBe(row.vehicle_id);
    }
    for (const { metadata } of alerts) {
      if (metadata.decision_id !== undefined) expect(fleet.decisions.find(metadata.decision_id, now)).toBeDefined();
    }
    expect(
      new Set([...alerts, ...appointments, ...claims, ...decisions].map((row) => Object.values(row)[0])).size,
    ).toBe(alerts.length + appointments.length + claims.length + decisions.length);
  });

  it("has well-formed VINs, each its own", () => {
    for (const { vin } of vehicles) {
      expect(vin).toMatch(/^[A-HJ-NPR-Z0-9]{17}$/);
      expect(vin.charAt(8)).toBe(checkDigit(vin));
    }
    expect(new Set(vehicles.map((vehicle) => vehicle.vin)).size).toBe(vehicles.length);
    expect(checkDigit("1M8GDM9AXKP042788")).toBe("X");
  });

  it("ends the health history with the current record, and lacks health for a few vehicles", () => {
    const records = fleet.vehicles.map((vehicle) => healthJson(vehicle, now));
    const missing = records.filter((record) => record === undefined).length;
    expect(missing).toBeGreaterThan(5);
    expect(missing).toBeLessThan(40);
    for (const [i, vehicle] of fleet.vehicles.slice(0, 50).entries()) {
      const history = healthHistoryJson(vehicle, now, EVER)?.history;
      expect(history?.at(-1)?.overall_health_score).toBe(records[i]?.overall_health_score);
      expect(history?.length ?? 30).toBe(30);
    }
  });

  it("has claims in every status, and splits each estimate into coverage and deductible", () => {
    expect(new Set(claims.map((claim) => claim.status)).size).toBe(6);
    for (const claim of claims) {
      expect(claim.estimated_coverage + claim.estimated_deductible).toBe(claim.repair_cost_estimate);
      if (claim.status === "APPROVED") expect(claim.eligibility.is_eligible).toBe(true);
    }
  });

  it("keeps a fleet of a hundred thousand light", () => {
    const large = fleetAt(NOON, 100_000).fleet;
    expect(large.vehicles.at(-1)?.id).toBe("V100000");
    expect(large.alerts.select(now, EVER).length).toBeLessThan(60_000);
    expect(large.appointments.select(now, EVER).length).toBeLessThan(40_000);
  });
});
