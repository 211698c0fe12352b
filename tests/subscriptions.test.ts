import { type AddressInfo, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type Gateway, startGateway, tokenFor } from "./support/gateway.js";
import { HAS_UPSTREAMS, NOWHERE, startUpstreams, type Upstreams } from "./support/standins.js";

interface Payload {
  data?: { eventAccepted: { type: string; userId?: string | null; subject?: string | null } } | null;
  errors?: readonly { message: string; extensions?: Record<string, unknown> }[];
}

interface Stream {
  readonly results: Payload[];
  /** Resolves when it has ended, with why where that was an error. */
  readonly ended: Promise<unknown>;
  close(): void;
}

const QUERY = "subscription ($filter: LiveEventFilter) { eventAccepted(filter: $filter) { type userId subject } }";

describe("subscriptions", () => {
  let gateway: Gateway;
  let upstreams: Upstreams | null;
  let port: number;
  beforeAll(async () => {
    upstreams = HAS_UPSTREAMS ? await startUpstreams() : null;
    gateway = await startGateway(upstreams ?? NOWHERE);
    await gateway.app.server.listen({ port: 0, host: "127.0.0.1" });
    port = (gateway.app.server.server.address() as AddressInfo).port;
  }, 60_000);
  afterAll(async () => {
    await gateway?.stop();
    await upstreams?.stop();
  });

  const ask = (query: string, variables = {}, of = gateway) => of.graphql(query, variables, "ADMIN");
  const ingest = (...events: Record<string, unknown>[]): Promise<void> => ingestInto(gateway, events);
  const ingestInto = async (of: Gateway, events: readonly Record<string, unknown>[]): Promise<void> => {
    const { body } = await ask(
      "mutation ($events: [EventInput!]!) { eventsIngest(input: { events: $events }) { accepted errors { message } } }",
      { events },
      of,
    );
    expect(body.data.eventsIngest).toEqual({ accepted: events.length, errors: [] });
  };

  const overSse = (variables = {}, token = tokenFor("ADMIN"), query = QUERY): Stream => {
    const client = createSseClient({
      url: `http://127.0.0.1:${port}/graphql/stream`,
      headers: { authorization: `Bearer ${token}` },
      retryAttempts: 0,
    });
    return read((sink) => client.subscribe({ query, variables }, sink));
  };
  const overWs = (variables = {}, token: string | null = tokenFor("ADMIN"), query = QUERY): Stream => {
    const client = createWsClient({
      url: `ws://127.0.0.1:${port}/graphql/stream`,
      webSocketImpl: WebSocket,
      connectionParams: token === null ? {} : { Authorization: `Bearer ${token}` },
      retryAttempts: 0,
    });
    return read((sink) => client.subscribe({ query, variables }, sink));
  };
  const open = () => gateway.app.events.live.subscribers;
  /** Subscribed, once the gateway knows of it. */
  const listening = async (subscribe: () => Stream): Promise<Stream> => {
    const before = open();
    const stream = subscribe();
    await eventually(() => open() > before);
    return stream;
  };

  for (const [name, over] of Object.entries({ "server-sent events": overSse, WebSocket: overWs })) {
    describe(`over ${name}`, () => {
      it("tell each event as it comes, in order and once, and only what was asked for", async () => {
        const all = await listening(() => over({ filter: { types: ["seen", "done"] } }));
        const one = await listening(() => over({ filter: { subject: "s2", userId: "u1" } }));
        await ingest(
          { type: "seen", userId: "u1", subject: "s1" },
          { type: "other", userId: "u1", subject: "s2" },
          { type: "done", userId: "u2", subject: "s2" },
        );
        await eventually(() => all.results.length >= 2 && one.results.length >= 1);
        await sleep(50);
        expect(all.results.map(({ data }) => data?.eventAccepted)).toEqual([
          { type: "seen", userId: "u1", subject: "s1" },
          { type: "done", userId: "u2", subject: "s2" },
        ]);
        expect(one.results.map(({ data }) => data?.eventAccepted.type)).toEqual(["other"]);
        for (const stream of [all, one]) stream.close();
        await eventually(() => open() === 0);
      });

      it("are for administrators, and for subscriptions alone", async () => {
        const cases = {
          "may not read Subscription.eventAccepted": over({}, tokenFor("FLEET_MANAGER")),
          'Cannot query field "nothing"': over({}, tokenFor("ADMIN"), "subscription { nothing }"),
          "is answered at /graphql": over({}, tokenFor("ADMIN"), "{ version }"),
          "Syntax Error": over({}, tokenFor("ADMIN"), "subscription {"),
          "String cannot represent": over({ filter: { types: 1.5 } }),
        };
        for (const [message, stream] of Object.entries(cases)) {
          const ended = await stream.ended;
          const messages = [...stream.results.flatMap(({ errors }) => errors ?? []), ...[ended ?? []].flat()];
          expect(messages.map((error) => (error as Error).message).join()).toContain(message);
          expect(stream.results.some(({ data }) => data?.eventAccepted)).toBe(false);
        }
        expect(open()).toBe(0);
      });

      it("end when the right to them ends", async () => {
        const { body } = await ask(
          'mutation { userCreate(input: { username: "reader_' +
            `${name.length}", password: "a-long-Enough-password-1!", roleId: "ADMIN" }) { user { id } errors { message } } }`,
        );
        expect(body.data.userCreate.errors).toEqual([]);
        const { accessToken } = (
          await gateway.graphql(
            `mutation { login(username: "reader_${name.length}", password: "a-long-Enough-password-1!") { accessToken } }`,
            {},
            null,
          )
        ).body.data.login;
        const stream = await listening(() => over({}, accessToken));
        await gateway.app.accounts.logout(await gateway.app.accounts.authenticate(accessToken), true);
        await ingest({ type: "after", userId: "u1" });
        await stream.ended;
        expect(stream.results.filter(({ data }) => data)).toEqual([]);
        expect(stream.results).toMatchObject([{ errors: [{ extensions: { code: "UNAUTHENTICATED" } }] }]);
        expect(open()).toBe(0);
      });

      it("leave a trail from the moment they begin", async () => {
        const stream = await listening(() => over({}, tokenFor("ADMIN", { user_id: `trail_${name.length}` })));
        const entries = async () =>
          (await ask(`{ auditLog(filter: { userId: "trail_${name.length}" }) { items { action details status } } }`))
            .body.data.auditLog.items;
        await eventually(async () => (await entries()).length > 0);
        expect(await entries()).toMatchObject([
          { action: "graphql.subscription", status: 200, details: { fields: ["eventAccepted"] } },
        ]);
        stream.close();
        await eventually(() => open() === 0);
      });
    });
  }

  it.skipIf(!HAS_UPSTREAMS)("tell nobody of another tenant's events, nor of vehicles that are not theirs", async () => {
    const { body } = await ask(
      'mutation { tenantCreate(input: { id: "other", name: "other", adminUsername: "boss", adminPassword: "a fine password" }) { errors { message } } }',
    );
    expect(body.data.tenantCreate.errors).toEqual([]);
    const theirs = await listening(() => overSse({}, tokenFor("ADMIN", { tenant_id: "other" })));
    const limited = await listening(() => overWs({}, tokenFor("ADMIN", { vehicle_ids: ["V001"] })));
    const health = (vehicle_id: string) => ({
      type: "vehicle.health.changed",
      properties: { vehicle_id, component: "engine", previous_score: 0.65, health_score: 0.41, status: "FAIR" },
      subject: vehicle_id,
    });
    await ingest({ type: "seen", subject: "V001" }, health("V002"), health("V001"));
    await eventually(() => limited.results.length > 0);
    await sleep(50);
    expect(limited.results.map(({ data }) => data?.eventAccepted)).toMatchObject([
      { type: "vehicle.health.changed", subject: "V001" },
    ]);
    expect(theirs.results).toEqual([]);
    for (const stream of [theirs, limited]) stream.close();
    await eventually(() => open() === 0);
  });

  it("need somebody who is signed in", async () => {
    const url = `http://127.0.0.1:${port}/graphql/stream?query=${encodeURIComponent("subscription{eventAccepted{type}}")}`;
    expect((await fetch(url, { headers: { accept: "text/event-stream" } })).status).toBe(401);
    expect((await fetch(url)).status).toBe(400);
    for (const stream of [overWs({}, null), overWs({}, "nonsense")]) {
      expect(await stream.ended).toMatchObject({ code: 4403 });
    }
  });

  it("are not mistaken for queries", async () => {
    const { status, body } = await ask(QUERY);
    expect(status).toBe(400);
    expect(body.errors[0].message).toContain("/graphql/stream");
  });

  /** 800 kB of events. */
  const fill = (of: Gateway) => {
    const filler = "x".repeat(8000);
    return ingestInto(
      of,
      Array.from({ length: 100 }, () => ({ type: "big", properties: { filler } })),
    );
  };
  /** Subscribes and reads nothing of what comes. */
  const unread = () => {
    const socket = connect(port, "127.0.0.1");
    const payload = JSON.stringify({ query: "subscription { eventAccepted { properties } }" });
    socket.on("error", () => undefined).pause();
    socket.write(
      `POST /graphql/stream HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n` +
        `authorization: Bearer ${tokenFor("ADMIN")}\r\ncontent-length: ${payload.length}\r\n\r\n${payload}`,
    );
    return socket;
  };

  it("do not fill the memory for those who do not read: they are told, and end", async () => {
    const socket = unread();
    await eventually(() => open() === 1);
    for (let batch = 0; batch < 120 && open() > 0; batch++) await fill(gateway);
    await eventually(() => open() === 0);
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-2000);
    });
    socket.resume();
    await eventually(() => text.includes("event: complete"));
    expect(text).toContain("STREAM_OVERFLOW");
    socket.destroy();
  }, 60_000);

  it("end when the gateway stops, and it stops at once", async () => {
    const other = await startGateway(NOWHERE);
    await other.app.server.listen({ port: 0, host: "127.0.0.1" });
    port = (other.app.server.server.address() as AddressInfo).port;
    const streams = [overSse(), overWs()];
    const socket = unread();
    await eventually(() => other.app.events.live.subscribers === 3);
    for (let batch = 0; batch < 15; batch++) await fill(other);
    const startedAt = performance.now();
    await other.stop();
    expect(performance.now() - startedAt).toBeLessThan(5000);
    await Promise.all(streams.map(({ ended }) => ended));
    socket.destroy();
    port = (gateway.app.server.server.address() as AddressInfo).port;
  });
});

type Sink = { next(value: unknown): void; error(error: unknown): void; complete(): void };

function read(subscribe: (sink: Sink) => () => void): Stream {
  const results: Payload[] = [];
  let close = (): void => undefined;
  const ended = new Promise<unknown>((resolve) => {
    close = subscribe({
      next: (value) => results.push(value as Payload),
      error: resolve,
      complete: () => resolve(null),
    });
  });
  return { results, ended, close: () => close() };
}

const eventually = (isSo: () => boolean | Promise<boolean>): Promise<void> =>
  expect.poll(async () => isSo(), { timeout: 3_000 }).toBe(true);
