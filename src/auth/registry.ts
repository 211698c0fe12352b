import { randomUUID } from "node:crypto";
import { type AuditLog, NO_REQUEST } from "../audit/index.js";
import { PublicError } from "../base/errors.js";
import type { Users } from "../db/index.js";
import type { Role } from "../domain/access/roles.js";
import { profileOf, type UserProfile } from "./accounts.js";
import { assertAcceptablePassword, hashPassword } from "./passwords.js";

export interface NewAccount {
  readonly id?: string;
  readonly username: string;
  readonly password: string;
  readonly email?: string | null;
  readonly role: Role;
  readonly vehicleIds?: readonly string[];
  readonly fleetIds?: readonly string[];
}

const USERNAME = /^[\w.@+-]{1,100}$/;

/** Making the users that can sign in here. */
export class Registry {
  constructor(
    readonly users: Users,
    readonly audit: AuditLog,
  ) {}

  /** Makes the account unless there is one of that name. */
  async ensure(tenantId: string, account: NewAccount, by: string): Promise<void> {
    if (!(await this.users.byName(tenantId, account.username))) await this.create(tenantId, account, by);
  }

  /** @throws PublicError BAD_USER_INPUT, CONFLICT when the name is taken */
  async create(tenantId: string, account: NewAccount, by: string): Promise<UserProfile> {
    if (!USERNAME.test(account.username)) {
      throw new PublicError(
        "BAD_USER_INPUT",
        `A user name has 1 to 100 letters, digits or . _ @ + -, got "${account.username}"`,
      );
    }
    assertAcceptablePassword(account.password);
    const user = {
      id: account.id ?? `user_${randomUUID()}`,
      tenantId,
      username: account.username,
      email: account.email ?? null,
      passwordHash: await hashPassword(account.password),
      role: account.role,
      vehicleIds: account.vehicleIds ?? ["*"],
      fleetIds: account.fleetIds ?? [],
    };
    const created = await this.users.create(
      user,
      this.audit.record({
        ...NO_REQUEST,
        tenantId,
        userId: by,
        role: null,
        action: "user.create",
        resource: `user/${user.id}`,
        details: { username: user.username, role: user.role },
        source: "user",
      }),
    );
    if (!created) throw new PublicError("CONFLICT", `There already is a user "${account.username}"`);
    return profileOf(created);
  }
}
