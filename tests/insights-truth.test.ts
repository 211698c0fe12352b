import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SERVICE_NAMES } from "../src/upstream/index.js";
import { type ClickHouseServer, HAS_CLICKHOUSE, startClickHouse } from "./support/chdb.js";
import { type Gateway, startGateway } from "./support/gateway.js";
import { Collector, load } from "./support/loading.js";
import { STANDINS } from "./support/standins.js";

const WIKI = `${STANDINS}/data/wikiticker`;
const CHARGING = `${STANDINS}/data/ev_charging`;

const urls = Object.fromEntries(SERVICE_NAMES.map((name) => [name, "http://127.0.0.1:9"])) as Record<
  (typeof SERVICE_NAMES)[number],
  string
>;

describe.runIf(process.env.REQUIRE_SUITES === "1")("no suite is skipped", () => {
  it("for want of ClickHouse's engine or data", () => {
    expect(HAS_CLICKHOUSE).toBe(true);
    expect(existsSync(WIKI) && existsSync(CHARGING)).toBe(true);
  });
});

/** Sends a file's rows as `crowsnest load` reads them. */
async function send(gateway: Gateway, args: readonly string[]): Promise<void> {
  const sender = new Collector();
  const { code, err } = await load(args, sender);
  expect({ code, err }).toMatchObject({ code: 0 });
  for (let from = 0; from < sender.events.length; from += 1000) {
    const reply = await gateway.send("POST", "/v1/events", sender.events.slice(from, from + 1000));
    expect(reply.status).toBe(200);
  }
}

const truth = (folder: string) => JSON.parse(readFileSync(`${folder}/truth.json`, "utf8"));

const STORES = [
  { store: "DuckDB", server: null },
  ...(HAS_CLICKHOUSE ? [{ store: "ClickHouse", server: startClickHouse }] : []),
];

describe.skipIf(!existsSync(WIKI)).each(STORES)("figures that others have worked out, over $store", ({ server }) => {
  let gateway: Gateway;
  let clickHouse: ClickHouseServer | undefined;
  beforeAll(async () => {
    clickHouse = await server?.();
    gateway = await startGateway(
      { urls } as never,
      clickHouse ? { CLICKHOUSE_URL: `${clickHouse.url}/crowsnest` } : {},
    );
    await send(gateway, [
      ...[`${WIKI}/wikiticker-2015-09-12-sampled.json.gz`, "--type", "edit"],
      ...["--map", "time=time,user=user,subject=page,country=countryName,region=regionIsoCode,city=cityName"],
    ]);
    await send(gateway, [
      ...[`${CHARGING}/ev_sessions.csv`, "--type", "charging_session", "--currency", "USD"],
      ...["--map", "time=created,user=userId,subject=stationId,id=sessionId,amount=dollars"],
      ...["--time-format", "00%y-%m-%d %H:%M:%S", "--numbers", "kwhTotal,chargeTimeHrs,distance", "--null", "NA"],
    ]);
    await gateway.app.events.stored();
  }, 120_000);
  afterAll(async () => {
    await gateway?.stop();
    await clickHouse?.stop();
  });

  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever was asked for.
  async function ask(query: string): Promise<any> {
    const { body } = await gateway.graphql(query);
    expect(body.errors).toBeUndefined();
    return body.data;
  }

  describe("a day of edits of Wikipedia", () => {
    const wiki = existsSync(WIKI) ? truth(WIKI) : {};
    const RANGE = 'range: { start: "2015-09-12", end: "2015-09-12" }';
    const EDITS = '{ dimension: "type", values: ["edit"] }';

    /** Values of the first metric by group. */
    async function top(what: string, dimension: string, limit: number, filters = ""): Promise<[string, number][]> {
      const { metrics } = await ask(`{ metrics(${what}, groupBy: ["${dimension}"], limit: ${limit}, ${RANGE},
        filters: [${EDITS} ${filters}]) { series { group total { value } } } }`);
      return metrics.series.map(({ group, total }: { group: string[]; total: { value: number } }) => [
        group[0],
        total.value,
      ]);
    }

    it("totals", async () => {
      const flags = ["isAnonymous", "isRobot", "isNew", "isMinor", "isUnpatrolled"];
      const formulas = ["added", "deleted", "delta"].map(
        (name) => `{ id: "${name}", expression: "sum(properties.${name})" }`,
      );
      const { metrics } = await ask(`{ metrics(ids: ["events.events", "events.active_users", "events.subjects"],
        formulas: [${formulas}], ${RANGE}, filters: [${EDITS}]) { series { total { value } } } }`);
      const values = metrics.series.map(({ total }: { total: { value: number } }) => total.value);
      expect(values).toEqual([
        wiki.rows,
        wiki.distinct_users,
        wiki.distinct_pages,
        wiki.sums.added,
        wiki.sums.deleted,
        wiki.sums.delta,
      ]);
      for (const flag of flags) {
        const counts = Object.fromEntries(await top('ids: ["events.events"]', `properties.${flag}`, 5));
        expect(counts.true).toBe(wiki[flag]);
      }
    });

    it("hour by hour", async () => {
      const { metrics } =
        await ask(`{ metrics(ids: ["events.events", "events.active_users"], granularity: HOUR, ${RANGE},
        formulas: [{ id: "deleted", expression: "sum(properties.deleted)" }], filters: [${EDITS}]) {
        series { points { start value } } } }`);
      const [edits, users, deleted] = metrics.series.map(({ points }: { points: { start: string; value: number }[] }) =>
        Object.fromEntries(points.map(({ start, value }) => [start.slice(11, 13), value])),
      );
      expect([edits, users, deleted]).toEqual([wiki.edits_by_hour, wiki.distinct_users_by_hour, wiki.deleted_by_hour]);
    });

    it("top lists", async () => {
      const events = 'ids: ["events.events"]';
      expect(await top(events, "properties.namespace", 8)).toEqual(wiki.edits_by_namespace_top8);
      expect(await top(events, "properties.channel", 10)).toEqual(wiki.edits_by_channel_top10);
      expect(await top(events, "subject", 12)).toEqual(wiki.top_pages);
      expect(await top(events, "user", 10)).toEqual(wiki.top_users);
      expect(
        await top('formulas: [{ id: "added", expression: "sum(properties.added)" }]', "properties.channel", 5),
      ).toEqual(wiki.top5_channels_by_added);
    });

    it("places", async () => {
      const geography = async (level: string, limit: number, filters = "") =>
        (
          await ask(`{ insights { geography(level: ${level}, types: ["edit"], limit: ${limit}, ${RANGE}, filters: [${filters}]) {
          places { country region events } } } }`)
        ).insights.geography.places as { country: string; region: string; events: number }[];
      const countries = await geography("COUNTRY", 15);
      const asTruth = (rows: [string, number][]) => rows.map(([name, count]) => `${count} ${name}`).sort();
      expect(asTruth(countries.map(({ country, events }) => [country, events]))).toEqual(
        asTruth(wiki.edits_by_country_top15),
      );
      const states = await geography("REGION", 100, '{ dimension: "country", values: ["United States"] }');
      const { None: _, ...known } = wiki.edits_US_by_regionIsoCode;
      expect(Object.fromEntries(states.map(({ region, events }) => [region, events]))).toEqual(known);
    });

    it("sessions and a funnel", async () => {
      const namespace = (name: string) =>
        `{ types: ["edit"], filters: [{ dimension: "properties.namespace", values: ["${name}"] }] }`;
      const { insights } = await ask(`{ insights {
        sessions(types: ["edit"], ${RANGE}) { total { sessions users } }
        funnel(steps: [${namespace("Talk")}, ${namespace("Main")}], ${RANGE}) { groups { steps { users } } }
      } }`);
      expect(insights.sessions.total).toEqual({ sessions: wiki.sessions_30min, users: wiki.distinct_users });
      expect(insights.funnel.groups[0].steps.map(({ users }: { users: number }) => users)).toEqual([
        wiki.funnel_talk_to_main.users_with_Talk,
        wiki.funnel_talk_to_main.users_completing,
      ]);
    });
  });

  describe("a year of charging sessions", () => {
    const charging = existsSync(CHARGING) ? truth(CHARGING) : {};
    const RANGE = 'range: { start: "2014-11-01", end: "2015-10-31" }';
    const TYPES = 'types: ["charging_session"]';
    const SESSIONS = '{ dimension: "type", values: ["charging_session"] }';
    const KWH = '{ id: "kwh", expression: "sum(properties.kwhTotal)", digits: 2 }';

    it("totals", async () => {
      const { metrics, free, paid } = await ask(`{
        metrics(ids: ["events.events", "events.active_users", "events.subjects", "events.amount"], ${RANGE}, filters: [${SESSIONS}],
          formulas: [${KWH}, { id: "sites", expression: "distinct(properties.locationId)" },
            { id: "longest", expression: "max(properties.chargeTimeHrs)", digits: 6 },
            { id: "median", expression: "median(properties.chargeTimeHrs)", digits: 6 },
            { id: "distances", expression: "count(properties.distance)" }]) { series { total { value decimal } } }
        free: metrics(ids: ["events.events"], ${RANGE}, filters: [${SESSIONS}, { dimension: "properties.kwhTotal", operator: LESS_OR_EQUAL, values: ["0"] }]) { series { total { value } } }
        paid: metrics(ids: ["events.events"], ${RANGE}, filters: [${SESSIONS}, { dimension: "properties.dollars", operator: GREATER, values: ["0"] }]) { series { total { value } } }
      }`);
      const totals = metrics.series.map(({ total }: { total: { value: number } }) => total.value);
      const { rows, users, stations, cents, kwh_hundredths, locations, duration_h, distance_missing } = charging;
      expect(totals.slice(0, 6)).toEqual([rows, users, stations, cents / 100, kwh_hundredths / 100, locations]);
      expect(totals.slice(6)).toEqual(
        [duration_h.max, duration_h.median, rows - distance_missing].map((value) => expect.closeTo(value, 5)),
      );
      expect(free.series[0].total.value).toBe(charging.zero_kwh);
      expect(paid.series[0].total.value).toBe(charging.paid_sessions);
    });

    it("by platform, kind of site, weekday, user and station", async () => {
      const by = async (dimension: string, limit = 10): Promise<[string, number][]> =>
        (
          await ask(
            `{ metrics(ids: ["events.events"], groupBy: ["${dimension}"], limit: ${limit}, ${RANGE}, filters: [${SESSIONS}]) { series { group total { value } } } }`,
          )
        ).metrics.series.map(({ group, total }: { group: string[]; total: { value: number } }) => [
          group[0],
          total.value,
        ]);
      expect(Object.fromEntries(await by("properties.platform"))).toEqual(charging.by_platform);
      expect(Object.fromEntries(await by("properties.facilityType"))).toEqual(charging.by_facilityType);
      const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
      expect(Object.fromEntries((await by("weekday")).map(([day, count]) => [days[Number(day) - 1], count]))).toEqual(
        charging.by_weekday,
      );
      expect(await by("user", 5)).toEqual(charging.top_users);
      expect(await by("subject", 5)).toEqual(charging.top_stations);
    });

    it("month by month", async () => {
      const { metrics } =
        await ask(`{ metrics(ids: ["events.events", "events.active_users", "events.amount"], formulas: [${KWH}],
        granularity: MONTH, fill: NONE, ${RANGE}, filters: [${SESSIONS}]) { series { points { name value } } } }`);
      const [sessions, users, money, kwh] = metrics.series.map(({ points }: { points: { value: number }[] }) =>
        points.map(({ value }) => value),
      );
      const months = metrics.series[0].points.map(({ name }: { name: string }) => name);
      expect(
        Object.fromEntries(
          months.map((month: string, i: number) => [
            month,
            {
              sessions: sessions[i],
              kwh_hundredths: Math.round(kwh[i] * 100),
              cents: Math.round(money[i] * 100),
              active_users: users[i],
            },
          ]),
        ),
      ).toEqual(charging.per_month);
    });

    it("active users", async () => {
      const { insights } = await ask(`{ insights { activeUsers(${TYPES}, ${RANGE}) { days { date dau wau mau } } } }`);
      const byDate = new Map(insights.activeUsers.days.map((day: { date: string }) => [day.date, day]));
      for (const [date, { DAU: dau, WAU: wau, MAU: mau }] of Object.entries(
        charging.active as Record<string, Record<string, number>>,
      )) {
        expect(byDate.get(date)).toEqual({ date, dau, wau, mau });
      }
    });

    it("retention after exactly 1, 7 and 30 days, and who that is", async () => {
      const { insights } =
        await ask(`{ insights { retention(start: { ${TYPES} }, ${RANGE}) { cohorts { size at(periods: [1, 7, 30]) {
        users retained(first: 500) { nodes { userId } } } } } } }`);
      const [cohort] = insights.retention.cohorts;
      const { 1: d1, 7: d7, 30: d30 } = charging.Dn_exact;
      expect(cohort.size).toBe(charging.users);
      expect(cohort.at.map(({ users }: { users: number }) => users)).toEqual([d1, d7, d30]);
      for (const { users, retained } of cohort.at)
        expect(new Set(retained.nodes.map(({ userId }: { userId: string }) => userId)).size).toBe(users);
    });

    it("monthly cohorts", async () => {
      const { insights } = await ask(
        `{ insights { cohorts(start: { ${TYPES} }, cohortBy: MONTH, periods: 11, ${RANGE}) { cohorts { name size cells { users } } } } }`,
      );
      const found = Object.fromEntries(
        insights.cohorts.cohorts
          .filter(({ size }: { size: number }) => size > 0)
          .map(({ name, cells }: { name: string; cells: { users: number }[] }) => [
            name,
            cells.map(({ users }) => users),
          ]),
      );
      // The truth tells no months after the last one of the data.
      const expected = Object.fromEntries(
        Object.entries(charging.cohort_retention as Record<string, number[]>).map(([name, users]) => [
          name,
          [...users, ...Array(12 - users.length).fill(0)],
        ]),
      );
      expect(found).toEqual(expected);
    });

    it("most sessions at the same time", async () => {
      const { insights } = await ask(
        `{ insights { utilisation(length: "properties.chargeTimeHrs", unit: HOUR, capacity: 105, granularity: MONTH, ${TYPES}, ${RANGE}) { peak periods { started } } } }`,
      );
      expect(insights.utilisation.peak).toBe(charging.peak_concurrent_sessions);
      const started = insights.utilisation.periods.reduce(
        (sum: number, period: { started: number }) => sum + period.started,
        0,
      );
      expect(started).toBe(charging.rows);
    });

    it("how long sessions are", async () => {
      const { insights } =
        await ask(`{ insights { distribution(of: "properties.chargeTimeHrs", width: "4", percentiles: [50], ${TYPES}, ${RANGE}) {
        events sum minimum percentiles { value } bins { from events } } } }`);
      const { events, sum, percentiles, bins } = insights.distribution;
      expect(events).toBe(charging.rows);
      expect(Number(sum)).toBeCloseTo(charging.duration_h.sum, 2);
      expect(Number(percentiles[0].value)).toBeCloseTo(charging.duration_h.median, 5);
      const long = bins
        .filter(({ from }: { from: number }) => from >= 4)
        .reduce((total: number, bin: { events: number }) => total + bin.events, 0);
      expect(long).toBe(charging.duration_h.over_4h);
    });
  });
});
