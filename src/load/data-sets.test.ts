import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Collector, load, type SentEvent } from "../../tests/support/loading.js";
import { STANDINS } from "../../tests/support/standins.js";
import { groupBy } from "../base/groups.js";

const WIKI = `${STANDINS}/data/wikiticker`;
const CHARGING = `${STANDINS}/data/ev_charging`;

function truth(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(`${folder}/truth.json`, "utf8")) as Record<string, unknown>;
}

function countBy(events: readonly SentEvent[], keyOf: (event: SentEvent) => unknown, of = (_: SentEvent) => 1) {
  const counts: Record<string, number> = {};
  for (const event of events) counts[String(keyOf(event))] = (counts[String(keyOf(event))] ?? 0) + of(event);
  return counts;
}

const hour = ({ time = "" }: SentEvent): string => time.slice(11, 13);
const sum = (events: readonly SentEvent[], of: (event: SentEvent) => number): number =>
  events.reduce((total, event) => total + of(event), 0);
const hundredths = (value: unknown): number => Math.round(Number(value) * 100);

describe.skipIf(!existsSync(WIKI))("a day of edits of Wikipedia", async () => {
  const sender = new Collector();
  const map = "time=time,user=user,subject=page,country=countryName,region=regionIsoCode,city=cityName";
  const file = `${WIKI}/wikiticker-2015-09-12-sampled.json.gz`;
  const loaded = existsSync(WIKI) ? await load([file, "--type", "edit", "--map", map], sender) : null;
  const { events } = sender;
  const expected = existsSync(WIKI) ? truth(WIKI) : {};

  it("is taken in whole", () => {
    expect(loaded).toMatchObject({ code: 0, out: "39,244 events taken in, 0 set aside\n" });
    expect(events).toHaveLength(expected.rows as number);
    expect(new Set(events.map(({ id }) => id)).size).toBe(expected.rows);
    const times = events.map(({ time }) => time as string).sort();
    expect([times[0], times.at(-1)]).toEqual([expected.first, expected.last]);
  });

  it("has its users, pages and hours", () => {
    expect(new Set(events.map(({ user }) => user)).size).toBe(expected.distinct_users);
    expect(new Set(events.map(({ subject }) => subject)).size).toBe(expected.distinct_pages);
    expect(countBy(events, hour)).toEqual(expected.edits_by_hour);
    const users = new Set(events.map((event) => `${hour(event)} ${event.user}`));
    const byHour: Record<string, number> = {};
    for (const pair of users) byHour[pair.slice(0, 2)] = (byHour[pair.slice(0, 2)] ?? 0) + 1;
    expect(byHour).toEqual(expected.distinct_users_by_hour);
  });

  it("has its sums, as numbers", () => {
    const total = (name: string) => sum(events, ({ properties }) => properties[name] as number);
    expect({ added: total("added"), deleted: total("deleted"), delta: total("delta") }).toEqual(expected.sums);
    expect(countBy(events, hour, ({ properties }) => properties.deleted as number)).toEqual(expected.deleted_by_hour);
    for (const flag of ["isAnonymous", "isRobot", "isNew", "isMinor", "isUnpatrolled"]) {
      expect(events.filter(({ properties }) => properties[flag] === true).length).toBe(expected[flag]);
    }
  });

  it("has its places", () => {
    const countries = countBy(events, ({ place }) => place?.country);
    for (const [country, edits] of expected.edits_by_country_top15 as [string, number][]) {
      expect(countries[country]).toBe(edits);
    }
    const american = events.filter(({ place }) => place?.country === "United States");
    expect(countBy(american, ({ place }) => place?.region ?? "None")).toEqual(expected.edits_US_by_regionIsoCode);
  });
});

describe.skipIf(!existsSync(CHARGING))("a year of charging sessions", async () => {
  const sender = new Collector();
  const args = [
    `${CHARGING}/ev_sessions.csv`,
    ...[
      "--type",
      "charging_session",
      "--map",
      "time=created,user=userId,subject=stationId,id=sessionId,amount=dollars",
    ],
    ...["--currency", "USD", "--time-format", "00%y-%m-%d %H:%M:%S"],
    ...["--numbers", "kwhTotal,chargeTimeHrs,distance", "--null", "NA"],
  ];
  const loaded = existsSync(CHARGING) ? await load(args, sender) : null;
  const { events } = sender;
  const expected = existsSync(CHARGING) ? truth(CHARGING) : {};

  it("is taken in whole, with the years mended", () => {
    expect(loaded).toMatchObject({ code: 0, out: "3,395 events taken in, 0 set aside\n" });
    const times = events.map(({ time = "" }) => time.slice(0, 19).replace("T", " ")).sort();
    expect([times[0], times.at(-1)]).toEqual(expected.range);
  });

  it("has its users, stations and ids", () => {
    const distinct = (of: (event: SentEvent) => unknown) => new Set(events.map(of)).size;
    expect([distinct(({ user }) => user), distinct(({ subject }) => subject), distinct(({ id }) => id)]).toEqual([
      expected.users,
      expected.stations,
      expected.distinct_session_ids,
    ]);
    expect(countBy(events, ({ properties }) => properties.platform)).toEqual(expected.by_platform);
    expect(events.filter(({ properties }) => properties.distance === undefined).length).toBe(expected.distance_missing);
  });

  it("has its money and energy, by month too", () => {
    const cents = ({ amount }: SentEvent) => hundredths(amount?.value);
    const kwh = ({ properties }: SentEvent) => hundredths(properties.kwhTotal);
    expect([sum(events, cents), sum(events, kwh)]).toEqual([expected.cents, expected.kwh_hundredths]);
    expect(events.every(({ amount }) => amount?.currency === "USD")).toBe(true);
    const months = groupBy(events, ({ time = "" }) => time.slice(0, 7));
    const perMonth = [...months].map(([month, own]) => [
      month,
      {
        sessions: own.length,
        kwh_hundredths: sum(own, kwh),
        cents: sum(own, cents),
        active_users: new Set(own.map(({ user }) => user)).size,
      },
    ]);
    expect(Object.fromEntries(perMonth)).toEqual(expected.per_month);
  });
});
