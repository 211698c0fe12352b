/** Everything that can be granted, with what it lets somebody do. `*` is all of it. */
export const PERMISSIONS = {
  "*": "Everything that the role may do",
  view_own_vehicles: "See the own vehicles",
  book_appointments: "Book appointments for the own vehicles",
  view_fleet: "See the vehicles and figures of the fleet",
  view_fleet_readonly: "See the vehicles and figures of the fleet, without costs",
  view_analytics: "See figures and questions answered over events",
  manage_appointments: "Book, move and cancel appointments",
  generate_reports: "Make and download reports",
  view_assigned_jobs: "See the own jobs",
  update_job_status: "Say how far a job is",
  view_executive: "See the executive dashboard",
  view_cost_reports: "See costs and reports about them",
  view_alerts: "See alerts",
  view_events: "See single events",
  manage_events: "Handle dead letters, and replay, purge or erase",
  view_audit: "Read the audit trail",
  manage_users: "Manage users, roles, keys and sessions",
  manage_tenant: "Manage the tenant: its name, branding and fleets",
} as const;

export type Permission = keyof typeof PERMISSIONS;

export function isPermission(value: string): value is Permission {
  return Object.hasOwn(PERMISSIONS, value);
}

/** What each role is granted when its token names no permissions of its own. `*` is everything. */
export const ROLE_PERMISSIONS = {
  VEHICLE_OWNER: ["view_own_vehicles", "book_appointments"],
  FLEET_MANAGER: ["view_fleet", "view_analytics", "manage_appointments", "generate_reports"],
  TECHNICIAN: ["view_assigned_jobs", "update_job_status"],
  ADMIN: ["*"],
  EXECUTIVE: ["view_executive", "view_cost_reports", "generate_reports"],
  SUPPORT: ["view_fleet_readonly", "view_alerts"],
} as const satisfies Record<string, readonly Permission[]>;

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
