import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { killUnderReads } from "./support/audit-kills.js";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";
import { moments } from "./support/moments.js";
import { NOWHERE } from "./support/standins.js";

const SERVICES = Object.fromEntries(
  ["INGESTION", "HEALTH", "AGENT", "ALERT", "SCHEDULING", "WARRANTY"].map((name) => [
    `${name}_SERVICE_URL`,
    "http://127.0.0.1:9",
  ]),
);

it("loses no entry of an answered request over kills -9, and writes none twice", async () => {
  const DATA_DIR = await mkdtemp(join(tmpdir(), "crowsnest-audit-kill-"));
  try {
    const secret = { JWT_SECRET_KEY: "a-secret-for-tests-of-more-than-32-characters" };
    const { answered, written, sequence } = await killUnderReads({ ...SERVICES, ...secret, DATA_DIR }, 3, moments(1));
    expect(answered.length).toBeGreaterThanOrEqual(30);
    const known = new Set(written);
    expect(known.size).toBe(written.length);
    expect(answered.filter((mark) => !known.has(mark))).toEqual([]);
    expect(sequence).toEqual(sequence.map((_, i) => i + 1));
  } finally {
    await rm(DATA_DIR, { recursive: true, force: true });
  }
}, 120_000);

describe("a request", () => {
  let gateway: Gateway & { base: string };
  beforeAll(async () => {
    const started = await startGateway(NOWHERE, { PORT: "0", HOST: "127.0.0.1" });
    await started.app.listen();
    gateway = Object.assign(started, { base: `http://127.0.0.1:${started.app.port()}` });
  });
  afterAll(() => gateway?.stop());

  const authorization = `Bearer ${tokenFor("ADMIN")}`;
  const entries = async (resource: string) => {
    const { body } = await gateway.get(`/api/v1/audit/logs?resource=${encodeURIComponent(resource)}`);
    return body.items as { status: number; action: string }[];
  };

  it.each([
    ["that succeeds", "GET", "/api/v1/users/me", undefined, { authorization }, 200],
    ["of a stranger", "GET", "/api/v1/sessions", undefined, {}, 401],
    ["with a false token", "GET", "/api/v1/roles", undefined, { authorization: "Bearer x" }, 401],
    ["for nothing there is", "GET", "/api/v1/no-such-thing", undefined, { authorization }, 404],
    ["that is no JSON", "POST", "/api/v1/auth/refresh", "{", { "content-type": "application/json" }, 400],
    [
      "that fails to sign in",
      "POST",
      "/api/v1/auth/login",
      '{"username":"x","password":"y"}',
      { "content-type": "application/json" },
      401,
    ],
    ["with faulty events", "POST", "/v1/events", "[{}]", { authorization, "content-type": "application/json" }, 422],
    [
      "over GraphQL",
      "POST",
      "/graphql",
      '{"query":"{ version }"}',
      { authorization, "content-type": "application/json" },
      200,
    ],
  ])("%s leaves one entry, there when the answer is", async (_name, method, path, body, headers, status) => {
    const before = (await entries(path)).length;
    const response = await fetch(gateway.base + path, {
      method,
      headers: headers as Record<string, string>,
      body: body ?? null,
    });
    expect(response.status).toBe(status);
    const after = await entries(path);
    expect(after.length - before).toBe(1);
    expect(after[0]?.status).toBe(status);
  });

  it("whose client hangs up leaves one entry", async () => {
    const path = "/api/v1/metrics/uptime";
    const socket = connect(gateway.app.port(), "127.0.0.1");
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    socket.destroy();
    await expect.poll(async () => (await entries(path)).length, { timeout: 10_000 }).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await entries(path)).toHaveLength(1);
  });

  it("that takes in events leaves none: the events are their own trail", async () => {
    const before = (await entries("/v1/events")).length;
    await gateway.send("POST", "/v1/events", [{ type: "page_view", properties: { page: "/" } }]);
    expect(await entries("/v1/events")).toHaveLength(before);
  });
});

describe.skipIf(process.getuid?.() !== 0)("with a full disk", () => {
  it("nothing is answered that cannot be audited, health is, and all is well once there is room", async () => {
    const folder = await mkdtemp(join(tmpdir(), "crowsnest-full-"));
    const spool = join(folder, "audit-spool");
    await mkdir(spool);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", spool]);
    const gateway = await startGateway(NOWHERE, { DATA_DIR: folder });
    try {
      expect((await gateway.get("/api/v1/users/me")).status).toBe(200);
      await writeFile(join(spool, "ballast"), Buffer.alloc(250 * 1024)).catch(() => undefined);
      const statuses = [];
      for (let i = 0; i < 60; i++) statuses.push((await gateway.get(`/api/v1/users/me?${"x".repeat(200)}`)).status);
      expect(statuses).toContain(503);
      const refused = await gateway.get("/api/v1/users/me");
      if (refused.status === 503) {
        expect(refused.body).toMatchObject({ code: "SERVICE_UNAVAILABLE", detail: expect.stringContaining("audited") });
      }
      expect((await gateway.get("/health/live")).status).toBe(200);
      await rm(join(spool, "ballast"), { force: true });
      await expect.poll(async () => (await gateway.get("/api/v1/users/me")).status, { timeout: 20_000 }).toBe(200);
    } finally {
      await gateway.stop();
      execFileSync("umount", [spool]);
      await rm(folder, { recursive: true, force: true });
    }
  });
});
