import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Role } from "../src/domain/access/roles.js";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";
import { HAS_UPSTREAMS, startUpstreams, type Upstreams } from "./support/standins.js";

const LIST = "{ vehicles(first: 20) { totalCount nodes { id make health { score components { type score } } } } }";
const DASHBOARD = "/api/v1/dashboards/fleet?start_date=2015-06-01&end_date=2015-06-30";

describe.skipIf(!HAS_UPSTREAMS)("whole answers", () => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  let alone: Gateway;
  beforeAll(async () => {
    upstreams = await startUpstreams("--bulk");
    [gateway, alone] = await Promise.all([
      startGateway(upstreams, { HOST: "127.0.0.1", PORT: "0" }),
      startGateway(upstreams, { RESPONSE_CACHE_MAX_BYTES: "0" }),
    ]);
    await gateway.app.listen();
  }, 60_000);
  afterAll(async () => {
    await gateway?.stop();
    await alone?.stop();
    await upstreams?.stop();
  });

  const ask = async (
    url: string,
    payload?: object,
    { claims = {}, role = "FLEET_MANAGER" as Role, of = gateway, headers = {} } = {},
  ) => {
    const reply = await of.app.server.inject({
      method: payload ? "POST" : "GET",
      url,
      headers: { authorization: `Bearer ${tokenFor(role, claims)}`, ...headers },
      ...(payload && { payload }),
    });
    return { status: reply.statusCode, headers: reply.headers, text: reply.body, shared: reply.headers["x-cache"] };
  };
  const list = (claims = {}, role: Role = "FLEET_MANAGER") => ask("/graphql", { query: LIST }, { claims, role });
  /** Asked until it is kept: the first one fetches, the second one is made of what is there. */
  const keep = async () => {
    await list({ user_id: "first" });
    await list({ user_id: "second" });
  };

  it("are given again to others with the same rights, and to nobody else", async () => {
    await keep();
    const third = await list({ user_id: "third" });
    expect(third).toMatchObject({ status: 200, shared: "HIT" });
    expect(third.headers).toMatchObject({
      "content-type": "application/json; charset=utf-8",
      etag: expect.stringMatching(/^"[\w-]{27}"$/),
      "cache-control": "private, max-age=300",
      age: expect.stringMatching(/^\d+$/),
      vary: expect.stringContaining("Authorization"),
    });
    expect(third.text).toBe((await ask("/graphql", { query: LIST }, { of: alone })).text);
    expect((await list({ user_id: "third", vehicle_ids: ["V001"] })).shared).toBeUndefined();
    expect((await list({ user_id: "third", permissions: ["view_fleet"] })).shared).toBeUndefined();
    expect((await list({ user_id: "third" }, "ADMIN")).shared).toBeUndefined();
    expect((await list({ user_id: "third" }, "EXECUTIVE")).text).toContain("FORBIDDEN");
    const reply = await gateway.app.server.inject({ method: "POST", url: "/graphql", payload: { query: LIST } });
    expect(reply.statusCode).toBe(401);
  });

  it("differ by everything that is asked", async () => {
    const query = "query ($first: Int!) { vehicles(first: $first) { nodes { id } } }";
    const sizes = new Set<number>();
    for (const first of [1, 2, 3, 1, 2, 3, 1, 2, 3]) {
      const { text } = await ask("/graphql", { query, variables: { first } });
      sizes.add(JSON.parse(text).data.vehicles.nodes.length);
      expect(JSON.parse(text).data.vehicles.nodes).toHaveLength(first);
    }
    expect(sizes).toEqual(new Set([1, 2, 3]));
    const two = "query A { vehicles(first: 1) { nodes { id } } } query B { vehicles(first: 2) { nodes { id } } }";
    for (const [operationName, n] of [
      ["A", 1],
      ["B", 2],
      ["A", 1],
      ["B", 2],
      ["A", 1],
    ] as const) {
      const { text } = await ask("/graphql", { query: two, operationName });
      expect(JSON.parse(text).data.vehicles.nodes).toHaveLength(n);
    }
  });

  it("are what everybody would get without sharing, whoever asks in whichever order", async () => {
    const queries = [
      LIST,
      "{ vehicles(first: 3) { nodes { id vin ownerId warranty { daysRemaining } } } }",
      '{ vehicle(id: "V001") { id vin ownerId alerts(first: 2) { nodes { title } } } }',
      '{ fleetHealth(range: { start: "2015-06-01", end: "2015-06-30" }) { averageHealthScore } }',
      '{ ownerDashboard(userId: "test_VEHICLE_OWNER") { userId vehicles { vehicleId } } }',
      "{ me { id role } }",
    ];
    const callers: [Role, object][] = [
      ["FLEET_MANAGER", {}],
      ["FLEET_MANAGER", { vehicle_ids: ["V001", "V002"] }],
      ["SUPPORT", {}],
      ["TECHNICIAN", {}],
      ["TECHNICIAN", { user_id: "another" }],
      ["VEHICLE_OWNER", { vehicle_ids: ["V001"] }],
      ["VEHICLE_OWNER", { vehicle_ids: ["V002"] }],
      ["EXECUTIVE", {}],
      ["ADMIN", {}],
    ];
    const shared = new Set<unknown>();
    for (let round = 0; round < 3; round++) {
      for (const query of queries) {
        for (const [role, claims] of callers) {
          const asked = [{ query }, { role, claims }] as const;
          const [mine, theirs] = await Promise.all([
            ask("/graphql", ...asked),
            ask("/graphql", asked[0], { ...asked[1], of: alone }),
          ]);
          expect(JSON.parse(mine.text), `${query} ${role} ${JSON.stringify(claims)}`).toEqual(JSON.parse(theirs.text));
          shared.add(mine.shared);
        }
      }
    }
    expect(shared).toContain("HIT");
  });

  it("are not found by their old rights once those have changed", async () => {
    await keep();
    expect((await list()).shared).toBe("HIT");
    const create =
      'mutation { roleCreate(input: { name: "x", base: TECHNICIAN, permissions: [] }) { errors { code } } }';
    expect((await gateway.graphql(create)).body.errors).toBeUndefined();
    expect((await list()).shared).toBeUndefined();
  });

  it("go with what they show: by an event, a change, a refresh", async () => {
    const event = { type: "vehicle.health.changed", vehicle_id: "V001" };
    const payload = { ...event, component: "engine", previous_score: 0.9, health_score: 0.1, status: "critical" };
    const about = async (id: string) =>
      (await ask("/graphql", { query: `{ vehicle(id: "${id}") { id health { score } } }` })).shared;
    for (let i = 0; i < 3; i++) await Promise.all([about("V001"), about("V002")]);
    expect([await about("V001"), await about("V002")]).toEqual(["HIT", "HIT"]);
    const sent = await gateway.send("POST", "/v1/events", [
      { type: payload.type, subject: "V001", properties: payload },
    ]);
    expect(sent.status).toBe(200);
    expect([await about("V001"), await about("V002")]).toEqual([undefined, "HIT"]);

    await about("V001");
    expect(await about("V001")).toBe("HIT");
    const order = { vehicle_id: "V001", service_type: "engine_repair", scheduled_at: "2016-02-01T09:00:00Z" };
    // Whatever comes of it: even what was refused may have changed something.
    await gateway.send("POST", "/api/v1/appointments", order);
    expect(await about("V001")).toBeUndefined();

    await about("V001");
    expect(await about("V001")).toBe("HIT");
    await ask("/graphql", { query: '{ vehicle(id: "V001", refresh: true) { id health { score } } }' });
    expect(await about("V001")).toBeUndefined();
  });

  it("that lack something are not kept", async () => {
    const fresh = await startGateway(upstreams, { UPSTREAM_BREAKER_SECONDS: "1" });
    try {
      await upstreams.fail("warranty", "503");
      for (let i = 0; i < 3; i++) {
        const { text, headers } = await ask(DASHBOARD, undefined, { of: fresh });
        expect(headers).toMatchObject({ "cache-control": "no-store" });
        expect(headers.etag).toBeUndefined();
        expect(JSON.parse(text).warnings).not.toEqual([]);
      }
    } finally {
      await upstreams.fail("warranty", "");
      await fresh.stop();
    }
  });

  it("are asked for once by many at the same time", async () => {
    const fresh = await startGateway(upstreams);
    try {
      const hundred = () =>
        Promise.all(
          Array.from({ length: 100 }, (_, i) =>
            ask("/graphql", { query: LIST }, { of: fresh, claims: { user_id: `u${i}` } }),
          ),
        );
      await ask("/graphql", { query: LIST }, { of: fresh });
      await fresh.send("POST", "/v1/events", [{ type: "vehicle.health.changed", subject: "V001", properties: {} }]);
      const replies = await hundred();
      expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
      expect(replies.filter(({ shared }) => shared === "HIT").length).toBe(99);
    } finally {
      await fresh.stop();
    }
  });

  it("are a line in the audit trail for each who gets them", async () => {
    await keep();
    const before = (await gateway.get("/api/v1/audit/logs?limit=1")).body.total;
    for (let i = 0; i < 5; i++) expect((await list({ user_id: `reader${i}` })).shared).toBe("HIT");
    const { body } = await gateway.get("/api/v1/audit/logs?limit=5");
    expect(
      body.items.map((item: { actor: { user_id: string }; action: string; details: object }) => [
        item.actor.user_id,
        item.action,
        item.details,
      ]),
    ).toEqual([4, 3, 2, 1, 0].map((i) => [`reader${i}`, "graphql.query", { fields: ["vehicles"] }]));
    expect(body.total).toBeGreaterThanOrEqual(before + 5);
  });

  it("are not sent to who has them already", async () => {
    for (const url of [DASHBOARD, `/graphql?query=${encodeURIComponent(LIST)}`]) {
      const headers = { "apollo-require-preflight": "1" };
      await ask(url, undefined, { headers });
      const { headers: given, text } = await ask(url, undefined, { headers });
      expect(text).not.toBe("");
      const again = await ask(url, undefined, { headers: { ...headers, "if-none-match": String(given.etag) } });
      expect(again).toMatchObject({ status: 304, text: "", headers: { etag: given.etag } });
      const other = await ask(url, undefined, { headers: { ...headers, "if-none-match": '"other"' } });
      expect(other).toMatchObject({ status: 200, text });
    }
  });

  it.each([
    ["kept", "POST", "/graphql", LIST],
    ["not kept", "POST", "/graphql", "{ me { id } }"],
    ["of REST", "GET", "/api/v1/users/me", null],
    ["downloaded", "GET", "/api/v1/metrics/table?ids=events.events", null],
  ])("are not written to clients that have gone meanwhile: %s", async (_what, method, path, query) => {
    await keep();
    const { port } = gateway.app.server.server.address() as { port: number };
    const body = query === null ? "" : JSON.stringify({ query });
    const request = [
      `${method} ${path} HTTP/1.1`,
      "host: localhost",
      `authorization: Bearer ${tokenFor("FLEET_MANAGER")}`,
      ...(body === "" ? [] : ["content-type: application/json", `content-length: ${body.length}`]),
    ].join("\r\n");
    for (let round = 0; round < 20; round++) {
      const sockets = Array.from({ length: 50 }, () => connect(port, "127.0.0.1"));
      await Promise.all(sockets.map((socket) => once(socket, "connect")));
      for (const socket of sockets) socket.write(`${request}\r\n\r\n${body}`);
      // Once the first is answered, others are being audited.
      await Promise.race(sockets.map((socket) => once(socket, "data")));
      for (const socket of sockets) socket.destroy();
    }
    await sleep(100);
    expect((await list()).shared).toBe("HIT");
  });

  it("of whatever is not kept may be kept by nobody", async () => {
    expect((await gateway.get("/api/v1/users/me")).headers["cache-control"]).toBe("no-store");
    expect((await gateway.graphql("{ me { id } }")).headers["cache-control"]).toBe("no-store");
  });
});
