import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jwt from "jsonwebtoken";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ended, type RunningGateway, startProcess } from "./support/processes.js";

const SERVICES = Object.fromEntries(
  ["INGESTION", "HEALTH", "AGENT", "ALERT", "SCHEDULING", "WARRANTY"].map((name) => [
    `${name}_SERVICE_URL`,
    "http://127.0.0.1:9",
  ]),
);
const OLD = "the first secret, of more than 32 characters";
const NEW = "the second secret, of more than 32 characters";

const exp = Math.floor(Date.now() / 1000) + 3600;
const token = (secret: string, claims: object = {}) =>
  jwt.sign({ user_id: "u", role: "ADMIN", vehicle_ids: ["*"], exp, ...claims }, secret);

describe("tokens at the door", () => {
  let folder: string;
  let gateway: RunningGateway;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "crowsnest-tokens-"));
    await writeFile(join(folder, "secret"), OLD);
    const files = { JWT_SECRET_KEY_FILE: join(folder, "secret"), JWT_PREVIOUS_KEYS_FILE: join(folder, "previous") };
    await writeFile(join(folder, "previous"), "");
    gateway = await startProcess({ ...SERVICES, ...files, SWEEP: "off" });
  });
  afterAll(async () => {
    gateway.child.kill("SIGTERM");
    await ended(gateway.child);
    await rm(folder, { recursive: true, force: true });
  });

  const doors = (credential: string) => {
    const headers = { authorization: `Bearer ${credential}`, "content-type": "application/json" };
    const post = (path: string, body: unknown) =>
      fetch(gateway.base + path, { method: "POST", headers, body: JSON.stringify(body) });
    return Promise.all([
      fetch(`${gateway.base}/api/v1/users/me`, { headers }),
      post("/graphql", { query: "{ version }" }),
      post("/graphql", { query: "{ me { id } }" }),
      ...["/v1/events", "/api/analytics/ingest"].map((path) =>
        post(path, [{ type: "page_view", event_type: "page_view" }]),
      ),
    ]);
  };

  it.each([
    ["none", `${Buffer.from('{"alg":"none"}').toString("base64url")}.${token(OLD).split(".")[1]}.`],
    ["of another secret", token(NEW)],
    ["without an end", jwt.sign({ user_id: "u", role: "ADMIN" }, OLD)],
    ["that has expired", token(OLD, { exp: 1 })],
    ["for renewing", token(OLD, { type: "refresh" })],
    [
      "with a critical extension",
      jwt.sign({ user_id: "u", role: "ADMIN", exp }, OLD, { header: { alg: "HS256", crit: ["x"] } as never }),
    ],
    ["that is an API key", "cnk_made-up"],
    ["that is nothing", "x"],
  ])("are refused everywhere: one %s", async (_name, credential) => {
    for (const response of await doors(credential)) {
      expect([response.status, (await response.json()).code]).toEqual([401, "UNAUTHENTICATED"]);
    }
  });

  it("of the product's users, who have no role, may send events and read nothing of the fleet", async () => {
    const product = jwt.sign({ sub: "9", iat: exp - 3600, exp, type: "access", roles: [] }, OLD, { noTimestamp: true });
    const headers = { authorization: `Bearer ${product}`, "content-type": "application/json" };
    const sent = await fetch(`${gateway.base}/v1/events`, {
      method: "POST",
      headers,
      body: JSON.stringify([{ type: "page_view", properties: { page: "/" } }]),
    });
    expect(sent.status).toBe(200);
    for (const path of ["/api/v1/dashboards/fleet", "/api/v1/metrics/uptime", "/api/v1/audit/logs", "/api/v1/users"]) {
      expect((await fetch(gateway.base + path, { headers })).status, path).toBe(403);
    }
  });

  it("of new keys are good after SIGHUP, those of earlier ones as long as they are kept", async () => {
    const status = async (secret: string) =>
      (await fetch(`${gateway.base}/api/v1/users/me`, { headers: { authorization: `Bearer ${token(secret)}` } }))
        .status;
    const reload = async (secret: string, previous: string, wanted: [number, number]) => {
      await writeFile(join(folder, "secret"), secret);
      await writeFile(join(folder, "previous"), previous);
      gateway.child.kill("SIGHUP");
      await expect.poll(async () => [await status(OLD), await status(NEW)], { timeout: 10_000 }).toEqual(wanted);
    };
    expect([await status(OLD), await status(NEW)]).toEqual([200, 401]);
    await reload(NEW, OLD, [200, 200]);
    await reload(NEW, "", [401, 200]);
  });

  it("can be checked by others with the public keys, of which a shared secret is none", async () => {
    const response = await fetch(`${gateway.base}/.well-known/jwks.json`);
    expect([response.status, await response.json()]).toEqual([200, { keys: [] }]);
  });
});
