import { describe, expect, it } from "vitest";
import { canNameFleet, canNameVehicle, canSeeEverything, canSeeVehicle } from "./can.js";
import { isRole } from "./roles.js";
import { ALL, ALL_FLEETS, type Principal, scopeOf, type TenantFleets, tenantKey } from "./scope.js";

function scope(vehicleIds: string[], fleetIds: string[], fleets: TenantFleets = ALL_FLEETS) {
  const rest = { userId: "u", username: null, tenantId: "t", permissions: [] };
  return scopeOf({ ...rest, role: "FLEET_MANAGER", vehicleIds, fleetIds } satisfies Principal, fleets);
}
const V1 = { id: "V1", fleetId: "F1" };
const HOMELESS = { id: "V9", fleetId: null };

describe("what a token lets its bearer see", () => {
  it("is everything with all vehicles and no fleet named", () => {
    expect(canSeeVehicle(scope(["*"], []), V1)).toBe(true);
    expect(canSeeVehicle(scope(["*"], []), HOMELESS)).toBe(true);
    expect(canSeeVehicle(scope(["*"], ["*"]), HOMELESS)).toBe(true);
  });

  it("is nothing without vehicles: an empty list is not all", () => {
    expect(canSeeVehicle(scope([], []), V1)).toBe(false);
    expect(canNameVehicle(scope([], []), "V1")).toBe(false);
  });

  it("ends at the vehicles named", () => {
    expect(canSeeVehicle(scope(["V1"], []), V1)).toBe(true);
    expect(canSeeVehicle(scope(["V1"], []), { id: "V2", fleetId: "F1" })).toBe(false);
  });

  it("ends at the fleets named, and a vehicle of no fleet is in none of them", () => {
    expect(canSeeVehicle(scope(["*"], ["F1"]), V1)).toBe(true);
    expect(canSeeVehicle(scope(["*"], ["F1"]), { id: "V2", fleetId: "F2" })).toBe(false);
    expect(canSeeVehicle(scope(["*"], ["F1"]), HOMELESS)).toBe(false);
  });

  it("is what both lists allow", () => {
    expect(canSeeVehicle(scope(["V1"], ["F1"]), V1)).toBe(true);
    expect(canSeeVehicle(scope(["V1"], ["F2"]), V1)).toBe(false);
    expect(canSeeVehicle(scope(["V2"], ["F1"]), V1)).toBe(false);
  });

  it("is decided by name alone where nothing may be looked up", () => {
    expect(canNameVehicle(scope(["V1"], ["F2"]), "V1")).toBe(true);
    expect(canNameVehicle(scope(["V1"], []), "V2")).toBe(false);
    expect(canNameFleet(scope(["*"], ["F1"]), "F2")).toBe(false);
    expect(canNameFleet(scope(["V1"], []), "F2")).toBe(true);
  });
});

describe("what a tenant lets its users see", () => {
  const other = { own: new Set(["F2", "F3"]), ofOthers: new Set(["F4"]) };
  const first = { own: ALL, ofOthers: new Set(["F2", "F3", "F4"]) } as const;

  it("is its own fleets, however much a token claims", () => {
    expect(canSeeVehicle(scope(["*"], [], other), { id: "V2", fleetId: "F2" })).toBe(true);
    expect(canSeeVehicle(scope(["*"], [], other), V1)).toBe(false);
    expect(canSeeVehicle(scope(["*"], ["F1", "F2"], other), V1)).toBe(false);
    expect(canSeeVehicle(scope(["*"], ["F1"], other), { id: "V2", fleetId: "F2" })).toBe(false);
    expect(canSeeVehicle(scope(["*"], [], other), HOMELESS)).toBe(false);
    expect(canNameFleet(scope(["*"], [], other), "F1")).toBe(false);
  });
  it("is nothing for a tenant without fleets", () => {
    const none = { own: new Set<string>(), ofOthers: new Set(["F1"]) };
    expect(canSeeVehicle(scope(["*"], [], none), V1)).toBe(false);
    expect(canSeeVehicle(scope(["*"], ["F1"], none), V1)).toBe(false);
  });
  it("is, for the default tenant, all that is nobody else's", () => {
    expect(canSeeVehicle(scope(["*"], [], first), V1)).toBe(true);
    expect(canSeeVehicle(scope(["*"], [], first), HOMELESS)).toBe(true);
    expect(canSeeVehicle(scope(["*"], [], first), { id: "V2", fleetId: "F2" })).toBe(false);
    expect(canNameFleet(scope(["*"], ["F2"], first), "F2")).toBe(false);
    expect(canSeeEverything(scope(["*"], [], first))).toBe(false);
    expect(canSeeEverything(scope(["*"], []))).toBe(true);
  });
});

describe("roles and keys", () => {
  it("knows the six roles, and nothing that merely is a property of every object", () => {
    expect(isRole("ADMIN")).toBe(true);
    expect(["admin", "constructor", "__proto__", "", 1, null].some(isRole)).toBe(false);
  });

  it("begins every key with the tenant", () => {
    expect(tenantKey({ tenantId: "t1" }, "vehicle", "V1")).toBe("t1|vehicle|V1");
  });
});
