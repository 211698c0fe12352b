/** What each role is granted when its token names no permissions of its own. `*` is everything. */
export const ROLE_PERMISSIONS = {
  VEHICLE_OWNER: ["view_own_vehicles", "book_appointments"],
  FLEET_MANAGER: ["view_fleet", "view_analytics", "manage_appointments", "generate_reports"],
  TECHNICIAN: ["view_assigned_jobs", "update_job_status"],
  ADMIN: ["*"],
  EXECUTIVE: ["view_executive", "view_cost_reports", "generate_reports"],
  SUPPORT: ["view_fleet_readonly", "view_alerts"],
} as const satisfies Record<string, readonly string[]>;

export type Role = keyof typeof ROLE_PERMISSIONS;
export const ROLES = Object.keys(ROLE_PERMISSIONS) as Role[];

export function isRole(value: unknown): value is Role {
  return typeof value === "string" && Object.hasOwn(ROLE_PERMISSIONS, value);
}

/** The dashboards that a role may open. */
export const ROLE_DASHBOARDS: Readonly<Record<Role, readonly string[]>> = {
  VEHICLE_OWNER: ["owner"],
  FLEET_MANAGER: ["fleet", "owner", "technician"],
  TECHNICIAN: ["technician"],
  ADMIN: ["fleet", "owner", "technician", "executive"],
  EXECUTIVE: ["executive"],
  SUPPORT: ["fleet", "owner"],
};
