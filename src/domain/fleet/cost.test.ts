import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY } from "../../base/clock.js";
import { type CostBasis, costAvoidance, costBasis, finishedIn, maintenanceSpend, warrantySavings } from "./cost.js";
import type { Appointment, Claim } from "./records.js";

const END = Date.parse("2026-02-01T00:00:00Z");
const MONTH = { start: END - 31 * DAY, end: END };
const NOTHING_KNOWN: CostBasis = { breakdown: new Map(), preventive: new Map() };

function job(change: Partial<Appointment> = {}): Appointment {
  return {
    id: "J",
    vehicleId: "V1",
    technicianId: null,
    type: "COMPONENT_REPAIR",
    serviceType: null,
    component: "engine",
    status: "COMPLETED",
    scheduledAt: END - 2 * DAY,
    estimatedCompletion: null,
    startedAt: null,
    completedAt: END - DAY,
    serviceBay: null,
    estimatedDurationHours: null,
    parts: [],
    cost: 100,
    autoBooked: null,
    alertId: null,
    ...change,
  };
}

const breakdown = (cost: number | null, change: Partial<Appointment> = {}): Appointment =>
  job({ type: "EMERGENCY", cost, ...change });
const basisOf = (costs: Record<string, number>): CostBasis => ({
  breakdown: new Map(Object.entries(costs)),
  preventive: new Map(),
});

describe("what a breakdown costs", () => {
  it("is learnt from finished emergencies, and prevention from all other finished work", () => {
    const work = [
      breakdown(900),
      breakdown(1100),
      breakdown(5000, { status: "IN_PROGRESS" }),
      breakdown(null),
      job({ cost: 100 }),
      job({ cost: 200, type: "ROUTINE_MAINTENANCE" }),
      job({ cost: 300, component: null }),
    ];
    const basis = costBasis(work, MONTH, new Map());
    expect(basis).toEqual({ breakdown: new Map([["engine", 1000]]), preventive: new Map([["engine", 150]]) });
  });

  it("looks back 365 days from the period's end, the end itself excluded", () => {
    const yearAgo = END - 365 * DAY;
    const learnt = (completedAt: number) => costBasis([breakdown(700, { completedAt })], MONTH, new Map()).breakdown;
    expect([yearAgo - 1, yearAgo, END - 1, END].map((at) => learnt(at).get("engine"))).toEqual([
      undefined,
      700,
      700,
      undefined,
    ]);
  });

  it("is the configured amount where no emergency tells it", () => {
    const configured = new Map([
      ["engine", 5000],
      ["brakes", 2000],
    ]);
    expect(costBasis([breakdown(800)], MONTH, configured).breakdown).toEqual(
      new Map([
        ["engine", 800],
        ["brakes", 2000],
      ]),
    );
  });
});

describe("avoided cost", () => {
  it("is what breakdowns would have cost less what prevention did, per component, most saved first", () => {
    const work = [job({ cost: 100 }), job({ cost: 300 }), job({ component: "brakes", cost: 50 }), breakdown(1000)];
    expect(costAvoidance(work, MONTH, basisOf({ engine: 1000, brakes: 40 }))).toEqual({
      costAvoidance: 1590,
      breakdownRepairCost: 2040,
      preventiveMaintenanceCost: 450,
      events: 3,
      pricedEvents: 3,
      byComponent: [
        { component: "engine", events: 2, costAvoidance: 1600 },
        { component: "brakes", events: 1, costAvoidance: -10 },
      ],
      unpriced: [],
    });
  });

  it("may be negative", () => {
    expect(costAvoidance([job({ cost: 900 })], MONTH, basisOf({ engine: 300 })).costAvoidance).toBe(-600);
  });

  it("is 0 without preventive work, whether costs are known or not", () => {
    expect(costAvoidance([breakdown(900)], MONTH, NOTHING_KNOWN)).toMatchObject({
      costAvoidance: 0,
      events: 0,
      byComponent: [],
    });
  });

  it("is unknown, not 0, when no event can be priced", () => {
    expect(costAvoidance([job(), job({ component: null })], MONTH, NOTHING_KNOWN)).toEqual({
      costAvoidance: null,
      breakdownRepairCost: null,
      preventiveMaintenanceCost: null,
      events: 2,
      pricedEvents: 0,
      byComponent: [
        { component: "engine", events: 1, costAvoidance: null },
        { component: "unknown", events: 1, costAvoidance: null },
      ],
      unpriced: ["engine", "unknown"],
    });
  });

  it("leaves out of both sums what cannot be priced, and says so", () => {
    const work = [job({ cost: 100 }), job({ cost: null }), job({ component: "battery", cost: 70 })];
    expect(costAvoidance(work, MONTH, basisOf({ engine: 1000 }))).toMatchObject({
      costAvoidance: 900,
      breakdownRepairCost: 1000,
      preventiveMaintenanceCost: 100,
      events: 3,
      pricedEvents: 1,
      unpriced: ["battery", "engine"],
    });
  });

  it("counts by the moment of completion, start included and end excluded", () => {
    const finished = [MONTH.start - 1, MONTH.start, END - 1, END, null].map((completedAt) => job({ completedAt }));
    expect(finishedIn(finished, MONTH).map((a) => a.completedAt)).toEqual([MONTH.start, END - 1]);
  });
});

describe("avoided cost of any fleet", () => {
  const cents = (max: number) => fc.integer({ min: 0, max }).map((n) => n / 100);
  const component = fc.constantFrom("engine", "brakes", "battery", null);
  const work = fc.array(
    fc.record({
      vehicleId: fc.constantFrom("V1", "V2", "V3"),
      component,
      cost: fc.option(cents(1_000_000)),
      type: fc.constantFrom("EMERGENCY" as const, "DIAGNOSTIC" as const, "COMPONENT_REPAIR" as const),
    }),
    { maxLength: 40 },
  );
  const known = fc.dictionary(fc.constantFrom("engine", "brakes", "battery"), cents(1_000_000));
  const total = (amounts: readonly (number | null)[]): number =>
    amounts.reduce<number>((sum, amount) => sum + Math.round((amount ?? 0) * 100), 0);

  it("is the sum over its components", () => {
    fc.assert(
      fc.property(work, known, (changes, costs) => {
        const all = costAvoidance(changes.map(job), MONTH, basisOf(costs));
        expect(total([all.costAvoidance])).toBe(total(all.byComponent.map((part) => part.costAvoidance)));
        expect(all.events).toBe(all.byComponent.reduce((sum, part) => sum + part.events, 0));
      }),
    );
  });

  it("is the sum over its vehicles, as costs are learnt from the whole fleet", () => {
    fc.assert(
      fc.property(work, known, (changes, costs) => {
        const fleet = changes.map(job);
        const basis = basisOf(costs);
        const avoided = (jobs: Appointment[]) => costAvoidance(jobs, MONTH, basis);
        const each = ["V1", "V2", "V3"].map((id) => avoided(fleet.filter((a) => a.vehicleId === id)));
        expect(total(each.map((part) => part.costAvoidance))).toBe(total([avoided(fleet).costAvoidance]));
        expect(each.reduce((sum, part) => sum + part.pricedEvents, 0)).toBe(avoided(fleet).pricedEvents);
      }),
    );
  });
});

describe("spending and warranty", () => {
  function claim(change: Partial<Claim>): Claim {
    const untold = { component: null, failureDescription: null, failureDate: null, preliminaryDecision: null };
    const figures = { confidence: null, repairCostEstimate: null, estimatedDeductible: null, fraudScore: null };
    const rest = { payoutAmount: null, estimatedCoverage: null, decidedAt: null, evidencePackUrl: null };
    return {
      id: "C",
      vehicleId: "V1",
      status: "APPROVED",
      submittedAt: END - DAY,
      ...untold,
      ...figures,
      ...rest,
      ...change,
    };
  }

  it("adds up all finished work of the period, emergencies included", () => {
    const work = [job({ cost: 0.1 }), breakdown(0.2), job({ cost: null }), job({ cost: 9, status: "SCHEDULED" })];
    expect(maintenanceSpend(work, MONTH)).toBe(0.3);
    expect(maintenanceSpend([], MONTH)).toBe(0);
  });

  it("counts the payout of approved and paid claims, or else the estimate, by submission", () => {
    const claims = [
      claim({ payoutAmount: 100, estimatedCoverage: 900 }),
      claim({ status: "PAID", estimatedCoverage: 50 }),
      claim({ status: "UNDER_REVIEW", estimatedCoverage: 7000 }),
      claim({ submittedAt: END, payoutAmount: 7000 }),
      claim({ submittedAt: null, payoutAmount: 7000 }),
    ];
    expect(warrantySavings(claims, MONTH)).toBe(150);
    expect(warrantySavings([], MONTH)).toBe(0);
  });
});
