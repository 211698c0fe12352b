// One repetition of each scenario. Every one starts its own gateway and services, checks that the answers are right
// before it times them, and returns figures: { name, value, unit, limit?, calls? }.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { audit } from "./audit.mjs";
import { beside, ingest, kafka, streams } from "./ingest.mjs";
import { insights, insightsClickHouse } from "./insights.mjs";
import { atMost, below, exactly, floor, median, withCpu } from "./measure.mjs";
import { overload } from "./overload.mjs";
import { startRecorder } from "./recorder.mjs";
import {
  cpuTime,
  residentBytes,
  settled,
  startDemoFleet,
  startGateway,
  startUpstreams,
  token,
  total,
} from "./stage.mjs";
import { workers } from "./workers.mjs";

const SECOND = 1000;
const TREND = /the trend is still being computed/;
const HISTORY = "health GET /api/v1/health/:id/history";

/** Runs the work on a fresh stage and takes the stage down whatever happens. */
async function onStage({ bulk, environment, recorded = false }, notes, work) {
  const upstreams = await startUpstreams({ bulk });
  const recorder = recorded ? await startRecorder(upstreams.ports) : null;
  try {
    const gateway = await startGateway(recorder?.ports ?? upstreams.ports, environment);
    try {
      const figures = await work({ gateway, upstreams, recorder });
      notes.floors.push(await floor(gateway));
      return figures;
    } finally {
      await gateway.stop();
    }
  } finally {
    await recorder?.stop();
    await upstreams.stop();
  }
}

/** All vehicles, all blocks, no source failed; only the trend may be missing, and only where that is allowed. */
function assertComplete({ body }, upstreams, { trend }) {
  assert.equal(body.fleet_summary?.total_vehicles, upstreams.vehicles);
  assert.equal(body.coverage?.vehicles_known, upstreams.vehicles);
  const missing = Object.entries(body).filter(([name, value]) => value === null && name !== "health_trend");
  const faults = body.warnings.filter((warning) => !TREND.test(warning.error));
  const names = missing.map(([name]) => name);
  assert.ok(faults.length + names.length === 0, `blocks without data: ${names}; warnings: ${JSON.stringify(faults)}`);
  if (trend === "required") assert.ok(body.health_trend, "the trend is missing");
}

async function cold(notes) {
  const figures = [];
  for (const { bulk, limit } of [
    { bulk: false, limit: 3 * SECOND },
    { bulk: true, limit: 1.5 * SECOND },
  ]) {
    const name = `first dashboard${bulk ? ", bulk forms" : ""}`;
    const figure = await onStage({ bulk, environment: { SWEEP: "off" } }, notes, async ({ gateway, upstreams }) => {
      token("bench");
      const { result: answer, cpu } = await withCpu(gateway, upstreams, () => gateway.dashboard());
      const atAnswer = total(await upstreams.calls());
      assertComplete(answer, upstreams, { trend: "optional" });
      const calls = await settled(upstreams);
      notes.calls[name] = calls;
      notes.remarks.push(`${name}: ${cpu}; ${atAnswer} of ${total(calls)} calls made when it came`);
      return { name, value: answer.ms, unit: "ms", limit: below(limit), calls: total(calls) };
    });
    figures.push(figure);
  }
  return figures;
}

/** In proportion to its life the cache gets a larger budget than the default, 100 calls a second for 300 s. */
const SWEPT = { ttlSeconds: 20, callsPerSecond: 500 };

async function swept(notes) {
  const environment = {
    SWEEP: "on",
    SWEEP_CALLS_PER_SECOND: String(SWEPT.callsPerSecond),
    METRICS_CACHE_TTL_SECONDS: String(SWEPT.ttlSeconds),
  };
  return onStage({ bulk: false, environment }, notes, async ({ gateway, upstreams }) => {
    const meter = startMeter(upstreams);
    const begun = performance.now();
    // The trend comes last, with one call per vehicle.
    const first = await meter.until((calls) => (calls[HISTORY] ?? 0) >= upstreams.vehicles, 90 * SECOND);
    const roundMs = performance.now() - begun;
    await sleep(SECOND / 2);
    const times = [];
    let missed = 0;
    const watched = performance.now();
    for (let second = 0; second <= SWEPT.ttlSeconds * 1.5; second++) {
      await sleep(Math.max(0, watched + second * SECOND - performance.now()));
      const answer = await gateway.dashboard();
      assertComplete(answer, upstreams, { trend: "required" });
      times.push(answer.ms);
      if (answer.headers["x-cache"] !== "HIT") missed += 1;
    }
    await meter.stop();
    const calls = await upstreams.calls();
    notes.calls["swept: first round"] = first;
    notes.remarks.push(
      `swept: ${missed} of ${times.length} dashboards waited for a call; their median ${median(times).toFixed(0)} ms`,
    );
    return [
      { name: "first round of the sweep", value: roundMs, unit: "ms", calls: total(first) },
      // Counts are read over the wire, a few ms late: one call in twenty of doubt.
      {
        name: "most calls in one second",
        value: meter.peak(),
        unit: "",
        limit: atMost(SWEPT.callsPerSecond * 1.05),
        calls: total(calls),
      },
      { name: "slowest dashboard afterwards", value: Math.max(...times), unit: "ms", limit: below(0.2 * SECOND) },
    ];
  });
}

/** Reads the number of calls ten times a second. */
function startMeter(upstreams) {
  const readings = [];
  const stopped = new AbortController();
  let latest = {};
  const running = (async () => {
    while (!stopped.signal.aborted) {
      const asked = performance.now();
      latest = await upstreams.calls();
      readings.push({ at: (asked + performance.now()) / 2, calls: total(latest) });
      await sleep(100, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  return {
    async until(condition, withinMs) {
      const deadline = performance.now() + withinMs;
      while (!condition(latest)) {
        assert.ok(performance.now() < deadline, `not reached within ${withinMs / SECOND} s: ${JSON.stringify(latest)}`);
        await sleep(20);
      }
      return latest;
    },
    /** Calls a second over the busiest stretch of a second or a little more. */
    peak() {
      const rates = readings.flatMap((from, i) => {
        const to = readings.slice(i).find((reading) => reading.at - from.at >= SECOND);
        return to ? [((to.calls - from.calls) / (to.at - from.at)) * SECOND] : [];
      });
      return Math.round(Math.max(0, ...rates));
    },
    async stop() {
      stopped.abort();
      await running;
    },
  };
}

async function warm(notes) {
  return onStage({ bulk: false, environment: { SWEEP: "off" } }, notes, async ({ gateway, upstreams }) => {
    await untilWarm(gateway, upstreams);
    await upstreams.reset();
    const answers = [];
    const { cpu } = await withCpu(gateway, upstreams, async () => {
      for (let i = 0; i < 100; i++) answers.push(await gateway.dashboard());
    });
    for (const answer of answers) assertComplete(answer, upstreams, { trend: "required" });
    const calls = total(await upstreams.calls());
    const times = answers.map((answer) => answer.ms);
    notes.remarks.push(
      `warm: ${cpu} for 100 answers of ${answers[0].bytes} bytes; slowest ${Math.max(...times).toFixed(0)} ms`,
    );
    return [
      { name: "dashboard, median of 100", value: median(times), unit: "ms", limit: below(20), calls },
      { name: "calls of 100 dashboards", value: calls, unit: "", limit: exactly(0) },
    ];
  });
}

async function untilWarm(gateway, upstreams) {
  for (let attempt = 0; attempt < 60; attempt++) {
    const answer = await gateway.dashboard();
    if (answer.headers["x-cache"] === "HIT" && answer.body.health_trend) return;
    await settled(upstreams, 300);
  }
  throw new Error("the cache did not get warm: no dashboard came whole from it");
}

async function stampede(notes) {
  const users = Array.from({ length: 10 }, (_, i) => `bench_${i}`);
  for (const user of users) token(user);
  const first = (crowd, name) =>
    onStage({ bulk: false, environment: { SWEEP: "off" } }, notes, async ({ gateway, upstreams }) => {
      const answers = await Promise.all(crowd.map((user) => gateway.dashboard(user)));
      const calls = await settled(upstreams);
      for (const answer of answers) assertComplete(answer, upstreams, { trend: "optional" });
      notes.calls[name] = calls;
      return { calls, slowest: Math.max(...answers.map((answer) => answer.ms)) };
    });
  const one = await first(users.slice(0, 1), "stampede: one user");
  const ten = await first(users, "stampede: ten users");
  const routes = new Set([...Object.keys(one.calls), ...Object.keys(ten.calls)]);
  const more = [...routes].filter((route) => one.calls[route] !== ten.calls[route]);
  for (const route of more) {
    notes.remarks.push(`stampede: ${route}: ${one.calls[route] ?? 0} for one user, ${ten.calls[route] ?? 0} for ten`);
  }
  return [
    {
      name: "routes called more by ten than by one",
      value: more.length,
      unit: "",
      limit: exactly(0),
      calls: total(ten.calls),
    },
    { name: "slowest of ten first dashboards", value: ten.slowest, unit: "ms" },
    { name: "first dashboard of one", value: one.slowest, unit: "ms", calls: total(one.calls) },
  ];
}

const USERS = { count: 100, seconds: 10 };

/** Each looks at the dashboard again as soon as it has come: far more often than people do. */
async function users(notes) {
  const crowd = Array.from({ length: USERS.count }, (_, i) => `bench_${i}`);
  for (const user of crowd) token(user);
  return onStage({ bulk: false, environment: { SWEEP: "off" } }, notes, async ({ gateway, upstreams }) => {
    await untilWarm(gateway, upstreams);
    await upstreams.reset();
    const answers = [];
    const end = performance.now() + USERS.seconds * SECOND;
    const { cpu } = await withCpu(gateway, upstreams, () =>
      Promise.all(
        crowd.map(async (user) => {
          while (performance.now() < end) answers.push(await gateway.dashboard(user));
        }),
      ),
    );
    for (const answer of answers) assertComplete(answer, upstreams, { trend: "required" });
    const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
    const hits = answers.filter(({ headers }) => headers["x-cache"] === "HIT").length;
    notes.remarks.push(`users: ${Math.round(answers.length / USERS.seconds)} dashboards a second; ${cpu}`);
    return [
      {
        name: "dashboard of 100 users, p95",
        value: times[Math.ceil(times.length * 0.95) - 1],
        unit: "ms",
        limit: below(500),
      },
      {
        name: "answers that waited for a call, %",
        value: 100 - (hits / answers.length) * 100,
        unit: "",
        limit: below(5),
      },
    ];
  });
}

const VEHICLE = `{
  id
  health { score components { type score rulKm } }
  alerts(first: 5) { totalCount nodes { id severity status title } }
  claims(first: 5) { totalCount nodes { id status payoutAmount } }
  again: health { score computedAt }
  open: alerts(status: OPEN) { nodes { id createdAt } }
  paid: claims(status: APPROVED) { nodes { id component } }
}`;
const LIST = `{ vehicles(first: 100) { nodes ${VEHICLE} } same: vehicles(first: 100) { nodes ${VEHICLE} } }`;

async function list(notes) {
  const figures = [];
  for (const bulk of [false, true]) {
    const name = `most calls of one URL${bulk ? ", bulk forms" : ""}`;
    const stage = { bulk, environment: { SWEEP: "off" }, recorded: true };
    const figure = await onStage(stage, notes, async ({ gateway, upstreams, recorder }) => {
      const { body } = await gateway.graphql(LIST);
      assert.equal(body.errors, undefined, JSON.stringify(body.errors?.slice(0, 3)));
      assert.equal(body.data.vehicles.nodes.length, 100);
      assert.deepEqual(body.data.vehicles, body.data.same);
      assert.ok(body.data.vehicles.nodes.every((vehicle) => vehicle.alerts && vehicle.claims));
      assert.ok(body.data.vehicles.nodes.filter((vehicle) => vehicle.health).length > 90);
      notes.calls[`list${bulk ? ", bulk forms" : ""}`] = await settled(upstreams);
      const counts = [...recorder.times.values()];
      const calls = counts.reduce((sum, count) => sum + count, 0);
      return { name, value: Math.max(...counts), unit: "", limit: atMost(1), calls };
    });
    figures.push(figure);
  }
  return figures;
}

const SIZES = (process.env.VEHICLES ?? "1000,10000,100000").split(",").map(Number);
const COLD_LIMITS = { 10000: 2 * SECOND, 100000: 15 * SECOND };
const WARM = 1000;

/** Fleets of several sizes, every figure worked out anew: the first dashboard, warm ones, what they cost, what vehicles weigh. */
async function scale(notes) {
  const figures = [];
  const measured = [];
  for (const vehicles of SIZES) {
    const one = await ofSize(vehicles, notes);
    const name = `${vehicles.toLocaleString("en")} vehicles`;
    const limit = COLD_LIMITS[vehicles] && below(COLD_LIMITS[vehicles]);
    measured.push(one);
    figures.push(
      { name: `${name}: first dashboard, bulk forms`, value: one.cold, unit: "ms", limit },
      { name: `${name}: warm dashboard, p99 of ${WARM}`, value: p99(one.warm), unit: "ms", limit: below(50) },
      { name: `${name}: while vehicles change, p99`, value: p99(one.changing), unit: "ms" },
      { name: `${name}: CPU of a warm dashboard`, value: one.cpuMs, unit: "ms" },
    );
  }
  const [small, large] = [measured[0], measured.at(-1)];
  const more = SIZES.at(-1) - SIZES[0];
  if (more > 0) {
    const perVehicle = (large.memory - small.memory) / more / 1024;
    figures.push(
      {
        name: "CPU of a warm dashboard, largest fleet by smallest",
        value: large.cpuMs / small.cpuMs,
        unit: "×",
        limit: atMost(1.5),
      },
      { name: "memory of a vehicle more", value: perVehicle, unit: "kB" },
    );
  }
  return figures;
}

async function ofSize(vehicles, notes) {
  const environment = {
    SWEEP: "off",
    METRICS_CACHE_TTL_SECONDS: "3600",
    RESPONSE_CACHE_MAX_BYTES: "0",
    FLEET_NOW: new Date().toISOString(),
  };
  const fleet = await startDemoFleet(vehicles);
  try {
    const gateway = await startGateway(fleet.ports, environment);
    try {
      token("bench");
      const first = await gateway.dashboard();
      assertComplete(first, fleet, { trend: "optional" });
      await untilTrend(gateway);
      const before = cpuTime(gateway.pid);
      const warm = [];
      for (let i = 0; i < WARM; i++) warm.push(await gateway.dashboard());
      const cpuMs = (cpuTime(gateway.pid) - before) / WARM;
      assertComplete(warm.at(-1), fleet, { trend: "required" });
      const changing = await whileVehiclesChange(gateway);
      assertComplete(changing.at(-1), fleet, { trend: "required" });
      const memory = residentBytes(gateway.pid);
      notes.floors.push(await floor(gateway));
      notes.remarks.push(
        `${vehicles} vehicles: ${first.bytes} bytes, ${Math.round(memory / 2 ** 20)} MB resident, warm median ${median(warm.map(({ ms }) => ms)).toFixed(1)} ms`,
      );
      const times = (answers) => answers.map(({ ms }) => ms);
      return { cold: first.ms, warm: times(warm), changing: times(changing), cpuMs, memory };
    } finally {
      await gateway.stop();
    }
  } finally {
    await fleet.stop();
  }
}

/** The trend needs one call per vehicle. */
async function untilTrend(gateway) {
  for (let attempt = 0; attempt < 600; attempt++) {
    if ((await gateway.dashboard()).body.health_trend) return;
    await sleep(500);
  }
  throw new Error("the trend did not come");
}

/** Dashboards, before each of which an event says that the health of another vehicle has changed. */
async function whileVehiclesChange(gateway) {
  const { body } = await gateway.graphql("{ vehicles(first: 100) { nodes { id } } }");
  const answers = [];
  for (const { id } of body.data.vehicles.nodes) {
    await gateway.post("/v1/events", [{ type: "vehicle.health.changed", properties: { vehicle_id: id } }]);
    answers.push(await gateway.dashboard());
  }
  return answers;
}

const p99 = (values) => values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1];

export const SCENARIOS = {
  cold,
  swept,
  warm,
  stampede,
  users,
  scale,
  overload,
  workers,
  list,
  ingest,
  beside,
  kafka,
  streams,
  audit,
  insights,
  "insights-clickhouse": insightsClickHouse,
};
