import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SERVICE_NAMES } from "../src/upstream/index.js";
import { type ClickHouseServer, HAS_CLICKHOUSE, startClickHouse } from "./support/chdb.js";
import { type Gateway, startGateway } from "./support/gateway.js";
import { STANDINS } from "./support/standins.js";

const urls = Object.fromEntries(SERVICE_NAMES.map((name) => [name, "http://127.0.0.1:9"]));
const PAYLOADS = `${STANDINS}/payloads`;

const STORES = [
  { store: "DuckDB", server: null },
  ...(HAS_CLICKHOUSE ? [{ store: "ClickHouse", server: startClickHouse }] : []),
];

/** Strings that have broken other programs. */
function naughty(): string[] {
  if (!existsSync(PAYLOADS)) return ["' OR 1=1 --", "$p1", "{p1:String}", "\\", "\u202e"];
  const blns = JSON.parse(readFileSync(`${PAYLOADS}/blns.json`, "utf8")) as string[];
  return [
    ...blns.filter((text) => text !== "" && text.length <= 500).map((text) => text.toWellFormed()),
    "$p1",
    "{p1:String}",
  ];
}

describe.each(STORES)("questions over $store", ({ server }) => {
  let gateway: Gateway;
  let clickHouse: ClickHouseServer | undefined;
  beforeAll(async () => {
    clickHouse = await server?.();
    gateway = await startGateway(
      { urls } as never,
      clickHouse ? { CLICKHOUSE_URL: `${clickHouse.url}/crowsnest` } : {},
    );
  }, 60_000);
  afterAll(async () => {
    await gateway?.stop();
    await clickHouse?.stop();
  });

  const send = async (events: readonly object[]): Promise<void> => {
    for (let from = 0; from < events.length; from += 1000) {
      const { status, body } = await gateway.send("POST", "/v1/events", events.slice(from, from + 1000));
      expect({ status, body }).toMatchObject({ status: 200 });
    }
    await gateway.app.events.stored();
  };
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever was asked for.
  const ask = async (query: string, variables = {}, role: "ADMIN" | "EXECUTIVE" = "ADMIN"): Promise<any> => {
    const { body } = await gateway.graphql(query, variables, role);
    expect(body.errors).toBeUndefined();
    return body.data;
  };
  const JANUARY = 'range: { start: "2026-01-01", end: "2026-01-31" }';

  it("keeps an answer until what it rests on changes, and says how old it is", async () => {
    const question = `{ metrics(ids: ["events.events"], range: { start: "2026-01-01", end: "2026-01-31" }, filters: [{ dimension: "type", values: ["kept"] }]) {
      series { total { value } } freshness { cached ageSeconds computedAt } } }`;
    const narrow = `{ insights { activeUsers(types: ["kept"], ${JANUARY}) { days { dau } freshness { cached } } } }`;
    await send([{ type: "kept", user: "a", time: "2026-01-05T00:00:00Z" }]);
    expect((await ask(question)).metrics).toMatchObject({
      series: [{ total: { value: 1 } }],
      freshness: { cached: false },
    });
    expect((await ask(narrow)).insights.activeUsers.freshness.cached).toBe(false);
    expect((await ask(question)).metrics).toMatchObject({
      series: [{ total: { value: 1 } }],
      freshness: { cached: true },
    });
    // Neither of the type nor of the time that the second question is about.
    await send([
      { type: "other", user: "a", time: "2026-01-05T00:00:00Z" },
      { type: "kept", user: "b", time: "2026-03-05T00:00:00Z" },
    ]);
    expect((await ask(narrow)).insights.activeUsers.freshness.cached).toBe(true);
    await send([{ type: "kept", user: "b", time: "2026-01-06T00:00:00Z" }]);
    expect((await ask(question)).metrics).toMatchObject({
      series: [{ total: { value: 2 } }],
      freshness: { cached: false },
    });
    expect((await ask(narrow)).insights.activeUsers.freshness.cached).toBe(false);
    const again = await ask(question.replace("filters", "refresh: true, filters"));
    expect(again.metrics.freshness).toMatchObject({ cached: false, ageSeconds: 0 });
  });

  it("takes every string for a value, as filter, group, step and breakdown", { timeout: 120_000 }, async () => {
    const strings = [...new Set(naughty())];
    await send(
      strings.map((text, i) => ({
        type: "naughty",
        id: `n${i}`,
        user: "somebody",
        time: "2026-02-01T00:00:00Z",
        properties: { text },
      })),
    );
    const groups =
      await ask(`{ metrics(ids: ["events.events"], groupBy: ["properties.text"], limit: 10000, range: { start: "2026-02-01", end: "2026-02-01" },
      filters: [{ dimension: "type", values: ["naughty"] }]) { series { group total { value } } } }`);
    expect(new Set(groups.metrics.series.map(({ group }: { group: string[] }) => group[0]))).toEqual(new Set(strings));
    const query = `query ($text: String!) {
      metrics(ids: ["events.events"], range: { start: "2026-02-01", end: "2026-02-01" },
        filters: [{ dimension: "type", values: ["naughty"] }, { dimension: "properties.text", values: [$text] }, { dimension: "properties.text", operator: STARTS_WITH, values: [$text] }]) { series { total { value } } } }`;
    for (const text of strings.filter((_, i) => i % 5 === 0)) {
      expect((await ask(query, { text })).metrics.series[0].total.value, JSON.stringify(text)).toBe(1);
    }
    const sql = existsSync(`${PAYLOADS}/sql`)
      ? ["' OR '1'='1", "'; DROP TABLE events; --", "1) UNION SELECT * FROM users"]
      : [];
    for (const text of [...sql, "\"]') --", "a/~1b", "x'y"]) {
      const { body } = await gateway.graphql(
        `query ($text: String!) { metrics(ids: ["events.events"], groupBy: [$text], filters: [{ dimension: $text, operator: CONTAINS, values: [$text] }]) { truncated } }`,
        { text: `properties.${text}` },
      );
      expect(body.errors?.[0]?.extensions.code ?? "OK").toMatch(/^(OK|BAD_USER_INPUT)$/);
    }
    expect(
      (
        await ask(
          '{ metrics(ids: ["events.events"], range: { start: "2026-02-01", end: "2026-02-01" }) { series { total { value } } } }',
        )
      ).metrics.series[0].total.value,
    ).toBe(strings.length);
  });

  it("streams a table as CSV and NDJSON, page by page the same over GraphQL", async () => {
    const rows = 5000;
    await send(
      Array.from({ length: rows }, (_, i) => ({
        type: "table",
        user: `u${String(i).padStart(5, "0")}`,
        time: "2026-04-01T12:00:00Z",
        amount: { value: "0.10" },
        properties: { plan: i % 2 ? "=pro" : null },
      })),
    );
    const what =
      "ids=events.events,events.amount&group_by=user,properties.plan&granularity=day&start=2026-04-01&end=2026-04-01";
    const csv = await gateway.get(`/api/v1/metrics/table?${what}`);
    const lines = String(csv.body).replace("\ufeff", "").trimEnd().split("\n");
    expect(lines.slice(0, 3)).toEqual([
      "period_start,period,user,properties.plan,events.events,events.amount",
      "2026-04-01T00:00:00Z,2026-04-01,u00000,,1,0.1",
      "2026-04-01T00:00:00Z,2026-04-01,u00001,'=pro,1,0.1",
    ]);
    expect(lines).toHaveLength(rows + 1);
    const ndjson = String((await gateway.get(`/api/v1/metrics/table?${what}&format=ndjson`)).body)
      .trimEnd()
      .split("\n");
    const found = ndjson.map((line) => Object.values(JSON.parse(line)));
    const paged: unknown[] = [];
    for (let after: string | null = null; ; ) {
      const { metricTable } = await ask(
        `query ($after: String) { metricTable(ids: ["events.events", "events.amount"], groupBy: ["user", "properties.plan"], granularity: DAY, first: 1500, after: $after,
          range: { start: "2026-04-01", end: "2026-04-01" }) { rows endCursor hasNextPage columns { id type unit } } }`,
        { after },
      );
      paged.push(...metricTable.rows);
      after = metricTable.endCursor;
      expect(metricTable.hasNextPage).toBe(after !== null);
      if (after === null) break;
    }
    expect(paged).toEqual(found);
    const none = await gateway.get(
      "/api/v1/metrics/table?ids=events.events&group_by=user&start=2019-01-01&end=2019-01-02",
    );
    expect(String(none.body).replace("\ufeff", "").trim()).toBe("user,events.events");
  });

  it("leads from a figure to its users, and covers ids for those who may not know whose they are", async () => {
    await send(
      ["ada", "bob", "cyd"].flatMap((user, i) =>
        Array.from({ length: i + 1 }, (_, n) => ({
          type: "drill",
          user,
          time: `2026-05-0${n + 1}T12:00:00Z`,
          place: { country: i === 0 ? "DE" : "NG" },
        })),
      ),
    );
    const query = `{ metrics(ids: ["events.events"], groupBy: ["country"], limit: 2, granularity: DAY, range: { start: "2026-05-01", end: "2026-05-03" }, filters: [{ dimension: "type", values: ["drill"] }]) {
        series { group users(first: 1) { nodes { userId events } pageInfo { hasNextPage endCursor } } points { name value users(first: 3) { nodes { userId events } } } } } }`;
    const states = `{ insights { lifecycle(granularity: DAY, types: ["drill"], range: { start: "2026-05-01", end: "2026-05-03" }) { periods { name new returning dormant users(state: DORMANT, first: 3) { nodes { userId } } } } } }`;
    const { metrics } = await ask(query);
    const { insights } = await ask(states);
    const [nigeria] = metrics.series;
    expect(nigeria).toMatchObject({
      group: ["NG"],
      users: { nodes: [{ userId: "bob", events: 2 }], pageInfo: { hasNextPage: true } },
    });
    expect(
      nigeria.points.map(({ users }: { users: { nodes: { userId: string }[] } }) =>
        users.nodes.map(({ userId }) => userId),
      ),
    ).toEqual([["bob", "cyd"], ["bob", "cyd"], ["cyd"]]);
    expect(
      insights.lifecycle.periods.map((period: { new: number; returning: number; dormant: number }) => [
        period.new,
        period.returning,
        period.dormant,
      ]),
    ).toEqual([
      [3, 0, 0],
      [0, 2, 1],
      [0, 1, 1],
    ]);
    expect(insights.lifecycle.periods[1].users.nodes).toEqual([{ userId: "ada" }]);
    const covered = await ask(query, {}, "EXECUTIVE");
    expect(JSON.stringify(covered)).not.toMatch(/"(ada|bob|cyd)"/);
    const cursor = covered.metrics.series[0].users.pageInfo.endCursor;
    expect(Buffer.from(cursor, "base64url").toString()).not.toMatch(/ada|bob|cyd/);
    const behind = await ask(query.replace("users(first: 1)", `users(first: 1, after: "${cursor}")`), {}, "EXECUTIVE");
    expect(behind.metrics.series[0].users.nodes).toMatchObject([{ events: 3 }]);
    const table = (after: string) =>
      `{ metricTable(ids: ["events.events"], groupBy: ["user"], first: 1 ${after}, range: { start: "2026-05-01", end: "2026-05-03" }) { rows endCursor } }`;
    const first = (await ask(table(""), {}, "EXECUTIVE")).metricTable;
    expect(Buffer.from(first.endCursor, "base64url").toString()).not.toMatch(/ada|bob|cyd/);
    expect((await ask(table(`, after: "${first.endCursor}"`), {}, "EXECUTIVE")).metricTable.rows).toEqual([
      ["***b", 2],
    ]);
  });

  it("compares to the period before and the year before, and marks what is not complete", async () => {
    await send([
      ...Array.from({ length: 2 }, (_, i) => ({ type: "compare", id: `c${i}`, time: "2025-06-10T12:00:00Z" })),
      ...Array.from({ length: 4 }, (_, i) => ({ type: "compare", id: `d${i}`, time: "2026-05-20T12:00:00Z" })),
      ...Array.from({ length: 6 }, (_, i) => ({ type: "compare", id: `e${i}`, time: "2026-06-10T12:00:00Z" })),
    ]);
    const series = async (compareTo: string) =>
      (
        await ask(`{ metrics(ids: ["events.events"], formulas: [{ id: "twice", expression: "events.events * 2 + 1" }], granularity: MONTH, compareTo: ${compareTo}, filters: [{ dimension: "type", values: ["compare"] }],
        range: { start: "2026-06-01", end: "2026-06-30", zone: "Europe/Berlin" }) { comparedPeriod { start end } series { total { value } previous { value } change changePercent points { start end partial value } } } }`)
      ).metrics;
    const before = await series("PREVIOUS_PERIOD");
    expect(before.comparedPeriod).toEqual({ start: "2026-05-01T22:00:00Z", end: "2026-05-31T22:00:00Z" });
    expect(before.series[0]).toMatchObject({
      total: { value: 6 },
      previous: { value: 4 },
      change: 2,
      changePercent: 50,
    });
    expect(before.series[1].total.value).toBe(13);
    expect(before.series[0].points).toEqual([
      { start: "2026-05-31T22:00:00Z", end: "2026-06-30T22:00:00Z", partial: false, value: 6 },
    ]);
    expect((await series("PREVIOUS_YEAR")).series[0]).toMatchObject({
      previous: { value: 2 },
      change: 4,
      changePercent: 200,
    });
    const now = await ask('{ metrics(ids: ["events.events"], granularity: YEAR) { series { points { partial } } } }');
    expect(now.metrics.series[0].points.at(-1)).toEqual({ partial: true });
  });

  it("samples and approximates only when asked to, and says so", async () => {
    await send(
      Array.from({ length: 3000 }, (_, i) => ({
        type: "many",
        id: `m${i}`,
        user: `user ${i % 2000}`,
        time: "2026-07-01T12:00:00Z",
      })),
    );
    const many =
      'range: { start: "2026-07-01", end: "2026-07-01" }, filters: [{ dimension: "type", values: ["many"] }]';
    const asked = await ask(`{
      exact: metrics(ids: ["events.active_users"], ${many}) { series { total { value } } freshness { sample approximate } }
      near: metrics(ids: ["events.active_users"], approximate: true, ${many}) { series { total { value } } freshness { approximate } }
      half: metrics(ids: ["events.active_users", "events.events", "events.events_per_user"], sample: 0.5, ${many}) { series { total { value } } freshness { sample } } }`);
    expect(asked.exact).toEqual({
      series: [{ total: { value: 2000 } }],
      freshness: { sample: null, approximate: false },
    });
    expect(asked.near.freshness.approximate).toBe(true);
    expect(Math.abs(asked.near.series[0].total.value - 2000)).toBeLessThan(200);
    expect(asked.half.freshness.sample).toBe(0.5);
    for (const [i, exact] of [2000, 3000].entries())
      expect(Math.abs(asked.half.series[i].total.value - exact)).toBeLessThan(exact / 10);
    expect(asked.half.series[2].total.value).toBeCloseTo(1.5, 0);
  });

  it.each([
    ['metrics(ids: ["rides.nonsense"]) { truncated }', "rides.revenue"],
    ['metrics(formulas: [{ id: "x", expression: "rides.revenue / " }]) { truncated }', "is expected"],
    ['metrics(formulas: [{ id: "x", expression: "rides.revenue / nonsense.x" }]) { truncated }', "rides.revenue"],
    ['metrics(formulas: [{ id: "x", expression: "mode(amount)" }]) { truncated }', "median"],
    ['metrics(ids: ["events.events"], groupBy: ["nonsense"]) { truncated }', "country"],
    ['metrics(ids: ["events.events"], range: { zone: "Mars/Base" }) { truncated }', "IANA"],
    ['metrics(ids: ["events.events"], range: { start: "2026-02-01", end: "2026-01-01" }) { truncated }', "not before"],
    [
      'metrics(ids: ["events.events"], range: { start: "1990-01-01", end: "2026-01-01" }, granularity: HOUR) { truncated }',
      "DAY",
    ],
    [
      'metrics(ids: ["events.events"], filters: [{ dimension: "country", operator: GREATER, values: ["x"] }]) { truncated }',
      "decimal",
    ],
    ['metrics(ids: ["events.events"], granularity: FORTNIGHT) { truncated }', "Granularity"],
    ['metrics(ids: ["events.events"], sample: 2) { truncated }', "at most 1"],
    ["metrics { truncated }", "at least one"],
    ['metricTable(ids: ["events.events"], after: "nonsense") { hasNextPage }', "cursor"],
    ["insights { funnel(steps: []) { groups { value } } }", "1 to 20"],
    ["insights { funnel(steps: [{ optional: true }]) { groups { value } } }", "begins"],
    ["insights { cohorts(mode: BRACKETS, brackets: [3, 1]) { cohorts { name } } }", "ascending"],
    ['insights { distribution(of: "amount", width: "0") { events } }', "positive"],
  ])("%s is refused, naming what is allowed", async (question, named) => {
    const { body } = await gateway.graphql(`{ ${question} }`);
    const [error] = body.errors;
    expect(error.message).toContain(named);
    expect(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"]).toContain(error.extensions.code);
  });
});
