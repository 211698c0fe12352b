// Taking in events: how fast, how soon they are acknowledged and can be queried, and what that leaves to queries.
// Every figure stands beside two limits of the same run: the spool alone, and the store's own append.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { tsImport } from "tsx/esm/api";
import { atLeast, below, median } from "./measure.mjs";
import { dropFolder, ROOT, residentBytes, startGateway, temporaryFolder, token } from "./stage.mjs";

const SECOND = 1000;
const NOWHERE = Array(6).fill(9);
const EVENTS = Number(process.env.INGEST_EVENTS ?? 5_000_000);
const BATCH = 100;
const ENVIRONMENT = { SWEEP: "off", WRITE_KEYS: "bench-write-key" };

/** Events a second that the spool alone makes durable, in batches of 100 with 16 in flight. */
async function spoolAlone(events = 1_000_000) {
  const { Spool } = await import(join(ROOT, "dist/spool/index.js"));
  const folder = await temporaryFolder("spool");
  const spool = await Spool.open({ folder, maxBytes: 2 ** 40, log: console });
  const lines = spooled(0, BATCH);
  let left = events / BATCH;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (left-- > 0) await spool.append(lines);
    }),
  );
  const rate = (events / (performance.now() - startedAt)) * SECOND;
  await spool.close();
  dropFolder(folder);
  return rate;
}

/** Events a second that the embedded store takes in from segments of 20,000. */
async function storeAlone(events = 1_000_000) {
  const { openDuckDbStore } = await import(join(ROOT, "dist/events/index.js"));
  const folder = await temporaryFolder("store");
  const store = await openDuckDbStore({ folder: join(folder, "store") });
  const each = 20_000;
  const segments = [];
  for (let from = 0; from < events; from += each) {
    const path = join(folder, `${from}.ndjson`);
    await writeFile(path, spooled(from, each));
    segments.push(path);
  }
  const startedAt = performance.now();
  for (const segment of segments) await store.append([segment]);
  const rate = (events / (performance.now() - startedAt)) * SECOND;
  await store.close();
  dropFolder(folder);
  return rate;
}

function spooled(from, count) {
  let lines = "";
  for (let i = from; i < from + count; i++) {
    const properties = `{"page":"/products/${i % 997}","referrer":"/search?q=shoes","plan":"free","position":${i % 50},"experiment":"b"}`;
    lines += `{"tenant":"default","id":"event-${i}","type":"page_view","time":${1.7e12 + i},"received":${1.7e12 + i},"origin":"http","user":"user-${(i * 7919) % 200_000}","session":"session-${i % 5000}","properties":${properties}}\n`;
  }
  return lines;
}

/** Sends from a process of its own. @returns what it saw */
async function send(gateway, { events, connections = 16, rate = 0 }) {
  const options = [`${gateway.url}/v1/events`, token("bench"), events / BATCH, connections, rate].map(String);
  const child = spawn(process.execPath, [join(ROOT, "bench/ingest-sender.mjs"), ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [out] = await Promise.all([text(child.stdout), once(child, "close")]);
  const seen = JSON.parse(out);
  assert.equal(seen.refused, 0, "batches were refused");
  return seen;
}

/** Times from an event's acknowledgement until a query shows it, one event after the other until stopped. */
function watchVisibility(gateway) {
  const times = [];
  let stopped = false;
  const running = (async () => {
    for (let n = 0; !stopped; n++) {
      const id = `probe-${process.pid}-${n}`;
      const answer = await fetch(`${gateway.url}/v1/events`, {
        method: "POST",
        headers: { "x-write-key": "bench-write-key", "content-type": "application/json" },
        body: JSON.stringify([{ type: "probe", id, subject: id }]),
      });
      assert.equal(answer.status, 200);
      const acknowledged = performance.now();
      const from = new Date(Date.now() - 60 * SECOND).toISOString();
      const query = `{ eventCounts(filter: { types: ["probe"], from: "${from}", subject: "${id}" }, granularity: ALL) { events } }`;
      for (let seen = 0; seen === 0; ) {
        await sleep(20);
        seen = (await gateway.graphql(query)).body.data.eventCounts[0]?.events ?? 0;
      }
      times.push(performance.now() - acknowledged);
      await sleep(300);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await running;
      const sorted = times.toSorted((a, b) => a - b);
      return { p95: sorted[Math.floor(sorted.length * 0.95)], count: sorted.length };
    },
  };
}

/** Resident memory, highest in each tenth of the time. */
function watchMemory(pid) {
  const samples = [];
  const timer = setInterval(() => samples.push(residentMegabytes(pid)), 500);
  return () => {
    clearInterval(timer);
    const part = (from, to) => Math.max(...samples.slice(samples.length * from, samples.length * to));
    return { middle: part(0.4, 0.6), end: part(0.8, 1), peak: Math.max(...samples) };
  };
}

const residentMegabytes = (pid) => residentBytes(pid) / 2 ** 20;

const metric = async (gateway, pattern) =>
  Number(pattern.exec(await (await fetch(`${gateway.url}/metrics`)).text())?.[1] ?? Number.NaN);

async function stored(gateway) {
  const startedAt = performance.now();
  while ((await metric(gateway, /crowsnest_spool_bytes\{spool="events"\} (\d+)/)) > 0) await sleep(50);
  return performance.now() - startedAt;
}

/** HTTP in batches of 100, as many as one process takes. */
export async function ingest(notes) {
  const [spool, store] = [await spoolAlone(), await storeAlone()];
  const gateway = await startGateway(NOWHERE, ENVIRONMENT);
  try {
    await send(gateway, { events: 200_000 });
    const memory = watchMemory(gateway.pid);
    const visibility = watchVisibility(gateway);
    const seen = await send(gateway, { events: EVENTS });
    const { p95, count } = await visibility.stop();
    const used = memory();
    const drainMs = await stored(gateway);
    const { body } = await gateway.graphql("{ eventCounts(granularity: ALL) { events } }");
    assert.equal(body.data.eventCounts[0].events, EVENTS + 200_000 + count, "not every event is stored once");
    notes.remarks.push(
      `ingest: spool alone ${perSecond(spool)}, store's own append ${perSecond(store)}; p50 of acknowledgement ${seen.p50.toFixed(1)} ms; sender used ${seen.cpuSeconds.toFixed(1)} s of CPU in ${seen.seconds.toFixed(1)} s; the rest was stored ${drainMs.toFixed(0)} ms after the last; memory peak ${used.peak.toFixed(0)} MB`,
    );
    return [
      { name: "events a second over HTTP", value: seen.rate, unit: "", limit: atLeast(60_000) },
      { name: "share of the spool alone", value: seen.rate / spool, unit: "" },
      { name: "share of the store's own append", value: seen.rate / store, unit: "" },
      { name: "p99 of acknowledgement", value: seen.p99, unit: "ms", limit: below(100) },
      { name: "p95 from acknowledged to visible", value: p95, unit: "ms", limit: below(SECOND) },
      { name: "memory at the end by that half-way", value: used.end / used.middle, unit: "", limit: below(1.25) },
    ];
  } finally {
    await gateway.stop();
  }
}

const perSecond = (rate) => `${Math.round(rate).toLocaleString("en")}/s`;

const QUERY = "{ eventCounts(granularity: HOUR) { start events users } }";

/** Queries of events while 20,000 a second come in, beside the same queries without. */
export async function beside(notes) {
  const gateway = await startGateway(NOWHERE, ENVIRONMENT);
  try {
    await send(gateway, { events: 1_000_000 });
    await stored(gateway);
    const idle = await queriesPerSecond(gateway, 8);
    const sending = send(gateway, { events: 300_000, rate: 20_000 });
    await sleep(2 * SECOND);
    const busy = await queriesPerSecond(gateway, 8);
    const seen = await sending;
    notes.remarks.push(
      `beside: ${idle.toFixed(1)} queries a second at rest, ${busy.toFixed(1)} beside ${perSecond(seen.rate)}`,
    );
    return [{ name: "queries beside 20,000 events a second", value: busy / idle, unit: "", limit: atLeast(0.5) }];
  } finally {
    await gateway.stop();
  }
}

/** Two at a time for some seconds. */
async function queriesPerSecond(gateway, seconds) {
  const until = performance.now() + seconds * SECOND;
  let done = 0;
  const ask = async () => {
    while (performance.now() < until) {
      const { body } = await gateway.graphql(QUERY);
      assert.ok(body.data.eventCounts.length > 0);
      done += 1;
    }
  };
  await Promise.all([ask(), ask()]);
  return done / seconds;
}

/** Messages that wait at a source are taken in by a gateway that starts; the rate is that of whole seconds at work. */
async function backlog(notes, { name, environment, waiting, alone }) {
  const before = await alone();
  const rate = await intakeRate(notes, { name, environment, waiting });
  const client = (before + (await alone())) / 2;
  notes.remarks.push(`${name}: the client library alone reads ${perSecond(client)}`);
  return [
    { name: `messages a second from ${name}`, value: rate, unit: "", limit: atLeast(100_000) },
    { name: "share of the client library alone", value: rate / client, unit: "" },
  ];
}

async function intakeRate(notes, { name, environment, waiting }) {
  const gateway = await startGateway(NOWHERE, { ...ENVIRONMENT, ...environment });
  try {
    const taken = async () =>
      (await metric(gateway, /crowsnest_events_total\{shape="\w+",outcome="taken"\} (\d+)/)) || 0;
    const rates = [];
    let before = { at: performance.now(), count: await taken() };
    while (before.count < waiting) {
      await sleep(SECOND);
      const now = { at: performance.now(), count: await taken() };
      if (before.count > 0 && now.count < waiting) {
        rates.push(((now.count - before.count) / (now.at - before.at)) * SECOND);
      }
      before = now;
    }
    await stored(gateway);
    const { body } = await gateway.graphql("{ eventCounts(granularity: ALL) { events } }");
    assert.equal(body.data.eventCounts[0].events, waiting, "not every message is stored once");
    const bySecond = rates.map((rate) => Math.round(rate / 1000)).join(", ");
    notes.remarks.push(`${name}: ${waiting.toLocaleString("en")} messages, thousands by second: ${bySecond}`);
    return median(rates);
  } finally {
    await gateway.stop();
  }
}

const WAITING = Number(process.env.WAITING_MESSAGES ?? 1_200_000);
const AT_ONCE = 2000;
const TOPIC = "openride.events.booking";
const STREAM = "vehicle.health.changed";

/** Programs that tests start as well. */
const support = (name) => tsImport(`../tests/support/${name}.ts`, import.meta.url);

export async function kafka(notes) {
  const { startKafka } = await support("kafka");
  // The stand-in keeps 5 MB of each partition.
  const partitions = Math.ceil(WAITING / 18_000);
  const cluster = await startKafka({ [TOPIC]: partitions });
  const kafka = new Kafka({ brokers: [cluster.brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  try {
    await producer.connect();
    for (let n = 0; n < WAITING; n += AT_ONCE) {
      const messages = Array.from({ length: AT_ONCE }, (_, i) => ({
        partition: (n / AT_ONCE) % partitions,
        value: `{"event_type":"booking.cancelled","event_timestamp":"2026-01-01T00:00:00Z","booking_id":"booking-${n + i}","rider_id":"rider-${(n + i) % 50_000}","driver_id":"driver-${i}","route_id":"route-${i}","cancelled_by":"RIDER"}`,
      }));
      await producer.send({ topic: TOPIC, messages });
    }
    return await backlog(notes, {
      name: "Kafka",
      environment: { KAFKA_BOOTSTRAP_SERVERS: cluster.brokers, KAFKA_TOPICS: TOPIC },
      waiting: WAITING,
      alone: () => kafkajsAlone(kafka),
    });
  } finally {
    await producer.disconnect();
    await cluster.stop();
  }
}

/** Messages a second that kafkajs reads and decodes, by its own account of how many came. */
async function kafkajsAlone(kafka) {
  const consumer = kafka.consumer({ groupId: `alone-${randomUUID()}`, maxBytes: 16 * 2 ** 20 });
  await consumer.connect();
  await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
  let read = 0;
  let startedAt = 0;
  await new Promise((done) => {
    const eachBatch = async ({ batch }) => {
      startedAt ||= performance.now();
      read += batch.messages.length;
      if (read >= WAITING) done();
    };
    consumer.run({ autoCommit: false, partitionsConsumedConcurrently: 16, eachBatch });
  });
  const rate = (read / (performance.now() - startedAt)) * SECOND;
  await consumer.disconnect();
  return rate;
}

export async function streams(notes) {
  const { startRedis } = await support("redis");
  const server = await startRedis(false);
  const client = new Redis(server.url);
  try {
    for (let n = 0; n < WAITING; n += AT_ONCE) {
      const pipeline = client.pipeline();
      for (let i = n; i < n + AT_ONCE; i++) {
        const payload = `{"vehicle_id":"V${i % 1000}","component":"engine","previous_score":0.9,"health_score":0.1,"status":"critical"}`;
        const fields = [
          "event_id",
          `e-${i}`,
          "event_type",
          STREAM,
          "timestamp",
          "2026-01-01T00:00:00Z",
          "payload",
          payload,
        ];
        pipeline.xadd(STREAM, "*", ...fields, "source", "health", "version", "1");
      }
      await pipeline.exec();
    }
    return await backlog(notes, {
      name: "Redis Streams",
      environment: { REDIS_URL: server.url, EVENT_SOURCES: "redis-streams", REDIS_STREAMS: STREAM },
      waiting: WAITING,
      alone: () => ioredisAlone(client),
    });
  } finally {
    client.disconnect();
    await server.stop();
  }
}

/** Entries a second that ioredis reads as a member of a group and acknowledges. */
async function ioredisAlone(client) {
  const group = `alone-${randomUUID()}`;
  await client.xgroup("CREATE", STREAM, group, "0");
  const startedAt = performance.now();
  let read = 0;
  for (;;) {
    const [[, entries] = []] =
      (await client.xreadgroup("GROUP", group, "one", "COUNT", AT_ONCE, "STREAMS", STREAM, ">")) ?? [];
    if (!entries) break;
    read += entries.length;
    await client.xack(STREAM, group, ...entries.map(([id]) => id));
  }
  const rate = (read / (performance.now() - startedAt)) * SECOND;
  await client.xgroup("DESTROY", STREAM, group);
  return rate;
}
