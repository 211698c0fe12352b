import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, type Reply, startGateway, tokenFor } from "./support/gateway.js";
import { NOWHERE } from "./support/standins.js";

const WRITE_KEY = "a-public-write-key";

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway(NOWHERE, { WRITE_KEYS: WRITE_KEY });
});
afterAll(() => gateway.stop());

interface Sent {
  readonly path?: string;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
  readonly token?: string | null;
}

/** `body` as it is when it is text or bytes, else as JSON. */
async function send({ path = "/v1/events", body, headers = {}, token = tokenFor("SUPPORT") }: Sent): Promise<Reply> {
  const isRaw = typeof body === "string" || Buffer.isBuffer(body);
  const response = await gateway.app.server.inject({
    method: "POST",
    url: path,
    headers: { ...(token && { authorization: `Bearer ${token}` }), "content-type": "application/json", ...headers },
    payload: isRaw ? body : JSON.stringify(body),
  });
  return { status: response.statusCode, headers: response.headers, body: response.json() };
}

/** What is stored about this user. */
async function stored(userId: string) {
  await gateway.app.events.stored();
  const query = `query ($userId: ID!) { events(filter: { userId: $userId }, first: 500) {
    nodes { id type time receivedAt origin subject session properties amount { value currency } place { city latitude } } } }`;
  const { body } = await gateway.graphql(query, { userId });
  return body.data.events.nodes;
}

const event = (user: string, more: Record<string, unknown> = {}) => ({
  type: "page_view",
  user,
  properties: {},
  ...more,
});

describe("POST /api/analytics/ingest", () => {
  const path = "/api/analytics/ingest";
  const click = { ts: "2024-01-01T12:00:00Z", user_id: "user-123", type: "click", src: "web_app", payload: { a: 1 } };

  it("takes in an array and tells how many", async () => {
    const reply = await send({ path, body: [click, { ...click, ts: "2024-01-01T12:01:00Z" }] });
    expect(reply).toMatchObject({ status: 200, body: { ingested: 2 } });
    const events = await stored("user-123");
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({ type: "click", time: "2024-01-01T12:00:00Z", properties: { a: 1 } });
  });

  it("stores the same batch twice when it comes twice without a key", async () => {
    const body = [{ ...click, user_id: "twice" }];
    await send({ path, body });
    await send({ path, body });
    expect(await stored("twice")).toHaveLength(2);
  });

  it("takes an empty array", async () => {
    expect(await send({ path, body: [] })).toMatchObject({ status: 200, body: { ingested: 0 } });
  });

  it("takes 1,000 and refuses 1,001 with nothing stored", async () => {
    const many = Array.from({ length: 1001 }, () => ({ ...click, user_id: "many" }));
    expect(await send({ path, body: many })).toMatchObject({ status: 413, body: { detail: "batch too large" } });
    expect(await stored("many")).toHaveLength(0);
    expect(await send({ path, body: many.slice(1) })).toMatchObject({ status: 200, body: { ingested: 1000 } });
  });

  it("refuses the whole batch and lists every fault", async () => {
    const body = [
      { ...click, user_id: "faulty" },
      { ...click, user_id: "faulty", ts: "yesterday" },
      { ts: click.ts, user_id: 7, type: "click" },
    ];
    const reply = await send({ path, body });
    expect(reply.status).toBe(422);
    const places = reply.body.detail.map(({ loc }: { loc: unknown[] }) => loc.join("."));
    expect(places).toEqual(expect.arrayContaining(["body.1.ts", "body.2.user_id", "body.2.payload"]));
    for (const { msg, type } of reply.body.detail) expect([typeof msg, typeof type]).toEqual(["string", "string"]);
    expect(await stored("faulty")).toHaveLength(0);
  });

  it.each([
    ["an object", click, 422],
    ["no JSON", "[{", 400],
    ["nothing", "", 400],
  ])("refuses %s", async (_, body, status) => {
    expect((await send({ path, body })).status).toBe(status);
  });
});

describe("POST /api/analytics/track", () => {
  const path = "/api/analytics/track";
  const tracked = { success: true, message: "Event tracked successfully" };

  it("takes the type from the body", async () => {
    const body = { event_type: "document_processed", event_data: { processing_time_ms: 1500 }, user_id: "doc-1" };
    expect(await send({ path, body })).toMatchObject({ status: 200, body: tracked });
    expect((await stored("doc-1"))[0]).toMatchObject({
      type: "document_processed",
      properties: { processing_time_ms: 1500 },
    });
  });

  it("takes the type from the query, and the body as data", async () => {
    const url = `${path}?event_type=processing_error&user_id=doc-2&service_name=pdf`;
    expect(await send({ path: url, body: { error_type: "ocr" } })).toMatchObject({ status: 200, body: tracked });
    expect((await stored("doc-2"))[0]).toMatchObject({ type: "processing_error", properties: { error_type: "ocr" } });
  });

  it.each([
    ["no type", {}],
    ["data that is no object", { event_type: "error", event_data: [1] }],
  ])("refuses %s with 422", async (_, body) => {
    const reply = await send({ path, body });
    expect(reply.status).toBe(422);
    expect(reply.body.detail[0].loc[0]).toBe("body");
  });
});

describe("POST /v1/events", () => {
  it("takes one, an array, NDJSON and gzip", async () => {
    const lines = [event("ways"), event("ways")].map((each) => JSON.stringify(each)).join("\n");
    const replies = [
      await send({ body: event("ways") }),
      await send({ body: [event("ways")] }),
      await send({ body: lines, headers: { "content-type": "application/x-ndjson" } }),
      await send({ body: gzipSync(JSON.stringify([event("ways")])), headers: { "content-encoding": "gzip" } }),
    ];
    expect(replies.map(({ body }) => body)).toEqual([1, 1, 2, 1].map((accepted) => ({ accepted, set_aside: 0 })));
    expect(await stored("ways")).toHaveLength(5);
  });

  it("takes CloudEvents: structured, batched and in headers", async () => {
    const cloud = (id: string) => ({
      ...{ specversion: "1.0", id, source: "/shop", type: "com.example.sold", subject: "order-1" },
      ...{ time: "2026-01-05T10:00:00Z", data: { user_id: "cloud" } },
    });
    const structured = { "content-type": "application/cloudevents+json" };
    const batched = { "content-type": "application/cloudevents-batch+json" };
    const binary = {
      ...{ "ce-specversion": "1.0", "ce-id": "3", "ce-source": "/shop", "ce-type": "com.example.sold" },
      ...{ "ce-time": "2026-01-05T10:00:00Z", "content-type": "application/json" },
    };
    expect((await send({ body: cloud("1"), headers: structured })).body).toEqual({ accepted: 1, set_aside: 0 });
    expect((await send({ body: [cloud("1"), cloud("2")], headers: batched })).status).toBe(200);
    expect((await send({ body: { user_id: "cloud" }, headers: binary })).status).toBe(200);
    const events = await stored("cloud");
    expect(events.map(({ id }: { id: string }) => id).sort()).toEqual(["/shop 1", "/shop 2", "/shop 3"]);
  });

  it("stores an id once, however often it is sent", async () => {
    for (let i = 0; i < 3; i++) expect((await send({ body: [event("once", { id: "once-1" })] })).status).toBe(200);
    await stored("once");
    await send({ body: [event("once", { id: "once-1" }), event("once", { id: "once-2" })] });
    expect(await stored("once")).toHaveLength(2);
  });

  it("replies to a repeated Idempotency-Key as the first time, and refuses another body under it", async () => {
    const headers = { "idempotency-key": "order-42" };
    const body = [event("keyed"), event("keyed")];
    const first = await send({ body, headers });
    const atOnce = await Promise.all([send({ body, headers }), send({ body, headers })]);
    await stored("keyed");
    const later = await send({ body, headers });
    for (const reply of [first, ...atOnce, later]) expect(reply).toMatchObject({ status: 200, body: { accepted: 2 } });
    expect(first.headers["idempotency-replayed"]).toBeUndefined();
    expect(later.headers["idempotency-replayed"]).toBe("true");
    expect(await stored("keyed")).toHaveLength(2);
    expect(await send({ body: [event("keyed")], headers })).toMatchObject({
      status: 422,
      body: { code: "BAD_USER_INPUT" },
    });
    expect(await stored("keyed")).toHaveLength(2);
  });

  it("keeps the time of the event and the time of receipt", async () => {
    await send({ body: event("late", { time: "2020-02-29T23:59:59.999+01:00" }) });
    const [late] = await stored("late");
    expect(late.time).toBe("2020-02-29T22:59:59.999Z");
    expect(Math.abs(Date.parse(late.receivedAt) - Date.now())).toBeLessThan(60_000);
  });

  it("lists the faults of all events by their index", async () => {
    const reply = await send({ body: [event("a"), { user: "a" }, { type: 7 }] });
    expect(reply.status).toBe(422);
    expect(reply.body.faults.map(({ path }: { path: unknown[] }) => path[0])).toEqual(expect.arrayContaining([1, 2]));
  });

  it.each([
    ["a body that is too large", { body: `[${" ".repeat(10 * 1024 * 1024)}]` }, 413],
    ["a gzip bomb", { body: gzipSync(Buffer.alloc(50 * 1024 * 1024)), headers: { "content-encoding": "gzip" } }, 413],
    ["what is no gzip", { body: "[]", headers: { "content-encoding": "gzip" } }, 400],
    ["another encoding", { body: "[]", headers: { "content-encoding": "br" } }, 415],
    ["an Idempotency-Key with spaces", { body: [], headers: { "idempotency-key": "a b" } }, 400],
    ["no token", { body: [], token: null }, 401],
    ["a wrong write key", { body: [], token: null, headers: { "x-write-key": "wrong-key" } }, 401],
  ])("refuses %s", async (_, sent, status) => {
    const reply = await send(sent);
    expect(reply.status).toBe(status);
    expect(typeof reply.body.detail).toBe("string");
  });

  it.each([
    ["a header", { headers: { "x-write-key": WRITE_KEY } }],
    [
      "the query, as beacons have it",
      { path: `/v1/events?write_key=${WRITE_KEY}`, headers: { "content-type": "text/plain" } },
    ],
  ])("takes a write key in %s", async (_, sent) => {
    expect((await send({ ...sent, body: [event("writer")], token: null })).status).toBe(200);
  });

  it("lets a write key do nothing else", async () => {
    const headers = { "x-write-key": WRITE_KEY };
    const reply = await send({ path: "/graphql", body: { query: "{ me { id } }" }, token: null, headers });
    expect(reply.status).toBe(401);
  });
});

describe("eventsIngest", () => {
  const INGEST =
    "mutation ($input: EventsIngestInput!) { eventsIngest(input: $input) { accepted errors { code field } } }";

  it("takes events in, or tells what is wrong with which", async () => {
    const good = { type: "page_view", userId: "graph", properties: { page: "/" } };
    const { body } = await gateway.graphql(INGEST, { input: { events: [good] } }, "TECHNICIAN");
    expect(body.data.eventsIngest).toEqual({ accepted: 1, errors: [] });
    expect(await stored("graph")).toMatchObject([{ origin: "graphql", properties: { page: "/" } }]);
    const bad = await gateway.graphql(INGEST, { input: { events: [good, { type: "" }] } });
    expect(bad.body.data.eventsIngest.accepted).toBe(0);
    expect(bad.body.data.eventsIngest.errors[0].field).toMatch(/^events\.1/);
    expect(await stored("graph")).toHaveLength(1);
  });
});

describe("dead letters", () => {
  const list = async () => {
    await gateway.app.events.settled();
    const query =
      "{ deadLetters { totalCount nodes { id kind eventType error attempts text origin faults { path } } } }";
    return (await gateway.graphql(query)).body.data.deadLetters;
  };
  const change = async (field: string, input: object, selection: string) =>
    (
      await gateway.graphql(
        `mutation ($input: ${field[0]?.toUpperCase()}${field.slice(1)}Input!) { ${field}(input: $input) { ${selection} } }`,
        { input },
      )
    ).body.data[field];

  it("keep what is set aside, can be looked at, tried again and purged", async () => {
    const lines = `${JSON.stringify(event("letters"))}\n{"type":\n${JSON.stringify({ type: "booking.cancelled", properties: {} })}`;
    const reply = await send({
      path: "/v1/events?faults=set-aside",
      body: lines,
      headers: { "content-type": "application/x-ndjson" },
    });
    expect(reply).toMatchObject({ status: 200, body: { accepted: 1, set_aside: 2 } });
    const { totalCount, nodes } = await list();
    expect(totalCount).toBe(2);
    expect(nodes.map(({ kind }: { kind: string }) => kind).sort()).toEqual(["JSON_DECODE", "VALIDATION"]);
    expect(nodes.map(({ text }: { text: string }) => text)).toContain('{"type":');
    expect(await change("deadLettersReplay", {}, "replayed failed")).toEqual({ replayed: 0, failed: 2 });
    const again = await list();
    expect(again.nodes.map(({ attempts }: { attempts: number }) => attempts)).toEqual([2, 2]);
    expect(await change("deadLettersPurge", { filter: { kind: "JSON_DECODE" } }, "purged")).toEqual({ purged: 1 });
    expect((await list()).totalCount).toBe(1);
    await change("deadLettersPurge", { filter: {} }, "purged");
    expect((await list()).totalCount).toBe(0);
  });
});

describe("erasing a subject", () => {
  it("deletes what there is of a user and tells so in the audit trail, without the id", async () => {
    await send({ body: [event("forget-me"), event("forget-me"), event("keep-me")] });
    expect(await stored("forget-me")).toHaveLength(2);
    const erase =
      'mutation { subjectErase(input: { userId: "forget-me" }) { erasure { id state } errors { message } } }';
    const { id } = (await gateway.graphql(erase)).body.data.subjectErase.erasure;
    const ask = `{ erasure(id: "${id}") { state deleted error } }`;
    await expect
      .poll(async () => (await gateway.graphql(ask)).body.data.erasure, { timeout: 15_000 })
      .toMatchObject({ state: "DONE", deleted: { events: 2 } });
    expect(await stored("forget-me")).toHaveLength(0);
    expect(await stored("keep-me")).toHaveLength(1);
    const audit = await gateway.graphql('{ auditLog(filter: { action: "subject.erased" }) { items { details } } }');
    expect(JSON.stringify(audit.body)).toContain('"events":2');
    expect(JSON.stringify(audit.body)).not.toContain("forget-me");
  });
});

describe("eventTypes", () => {
  it("lists every known type with schema and example", async () => {
    const { body } = await gateway.graphql(
      "{ eventTypes { name area schema example retentionDays } }",
      {},
      "TECHNICIAN",
    );
    expect(body.data.eventTypes.length).toBeGreaterThan(60);
    const location = body.data.eventTypes.find(({ name }: { name: string }) => name === "driver.location.updated");
    expect(location).toMatchObject({ area: "RIDES", retentionDays: 30, schema: { type: "object" } });
  });
});

describe("eventCounts", () => {
  it("counts events and users by hour and day", async () => {
    const at = (time: string, user: string) => event(user, { time, type: "counted" });
    await send({
      body: [at("2021-03-01T10:10:00Z", "a"), at("2021-03-01T10:50:00Z", "a"), at("2021-03-01T11:00:00Z", "b")],
    });
    await gateway.app.events.stored();
    const query = '{ eventCounts(filter: { types: ["counted"] }, granularity: HOUR) { start events users } }';
    expect((await gateway.graphql(query)).body.data.eventCounts).toEqual([
      { start: "2021-03-01T10:00:00Z", events: 2, users: 1 },
      { start: "2021-03-01T11:00:00Z", events: 1, users: 1 },
    ]);
  });
});
