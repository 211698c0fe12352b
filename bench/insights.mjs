// What questions cost over many generated events: through the gateway, worked out anew and from what it keeps, beside
// the SQL that somebody who knows the engine would write by hand for the same question, on the same data and machine.
//   EVENTS=10000000 npm run bench -- insights --reps 1
//   EVENTS=10000000 npm run bench -- insights-clickhouse --reps 1
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import { atMost, median } from "./measure.mjs";
import { STANDINS_DIR, start, startGateway, stop, temporaryFolder } from "./stage.mjs";

/** What the limits are made for. */
const USUAL = 10_000_000;
const EVENTS = Number(process.env.EVENTS ?? USUAL);
const BATCH = 100_000;
const DAY = 86_400_000;
/** A Monday, and thirteen weeks. */
const START = Date.UTC(2026, 0, 5);
const DAYS = 91;
const END = START + DAYS * DAY;
const PASSES = Number(process.env.PASSES ?? 5);
/** Kept answers are asked for so often after each that was worked out. */
const KEPT = 10;
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const STEPS = ["page_view", "search", "product_view", "cart_add", "purchase"];
const NO_SERVICES = [9, 9, 9, 9, 9, 9];
const day = (time) => new Date(time).toISOString().slice(0, 10);
const RANGE = `range: { start: "${day(START)}", end: "${day(END - 1)}" }`;

/** The questions: as a client asks them, and what an answer must hold. */
const QUESTIONS = {
  "daily active users over 91 days": {
    query: `{ insights { activeUsers(${RANGE}, refresh: $refresh) { days { date dau } } } }`,
    check: ({ insights }) => assert.equal(insights.activeUsers.days.length, DAYS),
    limit: 1000,
  },
  "funnel of five steps": {
    query: `{ insights { funnel(${RANGE}, windowSeconds: 604800, refresh: $refresh, steps: [${STEPS.map((type) => `{ types: ["${type}"] }`)}]) { groups { steps { users conversionRate } } } } }`,
    check: ({ insights }) => assert.ok(insights.funnel.groups[0].steps.at(-1).users > 0),
    limit: 1500,
  },
  "weekly cohorts × 12": {
    query: `{ insights { cohorts(${RANGE}, cohortBy: WEEK, periods: 12, refresh: $refresh) { cohorts { name size cells { users } } } } }`,
    check: ({ insights }) => assert.ok(insights.cohorts.cohorts[0].size > 0),
    limit: 1000,
  },
  "retention after 1, 7 and 30 days": {
    query: `{ insights { retention(${RANGE}, start: { types: ["page_view"] }, returning: {}, refresh: $refresh) { cohorts { size at(periods: [1, 7, 30]) { users } } } } }`,
    check: ({ insights }) => assert.ok(insights.retention.cohorts[0].at[2].users > 0),
    limit: 1500,
  },
  "top ten subjects": {
    query: `{ metrics(${RANGE}, ids: ["events.events"], groupBy: ["subject"], limit: 10, refresh: $refresh) { series { group total { value } } } }`,
    check: ({ metrics }) => assert.equal(metrics.series.length, 10),
    limit: 1000,
  },
  geography: {
    query: `{ insights { geography(${RANGE}, level: CITY, limit: 100, refresh: $refresh) { places { country region city events users latitude longitude } } } }`,
    check: ({ insights }) => assert.equal(insights.geography.places.length, 100),
    limit: 1000,
  },
};

const CLICKHOUSE_RANGE = `tenant = 'default' AND time >= fromUnixTimestamp64Milli(${START}, 'UTC') AND time < fromUnixTimestamp64Milli(${END}, 'UTC')`;

/** The same by hand. */
const BY_HAND = {
  duckdb: {
    "daily active users over 91 days": `SELECT day, count(*) FROM (SELECT DISTINCT epoch_ms(time) // ${DAY} AS day, user_key FROM events
      WHERE tenant = 'default' AND user_key IS NOT NULL AND time >= make_timestamp_ms(${START}) AND time < make_timestamp_ms(${END})) GROUP BY day`,
    "funnel of five steps": duckFunnel(),
    "weekly cohorts × 12": `WITH active AS (SELECT DISTINCT user_key, (epoch_ms(time) + ${3 * DAY}) // ${7 * DAY} AS week FROM events WHERE tenant = 'default' AND user_key IS NOT NULL),
      firsts AS (SELECT user_key, min(week) AS first FROM active GROUP BY user_key)
      SELECT first, week - first AS period, count(*) FROM active JOIN firsts USING (user_key) WHERE week - first <= 12 GROUP BY ALL`,
    "retention after 1, 7 and 30 days": `WITH firsts AS (SELECT user_key, min(epoch_ms(time)) // ${DAY} AS first FROM events WHERE tenant = 'default' AND type = 'page_view' AND user_key IS NOT NULL GROUP BY user_key),
      active AS (SELECT DISTINCT user_key, epoch_ms(time) // ${DAY} AS day FROM events WHERE tenant = 'default' AND user_key IS NOT NULL)
      SELECT day - first AS period, count(*) FROM active JOIN firsts USING (user_key) WHERE day - first BETWEEN 0 AND 30 GROUP BY ALL`,
    "top ten subjects": `SELECT subject, count(*) AS n FROM events WHERE tenant = 'default' AND time >= make_timestamp_ms(${START}) AND time < make_timestamp_ms(${END}) GROUP BY subject ORDER BY n DESC LIMIT 10`,
    geography: `SELECT country, region, city, count(*) AS n, count(DISTINCT user_key), sum(amount), avg(latitude), avg(longitude) FROM events
      WHERE tenant = 'default' AND city IS NOT NULL AND time >= make_timestamp_ms(${START}) AND time < make_timestamp_ms(${END}) GROUP BY ALL ORDER BY n DESC LIMIT 100`,
  },
  clickhouse: {
    "daily active users over 91 days": `SELECT toDate(time) AS day, uniqExact(user_key) FROM events WHERE ${CLICKHOUSE_RANGE} GROUP BY day`,
    "funnel of five steps": `SELECT level, count() FROM (SELECT user_key, windowFunnel(${7 * DAY})(toUInt64(toUnixTimestamp64Milli(time)), ${STEPS.map((type) => `type = '${type}'`)}) AS level
      FROM events WHERE ${CLICKHOUSE_RANGE} AND type IN (${STEPS.map((type) => `'${type}'`)}) GROUP BY user_key) GROUP BY level`,
    "weekly cohorts × 12": `WITH active AS (SELECT DISTINCT user_key, intDiv(toUnixTimestamp64Milli(time) + ${3 * DAY}, ${7 * DAY}) AS week FROM events WHERE tenant = 'default' AND user_key IS NOT NULL),
      firsts AS (SELECT user_key, min(week) AS first FROM active GROUP BY user_key)
      SELECT first, week - first AS period, count() FROM active JOIN firsts USING (user_key) WHERE week - first <= 12 GROUP BY first, period`,
    "retention after 1, 7 and 30 days": `WITH firsts AS (SELECT user_key, intDiv(toUnixTimestamp64Milli(min(time)), ${DAY}) AS first FROM events WHERE tenant = 'default' AND type = 'page_view' AND user_key IS NOT NULL GROUP BY user_key),
      active AS (SELECT DISTINCT user_key, intDiv(toUnixTimestamp64Milli(time), ${DAY}) AS day FROM events WHERE tenant = 'default' AND user_key IS NOT NULL)
      SELECT day - first AS period, count() FROM active JOIN firsts USING (user_key) WHERE period BETWEEN 0 AND 30 GROUP BY period`,
    "top ten subjects": `SELECT subject, count() AS n FROM events WHERE ${CLICKHOUSE_RANGE} GROUP BY subject ORDER BY n DESC LIMIT 10`,
    geography: `SELECT country, region, city, count() AS n, uniqExact(user_key), sum(amount), avg(latitude), avg(longitude) FROM events WHERE ${CLICKHOUSE_RANGE} AND city IS NOT NULL GROUP BY country, region, city ORDER BY n DESC LIMIT 100`,
  },
};

/** Joins of each step's events to the latest of the step before, which carry the chain's start along. */
function duckFunnel() {
  const events = (type) =>
    `SELECT user_key AS u, epoch_ms(time) AS t FROM events WHERE tenant = 'default' AND type = '${type}' AND time >= make_timestamp_ms(${START}) AND time < make_timestamp_ms(${END}) AND user_key IS NOT NULL`;
  const steps = STEPS.map((type, i) =>
    i === 0
      ? `s0 AS (SELECT u, t, t AS s FROM (${events(type)}))`
      : `s${i} AS (SELECT b.u, b.t, a.s FROM (${events(type)}) AS b ASOF JOIN s${i - 1} AS a ON a.u = b.u AND a.t <= b.t WHERE b.t - a.s <= ${7 * DAY})`,
  );
  return `WITH ${steps.join(", ")} SELECT ${STEPS.map((_, i) => `(SELECT count(DISTINCT u) FROM s${i})`).join(", ")}`;
}

export async function insights(notes) {
  const folder = await temporaryFolder("insights");
  const environment = { DATA_DIR: folder, SWEEP: "off", NODE_ENV: "bench", AUDIT: "off" };
  const file = join(folder, "events", "events.duckdb");
  const empty = await startGateway(NO_SERVICES, environment);
  await empty.stop();
  const bytes = await fillDuckDb(file, EVENTS);
  const times = noTimes();
  let analysts;
  // The file belongs to one process: gateway and hand take turns with all questions.
  for (let pass = 0; pass < PASSES; pass++) {
    const gateway = await startGateway(NO_SERVICES, environment);
    try {
      await takesEvents(gateway);
      await askAll(gateway, times);
      if (pass === PASSES - 1) analysts = await fourAnalysts(gateway, notes);
    } finally {
      await gateway.stop();
    }
    await handwritten(file, times);
  }
  return figures("DuckDB", times, analysts, notes, `${(bytes / 1e9).toFixed(2)} GB on disk`);
}

const noTimes = () =>
  Object.fromEntries(Object.keys(QUESTIONS).map((name) => [name, { cold: [], kept: [], hand: [] }]));

/** Until it does, it is still reading which events it has. */
async function takesEvents(gateway) {
  const type = `ready_${Date.now()}`;
  await gateway.post("/v1/events", [{ type }]);
  const counts = `{ eventCounts(filter: { types: ["${type}"] }, granularity: ALL) { events } }`;
  for (let events = 0; events === 0; await sleep(50)) {
    const { body } = await gateway.graphql(counts);
    events = body.data.eventCounts[0]?.events ?? 0;
  }
}

/** Each question: first answers that are thrown away (the file is read into memory, code is compiled), then anew and kept in turn. */
async function askAll(gateway, times) {
  for (const [name, { query, check }] of Object.entries(QUESTIONS)) {
    const ask = async (refresh) => {
      const { body, ms } = await gateway.graphql(query.replaceAll("$refresh", String(refresh)));
      assert.equal(body.errors, undefined, JSON.stringify(body.errors?.slice(0, 2)));
      check(body.data);
      return ms;
    };
    await ask(true);
    for (let i = 0; i < KEPT; i++) await ask(false);
    for (let round = 0; round < ROUNDS; round++) {
      times[name].cold.push(await ask(true));
      for (let i = 0; i < KEPT; i++) times[name].kept.push(await ask(false));
    }
  }
}

/** Four at once, each asking all questions anew, while events go on coming in. */
async function fourAnalysts(gateway, notes) {
  let running = true;
  let sent = 0;
  const latencies = [];
  const sending = (async () => {
    while (running) {
      const events = Array.from({ length: 500 }, (_, i) => ({
        type: "beside",
        user: `beside-${i}`,
        id: `b${sent}-${i}`,
      }));
      const startedAt = performance.now();
      await gateway.post("/v1/events", events);
      latencies.push(performance.now() - startedAt);
      sent += events.length;
      await sleep(25);
    }
  })();
  const startedAt = performance.now();
  await Promise.all(
    [0, 1, 2, 3].map(async () => {
      for (const { query, check } of Object.values(QUESTIONS)) {
        const { body } = await gateway.graphql(query.replaceAll("$refresh", "true"));
        assert.equal(body.errors, undefined, JSON.stringify(body.errors?.slice(0, 2)));
        check(body.data);
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  running = false;
  await sending;
  const slowest = Math.max(...latencies);
  notes.remarks.push(
    `four analysts asked all questions anew at once in ${seconds.toFixed(1)} s without an error; meanwhile ${Math.round(sent / seconds)} events/s were acknowledged, the slowest batch after ${Math.round(slowest)} ms`,
  );
  return { slowest };
}

function figures(engine, times, { slowest }, notes, remark) {
  const held = (limit) => (EVENTS === USUAL ? limit : undefined);
  const rows = Object.entries(QUESTIONS).flatMap(([name, { limit }]) => {
    const { cold, kept, hand } = times[name];
    notes.remarks.push(
      `${engine}, ${name}: ${Math.round(median(cold))} ms anew, ${Math.round(median(hand))} ms by hand, ${median(kept).toFixed(1)} ms kept`,
    );
    return [
      { name: `${name}: p95 anew`, value: p95(cold), unit: "ms", limit: held(atMost(limit)) },
      { name: `${name}: p95 kept`, value: p95(kept), unit: "ms", limit: held(atMost(20)) },
      {
        name: `${name}: anew by hand-written`,
        value: median(cold) / median(hand),
        unit: "×",
        limit: held(atMost(1.3)),
      },
    ];
  });
  notes.remarks.push(`${engine}: ${EVENTS.toLocaleString("en")} events, ${remark}`);
  return [...rows, { name: "slowest batch beside four analysts", value: slowest, unit: "ms" }];
}

const p95 = (values) => values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1];

/** Generated events: 91 days, ten types, 300,000 users of whom few are very active, in visits of eight events. */
const columns = (i) => `
  SELECT *, ['NG','DE','US','FR','GB'][1 + u % 5] AS country, 'R' || (u % 40) AS region, 'C' || (u % 400) AS city,
    CASE WHEN type = 'purchase' THEN (${i} % 10000)::DECIMAL(18, 4) / 100 END AS amount
  FROM (SELECT i, ${START} + ((i - i % 8) * ${DAYS * DAY} // ${EVENTS})::BIGINT + (i % 8) * 45000 AS time,
    CAST(floor(300000 * power((hash(i // 8) % 1000003) / 1000003.0, 2)) AS INTEGER) AS u,
    CASE WHEN h // 11 % 100 < 35 THEN 'page_view' WHEN h // 11 % 100 < 50 THEN 'search' WHEN h // 11 % 100 < 65 THEN 'product_view'
      WHEN h // 11 % 100 < 73 THEN 'cart_add' WHEN h // 11 % 100 < 78 THEN 'checkout' WHEN h // 11 % 100 < 81 THEN 'purchase'
      WHEN h // 11 % 100 < 90 THEN 'login' WHEN h // 11 % 100 < 95 THEN 'logout' WHEN h // 11 % 100 < 98 THEN 'share' ELSE 'error' END AS type
    FROM (SELECT i, hash(i) >> 8 AS h FROM range($from, $to) AS r(i)))`;

/** Straight into the file, in batches that are ordered as the gateway orders them. @returns its size in bytes */
async function fillDuckDb(file, events) {
  const instance = await DuckDBInstance.create(file, { threads: String(availableParallelism()) });
  const connection = await instance.connect();
  for (let from = 0; from < events; from += BATCH) {
    await connection.run(
      `INSERT INTO events SELECT 'default', 'e' || i, md5_number('default' || chr(0) || 'e' || i), type, make_timestamp_ms(time)::TIMESTAMP_MS,
        make_timestamp_ms(time)::TIMESTAMP_MS, 'http', 'user-' || u, u + 1, NULL, '/p/' || (i % 5000), country, region, city, 6.5 + u % 100 / 100.0,
        3.3 + u % 100 / 100.0, amount, 'NGN', '{"page":"/p"}' FROM (${columns("i")}) ORDER BY type, time`,
      { from, to: Math.min(from + BATCH, events) },
    );
    if ((from / BATCH) % 20 === 19) console.error(`  ${from + BATCH} of ${events} events …`);
  }
  await connection.run("INSERT INTO users SELECT DISTINCT tenant, user_id, user_key FROM events");
  await connection.run("CHECKPOINT");
  const [[blocks]] = (
    await connection.runAndReadAll("SELECT total_blocks * block_size FROM pragma_database_size()")
  ).getRows();
  connection.closeSync();
  instance.closeSync();
  return Number(blocks);
}

async function handwritten(file, times) {
  const options = { threads: String(availableParallelism()), memory_limit: "512MB", access_mode: "READ_ONLY" };
  const instance = await DuckDBInstance.create(file, options);
  const connection = await instance.connect();
  await timed(BY_HAND.duckdb, times, (sql) => connection.runAndReadAll(sql));
  connection.closeSync();
  instance.closeSync();
}

async function timed(statements, times, run) {
  for (const [name, sql] of Object.entries(statements)) {
    await run(sql);
    for (let round = 0; round < ROUNDS; round++) {
      const startedAt = performance.now();
      await run(sql);
      times[name].hand.push(performance.now() - startedAt);
    }
  }
}

/** As `insights`, over ClickHouse's engine behind its HTTP interface. */
export async function insightsClickHouse(notes) {
  const server = await startClickHouse();
  try {
    const environment = { CLICKHOUSE_URL: `${server.url}/default`, SWEEP: "off", NODE_ENV: "bench", AUDIT: "off" };
    const gateway = await startGateway(NO_SERVICES, environment);
    try {
      await gateway.graphql("{ eventCounts(granularity: ALL) { events } }");
      await fillClickHouse(server);
      const times = noTimes();
      for (let pass = 0; pass < PASSES; pass++) {
        await askAll(gateway, times);
        await timed(BY_HAND.clickhouse, times, (sql) => run(server, sql));
      }
      const analysts = await fourAnalysts(gateway, notes);
      return figures("ClickHouse", times, analysts, notes, "the engine inside one process");
    } finally {
      await gateway.stop();
    }
  } finally {
    await server.stop();
  }
}

export async function startClickHouse() {
  const script = join(STANDINS_DIR, "tools/clickhouse-over-chdb.cjs");
  const engine = join(tmpdir(), "crowsnest-standins", "node_modules");
  assert.ok(
    existsSync(script) && existsSync(join(engine, "chdb")),
    "run npx vitest run src/events/store/contract.test.ts once: it fetches the engine",
  );
  const folder = await temporaryFolder("clickhouse");
  const port = await freePort();
  const code = `const { Server } = require("node:net"); const listen = Server.prototype.listen;
    Server.prototype.listen = function (_port, ...rest) { return listen.call(this, ${port}, ...rest); }; require(${JSON.stringify(script)});`;
  const child = start(process.execPath, ["-e", code], {
    cwd: folder,
    env: { ...process.env, TZ: "UTC", NODE_PATH: engine, DATA: join(folder, "ch") },
  });
  const url = `http://127.0.0.1:${port}`;
  const settings = "SET output_format_json_quote_64bit_integers = 1, output_format_json_quote_decimals = 1";
  for (let attempt = 0; attempt < 300; attempt++) {
    const reply = await fetch(url, { method: "POST", body: settings }).catch(() => null);
    if (reply?.ok) return { url, stop: () => stop(child) };
    await sleep(100);
  }
  throw new Error("ClickHouse's stand-in did not answer");
}

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function run(server, sql) {
  const reply = await fetch(server.url, { method: "POST", body: sql });
  const text = await reply.text();
  assert.ok(reply.ok, text.slice(0, 500));
  return text;
}

async function fillClickHouse(server) {
  const step = 1_000_000;
  for (let from = 0; from < EVENTS; from += step) {
    await run(
      server,
      `INSERT INTO events SELECT 'default', concat('e', toString(n)), reinterpretAsUInt128(MD5(concat('default', char(0), 'e', toString(n)))), type,
        fromUnixTimestamp64Milli(time, 'UTC'), fromUnixTimestamp64Milli(time, 'UTC'), 'http', user, reinterpretAsUInt64(substring(MD5(concat('default', char(0), user)), 1, 8)),
        NULL, concat('/p/', toString(n % 5000)), ['NG','DE','US','FR','GB'][1 + u % 5], concat('R', toString(u % 40)), concat('C', toString(u % 400)), 6.5 + u % 100 / 100, 3.3 + u % 100 / 100,
        if(type = 'purchase', toDecimal64(n % 10000, 4) / 100, NULL), 'NGN', '{"page":"/p"}'
      FROM (SELECT n, u, concat('user-', toString(u)) AS user, toInt64(${START} + intDiv((n - n % 8) * ${DAYS * DAY}, ${EVENTS}) + n % 8 * 45000) AS time,
        multiIf(k < 35, 'page_view', k < 50, 'search', k < 65, 'product_view', k < 73, 'cart_add', k < 78, 'checkout', k < 81, 'purchase', k < 90, 'login', k < 95, 'logout', k < 98, 'share', 'error') AS type
        FROM (SELECT number AS n, cityHash64(number) AS h, toUInt32(floor(300000 * pow((cityHash64(intDiv(number, 8)) % 1000003) / 1000003, 2))) AS u, intDiv(h, 11) % 100 AS k FROM numbers(${from}, ${Math.min(step, EVENTS - from)})))`,
    );
    console.error(`  ${Math.min(from + step, EVENTS)} of ${EVENTS} events …`);
  }
}
