import { createHmac, createSign, generateKeyPairSync } from "node:crypto";
import jwt from "jsonwebtoken";
import { beforeEach, describe, expect, it } from "vitest";
import { PublicError } from "../base/errors.js";
import { Tokens } from "./tokens.js";

const SECRET = "a secret of more than thirty-two characters";
const NOW = Date.parse("2026-07-14T12:00:00Z");
const SECONDS = NOW / 1000;
let now = NOW;
const tokens = new Tokens({
  secret: SECRET,
  algorithm: "HS256",
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

describe("a forged or broken token", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const signedBy = (sign: (text: string) => string, header: object): string => {
    const text = `${encode(header)}.${encode(CLAIMS)}`;
    return `${text}.${sign(text)}`;
  };
  const [head, payload, signature] = mint().split(".") as [string, string, string];
  const elevated = encode({ ...CLAIMS, role: "ADMIN" });

  const FORGED: Record<string, string> = {
    "alg none": signedBy(() => "", { alg: "none", typ: "JWT" }),
    "alg None": signedBy(() => "", { alg: "None", typ: "JWT" }),
    "alg none, signed": mint(CLAIMS, { alg: "none" }),
    "no alg": mint(CLAIMS, { typ: "JWT" }),
    "another HS algorithm": mint(CLAIMS, { alg: "HS512", typ: "JWT" }, "sha512"),
    "RS256 by a key of its own": signedBy(
      (text) => createSign("RSA-SHA256").update(text).sign(rsa.privateKey, "base64url"),
      { alg: "RS256", typ: "JWT" },
    ),
    "another secret": jwt.sign({ ...CLAIMS, iat: SECONDS }, "another secret of more than 32 characters"),
    "no signature": `${head}.${payload}.`,
    "a role changed after signing": `${head}.${elevated}.${signature}`,
    "an embedded jwk": mint(CLAIMS, { ...HEADER, jwk: { kty: "oct", k: Buffer.from(SECRET).toString("base64url") } }),
    "a jku": mint(CLAIMS, { ...HEADER, jku: "https://evil.example/keys" }),
    "an x5u": mint(CLAIMS, { ...HEADER, x5u: "https://evil.example/cert" }),
    "an x5c": mint(CLAIMS, { ...HEADER, x5c: [] }),
    "a critical extension": mint(CLAIMS, { ...HEADER, crit: ["exp"] }),
    "an unencoded payload": mint(CLAIMS, { ...HEADER, b64: false, crit: ["b64"] }),
    "b64 alone": mint(CLAIMS, { ...HEADER, b64: false }),
    compression: mint(CLAIMS, { ...HEADER, zip: "DEF" }),
    "another typ": mint(CLAIMS, { ...HEADER, typ: "at+jwt" }),
    "a typ that is no text": mint(CLAIMS, { ...HEADER, typ: ["JWT"] }),
    "another type, a refresh token": mint({ ...CLAIMS, type: "refresh" }),
    "another type, under its other name": mint({ ...CLAIMS, typ: "Refresh" }),
    "two segments": `${head}.${payload}`,
    "four segments": `${mint()}.x`,
    "nothing in it": "",
    "dots only": "..",
    "a header that is not JSON": `e30x.${payload}.${signature}`,
    "a header that is null": mint(CLAIMS, null),
    "a header that is a list": mint(CLAIMS, ["HS256"]),
    "a payload that is null": mint(null),
    "a payload that is text": mint("user_123"),
    "a trailing byte": `${mint()}A`,
    "trailing padding": `${mint()}=`,
    "a trailing line feed": `${mint()}\n`,
    "a leading space": ` ${mint()}`,
    "sixteen thousand characters and more": mint({ ...CLAIMS, vehicle_ids: Array<string>(2000).fill("V00000001") }),
  };

  it.each(Object.entries(FORGED))("is refused: %s", async (_name, token) => {
    await expectRefused(token);
  });

  const BAD_CLAIMS: Record<string, object> = {
    "no exp": { exp: undefined },
    "an exp as text": { exp: String(SECONDS + 60) },
    "an exp of null": { exp: null },
    "an exp long ago": { exp: 1 },
    "a negative exp": { exp: -1 },
    "an exp beyond all calendars": { exp: 1e300 },
    "an exp in milliseconds": { exp: NOW + 60_000 },
    "an iat in the future": { iat: SECONDS + 6 },
    "an iat as text": { iat: String(SECONDS) },
    "an nbf in the future": { nbf: SECONDS + 6 },
    "an unknown role": { role: "SUPERUSER" },
    "a role of another case": { role: "admin" },
    "a role that every object has": { role: "constructor" },
    "no role": { role: undefined },
    "no user": { user_id: undefined },
    "an empty user": { user_id: "" },
    "a user that is a number": { user_id: 123 },
    "vehicles as text": { vehicle_ids: "*" },
    "permissions as text": { permissions: "*" },
    "an empty tenant": { tenant_id: "" },
    "a tenant that is not served here": { tenant_id: "acme" },
  };

  it.each(Object.entries(BAD_CLAIMS))("is refused: %s", async (_name, claims) => {
    await expectRefused(mint({ ...CLAIMS, ...claims }));
  });

  /** Always the same code, and never a word about what would be right. */
  async function expectRefused(token: string): Promise<void> {
    let refusal: unknown;
    try {
      await tokens.verify(token);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(PublicError);
    expect(refusal).toMatchObject({ code: "UNAUTHENTICATED", httpStatus: 401 });
    expect(String(refusal)).toMatch(/^PublicError: Not signed in: the token/);
    expect(String(refusal)).not.toContain(SECRET);
  }
});
