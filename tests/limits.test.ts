import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auditServer } from "graphql-http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LOGIN_FAILURES } from "../src/auth/index.js";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";
import { HAS_REDIS, type RedisServer, startRedis } from "./support/redis.js";
import { NOWHERE } from "./support/standins.js";

const SECOND_USER = { username: "mia", password: "a fine password" };
type Started = Gateway & { base: string };

async function start(environment: Record<string, string> = {}): Promise<Started> {
  const gateway = await startGateway(NOWHERE, { RATE_LIMIT: "on", PORT: "0", HOST: "127.0.0.1", ...environment });
  await gateway.app.listen();
  return Object.assign(gateway, { base: `http://127.0.0.1:${gateway.app.port()}` });
}

const post = (base: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(base + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
const asAdmin = { authorization: `Bearer ${tokenFor("ADMIN")}` };
const graphql = (base: string, query: string, headers: Record<string, string> = asAdmin) =>
  post(base, "/graphql", { query }, headers);

describe("operations that are too large", () => {
  let gateway: Started;
  beforeAll(async () => {
    gateway = await start({ RATE_LIMIT: "off" });
  });
  afterAll(() => gateway?.stop());

  const fan = Array.from({ length: 25 }, (_, i) =>
    i < 24 ? `fragment F${i} on User { ...F${i + 1} ... on User { ...F${i + 1} } }` : "fragment F24 on User { id }",
  ).join(" ");
  const ABUSE: Record<string, string> = {
    "20,000 aliases": `{ ${Array.from({ length: 20_000 }, (_, i) => `a${i}: version`).join(" ")} }`,
    "a depth of 1,000": `{ vehicles { nodes ${"{ alerts { nodes { vehicle ".repeat(333)} { id } ${"} } }".repeat(333)} } }`,
    "30,000 directives": `{ version ${"@include(if: true) ".repeat(30_000)} }`,
    "a fragment fan-out of 2^24": `{ me { ...F0 } } ${fan}`,
  };

  it.each(
    Object.entries(ABUSE),
  )("%s: 400 before anything is executed, in no time, with a small answer", async (_name, query) => {
    const times: number[] = [];
    // What the smallest question takes: on a machine that is busy with other things, nothing is quick.
    const floors: number[] = [];
    for (let i = 0; i < 5; i++) {
      const askedAt = performance.now();
      await (await graphql(gateway.base, "{ version }")).text();
      floors.push(performance.now() - askedAt);
      const startedAt = performance.now();
      const response = await graphql(gateway.base, query);
      const text = await response.text();
      times.push(performance.now() - startedAt);
      expect(response.status).toBe(400);
      expect(text.length).toBeLessThan(10_000);
      expect(JSON.parse(text).errors[0].extensions.code).toMatch(
        /^(QUERY_TOO_COMPLEX|GRAPHQL_(PARSE|VALIDATION)_FAILED)$/,
      );
      expect(JSON.parse(text).data ?? null).toBeNull();
    }
    expect(Math.min(...times)).toBeLessThan(Math.max(50, 20 * Math.min(...floors)));
  });

  it("by their variables are refused as well", async () => {
    const query =
      "query ($n: Int) { vehicles(first: $n) { nodes { alerts(first: $n) { nodes { vehicle { claims(first: $n) { nodes { id } } } } } } } }";
    const response = await post(gateway.base, "/graphql", { query, variables: { n: 500 } }, asAdmin);
    expect([response.status, (await response.json()).errors[0].extensions]).toMatchObject([
      400,
      { code: "QUERY_TOO_COMPLEX", limit: 1_000_000 },
    ]);
  });

  it("are what the settings say", async () => {
    const strict = await start({ RATE_LIMIT: "off", QUERY_MAX_DEPTH: "1", QUERY_MAX_ALIASES: "1" });
    try {
      expect((await graphql(strict.base, "{ version }")).status).toBe(200);
      expect((await graphql(strict.base, "{ me { id } }")).status).toBe(400);
      expect((await graphql(strict.base, "{ a: version b: version }")).status).toBe(400);
    } finally {
      await strict.stop();
    }
  });
});

describe("rate limits", () => {
  it("tell what is left, refuse when nothing is, and count each user, key and address apart", async () => {
    const gateway = await start({ RATE_LIMIT_PER_MINUTE: "3", RATE_LIMIT_STRANGERS_PER_MINUTE: "2" });
    try {
      const me = (headers: Record<string, string>) => fetch(`${gateway.base}/api/v1/users/me`, { headers });
      const first = await me(asAdmin);
      expect(first.headers.get("ratelimit-limit")).toBe("3");
      expect(first.headers.get("ratelimit-remaining")).toBe("2");
      expect(Number(first.headers.get("ratelimit-reset"))).toBeGreaterThan(50);
      await me(asAdmin);
      expect((await graphql(gateway.base, "{ version }")).status).toBe(200);
      const refused = await me(asAdmin);
      expect([refused.status, refused.headers.get("ratelimit-remaining")]).toEqual([429, "0"]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await refused.json()).toMatchObject({
        code: "RATE_LIMITED",
        detail: expect.stringContaining("try again in"),
      });
      expect((await graphql(gateway.base, "{ version }")).status).toBe(429);
      expect((await me({ authorization: `Bearer ${tokenFor("SUPPORT")}` })).status).toBe(200);
      expect([(await me({})).status, (await me({})).status, (await me({})).status]).toEqual([401, 401, 429]);
      for (const path of ["/health/live", "/metrics", "/docs"]) {
        const { status } = await fetch(gateway.base + path);
        expect([200, 302], path).toContain(status);
      }
    } finally {
      await gateway.stop();
    }
  });

  it("take more for what costs more", async () => {
    const gateway = await start();
    try {
      const left = async (query: string) =>
        Number((await graphql(gateway.base, query)).headers.get("ratelimit-remaining"));
      const before = await left("{ version }");
      const after = await left("{ vehicles(first: 500) { nodes { alerts(first: 50) { nodes { id title } } } } }");
      expect(before - after).toBe(1 + Math.floor((1 + 500 * (1 + 1 + 50 * 3)) / 10_000));
    } finally {
      await gateway.stop();
    }
  });

  it("let events in by the thousands, by key and by user", async () => {
    const gateway = await start({
      WRITE_KEYS: "write-key-1",
      RATE_LIMIT_PER_MINUTE: "2",
      RATE_LIMIT_STRANGERS_PER_MINUTE: "2",
    });
    try {
      const event = { type: "page_view", properties: { page: "/" } };
      for (const headers of [{ "x-write-key": "write-key-1" }, asAdmin] as Record<string, string>[]) {
        for (let i = 0; i < 10; i++) {
          const response = await post(gateway.base, "/v1/events", [event], headers);
          expect([response.status, response.headers.get("ratelimit-limit")]).toEqual([200, "100000"]);
        }
      }
      const inQuery = await post(gateway.base, "/v1/events?write_key=write-key-1", [event]);
      expect([inQuery.status, inQuery.headers.get("ratelimit-limit")]).toEqual([200, "100000"]);
      // Keys that are made up have no points of their own.
      const statuses = [];
      for (let i = 0; i < 4; i++) {
        statuses.push((await post(gateway.base, "/v1/events", [event], { "x-write-key": `made-up-${i}` })).status);
      }
      expect(statuses).toEqual([401, 401, 429, 429]);
    } finally {
      await gateway.stop();
    }
  });

  it("can be off", async () => {
    const gateway = await start({ RATE_LIMIT: "off", RATE_LIMIT_PER_MINUTE: "1" });
    try {
      for (let i = 0; i < 5; i++) expect((await graphql(gateway.base, "{ version }")).status).toBe(200);
    } finally {
      await gateway.stop();
    }
  });

  it.skipIf(!HAS_REDIS)("are shared through Redis, and each process counts by itself while Redis is gone", async () => {
    let redis: RedisServer | undefined;
    const gateways: Started[] = [];
    try {
      redis = await startRedis();
      for (let i = 0; i < 2; i++) gateways.push(await start({ REDIS_URL: redis.url, RATE_LIMIT_PER_MINUTE: "4" }));
      const [one, two] = gateways as [Started, Started];
      const ask = async ({ base }: Started) => (await graphql(base, "{ version }")).status;
      expect([await ask(one), await ask(two), await ask(one), await ask(two)]).toEqual([200, 200, 200, 200]);
      expect([await ask(one), await ask(two)]).toEqual([429, 429]);
      await redis.kill();
      expect(await ask(one)).toBe(200);
      const statuses = [];
      for (let i = 0; i < 5; i++) statuses.push(await ask(one));
      expect(statuses.at(-1)).toBe(429);
      expect(await ask(two)).toBe(200);
    } finally {
      for (const gateway of gateways) await gateway.stop();
      await redis?.stop();
    }
  });
});

describe("guessing passwords", () => {
  let gateway: Started;
  beforeAll(async () => {
    gateway = await start({ RATE_LIMIT_STRANGERS_PER_MINUTE: "100000", TRUST_PROXY: "on" });
    const made = await post(gateway.base, "/api/v1/users", { ...SECOND_USER, role: "SUPPORT" }, asAdmin);
    expect(made.status).toBe(201);
    for (const username of ["off", "lucky", "alias"]) {
      await post(gateway.base, "/api/v1/users", { username, password: "a fine password", role: "SUPPORT" }, asAdmin);
    }
  });
  afterAll(() => gateway?.stop());

  let address = 0;
  const fromAnywhere = () => ({ "x-forwarded-for": `10.0.0.${++address % 250}` });
  const login = (username: string, password: string, headers: Record<string, string> = fromAnywhere()) =>
    post(gateway.base, "/api/v1/auth/login", { username, password }, headers);

  it.each([
    "mia",
    "nobody-of-that-name",
  ])("is stopped after ten failures, from wherever they come, alike for every name: %s", async (username) => {
    const statuses = [];
    for (let i = 0; i < LOGIN_FAILURES.account; i++) statuses.push((await login(username, "wrong")).status);
    expect(new Set(statuses)).toEqual(new Set([401]));
    const refused = await login(username.toUpperCase(), SECOND_USER.password);
    expect([refused.status, Number(refused.headers.get("retry-after")) > 60]).toEqual([429, true]);
    expect(await refused.json()).toMatchObject({
      code: "RATE_LIMITED",
      detail: "Too many failed attempts to sign in; try again later",
    });
  });

  it("is stopped at many names from one address", async () => {
    const here = { "x-forwarded-for": "10.9.9.9" };
    const statuses = await Promise.all(
      Array.from({ length: LOGIN_FAILURES.address + 20 }, async (_, i) => (await login(`guess${i}`, "x", here)).status),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(LOGIN_FAILURES.address);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
  });

  it("does not stop those who get it right now and then", async () => {
    for (let i = 0; i < 3; i++) {
      for (let n = 0; n < LOGIN_FAILURES.account - 1; n++) expect((await login("lucky", "wrong")).status).toBe(401);
      expect((await login("lucky", SECOND_USER.password)).status).toBe(200);
    }
  });

  it("gains nothing by aliases, by GraphQL beside REST, or by asking all at once", async () => {
    const aliases = Array.from(
      { length: 50 },
      (_, i) => `a${i}: login(username: "alias", password: "guess${i}") { accessToken }`,
    );
    const response = await graphql(gateway.base, `mutation { ${aliases.join(" ")} }`, fromAnywhere());
    const codes = (await response.json()).errors.map(
      (error: { extensions: { code: string } }) => error.extensions.code,
    );
    expect(codes.filter((code: string) => code === "UNAUTHENTICATED")).toHaveLength(LOGIN_FAILURES.account);
    expect(codes.filter((code: string) => code === "RATE_LIMITED")).toHaveLength(50 - LOGIN_FAILURES.account);
    expect((await login("alias", SECOND_USER.password)).status).toBe(429);
  });

  it("takes as long for an unknown user as for a wrong password and a disabled user", async () => {
    const unlimited = await start({ RATE_LIMIT: "off" });
    try {
      for (const username of ["known", "disabled"]) {
        await post(
          unlimited.base,
          "/api/v1/users",
          { username, password: "a fine password", role: "SUPPORT" },
          asAdmin,
        );
      }
      const users = await (await fetch(`${unlimited.base}/api/v1/users`, { headers: asAdmin })).json();
      const { user_id } = users.items.find((user: { username: string }) => user.username === "disabled");
      await fetch(`${unlimited.base}/api/v1/users/${user_id}`, {
        method: "PUT",
        headers: { "content-type": "application/json", ...asAdmin },
        body: JSON.stringify({ disabled: true }),
      });
      const ratio = async () => {
        const times: Record<string, number[]> = { unknown: [], known: [], disabled: [] };
        for (let i = 0; i < 30; i++) {
          for (const [username, list] of Object.entries(times)) {
            const startedAt = performance.now();
            const { status } = await post(unlimited.base, "/api/v1/auth/login", {
              username,
              password: "wrong password",
            });
            list.push(performance.now() - startedAt);
            expect(status).toBe(401);
          }
        }
        const medians = Object.values(times).map((list) => list.toSorted((a, b) => a - b)[15] ?? 0);
        return Math.max(...medians) / Math.min(...medians);
      };
      let best = await ratio();
      for (let again = 0; again < 3 && best > 1.25; again++) best = Math.min(best, await ratio());
      expect(best).toBeLessThan(1.25);
    } finally {
      await unlimited.stop();
    }
  });
});

describe("documents known beforehand", () => {
  const QUERY = "{ version }";
  const HASH = createHash("sha256").update(QUERY).digest("hex");
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "crowsnest-documents-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const extensions = JSON.stringify({ persistedQuery: { version: 1, sha256Hash: HASH } });
  const get = (base: string, parameters: Record<string, string>) =>
    fetch(`${base}/graphql?${new URLSearchParams(parameters)}`, {
      headers: { ...asAdmin, "apollo-require-preflight": "1" },
    });

  it("are learnt from whoever sends them, as Apollo's clients do", async () => {
    const gateway = await start();
    try {
      const unknown = await get(gateway.base, { extensions });
      expect((await unknown.json()).errors[0].extensions.code).toBe("PERSISTED_QUERY_NOT_FOUND");
      expect((await get(gateway.base, { query: QUERY, extensions })).status).toBe(200);
      expect(await (await get(gateway.base, { extensions })).json()).toMatchObject({
        data: { version: expect.any(String) },
      });
    } finally {
      await gateway.stop();
    }
  });

  it.each([
    ["by hash", { [HASH]: QUERY }],
    [
      "in Apollo's manifest",
      {
        format: "apollo-persisted-query-manifest",
        version: 1,
        operations: [{ id: HASH, name: "V", type: "query", body: QUERY }],
      },
    ],
  ])("are the only ones answered where a file lists them: %s", async (_name, manifest) => {
    const path = join(folder, "manifest.json");
    await writeFile(path, JSON.stringify(manifest));
    const gateway = await start({ TRUSTED_DOCUMENTS: path });
    try {
      for (const body of [
        { query: QUERY },
        { documentId: HASH },
        { documentId: `sha256:${HASH}` },
        { extensions: JSON.parse(extensions) },
      ]) {
        expect(await (await post(gateway.base, "/graphql", body, asAdmin)).json()).toMatchObject({
          data: { version: expect.any(String) },
        });
      }
      expect((await get(gateway.base, { extensions })).status).toBe(200);
      for (const body of [
        { query: "{ me { id } }" },
        { query: "{ version  }" },
        { documentId: "x" },
        {},
        { query: 1 },
        { extensions: {} },
      ]) {
        const refused = await post(gateway.base, "/graphql", body, asAdmin);
        expect([refused.status, (await refused.json()).code]).toEqual([400, "QUERY_NOT_TRUSTED"]);
      }
      expect((await fetch(`${gateway.base}/api/v1/users/me`, { headers: asAdmin })).status).toBe(200);
    } finally {
      await gateway.stop();
    }
  });

  it("must have the hash they are filed under", async () => {
    const path = join(folder, "wrong.json");
    await writeFile(path, JSON.stringify({ [HASH]: "{ me { id } }" }));
    await expect(start({ TRUSTED_DOCUMENTS: path })).rejects.toThrow("does not have that SHA-256");
  });
});

describe("GraphQL over HTTP", () => {
  /** Audits that are not met, and why. */
  const PREFLIGHT =
    "a GET needs a header that browsers ask permission for: cross-site request forgery stays impossible";
  const STATUS =
    "an operation that is refused before it runs is a 400 for every media type: proxies and monitors see it";
  const EXCEPTIONS: Record<string, string> = {
    "5A70": PREFLIGHT,
    D6D5: PREFLIGHT,
    "6A70": PREFLIGHT,
    "572B": STATUS,
    FDE2: STATUS,
    "7B9B": STATUS,
  };

  it("passes the audits of graphql-http, or says why not", async () => {
    const gateway = await start({ RATE_LIMIT: "off" });
    try {
      const results = await auditServer({
        url: `${gateway.base}/graphql`,
        fetchFn: (url: string, init: RequestInit) =>
          fetch(url, { ...init, headers: { ...asAdmin, ...(init?.headers as Record<string, string>) } }),
      });
      const missed = results.filter(({ status }) => status !== "ok");
      expect(results.length).toBeGreaterThanOrEqual(60);
      expect(
        missed
          .filter(({ id }) => !EXCEPTIONS[id])
          .map((result) => `${result.id} ${result.name}: ${"reason" in result ? result.reason : ""}`),
      ).toEqual([]);
      expect(missed.map(({ id }) => id).toSorted()).toEqual(Object.keys(EXCEPTIONS).toSorted());
    } finally {
      await gateway.stop();
    }
  });
});
