import { createHmac } from "node:crypto";
import jwt from "jsonwebtoken";
import { beforeEach, describe, expect, it } from "vitest";
import { KeyRing } from "./keys.js";
import { Tokens } from "./tokens.js";

const SECRET = "a secret of more than thirty-two characters";
const NOW = Date.parse("2026-07-14T12:00:00Z");
const SECONDS = NOW / 1000;
let now = NOW;
const tokens = new Tokens({
  keys: new KeyRing({ secret: SECRET, algorithm: "HS256" }),
  outside: null,
  expirySeconds: 3600,
  defaultTenant: "home",
  servesTenant: (id) => id === "home",
  clock: () => now,
});

beforeEach(() => {
  now = NOW;
});

const CLAIMS = { user_id: "user_123", role: "FLEET_MANAGER", vehicle_ids: ["*"], exp: SECONDS + 60 };
const HEADER = { alg: "HS256", typ: "JWT" };
const PRINCIPAL = {
  userId: "user_123",
  username: "mia",
  tenantId: "home",
  role: "FLEET_MANAGER" as const,
  permissions: ["view_fleet"],
  vehicleIds: ["V1"],
  fleetIds: ["F1"],
};

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token with any header and claims, properly signed with the shared secret. */
function mint(claims: unknown = CLAIMS, header: unknown = HEADER, hash = "sha256"): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createHmac(hash, SECRET).update(signed).digest("base64url")}`;
}

describe("a good token", () => {
  it("of our own tells who asks, exactly as issued, until it expires", async () => {
    const { accessToken, expiresIn } = tokens.issue(PRINCIPAL);
    expect(expiresIn).toBe(3600);
    expect((await tokens.verify(accessToken)).principal).toEqual(PRINCIPAL);
    now = NOW + 3600_000;
    expect((await tokens.verify(accessToken)).principal).toEqual(PRINCIPAL);
    now = NOW + 3605_000;
    await expect(tokens.verify(accessToken)).rejects.toThrow("Not signed in: the token has expired");
  });

  it("is looked at once, and remembered for as long as it holds", async () => {
    const { accessToken } = tokens.issue(PRINCIPAL);
    expect(tokens.recall(accessToken)).toBeUndefined();
    const verified = await tokens.verify(accessToken);
    expect(await tokens.verify(accessToken)).toBe(verified);
    expect(tokens.recall(accessToken)).toBe(verified);
    now = NOW + 3605_000;
    expect(tokens.recall(accessToken)).toBeUndefined();
    now = NOW;
    await tokens.verify(accessToken);
    tokens.replaceKeys(new KeyRing({ secret: SECRET, algorithm: "HS256" }));
    expect(tokens.recall(accessToken)).toBeUndefined();
  });

  it("minted elsewhere is as good", async () => {
    expect((await tokens.verify(jwt.sign({ ...CLAIMS, iat: SECONDS }, SECRET))).principal).toEqual({
      userId: "user_123",
      username: null,
      tenantId: "home",
      role: "FLEET_MANAGER",
      permissions: ["view_fleet", "view_analytics", "manage_appointments", "generate_reports"],
      vehicleIds: ["*"],
      fleetIds: [],
    });
  });

  it("with permissions has these and not its role's, even when they are none", async () => {
    expect((await tokens.verify(mint({ ...CLAIMS, permissions: ["view_fleet"] }))).principal.permissions).toEqual([
      "view_fleet",
    ]);
    expect((await tokens.verify(mint({ ...CLAIMS, permissions: [] }))).principal.permissions).toEqual([]);
  });

  it("without vehicles sees none", async () => {
    const { vehicle_ids: _, ...claims } = CLAIMS;
    expect((await tokens.verify(mint(claims))).principal.vehicleIds).toEqual([]);
  });

  it.each([
    ["names its user as sub", { user_id: undefined, sub: "user_123" }, HEADER],
    ["names its key", {}, { ...HEADER, kid: "2026" }],
    ["has no typ", {}, { alg: "HS256" }],
    ["was made by a clock a little ahead", { iat: SECONDS + 5, nbf: SECONDS + 5 }, HEADER],
    ["says that it is for access", { type: "access", typ: "Bearer" }, HEADER],
    ["names its tenant", { tenant_id: "home" }, HEADER],
  ])("is one that %s", async (_name, claims, header) => {
    expect((await tokens.verify(mint({ ...CLAIMS, ...claims }, header))).principal.userId).toBe("user_123");
  });
});

describe("tokens of the services that are replaced", () => {
  it("make their administrator one here", async () => {
    const claims = { user_id: "7", email: "a@b.c", role: "admin", exp: SECONDS + 60, type: "access" };
    expect((await tokens.verify(mint(claims))).principal).toMatchObject({
      userId: "7",
      role: "ADMIN",
      permissions: ["*"],
      vehicleIds: ["*"],
    });
  });

  it.each([
    ["of a user", { user_id: "8", role: "user", exp: SECONDS + 60 }],
    ["without a role", { sub: "9", iat: SECONDS, exp: SECONDS + 60, type: "access", roles: [] }],
    [
      "without a role, whatever it claims besides",
      { sub: "9", exp: SECONDS + 60, permissions: ["*"], vehicle_ids: ["*"] },
    ],
  ])("let their people sign in and own nothing: %s", async (_name, claims) => {
    expect((await tokens.verify(mint(claims))).principal).toMatchObject({ permissions: [], vehicleIds: [] });
  });
});

describe("sessions", () => {
  it("are named by tokens, with the version of what they were given out for", async () => {
    const { accessToken } = tokens.issue(PRINCIPAL, { sessionId: "s1", version: 3 });
    expect(await tokens.verify(accessToken)).toMatchObject({
      principal: { ...PRINCIPAL, credential: { kind: "session", id: "s1" } },
      sessionId: "s1",
      version: 3,
    });
  });
});
