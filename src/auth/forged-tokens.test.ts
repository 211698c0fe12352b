import { createHmac, createSign, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import jwt from "jsonwebtoken";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PublicError } from "../base/errors.js";
import { KeyRing, OutsideKeys } from "./keys.js";
import { Tokens } from "./tokens.js";

const SECRET = "a secret of more than thirty-two characters";
const NOW = Date.parse("2026-07-14T12:00:00Z");
const SECONDS = NOW / 1000;
const ISSUER = "https://login.example";
const AUDIENCE = "crowsnest";

const pem = (key: KeyObject) =>
  key.export({ type: key.type === "private" ? "pkcs8" : "spki", format: "pem" }).toString();
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const olderRsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const outside = generateKeyPairSync("rsa", { modulusLength: 2048 });
const outsideEc = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const strangerEc = generateKeyPairSync("ec", { namedCurve: "prime256v1" });

let provider: Server;
let answers: object;
let gateways: Record<"HS256" | "RS256" | "ES256" | "JWKS", Tokens>;
const others = {
  expirySeconds: 3600,
  defaultTenant: "home",
  servesTenant: (id: string) => id === "home",
  clock: () => NOW,
};

function gateway(privateKey?: string, previous?: string, url?: string): Tokens {
  return new Tokens({
    keys: new KeyRing({ secret: SECRET, algorithm: "HS256", privateKey, previous }),
    outside: url ? { keys: new OutsideKeys(url), issuer: ISSUER, audience: AUDIENCE } : null,
    ...others,
  });
}

beforeAll(async () => {
  const jwk = (key: KeyObject, more: object) => ({ ...key.export({ format: "jwk" }), ...more });
  answers = {
    keys: [
      jwk(outside.publicKey, { kid: "out", alg: "RS256", use: "sig" }),
      jwk(outsideEc.publicKey, { kid: "out-ec", alg: "ES256", use: "sig" }),
      jwk(stranger.publicKey, { kid: "enc", alg: "RS256", use: "enc" }),
      jwk(strangerEc.publicKey, { kid: "mismatch", alg: "ES384" }),
      {
        kty: "oct",
        kid: "oct",
        k: Buffer.from("a public secret of thirty-two bytes").toString("base64url"),
        alg: "HS256",
      },
    ],
  };
  provider = createServer((_request, response) =>
    response.setHeader("content-type", "application/json").end(JSON.stringify(answers)),
  );
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks.json`;
  gateways = {
    HS256: gateway(),
    RS256: gateway(pem(rsa.privateKey), pem(olderRsa.publicKey)),
    ES256: gateway(pem(ec.privateKey), "a secret that was used before this one"),
    JWKS: gateway(undefined, undefined, url),
  };
});
afterAll(() => new Promise((resolve) => provider.close(resolve)));

const CLAIMS = { user_id: "user_123", role: "FLEET_MANAGER", vehicle_ids: ["*"], exp: SECONDS + 60 };
const OUTSIDE_CLAIMS = { ...CLAIMS, iss: ISSUER, aud: AUDIENCE };
const HEADER = { alg: "HS256", typ: "JWT" };
const b64 = (value: string | Buffer): string => Buffer.from(value as string).toString("base64url");
const json = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Text, so that it need not be what JSON.stringify would write. */
function mint(
  claims: unknown = CLAIMS,
  header: unknown = HEADER,
  hash = "sha256",
  key: string | Buffer = SECRET,
): string {
  const signed = `${b64(json(header))}.${b64(json(claims))}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest("base64url")}`;
}
function minted(
  private_: KeyObject,
  header: object,
  claims: unknown = CLAIMS,
  encoding: "ieee-p1363" | "der" = "ieee-p1363",
) {
  const signed = `${b64(json(header))}.${b64(json(claims))}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), { key: private_, dsaEncoding: encoding }).toString("base64url")}`;
}
function signedBy(header: object, signature: (text: string) => string | Buffer, claims: unknown = CLAIMS): string {
  const text = `${b64(json(header))}.${b64(json(claims))}`;
  return `${text}.${b64(signature(text))}`;
}

const [head, payload, signature] = mint().split(".") as [string, string, string];
const RS = { alg: "RS256", typ: "JWT" };
const ES = { alg: "ES256", typ: "JWT" };
const deep = `${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`;

/** Each is tried against every gateway. */
const FORGED: Record<string, string> = {
  "alg none": signedBy({ alg: "none", typ: "JWT" }, () => ""),
  "alg none, with a dot and nothing": `${b64('{"alg":"none"}')}.${payload}.`,
  "alg None": signedBy({ alg: "None" }, () => "x"),
  "alg NONE": signedBy({ alg: "NONE" }, () => "x"),
  "alg nOnE": signedBy({ alg: "nOnE" }, () => "x"),
  "alg none, signed": mint(CLAIMS, { alg: "none" }),
  "no alg": mint(CLAIMS, { typ: "JWT" }),
  "an empty alg": mint(CLAIMS, { alg: "" }),
  "an alg that is null": mint(CLAIMS, { alg: null }),
  "an alg that is a list": mint(CLAIMS, { alg: ["HS256"] }),
  "alg hs256": mint(CLAIMS, { alg: "hs256" }),
  "alg HS256 with a space": mint(CLAIMS, { alg: "HS256 " }),
  HS384: mint(CLAIMS, { alg: "HS384", typ: "JWT" }, "sha384"),
  HS512: mint(CLAIMS, { alg: "HS512", typ: "JWT" }, "sha512"),
  "RS512 by the gateway's own key": signedBy({ alg: "RS512" }, (text) =>
    createSign("RSA-SHA512").update(text).sign(rsa.privateKey),
  ),
  "PS256 by the gateway's own key": signedBy({ alg: "PS256" }, (text) =>
    sign("sha256", Buffer.from(text), { key: rsa.privateKey, padding: 6, saltLength: 32 }),
  ),
  "RS256 by a stranger's key": minted(stranger.privateKey, RS),
  "ES256 by a stranger's key": minted(strangerEc.privateKey, ES),
  "RS256 signed with the shared secret": mint(CLAIMS, RS),
  "HS256 with the public key as the secret": mint(CLAIMS, HEADER, "sha256", pem(rsa.publicKey)),
  "HS256 with the public key as the secret, without its last line feed": mint(
    CLAIMS,
    HEADER,
    "sha256",
    pem(rsa.publicKey).trim(),
  ),
  "HS256 with the public key in DER as the secret": mint(
    CLAIMS,
    HEADER,
    "sha256",
    rsa.publicKey.export({ type: "spki", format: "der" }),
  ),
  "HS256 with the public key in PKCS 1 as the secret": mint(
    CLAIMS,
    HEADER,
    "sha256",
    rsa.publicKey.export({ type: "pkcs1", format: "pem" }).toString(),
  ),
  "HS256 with the public JWK as the secret": mint(
    CLAIMS,
    HEADER,
    "sha256",
    JSON.stringify(rsa.publicKey.export({ format: "jwk" })),
  ),
  "HS256 with the modulus as the secret": mint(
    CLAIMS,
    HEADER,
    "sha256",
    String(rsa.publicKey.export({ format: "jwk" }).n),
  ),
  "HS256 with the elliptic public key as the secret": mint(CLAIMS, HEADER, "sha256", pem(ec.publicKey)),
  "HS256 with the provider's public key as the secret": mint(
    OUTSIDE_CLAIMS,
    { ...HEADER, kid: "out" },
    "sha256",
    pem(outside.publicKey),
  ),
  "HS256 with a secret that the provider publishes": mint(
    OUTSIDE_CLAIMS,
    { ...HEADER, kid: "oct" },
    "sha256",
    "a public secret of thirty-two bytes",
  ),
  "an empty secret": mint(CLAIMS, HEADER, "sha256", ""),
  "another secret": mint(CLAIMS, HEADER, "sha256", "another secret of more than 32 characters"),
  "the secret with a line feed": mint(CLAIMS, HEADER, "sha256", `${SECRET}\n`),
  "an ECDSA signature of zeros": signedBy(ES, () => Buffer.alloc(64)),
  "an ECDSA signature in DER": minted(ec.privateKey, ES, CLAIMS, "der"),
  "an RSA signature of zeros": signedBy(RS, () => Buffer.alloc(256)),
  "a key of the provider that is for encryption": minted(stranger.privateKey, { ...RS, kid: "enc" }, OUTSIDE_CLAIMS),
  "a key of the provider for another algorithm": minted(
    strangerEc.privateKey,
    { ...ES, kid: "mismatch" },
    OUTSIDE_CLAIMS,
  ),
  "one key of the provider under the name of another": minted(
    outsideEc.privateKey,
    { ...ES, kid: "out" },
    OUTSIDE_CLAIMS,
  ),
  "a key of the provider without a name": minted(outside.privateKey, RS, OUTSIDE_CLAIMS),
  "the provider's token for another audience": minted(
    outside.privateKey,
    { ...RS, kid: "out" },
    { ...OUTSIDE_CLAIMS, aud: "other" },
  ),
  "the provider's token without an audience": minted(outside.privateKey, { ...RS, kid: "out" }, CLAIMS),
  "the provider's token of another issuer": minted(
    outside.privateKey,
    { ...RS, kid: "out" },
    { ...OUTSIDE_CLAIMS, iss: "https://evil.example" },
  ),
  "a kid that is a path": mint(CLAIMS, { ...HEADER, kid: "../../../../dev/null" }, "sha256", ""),
  "a kid that is an absolute path": mint(
    CLAIMS,
    { ...HEADER, kid: "/proc/sys/kernel/randomize_va_space" },
    "sha256",
    "2",
  ),
  "a kid that is SQL": mint(CLAIMS, { ...HEADER, kid: "x' UNION SELECT 'key' --" }, "sha256", "key"),
  "a kid that is a URL": mint(CLAIMS, { ...HEADER, kid: "https://evil.example/key" }, "sha256", "key"),
  "a kid that is a command": mint(CLAIMS, { ...HEADER, kid: "|whoami" }, "sha256", "key"),
  "a kid with NUL": mint(CLAIMS, { ...HEADER, kid: "a\u0000b" }, "sha256", "a"),
  "a kid that every object has": mint(CLAIMS, { ...HEADER, kid: "__proto__" }, "sha256", "key"),
  "a kid that is a number": mint(CLAIMS, { ...HEADER, kid: 1 }),
  "a kid that is an object": mint(CLAIMS, { ...HEADER, kid: {} }),
  "a very long kid": mint(CLAIMS, { ...HEADER, kid: "k".repeat(201) }),
  "an embedded jwk": mint(CLAIMS, { ...HEADER, jwk: { kty: "oct", k: b64(SECRET) } }),
  "an embedded public jwk": minted(stranger.privateKey, { ...RS, jwk: stranger.publicKey.export({ format: "jwk" }) }),
  "a jku": minted(stranger.privateKey, { ...RS, jku: "https://evil.example/keys" }),
  "an x5u": minted(stranger.privateKey, { ...RS, x5u: "https://evil.example/cert" }),
  "an x5c": mint(CLAIMS, { ...HEADER, x5c: [] }),
  "an x5t": mint(CLAIMS, { ...HEADER, x5t: "x" }),
  "a critical extension": mint(CLAIMS, { ...HEADER, crit: ["exp"] }),
  "an empty list of critical extensions": mint(CLAIMS, { ...HEADER, crit: [] }),
  "an unencoded payload": mint(CLAIMS, { ...HEADER, b64: false, crit: ["b64"] }),
  "b64 alone": mint(CLAIMS, { ...HEADER, b64: false }),
  compression: mint(CLAIMS, { ...HEADER, zip: "DEF" }),
  "cty JWT, a token within a token": mint({ ...CLAIMS, exp: undefined, jwt: mint() }, { ...HEADER, cty: "JWT" }),
  "another typ": mint(CLAIMS, { ...HEADER, typ: "at+jwt" }),
  "a typ that is no text": mint(CLAIMS, { ...HEADER, typ: ["JWT"] }),
  "another type, a refresh token": mint({ ...CLAIMS, type: "refresh" }),
  "another type, an id token": mint({ ...CLAIMS, typ: "ID" }),
  "another type that is a list": mint({ ...CLAIMS, type: ["access"] }),
  "a role claimed twice": mint(`{"user_id":"u","role":"SUPPORT","role":"ADMIN","exp":${SECONDS + 60}}`),
  "a role claimed twice, once in other letters": mint(
    `{"user_id":"u","role":"SUPPORT","rol\\u0065":"ADMIN","exp":${SECONDS + 60}}`,
  ),
  "a claim twice deep within": mint(`{"user_id":"u","role":"SUPPORT","x":{"y":[{"z":1,"z":2}]},"exp":${SECONDS + 60}}`),
  "an alg given twice": mint(CLAIMS, '{"alg":"none","alg":"HS256"}'),
  "no signature": `${head}.${payload}.`,
  "half a signature": `${head}.${payload}.${signature.slice(0, 20)}`,
  "a role changed after signing": `${head}.${b64(json({ ...CLAIMS, role: "ADMIN" }))}.${signature}`,
  "another header after signing": `${b64('{"typ":"JWT","alg":"HS256"}')}.${payload}.${signature}`,
  "two segments": `${head}.${payload}`,
  "four segments": `${mint()}.x`,
  "five segments, encrypted": `${head}.a.b.c.d`,
  "nothing in it": "",
  "dots only": "..",
  "a header that is not JSON": `${b64("{x}")}.${payload}.${signature}`,
  "a header that is null": mint(CLAIMS, null),
  "a header that is a list": mint(CLAIMS, ["HS256"]),
  "a payload that is null": mint("null"),
  "a payload that is text": mint('"user_123"'),
  "a payload that is a list": mint([CLAIMS]),
  "a payload that is not UTF-8": (() => {
    const signed = `${head}.${b64(Buffer.concat([Buffer.from('{"user_id":"'), Buffer.from([0xff, 0xfe]), Buffer.from(`","role":"ADMIN","exp":${SECONDS + 60}}`)]))}`;
    return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
  })(),
  "a payload with a byte order mark": mint(`\ufeff${json(CLAIMS)}`),
  "a payload nested two thousand deep": mint(`{"user_id":"u","role":"ADMIN","x":${deep}}`),
  "a trailing byte": `${mint()}A`,
  "trailing padding": `${mint()}=`,
  "other bits in the last letter": `${head}.${payload}.${signature.slice(0, -1)}${String.fromCharCode(signature.charCodeAt(signature.length - 1) + 1)}`,
  "the signature in base64": mint({ ...CLAIMS, n: 3 }).replace(
    /[^.]+$/,
    (text) => `${text.replaceAll("-", "+").replaceAll("_", "/")}=`,
  ),
  "a trailing line feed": `${mint()}\n`,
  "a leading space": ` ${mint()}`,
  "a NUL at the end": `${mint()}\u0000`,
  "sixteen thousand characters and more": mint({ ...CLAIMS, vehicle_ids: Array<string>(2000).fill("V00000001") }),
  ...Object.fromEntries(
    Object.entries({
      "no exp": { exp: undefined },
      "an exp as text": { exp: String(SECONDS + 60) },
      "an exp of null": { exp: null },
      "an exp of true": { exp: true },
      "an exp long ago": { exp: 1 },
      "an exp of zero": { exp: 0 },
      "a negative exp": { exp: -1 },
      "an exp beyond all calendars": { exp: 1e300 },
      "an exp in milliseconds": { exp: NOW + 60_000 },
      "an iat in the future": { iat: SECONDS + 6 },
      "a negative iat": { iat: -1 },
      "an iat as text": { iat: String(SECONDS) },
      "an nbf in the future": { nbf: SECONDS + 6 },
      "an nbf as text": { nbf: "0" },
      "an nbf beyond all calendars": { nbf: 1e300 },
      "an unknown role": { role: "SUPERUSER" },
      "a role in other letters": { role: "Admin" },
      "a role that every object has": { role: "constructor" },
      "a role of null": { role: null },
      "a role that is a list": { role: ["ADMIN"] },
      "no user": { user_id: undefined },
      "an empty user": { user_id: "" },
      "a user that is a number": { user_id: 123 },
      "vehicles as text": { vehicle_ids: "*" },
      "permissions as text": { permissions: "*" },
      "an empty tenant": { tenant_id: "" },
      "a tenant that is not served here": { tenant_id: "acme" },
      "a version below zero": { ver: -1 },
    }).map(([name, change]) => [name, mint({ ...CLAIMS, ...change })]),
  ),
};

describe("a forged or broken token", () => {
  it("comes in sixty shapes and more", () => {
    expect(Object.keys(FORGED).length).toBeGreaterThan(100);
  });

  it.each(Object.entries(FORGED))("is refused: %s", async (name, token) => {
    for (const [which, tokens] of Object.entries(gateways)) {
      let refusal: unknown;
      try {
        await tokens.verify(token);
      } catch (error) {
        refusal = error;
      }
      expect(refusal, which).toBeInstanceOf(PublicError);
      expect(refusal, `${which}: ${name}`).toMatchObject({ code: "UNAUTHENTICATED", httpStatus: 401 });
      // Never a word about what would be right.
      expect(String(refusal)).toMatch(/^PublicError: Not signed in: the token('s claim [\w.]+)? (is|has) [a-z ]+$/);
    }
  });
});

describe("a good token", () => {
  const PRINCIPAL = {
    userId: "user_123",
    username: "mia",
    tenantId: "home",
    role: "FLEET_MANAGER" as const,
    permissions: ["view_fleet"],
    vehicleIds: ["V1"],
    fleetIds: ["F1"],
  };

  it.each(["HS256", "RS256", "ES256"] as const)("is what a gateway gives out itself: %s", async (name) => {
    const { accessToken } = gateways[name].issue(PRINCIPAL);
    const { alg, kid } = jwt.decode(accessToken, { complete: true })?.header ?? {};
    expect([alg, typeof kid]).toEqual([name, "string"]);
    expect((await gateways[name].verify(accessToken)).principal).toEqual(PRINCIPAL);
  });

  it.each([
    "HS256",
    "RS256",
    "ES256",
    "JWKS",
  ] as const)("is what others mint with the shared secret: %s", async (name) => {
    for (const header of [HEADER, { alg: "HS256" }, { ...HEADER, kid: "2026" }, { ...HEADER, kid: "" }]) {
      expect((await gateways[name].verify(mint(CLAIMS, header))).principal.userId).toBe("user_123");
    }
  });

  it("is what the identity provider signs, and no session of ours whatever it says", async () => {
    const claims = { ...OUTSIDE_CLAIMS, sid: "theirs", ver: 0 };
    for (const token of [
      minted(outside.privateKey, { ...RS, kid: "out" }, claims),
      minted(outsideEc.privateKey, { ...ES, kid: "out-ec" }, { ...claims, aud: ["other", AUDIENCE] }),
    ]) {
      expect(await gateways.JWKS.verify(token)).toMatchObject({
        principal: { userId: "user_123", role: "FLEET_MANAGER" },
        sessionId: null,
        version: null,
      });
    }
    await expect(gateways.HS256.verify(minted(outside.privateKey, { ...RS, kid: "out" }, claims))).rejects.toThrow();
  });

  it("is one of an earlier key for as long as the key is kept", async () => {
    const old = gateway(pem(olderRsa.privateKey)).issue(PRINCIPAL).accessToken;
    expect((await gateways.RS256.verify(old)).principal).toEqual(PRINCIPAL);
    gateways.RS256.replaceKeys(new KeyRing({ secret: SECRET, algorithm: "HS256", privateKey: pem(rsa.privateKey) }));
    await expect(gateways.RS256.verify(old)).rejects.toThrow("the token is not valid");
    expect(
      (await gateways.ES256.verify(mint(CLAIMS, HEADER, "sha256", "a secret that was used before this one"))).principal
        .userId,
    ).toBe("user_123");
  });
});

describe("keys", () => {
  it("that are public can be read by anybody, those that are not by nobody", () => {
    const [key, ...rest] = gateways.ES256.keys.publicKeys();
    expect(rest).toEqual([]);
    expect(key).toEqual({
      ...ec.publicKey.export({ format: "jwk" }),
      kid: expect.any(String),
      alg: "ES256",
      use: "sig",
    });
    expect(gateways.HS256.keys.publicKeys()).toEqual([]);
  });

  it.each([
    ["too short an RSA key", pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey)],
    ["another curve", pem(generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey)],
    ["a key of another kind", pem(generateKeyPairSync("ed25519").privateKey)],
    ["no key", "-----BEGIN NOTHING-----"],
  ])("are not %s", (_name, privateKey) => {
    expect(() => new KeyRing({ secret: SECRET, algorithm: "HS256", privateKey })).toThrow();
  });

  it("of a provider that does not answer are no reason to call a token false", async () => {
    const away = gateway(undefined, undefined, "http://127.0.0.1:9/jwks.json");
    const token = minted(outside.privateKey, { ...RS, kid: "out" }, OUTSIDE_CLAIMS);
    await expect(away.verify(token)).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    expect((await away.verify(mint())).principal.userId).toBe("user_123");
  });
});
