import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { AuditLog } from "../audit/index.js";
import { AuditEntries, type Database, DEFAULT_TENANT, openDatabase, Users } from "../db/index.js";
import { createLogger } from "../ops/logs.js";
import { createMetrics } from "../ops/metrics.js";
import { Accounts } from "./accounts.js";
import { type NewAccount, Registry } from "./registry.js";
import { Tokens } from "./tokens.js";

// An embedded Postgres takes seconds to start where other suites keep the machine busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const NOW = Date.parse("2026-07-14T12:00:00Z");
const MIA: NewAccount = {
  id: "user_mia",
  username: "mia",
  password: "correct horse",
  role: "FLEET_MANAGER",
  fleetIds: ["F1"],
};
let folder: string;
let database: Database;
let users: Users;
let accounts: Accounts;
let registry: Registry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-accounts-"));
  database = await openDatabase({ folder });
  const entries = new AuditEntries(database.prisma);
  users = new Users(database.prisma, entries);
  const clock = () => NOW;
  const log = createLogger("test", "silent");
  const secret = "a secret of more than thirty-two characters";
  const tokens = new Tokens({ secret, algorithm: "HS256", expirySeconds: 3600, defaultTenant: DEFAULT_TENANT, clock });
  accounts = new Accounts({ users, tokens, clock, log });
  registry = new Registry(users, new AuditLog(entries, clock, createMetrics(), log));
  await registry.create(DEFAULT_TENANT, MIA, "setup");
});
afterAll(async () => {
  accounts.stop();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

describe("signing in", () => {
  it("gives a token for the user, and remembers when", async () => {
    const { accessToken, expiresIn, tokenType, user } = await accounts.login(DEFAULT_TENANT, "mia", "correct horse");
    expect([expiresIn, tokenType]).toEqual([3600, "bearer"]);
    expect(user).toMatchObject({
      id: "user_mia",
      role: "FLEET_MANAGER",
      lastLoginAt: NOW,
      vehicleIds: ["*"],
      fleetIds: ["F1"],
    });
    const principal = accounts.authenticate(accessToken);
    expect(principal).toMatchObject({
      userId: "user_mia",
      username: "mia",
      tenantId: DEFAULT_TENANT,
      fleetIds: ["F1"],
    });
    expect(await accounts.me(principal)).toMatchObject({
      id: "user_mia",
      dashboards: ["fleet", "owner", "technician"],
      lastLoginAt: NOW,
    });
  });

  it("is refused alike to an unknown user, a wrong password, another tenant's user and a disabled one", async () => {
    await registry.ensure(DEFAULT_TENANT, { ...MIA, id: "user_gone", username: "gone" }, "setup");
    await database.prisma.user.update({ where: { id: "user_gone" }, data: { disabled: true } });
    const attempts: [tenant: string, username: string, password: string][] = [
      [DEFAULT_TENANT, "nobody", "correct horse"],
      [DEFAULT_TENANT, "mia", "wrong"],
      [DEFAULT_TENANT, "mia", ""],
      [DEFAULT_TENANT, "mia", "x".repeat(100_000)],
      [DEFAULT_TENANT, "MIA", "correct horse"],
      ["elsewhere", "mia", "correct horse"],
      [DEFAULT_TENANT, "gone", "correct horse"],
      [DEFAULT_TENANT, "nul\u0000", "correct horse"],
    ];
    for (const attempt of attempts) {
      await expect(accounts.login(...attempt), attempt[1]).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
        message: "Invalid credentials",
        details: {},
      });
    }
  });

  it("ends for a user who is disabled, whatever token there is", async () => {
    await registry.ensure(DEFAULT_TENANT, { ...MIA, id: "user_tom", username: "tom" }, "setup");
    const { accessToken } = await accounts.login(DEFAULT_TENANT, "tom", "correct horse");
    await accounts.start();
    expect(accounts.authenticate(accessToken).userId).toBe("user_tom");
    await database.prisma.user.update({ where: { id: "user_tom" }, data: { disabled: true } });
    accounts.stop();
    await accounts.start();
    expect(() => accounts.authenticate(accessToken)).toThrow("Not signed in: this user is disabled");
  });
});

describe("profiles", () => {
  const foreign = { userId: "user_elsewhere", username: null, tenantId: DEFAULT_TENANT, role: "SUPPORT" as const };
  const principal = { ...foreign, permissions: ["view_alerts"], vehicleIds: ["*"], fleetIds: [] };

  it("of a user known elsewhere only come from the token", async () => {
    expect(await accounts.me(principal)).toEqual({
      id: "user_elsewhere",
      username: null,
      email: null,
      role: "SUPPORT",
      permissions: ["view_alerts"],
      vehicleIds: ["*"],
      fleetIds: [],
      dashboards: ["fleet", "owner"],
      lastLoginAt: null,
    });
  });

  it("of others are those of the same tenant", async () => {
    expect((await accounts.profile(principal, "user_mia")).username).toBe("mia");
    await expect(accounts.profile(principal, "nobody")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(accounts.profile({ ...principal, tenantId: "elsewhere" }, "user_mia")).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });
});

describe("making accounts", () => {
  it("keeps no password, only an argon2id hash", async () => {
    expect((await users.byId(DEFAULT_TENANT, "user_mia"))?.passwordHash).toMatch(/^\$argon2id\$/);
  });

  it("is refused for a taken name, and done once where it is ensured", async () => {
    await expect(registry.create(DEFAULT_TENANT, { ...MIA, id: "user_mia2" }, "setup")).rejects.toMatchObject({
      code: "CONFLICT",
    });
    const before = await users.count(DEFAULT_TENANT, "FLEET_MANAGER");
    await registry.ensure(DEFAULT_TENANT, { ...MIA, id: "user_mia3" }, "setup");
    expect(await users.count(DEFAULT_TENANT, "FLEET_MANAGER")).toBe(before);
  });

  it.each([
    ["a short password", { password: "1234567" }, "at least 8"],
    ["an endless password", { password: "x".repeat(1025) }, "at most 1024"],
    ["a name with spaces", { username: "mia w" }, "1 to 100 letters"],
    ["an empty name", { username: "" }, "1 to 100 letters"],
  ])("is refused for %s, saying why", async (_name, change, reason) => {
    const attempt = registry.create(DEFAULT_TENANT, { ...MIA, id: "user_new", username: "new", ...change }, "setup");
    await expect(attempt).rejects.toMatchObject({ code: "BAD_USER_INPUT", message: expect.stringContaining(reason) });
    expect(await users.byId(DEFAULT_TENANT, "user_new")).toBeNull();
  });
});
