import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { HAS_CLICKHOUSE, startClickHouse } from "../../../tests/support/chdb.js";
import { STANDINS } from "../../../tests/support/standins.js";
import type { Sealing } from "../../domain/insights/sealing.js";
import { encodeEvent, type StoredEvent } from "../event.js";
import { openClickHouseStore, openDuckDbStore, StoreUnavailable } from "./index.js";
import type { EventFilter, EventStore, KeyedBatch } from "./store.js";
import { EVENT_VIEWS } from "./views.js";
import { RIDES_DAILY } from "./views-rides.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 2, 1);

/** An engine that stores can be opened on, again and again over the same data. */
interface Engine {
  open(): Promise<EventStore>;
  /** Breaks what the open store works with. @returns the error of a call that ran into it */
  breakDown(store: EventStore): Promise<unknown>;
  /** Brings it back, where it does not come back by itself. */
  revive(): Promise<void>;
  stop(): Promise<void>;
}

async function duckDb(): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), "crowsnest-duckdb-"));
  return {
    open: () => openDuckDbStore({ folder }),
    breakDown: async (store) => {
      await store.append([await segment([event("nobody", "nothing", { user: "nobody" })])]);
      // DuckDB's own switch for tests: the next checkpoint fails half-way, and the engine then refuses everything.
      await store.query("SET GLOBAL debug_checkpoint_abort = 'before_header'");
      return store.eraseUser("nobody", "nobody").catch((error) => error);
    },
    revive: async () => undefined,
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

async function clickHouse(): Promise<Engine> {
  const server = await startClickHouse();
  return {
    open: () => openClickHouseStore({ url: server.url }),
    breakDown: async (store) => {
      await server.kill();
      return store.append([await segment([event("nobody", "nothing")])]).catch((error) => error);
    },
    revive: server.restart,
    stop: server.stop,
  };
}

const ENGINES = [
  { name: "DuckDB", start: duckDb, here: true },
  { name: "ClickHouse", start: clickHouse, here: HAS_CLICKHOUSE },
];

describe.runIf(process.env.REQUIRE_SUITES === "1")("no suite is skipped", () => {
  it("for want of ClickHouse's engine", () => expect(HAS_CLICKHOUSE).toBe(true));
});

let folder = "";
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crowsnest-segments-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function event(tenant: string, id: string, fields: Partial<StoredEvent> = {}): StoredEvent {
  return {
    tenant,
    id,
    type: "page_view",
    time: START,
    received: START + 1000,
    origin: "http",
    user: null,
    session: null,
    subject: null,
    country: null,
    region: null,
    city: null,
    latitude: null,
    longitude: null,
    amount: null,
    currency: null,
    properties: "{}",
    ...fields,
  };
}

/** Writes a segment as the spool does: every few events a checksum line, which may speak of a keyed batch. */
async function segment(events: readonly StoredEvent[], ...batches: KeyedBatch[]): Promise<string> {
  const lines = events.flatMap((one, i) => [
    encodeEvent(one),
    ...(i % 3 === 2 ? ['{"crc":"89abcdef","bytes":20000}'] : []),
  ]);
  for (const batch of batches) lines.push(JSON.stringify({ crc: "89abcdef", bytes: 1, batch }));
  const path = join(folder, `${++files} [segment]*?.ndjson`);
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

const numbered = (count: number, make: (i: number) => StoredEvent): StoredEvent[] =>
  Array.from({ length: count }, (_, i) => make(i));

describe.each(ENGINES)("events in $name", ({ start, here }) => {
  describe.skipIf(!here)("", () => {
    let engine: Engine;
    let store: EventStore;
    let tenants = 0;
    /** Every test has a tenant of its own. */
    const newTenant = (): string => `tenant-${++tenants}`;
    const total = async (filter: EventFilter): Promise<number> => (await store.counts(filter, "all"))[0]?.events ?? 0;
    const save = async (events: readonly StoredEvent[]) => store.append([await segment(events)]);
    const reopen = async (): Promise<void> => {
      await store.close();
      store = await engine.open();
    };

    beforeAll(async () => {
      engine = await start();
      store = await engine.open();
    });
    afterAll(async () => {
      await store.close();
      await engine.stop();
    });

    describe("versions", () => {
      const touchOf = (tenant: string, type: string, time: number) => ({ tenant, type, first: time, last: time });
      it("change with what is appended or deleted within a basis, and with nothing else", async () => {
        const tenant = newTenant();
        const basis = { tenant, types: ["page_view"], from: START, to: START + DAY };
        const add = async (id: string, fields: Partial<StoredEvent> = {}) => {
          const one = event(tenant, id, fields);
          await store.append([await segment([one])], [touchOf(tenant, one.type, one.time)]);
        };
        await add("a", { user: "ann" });
        const first = await store.version(basis);
        expect(await store.version(basis)).toBe(first);
        await add("b", { type: "other" });
        await add("c", { time: START + 2 * DAY });
        expect(await store.version(basis)).toBe(first);
        await add("d", { time: START + 7 });
        const second = await store.version(basis);
        expect(second).not.toBe(first);
        await store.eraseUser(tenant, "ann");
        expect(await store.version(basis)).not.toBe(second);
      });
    });

    describe("appending", () => {
      it("stores each event once, within a segment and across segments, the first one winning", async () => {
        const tenant = newTenant();
        const first = await segment([event(tenant, "a", { subject: "first" }), event(tenant, "b"), event(tenant, "a")]);
        const second = await segment([event(tenant, "a", { subject: "second" }), event(tenant, "c")]);
        expect(await store.append([first, second])).toEqual({ stored: 3, duplicates: 2 });
        const third = await segment([event(tenant, "d"), event(tenant, "c", { time: START + DAY, type: "other" })]);
        expect(await store.append([third])).toEqual({ stored: 1, duplicates: 1 });
        const rows = await store.events({ tenant }, 10);
        expect(rows.map(({ id, subject }) => [id, subject])).toEqual([
          ["d", null],
          ["c", null],
          ["b", null],
          ["a", "first"],
        ]);
      });

      it("takes the same segments again without storing anything twice, also after opening anew", async () => {
        const tenant = newTenant();
        const paths = [
          await segment(numbered(5000, (i) => event(tenant, `one-${i}`, { time: START + i }))),
          await segment(numbered(100, (i) => event(tenant, `two-${i}`, { time: START + i }))),
        ];
        expect(await store.append(paths)).toEqual({ stored: 5100, duplicates: 0 });
        expect(await store.append(paths)).toEqual({ stored: 0, duplicates: 5100 });
        await reopen();
        const more = await segment([event(tenant, "one-7"), event(tenant, "new")]);
        expect(await store.append([...paths, more])).toEqual({ stored: 1, duplicates: 5101 });
        expect(await total({ tenant })).toBe(5101);
      });

      it("tells the same id of different tenants apart", async () => {
        const [one, two] = [newTenant(), newTenant()];
        expect(await save([event(one, "same"), event(two, "same")])).toEqual({ stored: 2, duplicates: 0 });
      });

      it("has nothing to do for segments without events", async () => {
        expect(await store.append([])).toEqual({ stored: 0, duplicates: 0 });
        expect(await store.append([await segment([])])).toEqual({ stored: 0, duplicates: 0 });
      });

      it("keeps who sent a batch under a key, and the first one of each key", async () => {
        const tenant = newTenant();
        const batch = (key: string, hash: string): KeyedBatch => ({ tenant, key, hash, events: 1, received: START });
        const path = await segment([event(tenant, "a")], batch("k'1", "aa"), batch("k2", "bb"), batch("k2", "cc"));
        await store.append([path]);
        await store.append([path, await segment([], batch("k'1", "dd"))]);
        expect(await store.keyedBatch(tenant, "k'1")).toEqual(batch("k'1", "aa"));
        expect(await store.keyedBatch(tenant, "k2")).toEqual(batch("k2", "bb"));
        expect(await store.keyedBatch(tenant, "k3")).toBeNull();
        expect(await store.keyedBatch("another", "k2")).toBeNull();
      });

      it("stores nothing of an append that fails", async () => {
        const tenant = newTenant();
        const good = await segment(numbered(3000, (i) => event(tenant, `${i}`, { user: `u${i}` })));
        const bad = join(folder, "bad.ndjson");
        await writeFile(
          bad,
          `${encodeEvent(event(tenant, "x"))}\n{"tenant":"${tenant}","id":"y","type":"t","time":"soon"}\n`,
        );
        await expect(store.append([good, bad])).rejects.toThrow();
        await expect(store.append([good, join(folder, "absent.ndjson")])).rejects.toThrow();
        expect(await total({ tenant })).toBe(0);
        expect(await store.append([good])).toEqual({ stored: 3000, duplicates: 0 });
        expect(await store.counts({ tenant }, "all")).toMatchObject([{ events: 3000, users: 3000 }]);
      });

      it("shows a reader all of an append or nothing", async () => {
        const tenant = newTenant();
        const path = await segment(
          numbered(50_000, (i) => event(tenant, `${i}`, { time: START + i, user: `u${i % 999}` })),
        );
        let appended = false;
        const appending = store.append([path]).finally(() => {
          appended = true;
        });
        const seen = new Set<number>();
        while (!appended) seen.add(await total({ tenant }));
        await appending;
        seen.add(await total({ tenant }));
        expect([...seen].filter((count) => count !== 0 && count !== 50_000)).toEqual([]);
        expect(seen).toContain(50_000);
      });
    });

    describe("reading", () => {
      it("returns every field as it was given", async () => {
        const tenant = newTenant();
        const full = event(tenant, "full", {
          type: "payment.success",
          time: START + 123,
          received: START + 456,
          origin: "kafka:payments/3/99",
          user: "user-1",
          session: "session-1",
          subject: "booking-1",
          country: "NG",
          region: "Lagos",
          city: "Ikeja",
          latitude: 6.5244,
          longitude: -3.3792,
          amount: "-12345678901234.5678",
          currency: "NGN",
          properties: '{"a":{"b":[1,2.5,null,true,"x"]},"n":9007199254740993}',
        });
        await save([full, event(tenant, "bare", { time: START - 1 })]);
        expect(await store.events({ tenant }, 10)).toEqual([full, event(tenant, "bare", { time: START - 1 })]);
      });

      it("counts late and out-of-order events in their own hour", async () => {
        const tenant = newTenant();
        await save([event(tenant, "1", { time: START + 5 * HOUR }), event(tenant, "2", { time: START + HOUR - 1 })]);
        await save([event(tenant, "3", { time: START + HOUR }), event(tenant, "4", { time: START - 40 * DAY })]);
        await save([event(tenant, "5", { time: START + HOUR + 1 })]);
        const hours = (await store.counts({ tenant }, "hour")).map(({ start, events }) => [start, events]);
        expect(hours).toEqual([
          [START - 40 * DAY, 1],
          [START, 1],
          [START + HOUR, 2],
          [START + 5 * HOUR, 1],
        ]);
        const days = (await store.counts({ tenant }, "day")).map(({ start, events }) => [start, events]);
        expect(days).toEqual([
          [START - 40 * DAY, 1],
          [START, 4],
        ]);
      });

      it("counts users once and sums amounts exactly, far beyond what a double holds", async () => {
        const tenant = newTenant();
        const large = "99999999999999.9999";
        const events = numbered(2000, (i) => event(tenant, `${i}`, { user: `user-${i % 7}`, amount: large }));
        await save([...events, event(tenant, "none"), event(tenant, "small", { amount: "0.0003", time: START + DAY })]);
        expect(await store.counts({ tenant }, "all")).toEqual([
          { start: null, events: 2002, users: 7, amount: "199999999999999999.8003" },
        ]);
        expect(await store.counts({ tenant }, "day")).toEqual([
          { start: START, events: 2001, users: 7, amount: "199999999999999999.8" },
          { start: START + DAY, events: 1, users: 0, amount: "0.0003" },
        ]);
        expect(await store.counts({ tenant, types: ["nothing"] }, "all")).toEqual([]);
        const bare = newTenant();
        await save([event(bare, "1")]);
        expect(await store.counts({ tenant: bare }, "all")).toEqual([
          { start: null, events: 1, users: 0, amount: null },
        ]);
      });

      it("pages through events of equal times without loss or repetition", async () => {
        const tenant = newTenant();
        await save(numbered(50, (i) => event(tenant, `id-${i}`, { time: START + Math.floor(i / 20) })));
        const ids: string[] = [];
        let page = await store.events({ tenant }, 7);
        while (page.length > 0) {
          ids.push(...page.map(({ id }) => id));
          const last = page.at(-1);
          page = last ? await store.events({ tenant }, 7, { time: last.time, id: last.id }) : [];
        }
        const expected = numbered(50, (i) => event(tenant, `id-${i}`, { time: START + Math.floor(i / 20) }))
          .sort((a, b) => b.time - a.time || (a.id < b.id ? 1 : -1))
          .map(({ id }) => id);
        expect(ids).toEqual(expected);
      });

      it("filters by time, types, user and subject, all at once", async () => {
        const tenant = newTenant();
        await save([
          event(tenant, "1", { type: "a", user: "u", subject: "s", time: START }),
          event(tenant, "2", { type: "b", user: "u", subject: "s", time: START + 1 }),
          event(tenant, "3", { type: "c", user: "u", subject: "s", time: START + 2 }),
          event(tenant, "4", { type: "a", user: "v", subject: "s", time: START + 3 }),
          event(tenant, "5", { type: "a", user: "u", subject: "t", time: START + 4 }),
        ]);
        const ids = async (filter: Omit<EventFilter, "tenant">) =>
          (await store.events({ tenant, ...filter }, 10)).map(({ id }) => id).join("");
        expect(await ids({ from: START + 1, to: START + 3 })).toBe("32");
        expect(await ids({ types: ["a", "b"] })).toBe("5421");
        expect(await ids({ types: [] })).toBe("");
        expect(await ids({ user: "v" })).toBe("4");
        expect(await ids({ subject: "t" })).toBe("5");
        expect(await ids({ types: ["a"], user: "u", subject: "s", from: START, to: START + 1 })).toBe("1");
        expect(await total({ tenant, types: ["a"], user: "u" })).toBe(2);
        expect(await ids({ only: { types: ["a", "b"], subjects: ["s"] } })).toBe("421");
        expect(await ids({ only: { types: ["a", "b"], subjects: ["s"] }, types: ["a", "c"], user: "u" })).toBe("1");
        expect(await ids({ only: { types: ["a"], subjects: ["t"] }, subject: "s" })).toBe("");
        expect(await ids({ only: { types: ["a"], subjects: [] } })).toBe("");
        expect(await total({ tenant, only: { types: ["a"], subjects: ["t"] } })).toBe(1);
      });

      it("names the tenants that have events", async () => {
        const tenant = newTenant();
        expect(await store.tenants()).not.toContain(tenant);
        await save([event(tenant, "1")]);
        expect(await store.tenants()).toContain(tenant);
      });
    });

    describe("any text", () => {
      const naughty: string[] = JSON.parse(readFileSync(`${STANDINS}/payloads/blns.json`, "utf8"));
      const texts = [
        ...new Set([
          ...naughty,
          "a\u0000b",
          "\u0000",
          "😀👩‍👩‍👧‍👦",
          "\\",
          "'",
          "\\'",
          "\n\r\t",
          "\u2028",
          "\\N",
          "%",
          "_",
        ]),
      ]
        .filter((text) => text !== "")
        .map((text) => text.toWellFormed());

      it("goes in and out unharmed as user, subject, type, id and property, and can be asked for", async () => {
        const tenant = newTenant();
        const events = texts.map((text, i) =>
          event(tenant, `${i} ${text}`, {
            type: text,
            user: text,
            subject: text,
            session: text,
            time: START + i,
            properties: JSON.stringify({ text, [text]: i }),
          }),
        );
        expect(await save(events)).toEqual({ stored: texts.length, duplicates: 0 });
        const rows = await store.events({ tenant }, 10_000);
        expect(
          rows.reverse().map(({ properties, ...rest }) => ({ ...rest, properties: JSON.parse(properties) })),
        ).toEqual(events.map(({ properties, ...rest }) => ({ ...rest, properties: JSON.parse(properties) })));
        expect(await store.counts({ tenant }, "all")).toMatchObject([{ users: texts.length }]);
        for (const text of texts.slice(-60)) {
          const found = await store.events({ tenant, user: text, subject: text, types: [text] }, 10);
          expect(found.map(({ user }) => user)).toEqual([text]);
        }
      });

      it("is never read as SQL", async () => {
        const tenant = newTenant();
        await save([event(tenant, "1", { user: "somebody" })]);
        const lists = `${STANDINS}/payloads/sql`;
        const payloads = readdirSync(lists, { recursive: true, encoding: "utf8" })
          .map((name) => join(lists, name))
          .filter((path) => path.endsWith(".txt") && statSync(path).isFile())
          .flatMap((path) => readFileSync(path, "utf8").split("\n"))
          .filter((line) => line !== "");
        const sample = payloads.filter((_, i) => i % Math.ceil(payloads.length / 150) === 0);
        expect(sample.length).toBeGreaterThan(100);
        for (const text of sample) {
          expect(await store.counts({ tenant, user: text, types: [text, "page_view"], subject: text }, "hour")).toEqual(
            [],
          );
          expect(await store.counts({ tenant: text }, "all")).toEqual([]);
          expect(await store.events({ tenant, types: ["page_view"] }, 1, { time: START, id: text })).toBeInstanceOf(
            Array,
          );
          expect(await store.keyedBatch(tenant, text)).toBeNull();
          expect(await store.eraseUser(tenant, text)).toBe(0);
        }
        expect(await total({ tenant })).toBe(1);
      });
    });

    describe("queries", () => {
      const sql = (duckdb: string, clickhouse: string): string => (store.dialect === "duckdb" ? duckdb : clickhouse);

      it("bind named parameters of every kind", async () => {
        const texts = ["x' OR 1=1 --", "back\\slash", "line\nbreak", "😀"];
        const rows = await store.query<Record<string, unknown>>(
          sql(
            "SELECT $text AS text, $whole + 1 AS whole, $part AS part, $flag AS flag, len($texts) AS texts, $texts[2] AS one, list_sum($numbers) AS numbers",
            "SELECT {text:String} AS text, {whole:Int64} + 1 AS whole, {part:Float64} AS part, {flag:Bool} AS flag, length({texts:Array(String)}) AS texts, {texts:Array(String)}[2] AS one, arraySum({numbers:Array(Int64)}) AS numbers",
          ),
          { text: texts[0] ?? "", whole: 41, part: 1.5, flag: true, texts, numbers: [1, 2, 3] },
        );
        expect(rows).toEqual([
          { text: "x' OR 1=1 --", whole: "42", part: 1.5, flag: true, texts: "4", one: "back\\slash", numbers: "6" },
        ]);
      });

      it("give decimals and 64-bit integers as text, moments as milliseconds, lists as lists", async () => {
        const [row] = await store.query<Record<string, unknown>>(
          sql(
            "SELECT 12.3400::DECIMAL(18,4) AS decimal, 9007199254740993::BIGINT AS big, 7::INTEGER AS small, make_timestamp_ms(1234)::TIMESTAMP_MS AS moment, DATE '2026-03-01' AS day, ['a', 'b'] AS list, NULL AS nothing, 0.5::DOUBLE AS double",
            "SELECT toDecimal64('12.3400', 4) AS decimal, toInt64(9007199254740993) AS big, toInt32(7) AS small, fromUnixTimestamp64Milli(1234, 'UTC') AS moment, toDate('2026-03-01') AS day, ['a', 'b'] AS list, NULL AS nothing, toFloat64(0.5) AS double",
          ),
        );
        expect(row).toEqual({
          decimal: "12.34",
          big: "9007199254740993",
          small: 7,
          moment: 1234,
          day: "2026-03-01",
          list: ["a", "b"],
          nothing: null,
          double: 0.5,
        });
      });

      it("fail with the engine's reason, and the store goes on", async () => {
        await expect(store.query("SELECT nothing_like_this FROM events")).rejects.toThrow(/nothing_like_this/);
        await expect(store.query("SELECT nothing_like_this")).rejects.not.toBeInstanceOf(StoreUnavailable);
        await store.ping();
      });

      it("may have large results", async () => {
        const rows = await store.query<{ n: string }>(
          sql("SELECT range AS n FROM range(100000) ORDER BY n", "SELECT number AS n FROM numbers(100000) ORDER BY n"),
        );
        expect(rows.length).toBe(100_000);
        expect(rows.at(-1)).toEqual({ n: "99999" });
      });
    });

    describe("deleting", () => {
      it("removes what was received before a moment, only of some types or of all but some", async () => {
        const [tenant, other] = [newTenant(), newTenant()];
        const make = (of: string, id: string, type: string, received: number) => event(of, id, { type, received });
        await save([
          ...["location", "booking", "payment"].flatMap((type) => [
            make(tenant, `${type}-old`, type, START - 1),
            make(tenant, `${type}-edge`, type, START),
          ]),
          make(other, "location-old", "location", START - 1),
        ]);
        const left = async () => (await store.events({ tenant }, 10)).map(({ id }) => id).sort();
        expect(await store.deleteReceivedBefore(tenant, { only: [] }, START)).toBe(0);
        expect(await store.deleteReceivedBefore(tenant, { only: ["location"] }, START)).toBe(1);
        expect(await left()).toEqual(["booking-edge", "booking-old", "location-edge", "payment-edge", "payment-old"]);
        expect(await store.deleteReceivedBefore(tenant, { except: ["payment"] }, START)).toBe(1);
        expect(await left()).toEqual(["booking-edge", "location-edge", "payment-edge", "payment-old"]);
        expect(await store.deleteReceivedBefore(tenant, { except: [] }, START)).toBe(1);
        expect(await total({ tenant: other })).toBe(1);
      });

      it("takes a deleted event again when it comes again", async () => {
        const tenant = newTenant();
        await save([event(tenant, "1", { received: START - 1 })]);
        await store.deleteReceivedBefore(tenant, { except: [] }, START);
        expect(await save([event(tenant, "1"), event(tenant, "2"), event(tenant, "1")])).toEqual({
          stored: 2,
          duplicates: 1,
        });
      });

      it("erases what was sealed with a user's name, and keeps what was sealed without", async () => {
        const [tenant, field] = [newTenant(), { property: ["n"], type: "number" } as const];
        const step = { types: null };
        const sealing: Sealing = {
          sums: [{ of: step, field, path: ["n"] }],
          states: null,
          firsts: [{ of: step, as: "first", properties: "{}" }],
          daily: [],
        };
        await save(
          ["anna", "anna", "bert"].map((user, i) =>
            event(tenant, `${i}`, { user, received: START - 1, properties: '{"n":1}' }),
          ),
        );
        const sealed = () =>
          store.query<{ type: string; user_id: string | null }>(
            `SELECT DISTINCT type, user_id FROM sealed WHERE tenant = '${tenant}' AND properties <> '{"n":0}' AND type <> 'sealed.all' ORDER BY type, user_id`,
          );
        expect(await store.deleteReceivedBefore(tenant, { except: [] }, START, sealing)).toBe(3);
        const nobodys = async () => (await sealed()).filter(({ user_id }) => user_id === null);
        const named = async () => (await sealed()).flatMap(({ user_id }) => user_id ?? []);
        const sums = await nobodys();
        expect(sums).not.toEqual([]);
        expect(await named()).toEqual(["anna", "bert"]);
        await store.eraseUser(tenant, "anna");
        expect(await named()).toEqual(["bert"]);
        expect(await nobodys()).toEqual(sums);
        const before = await store.version({ tenant, types: null, from: null, to: null });
        expect(await store.eraseUser(tenant, "bert")).toBe(0);
        expect(await named()).toEqual([]);
        expect(await store.version({ tenant, types: null, from: null, to: null })).not.toBe(before);
      });

      it("erases a user's events and the user, and nobody else's", async () => {
        const [tenant, other] = [newTenant(), newTenant()];
        const users = () =>
          store.query<{ tenant: string; user_id: string }>(
            `SELECT tenant, user_id FROM users WHERE tenant IN ('${tenant}', '${other}') ORDER BY tenant, user_id`,
          );
        await save([
          ...numbered(20, (i) => event(tenant, `a${i}`, { user: "anna" })),
          event(tenant, "b", { user: "bert" }),
          event(other, "a", { user: "anna" }),
        ]);
        expect(await store.eraseUser(tenant, "anna")).toBe(20);
        expect(await store.eraseUser(tenant, "anna")).toBe(0);
        expect(await users()).toEqual([
          { tenant, user_id: "bert" },
          { tenant: other, user_id: "anna" },
        ]);
        expect(await save([event(tenant, "new", { user: "anna" })])).toEqual({ stored: 1, duplicates: 0 });
        expect(await store.counts({ tenant }, "all")).toMatchObject([{ events: 2, users: 2 }]);
        expect(await users()).toHaveLength(3);
      });
    });

    describe("views of a tenant", () => {
      const read = async (tenant: string, view: string, columns: string) =>
        store.query<Record<string, unknown>>(
          `SELECT ${columns} FROM ${await store.tenantViews(tenant)}.${view} ORDER BY 1, 2`,
        );

      it("show the payload's fields under the contracts' names, and only this tenant's", async () => {
        const [tenant, other] = [newTenant(), newTenant()];
        const created = {
          event_type: "booking.created",
          event_timestamp: "2026-03-01T00:00:00Z",
          booking_id: "b1",
          rider_id: "r'1",
          seats_booked: 2,
          total_price: "1500.50",
          pickup_lat: 6.5,
          scheduled_departure: "2026-03-01T10:00:00+02:00",
        };
        const completed = {
          trip_id: "t1",
          driver_id: "d1",
          duration_minutes: 80,
          driver_earnings: 2550.1,
          on_time: true,
        };
        await save([
          event(tenant, "1", { type: "booking.created", properties: JSON.stringify(created), origin: "kafka:x/3/77" }),
          event(tenant, "2", { type: "trip.completed", properties: JSON.stringify(completed) }),
          event(other, "3", { type: "booking.created", properties: JSON.stringify({ ...created, booking_id: "b2" }) }),
        ]);
        expect(
          await read(
            tenant,
            "booking_events",
            "event_id, booking_id, rider_id, driver_id, seats_booked, total_price, booking_status, pickup_lat, scheduled_departure, event_timestamp",
          ),
        ).toEqual([
          {
            event_id: "1",
            booking_id: "b1",
            rider_id: "r'1",
            driver_id: null,
            seats_booked: "2",
            total_price: "1500.5",
            booking_status: "PENDING",
            pickup_lat: 6.5,
            scheduled_departure: Date.UTC(2026, 2, 1, 8),
            event_timestamp: START,
          },
        ]);
        expect(
          await read(tenant, "events_raw", "event_id, entity_id, entity_type, kafka_partition, kafka_offset"),
        ).toEqual([
          { event_id: "1", entity_id: "b1", entity_type: "booking", kafka_partition: "3", kafka_offset: "77" },
          { event_id: "2", entity_id: "t1", entity_type: "trip", kafka_partition: null, kafka_offset: null },
        ]);
        expect(
          await read(tenant, "trip_events", "trip_id, duration_minutes, driver_earnings, on_time, trip_status"),
        ).toEqual([
          { trip_id: "t1", duration_minutes: "80", driver_earnings: "2550.1", on_time: true, trip_status: "COMPLETED" },
        ]);
        expect(await read(other, "booking_events", "booking_id, rider_id")).toEqual([
          { booking_id: "b2", rider_id: "r'1" },
        ]);
      });

      it("have the tables of the other contracts", async () => {
        const tenant = `it's "naughty" ${newTenant()}`;
        await save([
          event(tenant, "1", { type: "page_view", user: "u", properties: '{"page":"/","_src":"web_app"}' }),
          event(tenant, "2", { type: "BookingCreated", properties: '{"event_id":100,"booking_data":{"id":1}}' }),
          event(tenant, "3", { type: "document_processed", properties: '{"_service_name":"pdf-service"}' }),
        ]);
        expect(await read(tenant, "events", "type, user_id, src, ts")).toEqual([
          { type: "BookingCreated", user_id: null, src: null, ts: START },
          { type: "document_processed", user_id: null, src: null, ts: START },
          { type: "page_view", user_id: "u", src: "web_app", ts: START },
        ]);
        expect(await read(tenant, "event_log", "event_type, event_id, processed")).toEqual([
          { event_type: "BookingCreated", event_id: "100", processed: true },
        ]);
        expect(await read(tenant, "analytics_events", "id, service_name")).toEqual([
          { id: "1", service_name: null },
          { id: "2", service_name: null },
          { id: "3", service_name: "pdf-service" },
        ]);
      });

      it("can all be read, also where a tenant has no such events or odd ones", async () => {
        const tenant = newTenant();
        const odd = { seats_booked: "many", total_price: {}, on_time: "perhaps", scheduled_departure: 7, event_id: [] };
        await save(
          EVENT_VIEWS.flatMap(({ types }) => types ?? []).map((type, i) =>
            event(tenant, `${i}`, { type, properties: JSON.stringify(i % 2 ? odd : {}) }),
          ),
        );
        for (const of of [tenant, newTenant()]) {
          const schema = await store.tenantViews(of);
          for (const { name } of [...EVENT_VIEWS, ...RIDES_DAILY]) {
            const rows = await store.query(`SELECT * FROM ${schema}.${name}`);
            expect(rows.length > 0, name).toBe(of === tenant);
          }
        }
      });

      it("aggregate by day with weighted averages", async () => {
        const tenant = newTenant();
        const payment = (id: string, type: string, fields: object) =>
          event(tenant, id, { type, properties: JSON.stringify({ payment_method: "card", ...fields }) });
        await save([
          payment("1", "payment.initiated", { rider_id: "r1", amount: "10.00" }),
          payment("2", "payment.success", { rider_id: "r1", amount: "10.10", processing_time_ms: 100 }),
          payment("3", "payment.success", { rider_id: "r1", amount: 20.2, processing_time_ms: 400 }),
          payment("4", "payment.success", { rider_id: "r2", amount: "0.01", processing_time_ms: 400 }),
        ]);
        expect(
          await read(
            tenant,
            "mv_daily_payment_metrics",
            "date, payment_method, payments_initiated, payments_success, payments_failed, total_revenue, avg_processing_time_ms, unique_payers",
          ),
        ).toEqual([
          {
            date: "2026-03-01",
            payment_method: "card",
            payments_initiated: "1",
            payments_success: "3",
            payments_failed: "0",
            total_revenue: "30.31",
            avg_processing_time_ms: 300,
            unique_payers: "2",
          },
        ]);
      });
    });

    describe("being away", () => {
      it("is opened a second time without any change", async () => {
        const before = await store.query("SELECT version, name, applied FROM schema_migrations ORDER BY version");
        await reopen();
        expect(await store.query("SELECT version, name, applied FROM schema_migrations ORDER BY version")).toEqual(
          before,
        );
        expect(before.length).toBeGreaterThan(0);
      });

      it("says that it is unavailable when its engine breaks down, and is back when that is", async () => {
        const tenant = newTenant();
        const path = await segment(numbered(1000, (i) => event(tenant, `${i}`)));
        await store.append([await segment([event(tenant, "0")])]);
        expect(await engine.breakDown(store)).toBeInstanceOf(StoreUnavailable);
        await engine.revive();
        await vi.waitFor(() => store.ping(), 10_000);
        expect(await store.append([path])).toEqual({ stored: 999, duplicates: 1 });
        expect(await total({ tenant })).toBe(1000);
      });

      it("closes while queries run: they end, and what follows is refused", async () => {
        const slow =
          store.dialect === "duckdb"
            ? "SELECT count(*) AS n FROM range(20000000000) WHERE hash(range) = 3"
            : "SELECT count() AS n FROM numbers(300000000) WHERE cityHash64(number) = 3";
        const running = store.query(slow).catch((error) => error);
        const others = Array.from({ length: 5 }, () => store.query(slow).catch((error) => error));
        await new Promise((done) => setTimeout(done, 50));
        await store.close();
        for (const ended of [await running, ...(await Promise.all(others))])
          expect(ended).toBeInstanceOf(StoreUnavailable);
        await expect(store.ping()).rejects.toBeInstanceOf(StoreUnavailable);
        await store.close();
        store = await engine.open();
      });
    });
  });
});
