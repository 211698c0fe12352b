import { randomUUID } from "node:crypto";
import { type AuditLog, NO_REQUEST } from "../audit/index.js";
import { PublicError } from "../base/errors.js";
import type { StoredFleet, StoredRole, StoredTenant, TenantChange, Tenants } from "../db/index.js";
import { isPermission, isRole, ROLE_PERMISSIONS, type Role } from "../domain/access/roles.js";
import { ALL, DEFAULT_TENANT } from "../domain/access/scope.js";
import type { Actor } from "./users.js";

export type TenantInput = { readonly [Key in keyof TenantChange]?: TenantChange[Key] | null | undefined };

const ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
const COLOR = /^#[0-9a-fA-F]{6}$/;
const MAX_NAME_LENGTH = 200;

/** Managing tenants, the fleets that are theirs, and the roles they name themselves. */
export class TenantAdmin {
  constructor(
    readonly tenants: Tenants,
    readonly audit: AuditLog,
  ) {}

  /** @throws PublicError NOT_FOUND */
  async tenant(id: string): Promise<StoredTenant> {
    const tenant = await this.tenants.find(id);
    if (!tenant) throw new PublicError("NOT_FOUND", `There is no tenant "${id}"`, { field: "id" });
    return tenant;
  }

  /** @throws PublicError BAD_USER_INPUT, CONFLICT */
  async create(actor: Actor, id: string, input: TenantInput & { readonly name: string }): Promise<StoredTenant> {
    if (!ID.test(id)) throw invalid(`An id has 1 to 63 lower-case letters, digits or -, got "${id}"`, "id");
    const change = { ...checked(input), name: input.name };
    const tenant = await this.tenants.create(id, change, this.#record(actor, "tenant.create", `tenants/${id}`, change));
    if (!tenant) throw new PublicError("CONFLICT", `There already is a tenant "${id}"`, { field: "id" });
    return tenant;
  }

  /** @throws PublicError BAD_USER_INPUT, NOT_FOUND, CONFLICT for disabling the default tenant */
  async update(actor: Actor, id: string, input: TenantInput): Promise<StoredTenant> {
    await this.tenant(id);
    if (input.disabled && id === DEFAULT_TENANT) {
      throw new PublicError("CONFLICT", "The default tenant cannot be disabled", { field: "disabled" });
    }
    const change = checked(input);
    return this.tenants.update(id, change, this.#record(actor, "tenant.update", `tenants/${id}`, { ...change }));
  }

  /** @throws PublicError NOT_FOUND for the tenant, CONFLICT for another tenant's fleet, BAD_USER_INPUT */
  async assignFleet(actor: Actor, tenantId: string, id: string, name: string): Promise<StoredFleet> {
    await this.tenant(tenantId);
    if (id === "" || id === ALL || id.length > MAX_NAME_LENGTH) throw invalid("expected the id of a fleet", "fleetId");
    const details = { tenantId, name: checkedName(name) };
    return this.tenants.putFleet(
      tenantId,
      id,
      details.name,
      this.#record(actor, "fleet.assign", `fleets/${id}`, details),
    );
  }

  /** @throws PublicError NOT_FOUND */
  async releaseFleet(actor: Actor, tenantId: string, id: string): Promise<StoredFleet> {
    const fleet = await this.tenants.fleet(tenantId, id);
    if (!fleet) throw new PublicError("NOT_FOUND", `There is no fleet "${id}"`, { field: "fleetId" });
    await this.tenants.removeFleet(tenantId, id, this.#record(actor, "fleet.release", `fleets/${id}`, { tenantId }));
    return fleet;
  }

  /** A name for some of what a base role may do. @throws PublicError BAD_USER_INPUT, CONFLICT, FORBIDDEN */
  async createRole(actor: Actor, name: string, base: string, permissions: readonly string[]): Promise<StoredRole> {
    if (!isRole(base)) throw invalid(`There is no base role "${base}"`, "base");
    if (isRole(name)) throw new PublicError("CONFLICT", `"${name}" is a built-in role`, { field: "name" });
    assertGrantable(actor, base, permissions);
    const role = { id: randomUUID(), tenantId: actor.tenantId, name: checkedName(name), base };
    const record = this.#record(actor, "role.create", `roles/${role.id}`, { name, base, permissions });
    const created = await this.tenants.createRole(role, permissions, record);
    if (!created) throw new PublicError("CONFLICT", `There already is a role "${name}"`, { field: "name" });
    return created;
  }

  /** @throws PublicError NOT_FOUND, also for built-in roles, BAD_USER_INPUT, FORBIDDEN */
  async updateRole(actor: Actor, id: string, permissions: readonly string[]): Promise<StoredRole> {
    const role = await this.#ownRole(actor, id);
    assertGrantable(actor, role.base, permissions);
    return this.tenants.updateRole(id, permissions, this.#record(actor, "role.update", `roles/${id}`, { permissions }));
  }

  /** @throws PublicError NOT_FOUND, also for built-in roles, CONFLICT while somebody has it */
  async deleteRole(actor: Actor, id: string): Promise<StoredRole> {
    const role = await this.#ownRole(actor, id);
    await this.tenants.deleteRole(id, this.#record(actor, "role.delete", `roles/${id}`, { name: role.name }));
    return role;
  }

  async #ownRole(actor: Actor, id: string): Promise<StoredRole> {
    const role = await this.tenants.role(actor.tenantId, id);
    if (!role?.tenantId) throw new PublicError("NOT_FOUND", `There is no role of your own "${id}"`, { field: "id" });
    return role;
  }

  #record({ tenantId, userId, role }: Actor, action: string, resource: string, details: Record<string, unknown>) {
    return this.audit.record({ ...NO_REQUEST, tenantId, userId, role, action, resource, details, source: "user" });
  }
}

function assertGrantable(actor: Actor, base: Role, permissions: readonly string[]): void {
  const most: readonly string[] = ROLE_PERMISSIONS[base];
  for (const permission of permissions) {
    if (!isPermission(permission)) throw invalid(`There is no permission "${permission}"`, "permissions");
    if (!most.includes(ALL) && !most.includes(permission)) {
      throw invalid(`${base} cannot be granted "${permission}"; only ${most.join(", ")}`, "permissions");
    }
    if (!actor.permissions.includes(ALL) && !actor.permissions.includes(permission)) {
      throw new PublicError("FORBIDDEN", "This reaches beyond what you may do yourself", { field: "permissions" });
    }
  }
}

function checked(input: TenantInput): TenantChange {
  const { name, logoUrl, primaryColor, accentColor, disabled } = input;
  if (logoUrl != null && !(URL.canParse(logoUrl) && new URL(logoUrl).protocol === "https:" && logoUrl.length <= 2000)) {
    throw invalid("expected an https URL", "logoUrl");
  }
  for (const [field, color] of Object.entries({ primaryColor, accentColor })) {
    if (color != null && !COLOR.test(color)) throw invalid(`expected a colour such as #1a2b3c, got "${color}"`, field);
  }
  return {
    ...(name != null && { name: checkedName(name) }),
    ...(logoUrl !== undefined && { logoUrl }),
    ...(primaryColor !== undefined && { primaryColor }),
    ...(accentColor !== undefined && { accentColor }),
    ...(disabled != null && { disabled }),
  };
}

function checkedName(name: string): string {
  const trimmed = name.trim();
  if (trimmed !== "" && trimmed.length <= MAX_NAME_LENGTH) return trimmed;
  throw invalid(`expected a name of 1 to ${MAX_NAME_LENGTH} characters`, "name");
}

function invalid(message: string, field: string): PublicError {
  return new PublicError("BAD_USER_INPUT", message, { field });
}
