import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SERVICE_NAMES } from "../src/upstream/index.js";
import { type ClickHouseServer, HAS_CLICKHOUSE, startClickHouse } from "./support/chdb.js";
import { type Gateway, startGateway } from "./support/gateway.js";
import { Relay } from "./support/proxy.js";

const urls = Object.fromEntries(SERVICE_NAMES.map((name) => [name, "http://127.0.0.1:9"]));
const COUNT = `{ metrics(ids: ["events.events"], range: { start: "2026-01-01", end: "2026-01-31" }) {
  series { total { value } } freshness { cached } } }`;
const BOTH = `{ metricCatalogue { id } ${COUNT.slice(1)}`;
const TABLE = "/api/v1/metrics/table?ids=events.events&start=2026-01-01&end=2026-01-31";

describe.skipIf(!HAS_CLICKHOUSE)("while the event store is away", () => {
  let clickHouse: ClickHouseServer;
  let relay: Relay;
  let gateway: Gateway;
  beforeAll(async () => {
    clickHouse = await startClickHouse();
    const url = new URL(`${clickHouse.url}/crowsnest`);
    relay = new Relay(url.hostname, Number(url.port));
    await relay.open();
    url.hostname = "127.0.0.1";
    url.port = String(relay.port);
    gateway = await startGateway({ urls } as never, { CLICKHOUSE_URL: url.href });
  }, 60_000);
  afterAll(async () => {
    await gateway?.stop();
    await relay?.cut();
    await clickHouse?.stop();
  });

  const take = (user: string) =>
    gateway.send("POST", "/v1/events", [{ type: "trip_ended", user, time: "2026-01-05T12:00:00Z" }]);

  it("takes events in, says of questions that they cannot be answered, and is exact when it is back", async () => {
    expect((await take("a")).status).toBe(200);
    await gateway.app.events.stored();
    const asked = { series: [{ total: { value: 1 } }], freshness: { cached: false } };
    expect((await gateway.graphql(COUNT)).body.data.metrics).toMatchObject(asked);
    await relay.cut();

    expect((await take("b")).status).toBe(200);
    // A kept answer may be out of date by now, and nothing can tell.
    const { body } = await gateway.graphql(BOTH);
    expect(body.data).toEqual({ metricCatalogue: expect.arrayContaining([{ id: "events.events" }]), metrics: null });
    expect(body.errors).toMatchObject([{ path: ["metrics"], extensions: { code: "SERVICE_UNAVAILABLE" } }]);
    const refused = await gateway.get(TABLE);
    expect(refused).toMatchObject({ status: 503, body: { code: "SERVICE_UNAVAILABLE" } });
    expect(refused.headers["retry-after"]).toBeDefined();
    expect((await gateway.get("/health/live", null)).status).toBe(200);

    await relay.open();
    await gateway.app.events.stored();
    expect((await gateway.graphql(COUNT)).body.data.metrics).toMatchObject({ series: [{ total: { value: 2 } }] });
    expect((await gateway.get(TABLE)).status).toBe(200);
  }, 60_000);
});
