import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { AuditLog } from "../audit/index.js";
import { DAY, HOUR } from "../base/clock.js";
import {
  AccessRecords,
  ApiKeys,
  AuditEntries,
  accessChanges,
  type Database,
  Members,
  openDatabase,
  Sessions,
  Tenants,
} from "../db/index.js";
import { DEFAULT_TENANT, type Principal } from "../domain/access/scope.js";
import { createLogger } from "../ops/logs.js";
import { createMetrics } from "../ops/metrics.js";
import { Accounts, NO_CLIENT } from "./accounts.js";
import { ApiKeyAdmin } from "./api-keys.js";
import { KeyRing } from "./keys.js";
import { Standing } from "./standing.js";
import { TenantAdmin } from "./tenants.js";
import { Tokens } from "./tokens.js";
import { type NewAccount, systemActor, UserAdmin } from "./users.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const NOW = Date.now();
const PASSWORD = "correct horse";
const SETUP = systemActor(DEFAULT_TENANT, "setup");
let now = NOW;
let folder: string;
let database: Database;
let members: Members;
let standing: Standing;
let accounts: Accounts;
let users: UserAdmin;
let tenants: TenantAdmin;
let keys: ApiKeyAdmin;
let newReplica: () => { standing: Standing; accounts: Accounts };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-accounts-"));
  database = await openDatabase({ folder });
  const { prisma } = database;
  const entries = new AuditEntries(prisma);
  const clock = () => now;
  const log = createLogger("test", "silent");
  const audit = await AuditLog.open({
    ...{ entries, clock, log, metrics: createMetrics() },
    folder: join(folder, "audit-spool"),
    maxBytes: 1e9,
  });
  const change = accessChanges(prisma, entries, () => standing.refresh());
  members = new Members(prisma, change);
  const sessions = new Sessions(prisma, change);
  newReplica = () => {
    const standing = new Standing({ records: new AccessRecords(prisma), longestTokenMs: HOUR, clock, log });
    const tokens = new Tokens({
      keys: new KeyRing({ secret: "a secret of more than thirty-two characters", algorithm: "HS256" }),
      outside: null,
      expirySeconds: 3600,
      defaultTenant: DEFAULT_TENANT,
      servesTenant: (id) => standing.servesTenant(id),
      clock,
    });
    return { standing, accounts: new Accounts({ members, sessions, standing, tokens, audit, clock, throttle: null }) };
  };
  ({ standing, accounts } = newReplica());
  await standing.refresh();
  users = new UserAdmin(members, new Tenants(prisma, change), audit);
  tenants = new TenantAdmin(new Tenants(prisma, change), audit);
  await users.create(SETUP, { username: "root", password: PASSWORD, roleId: "ADMIN" });
  keys = new ApiKeyAdmin({ keys: new ApiKeys(prisma, change), members, audit, clock });
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  now = NOW;
});

let made = 0;
/** A user of its own for a test. */
async function someone(more: Partial<NewAccount> = {}): Promise<{ id: string; username: string }> {
  const username = `user${++made}`;
  const account = { username, password: PASSWORD, roleId: "FLEET_MANAGER", fleetIds: ["F1"], ...more };
  const { id } = await users.create(SETUP, account);
  return { id, username };
}

const signIn = (username: string) => accounts.login(DEFAULT_TENANT, username, PASSWORD, NO_CLIENT);
const as = async (username: string): Promise<Principal> => accounts.authenticate((await signIn(username)).accessToken);

describe("signing in", () => {
  it("gives tokens for the user, and remembers when", async () => {
    const { id, username } = await someone();
    const { accessToken, expiresIn, refreshExpiresIn, tokenType, user } = await signIn(username);
    expect([expiresIn, refreshExpiresIn, tokenType]).toEqual([3600, 14 * 86_400, "bearer"]);
    expect(user).toMatchObject({ id, role: "FLEET_MANAGER", lastLoginAt: NOW, vehicleIds: ["*"], fleetIds: ["F1"] });
    const principal = await accounts.authenticate(accessToken);
    expect(principal).toMatchObject({ userId: id, username, tenantId: DEFAULT_TENANT, fleetIds: ["F1"] });
    expect(await accounts.me(principal)).toMatchObject({ id, dashboards: ["fleet", "owner", "technician"] });
    expect(await accounts.sessions(principal)).toMatchObject([{ id: principal.credential?.id, userId: id }]);
  });

  it("is refused alike to an unknown user, a wrong password, another tenant's user and a disabled one", async () => {
    const { username } = await someone();
    const gone = await someone();
    await users.update(SETUP, gone.id, { disabled: true });
    const attempts: [tenant: string, username: string, password: string][] = [
      [DEFAULT_TENANT, "nobody", PASSWORD],
      [DEFAULT_TENANT, username, "wrong"],
      [DEFAULT_TENANT, username, ""],
      [DEFAULT_TENANT, username, "x".repeat(100_000)],
      [DEFAULT_TENANT, username.toUpperCase(), PASSWORD],
      ["elsewhere", username, PASSWORD],
      [DEFAULT_TENANT, gone.username, PASSWORD],
      [DEFAULT_TENANT, "nul\u0000", PASSWORD],
    ];
    for (const attempt of attempts) {
      await expect(accounts.login(...attempt, NO_CLIENT), attempt[1]).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
        message: "Invalid credentials",
        details: {},
      });
    }
  });
});

describe("renewing", () => {
  it("gives new tokens for the old, once, and ends the session at a second use", async () => {
    const { username } = await someone();
    const first = await signIn(username);
    const second = await accounts.refresh(first.refreshToken, null);
    expect(second.refreshToken).not.toBe(first.refreshToken);
    await accounts.authenticate(second.accessToken);
    // Whoever comes second with the first token: the session is not safe any more, for either of them.
    await expect(accounts.refresh(first.refreshToken, null)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    for (const { accessToken } of [first, second]) {
      await expect(accounts.authenticate(accessToken)).rejects.toThrow("this session has ended");
    }
    await expect(accounts.refresh(second.refreshToken, null)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("goes to one of two requests with one token", async () => {
    const { username } = await someone();
    const { refreshToken } = await signIn(username);
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => accounts.refresh(refreshToken, null)));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("ends with the token's life, and with the session's however often it was renewed", async () => {
    const { username } = await someone();
    const { refreshToken } = await signIn(username);
    now = NOW + 15 * DAY;
    await expect(accounts.refresh(refreshToken, null)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    now = NOW;
    let token = (await signIn(username)).refreshToken;
    for (let days = 10; days <= 80; days += 10) {
      now = NOW + days * DAY;
      token = (await accounts.refresh(token, null)).refreshToken;
    }
    now = NOW + 91 * DAY;
    await expect(accounts.refresh(token, null)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it.each([
    "",
    "cnr_",
    "cnr_unknown",
    "x".repeat(10_000),
  ])("is refused for what is no such token: %.20s", async (token) => {
    await expect(accounts.refresh(token, null)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

describe("what ends at once", () => {
  it("is forgotten once no token of it can be shown any more", async () => {
    const { username } = await someone();
    const [ended, open] = [await signIn(username), await signIn(username)];
    const principal = await accounts.authenticate(ended.accessToken);
    await accounts.logout(principal, false);
    const sessions = new Sessions(database.prisma, () => Promise.reject(new Error("changes nothing")));
    const left = () => database.prisma.session.count({ where: { userId: principal.userId } });
    await sessions.purge(new Date(NOW - DAY));
    expect(await left()).toBe(2);
    await sessions.purge(new Date(Date.now() + DAY));
    expect(await left()).toBe(1);
    await accounts.refresh(open.refreshToken, null);
  });

  it("is a session that is signed out of, alone or with all others", async () => {
    const { username } = await someone();
    const [one, two, three] = [await signIn(username), await signIn(username), await signIn(username)];
    await accounts.logout(await accounts.authenticate(one.accessToken), false);
    await expect(accounts.authenticate(one.accessToken)).rejects.toThrow("session has ended");
    await expect(accounts.refresh(one.refreshToken, null)).rejects.toThrow();
    await accounts.logout(await accounts.authenticate(two.accessToken), true);
    await expect(accounts.authenticate(three.accessToken)).rejects.toThrow();
    await expect(accounts.refresh(three.refreshToken, null)).rejects.toThrow();
    await accounts.authenticate((await signIn(username)).accessToken);
  });

  it("is whatever a disabled user holds, and what a role allowed before it changed", async () => {
    const { id, username } = await someone({ roleId: "ADMIN", fleetIds: [] });
    const before = await signIn(username);
    await users.update(SETUP, id, { roleId: "SUPPORT" });
    await expect(accounts.authenticate(before.accessToken)).rejects.toThrow("has changed since");
    const after = await accounts.refresh(before.refreshToken, null);
    expect((await accounts.authenticate(after.accessToken)).role).toBe("SUPPORT");
    await users.update(SETUP, id, { disabled: true });
    await expect(accounts.authenticate(after.accessToken)).rejects.toThrow("this user is disabled");
    await expect(accounts.refresh(after.refreshToken, null)).rejects.toThrow();
  });

  it("is what was given out before a new password", async () => {
    const { id, username } = await someone();
    const { accessToken, refreshToken } = await signIn(username);
    await users.changePassword(await accounts.authenticate(accessToken), PASSWORD, "another good one");
    await expect(accounts.authenticate(accessToken)).rejects.toThrow();
    await expect(accounts.refresh(refreshToken, null)).rejects.toThrow();
    await expect(signIn(username)).rejects.toThrow("Invalid credentials");
    await accounts.login(DEFAULT_TENANT, username, "another good one", NO_CLIENT);
    expect(id).toBeTruthy();
  });

  it("ends on other replicas too, within a second", async () => {
    const { username } = await someone();
    const { accessToken } = await signIn(username);
    const replica = newReplica();
    await replica.standing.start();
    try {
      const principal = await replica.accounts.authenticate(accessToken);
      await accounts.logout(principal, false);
      await vi.waitFor(() => expect(replica.accounts.authenticate(accessToken)).rejects.toThrow(), { timeout: 5000 });
    } finally {
      replica.standing.stop();
    }
  });
});

describe("API keys", () => {
  it("act for their user, with what both may do, until they end", async () => {
    const { id, username } = await someone({ fleetIds: ["F1", "F2"] });
    const principal = await as(username);
    const input = { name: "BI", permissions: ["view_analytics"], fleetIds: ["F2", "F3"], expiresInDays: 7 };
    const { key, apiKey } = await keys.create(principal, input);
    expect(apiKey).toMatchObject({ name: "BI", userId: id, prefix: key.slice(0, 10) });
    expect(await accounts.authenticate(key)).toEqual({
      userId: id,
      username,
      tenantId: DEFAULT_TENANT,
      role: "FLEET_MANAGER",
      permissions: ["view_analytics"],
      vehicleIds: ["*"],
      fleetIds: ["F2"],
      credential: { kind: "api-key", id: apiKey.id },
    });
    const stored = JSON.stringify(await database.prisma.apiKey.findMany());
    expect(stored).not.toContain(key.slice(10));
    now = NOW + 8 * DAY;
    await expect(accounts.authenticate(key)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    now = NOW;
    await keys.revoke(principal, apiKey.id);
    await expect(accounts.authenticate(key)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("see nothing where user and key have no fleet in common", async () => {
    const { username } = await someone({ fleetIds: ["F1"] });
    const { key } = await keys.create(await as(username), { name: "none", fleetIds: ["F9"] });
    expect(await accounts.authenticate(key)).toMatchObject({ vehicleIds: [], fleetIds: [] });
  });

  it("lose what their user loses", async () => {
    const { id, username } = await someone({ roleId: "ADMIN", fleetIds: [] });
    const { key } = await keys.create(await as(username), { name: "all" });
    expect((await accounts.authenticate(key)).permissions).toEqual(["*"]);
    await users.update(SETUP, id, { roleId: "SUPPORT" });
    expect(await accounts.authenticate(key)).toMatchObject({ role: "SUPPORT" });
    await users.update(SETUP, id, { disabled: true });
    await expect(accounts.authenticate(key)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("give away nothing that their maker lacks, and make no keys", async () => {
    const { username } = await someone();
    const principal = await as(username);
    for (const permission of ["*", "manage_users", "no such thing"]) {
      await expect(keys.create(principal, { name: "more", permissions: [permission] })).rejects.toThrow("none of your");
    }
    const { key } = await keys.create(principal, { name: "first" });
    await expect(keys.create(await accounts.authenticate(key), { name: "second" })).rejects.toThrow("makes no keys");
  });

  it("of others can be ended by who manages users only", async () => {
    const [mine, other, admin] = [await someone(), await someone(), await someone({ roleId: "ADMIN", fleetIds: [] })];
    const { apiKey } = await keys.create(await as(mine.username), { name: "mine" });
    await expect(keys.revoke(await as(other.username), apiKey.id)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await keys.list(await as(other.username))).toEqual([]);
    expect((await keys.revoke(await as(admin.username), apiKey.id)).revokedAt).not.toBeNull();
  });

  it.each(["cnk_", "cnk_unknown", `cnk_${"A".repeat(43)}`])("are not made up: %s", async (key) => {
    await expect(accounts.authenticate(key)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

describe("several tenants", () => {
  it("are one account with several memberships, each with its own role and fleets", async () => {
    await tenants.create(SETUP, "acme", { name: "Acme" });
    await tenants.assignFleet(SETUP, "acme", "F7", "Seven");
    const { id, username } = await someone({ fleetIds: [] });
    const boss = systemActor("acme", "boss");
    await expect(users.update(boss, id, { roleId: "ADMIN" })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await users.invite(boss, id, { roleId: "EXECUTIVE" });
    const home = await signIn(username);
    const away = await accounts.refresh((await signIn(username)).refreshToken, "acme");
    expect(await accounts.authenticate(away.accessToken)).toMatchObject({ tenantId: "acme", role: "EXECUTIVE" });
    expect(standing.fleetsOf("acme")).toEqual({ own: new Set(["F7"]), ofOthers: new Set() });
    expect(standing.fleetsOf(DEFAULT_TENANT)).toEqual({ own: "*", ofOthers: new Set(["F7"]) });
    // The account itself stays with its own tenant.
    await expect(users.update(boss, id, { password: "taken over!" })).rejects.toMatchObject({ code: "FORBIDDEN" });
    await users.remove(boss, id);
    await expect(accounts.authenticate(away.accessToken)).rejects.toThrow();
    await accounts.authenticate(home.accessToken);
    await signIn(username);
  });

  it("are not entered without a membership, and trying leaves the session alone", async () => {
    await tenants.create(SETUP, "closed", { name: "Closed" });
    const { username } = await someone();
    const { refreshToken } = await signIn(username);
    await expect(accounts.refresh(refreshToken, "closed")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await accounts.refresh(refreshToken, null);
  });

  it("can be closed: nobody acts in a disabled one", async () => {
    await tenants.create(SETUP, "gone", { name: "Gone" });
    const account = { username: "ann", password: PASSWORD, roleId: "ADMIN" };
    await users.create(systemActor("gone", "boss"), account);
    const { accessToken, refreshToken } = await accounts.login("gone", "ann", PASSWORD, NO_CLIENT);
    await tenants.update(SETUP, "gone", { disabled: true });
    await expect(accounts.authenticate(accessToken)).rejects.toThrow("this tenant is disabled");
    await expect(accounts.refresh(refreshToken, null)).rejects.toThrow();
    await expect(accounts.login("gone", "ann", PASSWORD, NO_CLIENT)).rejects.toThrow("Invalid credentials");
  });

  it("own a fleet alone", async () => {
    await tenants.create(SETUP, "first", { name: "First" });
    await tenants.create(SETUP, "second", { name: "Second" });
    await tenants.assignFleet(SETUP, "first", "F8", "Eight");
    await expect(tenants.assignFleet(SETUP, "second", "F8", "Mine")).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(tenants.releaseFleet(SETUP, "second", "F8")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await tenants.releaseFleet(SETUP, "first", "F8");
    expect(standing.fleetsOf("first").own).toEqual(new Set());
  });
});

describe("roles of a tenant's own", () => {
  it("grant some of a base role, never more, and change for everybody who has them", async () => {
    const role = await tenants.createRole(SETUP, "Analyst", "FLEET_MANAGER", ["view_analytics"]);
    const { username } = await someone({ roleId: role.id });
    const { accessToken, refreshToken } = await signIn(username);
    expect(await accounts.authenticate(accessToken)).toMatchObject({
      role: "FLEET_MANAGER",
      permissions: ["view_analytics"],
    });
    await tenants.updateRole(SETUP, role.id, ["view_analytics", "view_fleet"]);
    await expect(accounts.authenticate(accessToken)).rejects.toThrow("has changed since");
    const { user } = await accounts.refresh(refreshToken, null);
    expect(user.permissions.toSorted()).toEqual(["view_analytics", "view_fleet"]);
    await expect(tenants.deleteRole(SETUP, role.id)).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(tenants.createRole(SETUP, "More", "SUPPORT", ["manage_users"])).rejects.toThrow("cannot be granted");
    await expect(tenants.createRole(SETUP, "Analyst", "SUPPORT", [])).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(tenants.updateRole(SETUP, "ADMIN", [])).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(tenants.updateRole(systemActor("acme", "boss"), role.id, [])).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });

  it("let nobody reach beyond what they may do themselves", async () => {
    const role = await tenants.createRole(SETUP, "Clerk", "ADMIN", ["manage_users"]);
    const clerk = await as((await someone({ roleId: role.id, fleetIds: ["F1"] })).username);
    const admin = await someone({ roleId: "ADMIN", fleetIds: [] });
    const account = { username: "friend", password: PASSWORD, fleetIds: ["F1"] };
    await expect(users.create(clerk, { ...account, roleId: "ADMIN" })).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(users.create(clerk, { ...account, roleId: role.id, fleetIds: [] })).rejects.toMatchObject({
      code: "FORBIDDEN",
    });
    await expect(users.update(clerk, admin.id, { password: "mine from now on" })).rejects.toMatchObject({
      code: "FORBIDDEN",
    });
    await expect(users.update(clerk, clerk.userId, { roleId: "ADMIN" })).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect((await users.create(clerk, { ...account, roleId: role.id })).permissions).toEqual(["manage_users"]);
  });
});

describe("profiles", () => {
  const foreign = { userId: "user_elsewhere", username: null, tenantId: DEFAULT_TENANT, role: "SUPPORT" as const };
  const principal = { ...foreign, permissions: ["view_alerts"], vehicleIds: ["*"], fleetIds: [] };

  it("of a user known elsewhere only come from the token", async () => {
    expect(await accounts.me(principal)).toMatchObject({ id: "user_elsewhere", email: null, roleId: null });
  });

  it("of others are those of the same tenant", async () => {
    const { id, username } = await someone();
    expect((await accounts.profile(principal, id)).username).toBe(username);
    await expect(accounts.profile(principal, "nobody")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(accounts.profile({ ...principal, tenantId: "acme" }, id)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("making accounts", () => {
  it("keeps no password, only an argon2id hash", async () => {
    const { id } = await someone();
    expect((await members.find(DEFAULT_TENANT, id))?.user.passwordHash).toMatch(/^\$argon2id\$/);
  });

  it("is refused for a taken name, and done once where it is ensured", async () => {
    const { username } = await someone();
    const again = { username, password: PASSWORD, roleId: "FLEET_MANAGER" };
    await expect(users.create(SETUP, again)).rejects.toMatchObject({ code: "CONFLICT" });
    const before = await members.count(DEFAULT_TENANT, "FLEET_MANAGER");
    await users.ensure(SETUP, again);
    expect(await members.count(DEFAULT_TENANT, "FLEET_MANAGER")).toBe(before);
  });

  it.each([
    ["a short password", { password: "1234567" }, "at least 8"],
    ["an endless password", { password: "x".repeat(1025) }, "at most 1024"],
    ["a common password", { password: "password1" }, "tried first"],
    ["a common password in capitals", { password: "PASSWORD1" }, "tried first"],
    ["two letters over and over", { password: "abababababab" }, "tried first"],
    ["the name as password", { username: "somebody.new", password: "Somebody.New" }, "must not be"],
    ["a name with spaces", { username: "mia w" }, "1 to 100 letters"],
    ["an empty name", { username: "" }, "1 to 100 letters"],
    ["an address without a domain", { email: "mia" }, "an e-mail address"],
    ["a role that is not there", { roleId: "SUPERUSER" }, "no role"],
  ])("is refused for %s, saying why", async (_name, change, reason) => {
    const attempt = users.create(SETUP, {
      id: "user_new",
      username: "new",
      password: PASSWORD,
      roleId: "SUPPORT",
      ...change,
    });
    await expect(attempt).rejects.toMatchObject({ code: "BAD_USER_INPUT", message: expect.stringContaining(reason) });
    expect(await members.find(DEFAULT_TENANT, "user_new")).toBeNull();
  });

  it("leaves a tenant its last administrator", async () => {
    await tenants.create(SETUP, "lonely", { name: "Lonely" });
    const boss = systemActor("lonely", "boss");
    const { id } = await users.create(boss, { username: "only", password: PASSWORD, roleId: "ADMIN" });
    for (const attempt of [
      users.remove(boss, id),
      users.update(boss, id, { disabled: true }),
      users.update(boss, id, { roleId: "SUPPORT" }),
    ]) {
      await expect(attempt).rejects.toMatchObject({ code: "CONFLICT" });
    }
    await users.create(boss, { username: "second", password: PASSWORD, roleId: "ADMIN" });
    await users.remove(boss, id);
  });
});
