// The recomputation against truth.json, which a Python script of the data set's keeper worked out from the same files.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { calendarYears, DAY, monthStart, round } from "./numbers.js";
import { type Options, recompute } from "./recompute.js";

interface Truth {
  machines_per_model: Record<string, number>;
  age: { mean: number };
  errors_per_type: Record<string, number>;
  errors_per_machine_and_type: Record<string, Record<string, number>>;
  errors_per_month: Record<string, number>;
  failures_per_component: Record<string, number>;
  failures_per_model: Record<string, number>;
  failures_per_month: Record<string, number>;
  machines_with_no_failure: string[];
  top_machines_by_failures: [string, number][];
  maint_2015: { rows: number; reactive: number; proactive: number };
  maint_2015_per_component: Record<string, { reactive: number; proactive: number }>;
  cost_2015: { actual: number; avoided: number };
}

const project = fileURLToPath(new URL("../../", import.meta.url));
const data = join(resolve(project, process.env.STANDINS_DIR ?? "../shared"), "data/pdm");
const absent = !existsSync(join(data, "truth.json"));
const title = absent ? `recompute (skipped: no data set at ${data}; set STANDINS_DIR)` : "recompute";

const YEAR = { start: "2015-01-01T00:00:00Z", end: "2016-01-01T00:00:00Z" };
/** Every line of the data set that truth.json counts for 2015, up to the services' moment and past it. */
const WHOLE = { start: "2015-01-01T00:00:00Z", end: "2016-01-02T00:00:00Z" };
const COMPONENT: Record<string, string> = { comp1: "engine", comp2: "brakes", comp3: "transmission", comp4: "battery" };

function figures(options: Omit<Options, "data">) {
  return recompute({ data, ...options });
}

function monthOf(text: string) {
  const [year, month] = text.split("-").map(Number);
  const instant = (index: number) => new Date(Date.UTC(year ?? 0, index, 1)).toISOString();
  return { start: instant((month ?? 0) - 1), end: instant(month ?? 0) };
}

function bySeverity(errors: Record<string, number>) {
  const { error1 = 0, error2 = 0, error3 = 0, error4 = 0, error5 = 0 } = errors;
  return { INFO: error1, WARNING: error2 + error3, CRITICAL: error4, EMERGENCY: error5 };
}

describe.skipIf(absent)(title, () => {
  const truth = absent ? ({} as Truth) : (JSON.parse(readFileSync(join(data, "truth.json"), "utf8")) as Truth);
  const lines = (file: string, pattern: RegExp) =>
    readFileSync(join(data, file), "utf8")
      .split("\n")
      .filter((line) => pattern.test(line)).length;

  it("counts an alert for every error of a month, by severity and by vehicle", () => {
    for (const [month, count] of Object.entries(truth.errors_per_month)) {
      expect([month, figures(monthOf(month)).alertStats.total_alerts]).toEqual([month, count]);
    }
    expect(figures(WHOLE).alertStats.by_severity).toEqual(bySeverity(truth.errors_per_type));
    expect(figures(YEAR).alertStats.total_alerts).toBe(3919 - (truth.errors_per_month["2016-01"] ?? 0));
    expect(figures({ ...WHOLE, vehicleId: "V022" }).alertStats.by_severity).toEqual(
      bySeverity(truth.errors_per_machine_and_type["22"] ?? {}),
    );
    const march = figures(monthOf("2015-03"));
    const severities = ["error1", "error[23]", "error4", "error5"].map((error) =>
      lines("PdM_errors.csv", new RegExp(`^2015-03-.*,${error}\\s*$`)),
    );
    expect(Object.values(march.alertStats.by_severity)).toEqual(severities);
    expect(Object.values(march.fleetDashboard.alert_summary)).toEqual(severities);
  }, 30_000);

  it("saves 4000 for each proactive replacement", () => {
    const { costAvoidance } = figures(WHOLE);
    expect(costAvoidance.cost_avoidance).toBe(truth.cost_2015.avoided);
    expect(costAvoidance.cost_avoidance).toBe(truth.maint_2015.proactive * 4000);
    expect(costAvoidance.total_maintenance_spend).toBe(truth.cost_2015.actual);
    for (const [comp, { proactive }] of Object.entries(truth.maint_2015_per_component)) {
      const component = COMPONENT[comp];
      const expected = { component, cost_avoidance: proactive * 4000, events: proactive };
      expect(costAvoidance.by_component).toContainEqual(expected);
    }
    const narrowed = figures({ ...WHOLE, component: "brakes" }).costAvoidance;
    expect(narrowed.cost_avoidance).toBe((truth.maint_2015_per_component.comp2?.proactive ?? 0) * 4000);
  });

  it("leaves to 2016 the seven replacements that truth.json counts for 2015, as they finish on 1 January", () => {
    // All are of 06:00 on 1 January 2016, finished three hours later, and proactive: nothing fails at that time. No
    // replacement of 31 December 2014 finishes in 2015, and none of 31 December 2015 in 2016.
    const late = lines("PdM_maint.csv", /^2016-01-01 06:00:00,/);
    expect(late).toBe(7);
    expect(lines("PdM_maint.csv", /^2016-/)).toBe(late);
    expect(lines("PdM_failures.csv", /^2016-/)).toBe(0);
    expect(lines("PdM_maint.csv", /^201[45]-12-31 2[1-3]:/)).toBe(0);
    const { costAvoidance, uptime } = figures(YEAR);
    expect(costAvoidance.cost_avoidance).toBe(truth.cost_2015.avoided - late * 4000);
    expect(costAvoidance.total_maintenance_spend).toBe(truth.cost_2015.actual - late * 1000);
    expect(uptime.service_frequency_per_vehicle_year).toBe((truth.maint_2015.rows - late) / 100);
    expect(uptime.in_maintenance).toBe(late);
    const events = (start: string, end: string) =>
      figures({ start, end }).costAvoidance.by_component.reduce((sum, entry) => sum + entry.events, 0);
    expect(events("2016-01-01T00:00:00Z", "2016-01-01T09:00:00Z")).toBe(0);
    expect(events("2016-01-01T09:00:00Z", "2016-01-01T09:00:01Z")).toBe(late);
  });

  it("compares March 2015 with the breakdowns of the year before its end", () => {
    // Nothing of 28 February or 31 March starts late enough to finish on the other side of midnight.
    expect(lines("PdM_maint.csv", /^2015-(02-28|03-31) 2[1-3]:/)).toBe(0);
    const { costAvoidance, executiveDashboard, fleetDashboard } = figures(monthOf("2015-03"));
    const events = costAvoidance.by_component.reduce((sum, entry) => sum + entry.events, 0);
    const emergencies = lines("PdM_maint.csv", /^2015-03-/) - events;
    expect([events, emergencies]).toEqual([179, 59]);
    expect(costAvoidance.cost_avoidance).toBe(events * 4000);
    expect(costAvoidance.total_maintenance_spend).toBe(events * 1000 + emergencies * 5000);
    expect(executiveDashboard.cost.maintenance_spend).toBe(costAvoidance.total_maintenance_spend);
    expect(fleetDashboard.cost_metrics.preventive_maintenance_savings).toBe(costAvoidance.cost_avoidance);
  });

  it("compares a vehicle that never broke down with the breakdowns of the others", () => {
    const machine = truth.machines_with_no_failure[0] ?? "";
    const replacements = lines("PdM_maint.csv", new RegExp(`^201(5-|6-01-01 ).*,${machine},`));
    const { costAvoidance } = figures({ ...WHOLE, vehicleId: `V${machine.padStart(3, "0")}` });
    expect(replacements).toBeGreaterThan(0);
    expect(costAvoidance.cost_avoidance).toBe(replacements * 4000);
  });

  it("knows no saving while no breakdown was ever paid for", () => {
    const { costAvoidance } = figures({ start: "2014-06-01T00:00:00Z", end: "2015-01-01T00:00:00Z" });
    expect(costAvoidance.cost_avoidance).toBeNull();
    expect(costAvoidance.by_component).toHaveLength(4);
    expect(costAvoidance.by_component.every((entry) => entry.cost_avoidance === null)).toBe(true);
    const nothing = figures({ start: "2014-05-01T00:00:00Z", end: "2014-05-02T00:00:00Z" });
    expect(nothing.costAvoidance.cost_avoidance).toBe(0);
  });

  it("counts a claim for every failure, by component, fleet, vehicle and month", () => {
    const claims = (narrow: object) => figures({ ...WHOLE, ...narrow }).warrantyStats.total_claims;
    for (const [comp, count] of Object.entries(truth.failures_per_component)) {
      expect([comp, claims({ component: COMPONENT[comp] })]).toEqual([comp, count]);
    }
    for (const [model, count] of Object.entries(truth.failures_per_model)) {
      expect([model, claims({ fleetId: model.replace("model", "fleet_") })]).toEqual([model, count]);
    }
    for (const [machine, count] of truth.top_machines_by_failures.slice(0, 2)) {
      expect([machine, claims({ vehicleId: `V${machine.padStart(3, "0")}` })]).toEqual([machine, count]);
    }
    // Claims follow failures by two hours, and no failure happens in the last two hours of a month.
    expect(lines("PdM_failures.csv", /^2015-..-(28|30|31) 2[23]:/)).toBe(0);
    expect(claims(monthOf("2015-03"))).toBe(truth.failures_per_month["2015-03"]);
    const unbroken = figures({ ...WHOLE, vehicleId: `V${truth.machines_with_no_failure[0]?.padStart(3, "0")}` });
    expect(unbroken.warrantyStats).toMatchObject({ total_claims: 0, approval_rate_pct: null, total_payouts: 0 });
  }, 30_000);

  it("takes the age of a vehicle on its anniversary from the age of the machine", () => {
    const until = (end: string) => figures({ start: "2015-01-01T00:00:00Z", end }).uptime.average_vehicle_age_years;
    expect(until("2015-03-01T00:00:00Z")).toBe(truth.age.mean);
    expect(until("2016-03-01T00:00:00Z")).toBe(round(truth.age.mean + 1, 2));
  });

  it("narrows to a fleet and doubles with scale", () => {
    for (const [model, count] of Object.entries(truth.machines_per_model)) {
      const { uptime } = figures({ ...YEAR, fleetId: model.replace("model", "fleet_") });
      expect([model, uptime.total_vehicles]).toEqual([model, count]);
    }
    const [one, two] = [figures(YEAR), figures({ ...YEAR, scale: 2 })];
    expect(two.uptime.total_vehicles).toBe(2 * one.uptime.total_vehicles);
    expect(two.alertStats.total_alerts).toBe(2 * one.alertStats.total_alerts);
    expect(two.costAvoidance.cost_avoidance).toBe(2 * (one.costAvoidance.cost_avoidance ?? Number.NaN));
    expect(two.fleetHealth.distribution_pct).toEqual(one.fleetHealth.distribution_pct);
  });

  it("leaves the two vehicles without a health record out of averages, not out of the fleet", () => {
    const { fleetDashboard, fleetHealth } = figures(YEAR);
    expect([fleetHealth.total_vehicles, fleetHealth.vehicles_with_data]).toEqual([100, 98]);
    expect(Object.values(fleetDashboard.health_distribution).reduce((sum, count) => sum + count, 0)).toBe(98);
    expect(figures({ ...YEAR, vehicleId: "V050" }).fleetHealth.average_health_score).toBeNull();
  });

  it("scores a component by the hours since its last replacement", () => {
    // V001 at 2016-01-01 06:00, read off the files: no fault in the week before; engine replaced on 31 December at
    // 06:00 (24 of 2711 hours used), brakes 16 November (1104 of 2252), transmission 1 December (744 of 2064),
    // battery 16 December (384 of 2222).
    const score = (component: string) =>
      figures({ ...YEAR, vehicleId: "V001", component }).fleetHealth.average_health_score;
    expect(["engine", "brakes", "transmission", "battery"].map(score)).toEqual([0.99, 0.51, 0.64, 0.83]);
  });
});

describe("numbers of the recomputation", () => {
  it("rounds half away from zero on the decimal value", () => {
    expect([1.005, -1.005, 0.615, 2.5e-5].map((value) => round(value, 2))).toEqual([1.01, -1.01, 0.62, 0]);
    expect(Object.is(round(-0.001, 2), 0)).toBe(true);
  });

  it("counts calendar years by anniversaries, whatever the length of the year", () => {
    const years = (from: string, to: string) => calendarYears(Date.parse(from), Date.parse(to));
    expect(years("2015-01-01", "2016-01-01")).toBe(1);
    expect(years("2016-01-01", "2017-01-01")).toBe(1);
    expect(years("2014-03-01", "2014-04-01")).toBe(31 / 365);
    // The year from 1 March 2015 holds 29 February 2016.
    expect(years("2015-03-01", "2015-04-01")).toBe(31 / 366);
    expect(years("1995-03-01", "2016-01-01")).toBe(20 + 306 / 366);
    expect(years("2016-02-29", "2017-02-28")).toBe(1);
    expect(calendarYears(0, 365 * DAY)).toBe(1);
  });

  it("takes the month of the last instant of a period", () => {
    expect(monthStart(Date.parse("2015-04-01"))).toBe(Date.parse("2015-03-01"));
    expect(monthStart(Date.parse("2015-04-01T00:00:01Z"))).toBe(Date.parse("2015-04-01"));
  });
});
