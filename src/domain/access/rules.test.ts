import { describe, expect, it } from "vitest";
import { ROLE_PERMISSIONS, ROLES, type Role } from "./roles.js";
import { ACCESS_RULES, isOpenToAll, refusal } from "./rules.js";
import type { Principal } from "./scope.js";

function principal(role: Role, permissions: readonly string[] = ROLE_PERMISSIONS[role]): Principal {
  return { userId: "me", username: null, tenantId: "t", role, permissions, vehicleIds: ["*"], fleetIds: [] };
}

type Cell = "ok" | "403" | "own";
/** The table of roles and endpoints, by root field; the argument that names a user or technician where there is one. */
const COLUMNS = ["VEHICLE_OWNER", "FLEET_MANAGER", "TECHNICIAN", "ADMIN", "EXECUTIVE", "SUPPORT"] as const;
const TABLE: readonly (readonly [field: string, argument: string | null, cells: readonly Cell[]])[] = [
  ["fleet", null, ["403", "ok", "403", "ok", "403", "ok"]],
  ["ownerDashboard", "userId", ["own", "ok", "403", "ok", "403", "ok"]],
  ["technicianDashboard", "id", ["403", "ok", "own", "ok", "403", "403"]],
  ["executiveDashboard", null, ["403", "403", "403", "ok", "ok", "403"]],
  ["fleetHealth", null, ["403", "ok", "403", "ok", "ok", "ok"]],
  ["alertMetrics", null, ["403", "ok", "403", "ok", "ok", "ok"]],
  ["costMetrics", null, ["403", "ok", "403", "ok", "ok", "403"]],
  ["uptimeMetrics", null, ["403", "ok", "403", "ok", "ok", "403"]],
  ["warrantyMetrics", null, ["403", "ok", "403", "ok", "ok", "403"]],
  ["auditLog", null, ["403", "403", "403", "ok", "403", "403"]],
  ["userActivity", "userId", ["own", "own", "own", "ok", "own", "own"]],
  ["userPermissions", "id", ["own", "own", "own", "ok", "own", "own"]],
];
const CELLS = TABLE.flatMap(([field, argument, cells]) =>
  cells.map((cell, i) => ({ field, argument, cell, role: COLUMNS[i] as Role })),
);

describe("roles and endpoints", () => {
  it.each(CELLS)("$role on $field: $cell", ({ field, argument, cell, role }) => {
    const ask = (id: string) =>
      refusal(ACCESS_RULES.Query?.[field], principal(role), argument ? { [argument]: id } : {});
    expect(ask("somebody else")).toBe(cell === "ok" ? null : "FORBIDDEN");
    expect(ask("me")).toBe(cell === "403" ? "FORBIDDEN" : null);
  });

  it.each(TABLE.map(([field]) => field))("asks strangers to sign in before %s", (field) => {
    expect(refusal(ACCESS_RULES.Query?.[field], null, {})).toBe("UNAUTHENTICATED");
  });

  it("lets anybody ask for the version and sign in", () => {
    expect(refusal(ACCESS_RULES.Query?.version, null, {})).toBeNull();
    expect(refusal(ACCESS_RULES.Mutation?.login, null, {})).toBeNull();
  });

  it("refuses a field without a rule to everybody", () => {
    expect(refusal(undefined, null, {})).toBe("UNAUTHENTICATED");
    expect(refusal(undefined, principal("ADMIN"), {})).toBe("FORBIDDEN");
  });

  it("does not take a missing argument for the caller's own id", () => {
    expect(refusal(ACCESS_RULES.Query?.userActivity, principal("SUPPORT"), {})).toBe("FORBIDDEN");
  });

  it.each([
    ["Fleet", "cost"],
    ["TopIssue", "estimatedTotalCost"],
    ["Appointment", "cost"],
    ["Claim", "payoutAmount"],
    ["Decision", "estimatedCost"],
  ])("keeps %s.%s from support, who see no costs", (type, field) => {
    const rule = ACCESS_RULES[type]?.[field];
    expect(refusal(rule, principal("SUPPORT"), {})).toBe("FORBIDDEN");
    expect(refusal(rule, principal("FLEET_MANAGER"), {})).toBeNull();
    expect(isOpenToAll(rule)).toBe(false);
  });

  it("asks per object only where some role is left out", () => {
    expect(isOpenToAll(ACCESS_RULES.Vehicle?.id)).toBe(true);
    expect(isOpenToAll(undefined)).toBe(false);
    expect(isOpenToAll({ roles: ROLES, permissions: ["book_appointments"] })).toBe(false);
  });
});

describe("permissions of a token", () => {
  const BOOKING_FIELDS = ["appointmentBook", "appointmentReschedule", "appointmentCancel"];

  it.each(BOOKING_FIELDS)("narrow a role: %s needs one of the permissions to book", (field) => {
    const ask = (role: Role, permissions?: readonly string[]) =>
      refusal(ACCESS_RULES.Mutation?.[field], principal(role, permissions), {});
    expect(ask("FLEET_MANAGER")).toBeNull();
    expect(ask("FLEET_MANAGER", ["view_fleet"])).toBe("FORBIDDEN");
    expect(ask("VEHICLE_OWNER", ["book_appointments"])).toBeNull();
    expect(ask("VEHICLE_OWNER", [])).toBe("FORBIDDEN");
    expect(ask("ADMIN")).toBeNull();
  });

  it.each([
    "TECHNICIAN",
    "EXECUTIVE",
    "SUPPORT",
  ] as const)("never widen a role: %s books nothing whatever it claims", (role) => {
    const rule = ACCESS_RULES.Mutation?.appointmentBook;
    expect(refusal(rule, principal(role, ["*", "manage_appointments"]), {})).toBe("FORBIDDEN");
  });
});
