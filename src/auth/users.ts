import { randomUUID } from "node:crypto";
import { type AuditLog, NO_REQUEST } from "../audit/index.js";
import { PublicError } from "../base/errors.js";
import type { Grant, Members, StoredMember, StoredRole, Tenants } from "../db/index.js";
import { ALL, type Principal } from "../domain/access/scope.js";
import { assertAcceptablePassword, checkPassword, hashPassword } from "./passwords.js";
import { profileOf, type UserProfile } from "./profile.js";

/** On whose behalf something is changed, and in which tenant. */
export type Actor = Pick<Principal, "tenantId" | "userId" | "permissions" | "vehicleIds" | "fleetIds"> & {
  readonly role: Principal["role"] | null;
};

/** Whoever runs the gateway, or the gateway itself. */
export function systemActor(tenantId: string, name: string): Actor {
  return { tenantId, userId: name, role: null, permissions: [ALL], vehicleIds: [ALL], fleetIds: [] };
}

export interface GrantInput {
  /** A base role, or a role of the tenant's own. */
  readonly roleId: string;
  readonly vehicleIds?: readonly string[] | null | undefined;
  readonly fleetIds?: readonly string[] | null | undefined;
}

export interface NewAccount extends GrantInput {
  readonly id?: string | undefined;
  readonly username: string;
  readonly password: string;
  readonly email?: string | null | undefined;
}

export interface UserChange {
  readonly roleId?: string | null | undefined;
  readonly vehicleIds?: readonly string[] | null | undefined;
  readonly fleetIds?: readonly string[] | null | undefined;
  readonly email?: string | null | undefined;
  readonly disabled?: boolean | null | undefined;
  readonly password?: string | null | undefined;
}

const USERNAME = /^[\w.@+-]{1,100}$/;
const MAX_EMAIL_LENGTH = 254;
const MAX_IDS = 10_000;

/** Managing who can sign in to a tenant, and what they may do there. */
export class UserAdmin {
  constructor(
    readonly members: Members,
    readonly tenants: Tenants,
    readonly audit: AuditLog,
  ) {}

  /** Makes the account unless there is one of that name. For accounts whose passwords are known anyway: any will do. */
  async ensure(actor: Actor, account: NewAccount): Promise<void> {
    if (!(await this.members.byName(actor.tenantId, account.username))) await this.#create(actor, account);
  }

  /** @throws PublicError BAD_USER_INPUT, CONFLICT when the name is taken, FORBIDDEN beyond what the actor may do */
  async create(actor: Actor, account: NewAccount): Promise<UserProfile> {
    this.check(account);
    return this.#create(actor, account);
  }

  /** @throws PublicError BAD_USER_INPUT for names and passwords that will not do */
  check({ username, password, email }: Pick<NewAccount, "username" | "password" | "email">): void {
    if (!USERNAME.test(username)) {
      throw invalid(`A user name has 1 to 100 letters, digits or . _ @ + -, got "${username}"`, "username");
    }
    assertEmail(email);
    assertAcceptablePassword(password, [username, email ?? null]);
  }

  profile(member: StoredMember): UserProfile {
    return profileOf(member);
  }

  /**
   * Lets a user of another tenant act in this one as well.
   * @throws PublicError NOT_FOUND, CONFLICT for a member
   */
  async invite(actor: Actor, userId: string, input: GrantInput): Promise<UserProfile> {
    const [elsewhere] = await this.members.of(userId);
    if (!elsewhere) throw new PublicError("NOT_FOUND", `There is no user "${userId}"`, { field: "id" });
    if (await this.members.find(actor.tenantId, userId)) {
      throw new PublicError("CONFLICT", "This user is a member already", { field: "id" });
    }
    const { role, grant } = await this.#grant(actor, input);
    const record = this.#record(actor, "user.invite", userId, { role: role.name });
    return profileOf(await this.members.grant(actor.tenantId, userId, grant, record));
  }

  /**
   * Changes account and membership; tokens given out before are refused from then on where it matters.
   * @throws PublicError NOT_FOUND, BAD_USER_INPUT, FORBIDDEN, CONFLICT for the last administrator
   */
  async update(actor: Actor, userId: string, change: UserChange): Promise<UserProfile> {
    const member = await this.#member(actor, userId);
    await this.#assertMayChange(actor, member);
    const accountChange = await this.#accountChange(actor, member, change);
    const regrants = change.roleId != null || change.vehicleIds != null || change.fleetIds != null;
    const regrant = regrants
      ? await this.#grant(actor, {
          roleId: change.roleId ?? member.roleId,
          vehicleIds: change.vehicleIds ?? member.vehicleIds,
          fleetIds: change.fleetIds ?? member.fleetIds,
        })
      : null;
    const stops = change.disabled || (regrant && regrant.role.base !== "ADMIN");
    if (stops) await this.#assertNotLast(actor, member);
    if (Object.keys(accountChange).length > 0) {
      const { passwordHash, ...shown } = accountChange;
      const details = { ...shown, ...(passwordHash && { password: true }) };
      await this.members.update(userId, accountChange, this.#record(actor, "user.update", userId, details));
    }
    if (regrant) {
      const details = { ...regrant.grant, role: regrant.role.name };
      await this.members.grant(
        actor.tenantId,
        userId,
        regrant.grant,
        this.#record(actor, "user.grant", userId, details),
      );
    }
    return profileOf(await this.#member(actor, userId));
  }

  /**
   * Ends a membership; where the account is at home it is disabled as well.
   * @throws PublicError NOT_FOUND, CONFLICT for the last administrator
   */
  async remove(actor: Actor, userId: string): Promise<UserProfile> {
    const member = await this.#member(actor, userId);
    await this.#assertMayChange(actor, member);
    await this.#assertNotLast(actor, member);
    await this.members.remove(actor.tenantId, userId, this.#record(actor, "user.remove", userId, {}));
    if (member.user.tenantId === actor.tenantId) {
      await this.members.update(userId, { disabled: true }, this.#record(actor, "user.disable", userId, {}));
    }
    return profileOf(member);
  }

  /** Forgets the person of an account. @returns how many rows told of it; 0 where there is none */
  async erase(actor: Actor, userId: string): Promise<number> {
    const empty = { username: `erased-${randomUUID()}`, passwordHash: await hashPassword(randomUUID()) };
    return this.members.erase(actor.tenantId, userId, empty, this.#record(actor, "user.erase", "erased", {}));
  }

  /** @throws PublicError BAD_USER_INPUT for a wrong current password, or a new one that will not do */
  async changePassword(actor: Actor, current: string, next: string): Promise<void> {
    const { user } = await this.#member(actor, actor.userId);
    if (!(await checkPassword(user.passwordHash, current)))
      throw invalid("This is not the current password", "current");
    assertAcceptablePassword(next, [user.username, user.email]);
    const record = this.#record(actor, "user.password", actor.userId, {});
    await this.members.update(actor.userId, { passwordHash: await hashPassword(next) }, record);
  }

  async #create(actor: Actor, account: NewAccount): Promise<UserProfile> {
    const { role, grant } = await this.#grant(actor, account);
    const { username, password, email = null } = account;
    const id = account.id ?? `user_${randomUUID()}`;
    const user = { id, tenantId: actor.tenantId, username, email, passwordHash: await hashPassword(password) };
    const record = this.#record(actor, "user.create", id, { username, role: role.name });
    const created = await this.members.create(user, grant, record);
    if (!created) throw new PublicError("CONFLICT", `There already is a user "${username}"`, { field: "username" });
    return profileOf(created);
  }

  async #accountChange(actor: Actor, { user }: StoredMember, { email, disabled, password }: UserChange) {
    const change = {
      ...(email !== undefined && { email }),
      ...(disabled != null && { disabled }),
      ...(password != null && { passwordHash: "" }),
    };
    if (Object.keys(change).length === 0) return change;
    if (user.tenantId !== actor.tenantId) {
      throw new PublicError("FORBIDDEN", "The account is managed by its own tenant; here only its membership is");
    }
    assertEmail(email);
    if (password == null) return change;
    assertAcceptablePassword(password, [user.username, email ?? user.email]);
    return { ...change, passwordHash: await hashPassword(password) };
  }

  async #member({ tenantId }: Actor, userId: string): Promise<StoredMember> {
    const member = await this.members.find(tenantId, userId);
    if (!member) throw new PublicError("NOT_FOUND", `There is no user "${userId}"`, { field: "id" });
    return member;
  }

  /** Nobody gives away more than they have, or there would be no limit to what they have. */
  async #grant(actor: Actor, input: GrantInput): Promise<{ role: StoredRole; grant: Grant }> {
    const role = await this.tenants.role(actor.tenantId, input.roleId);
    if (!role) throw invalid(`There is no role "${input.roleId}"`, "roleId");
    const [vehicleIds, fleetIds] = [input.vehicleIds ?? [ALL], input.fleetIds ?? []];
    if (vehicleIds.length > MAX_IDS || fleetIds.length > MAX_IDS)
      throw invalid(`expected at most ${MAX_IDS} ids`, "vehicleIds");
    const grant = { roleId: role.id, vehicleIds, fleetIds };
    assertWithin(actor, role.permissions, grant);
    return { role, grant };
  }

  /** Nor does anybody change whoever may do more: a new password would be theirs. */
  async #assertMayChange(actor: Actor, member: StoredMember): Promise<void> {
    if (member.userId !== actor.userId) assertWithin(actor, member.role.permissions, member);
  }

  async #assertNotLast(actor: Actor, member: StoredMember): Promise<void> {
    const isAdmin = member.role.base === "ADMIN" && !member.user.disabled;
    if (isAdmin && (await this.members.count(actor.tenantId, "ADMIN")) === 1) {
      throw new PublicError("CONFLICT", "This is the last administrator", { field: "id" });
    }
  }

  #record({ tenantId, userId, role }: Actor, action: string, id: string, details: Record<string, unknown>) {
    const resource = `users/${id}`;
    return this.audit.record({ ...NO_REQUEST, tenantId, userId, role, action, resource, details, source: "user" });
  }
}

function assertWithin(
  actor: Actor,
  permissions: readonly { readonly name: string }[],
  { vehicleIds, fleetIds }: Pick<Grant, "vehicleIds" | "fleetIds">,
): void {
  const lacks = (own: readonly string[], wanted: readonly string[]) =>
    !own.includes(ALL) && wanted.some((item) => !own.includes(item));
  const allFleets = (ids: readonly string[]) => (ids.length === 0 ? [ALL] : ids);
  if (
    lacks(
      actor.permissions,
      permissions.map(({ name }) => name),
    ) ||
    lacks(actor.vehicleIds, vehicleIds) ||
    lacks(allFleets(actor.fleetIds), allFleets(fleetIds))
  ) {
    throw new PublicError("FORBIDDEN", "This reaches beyond what you may do yourself");
  }
}

function assertEmail(email: string | null | undefined): void {
  if (email == null) return;
  if (email.length > MAX_EMAIL_LENGTH || !/^[^\s@]+@[^\s@]+$/.test(email)) {
    throw invalid(`expected an e-mail address, got "${email.slice(0, 100)}"`, "email");
  }
}

function invalid(message: string, field: string): PublicError {
  return new PublicError("BAD_USER_INPUT", message, { field });
}
