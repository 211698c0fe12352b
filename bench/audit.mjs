// What the audit trail costs: the same cached query on a gateway that writes an entry of every request before it answers,
// and on one that writes none, in turn.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { atLeast, median } from "./measure.mjs";
import { requireTool, run } from "./peers.mjs";
import { startGateway, startUpstreams, temporaryFolder, token } from "./stage.mjs";

const QUERY = readFileSync(new URL("fleet.graphql", import.meta.url), "utf8");
const ROUNDS = 4;
const SECONDS = Number(process.env.SECONDS_EACH ?? 6);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 50);
/** Time for entries to reach the database between two loads. */
const REST_MS = 2000;

export async function audit(notes) {
  requireTool("wrk", "apt-get update && apt-get install -y wrk");
  const script = join(await temporaryFolder("audit"), "query.lua");
  const headers = { "content-type": "application/json", authorization: `Bearer ${token("bench")}` };
  writeFileSync(
    script,
    [
      'wrk.method = "POST"',
      `wrk.body = ${luaText(JSON.stringify({ query: QUERY }))}`,
      ...Object.entries(headers).map(([name, value]) => `wrk.headers["${name}"] = ${luaText(value)}`),
    ].join("\n"),
  );
  const upstreams = await startUpstreams({ scale: 1, latency: 0 });
  const gateways = [];
  try {
    // Off is refused in production.
    for (const AUDIT of ["on", "off"]) {
      gateways.push(await startGateway(upstreams.ports, { NODE_ENV: "bench", AUDIT, SWEEP: "off" }));
    }
    for (const gateway of gateways) {
      const { body } = await gateway.graphql(QUERY);
      assert.equal(body.data.vehicles.nodes.length, 100);
    }
    return await inTurn(gateways, script, notes);
  } finally {
    for (const gateway of gateways) await gateway.stop();
    await upstreams.stop();
  }
}

async function inTurn([audited, silent], script, notes) {
  const rates = { audited: [], silent: [] };
  await load(audited, script);
  await load(silent, script);
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(REST_MS);
    rates.audited.push(await load(audited, script));
    await sleep(REST_MS);
    rates.silent.push(await load(silent, script));
  }
  const waiting = await metric(audited, /^crowsnest_audit_waiting_bytes (\S+)/m);
  const startedAt = performance.now();
  while ((await metric(audited, /^crowsnest_audit_waiting_bytes (\S+)/m)) > 0) await sleep(200);
  const seconds = (performance.now() - startedAt) / 1000;
  const [on, off] = [median(rates.audited), median(rates.silent)];
  notes.remarks.push(
    `audit: ${Math.round(on)} requests a second with an entry of each on disk before it is answered, ${Math.round(off)} without; ` +
      `${(waiting / 1e6).toFixed(1)} MB waited at the end and were in the database ${seconds.toFixed(1)} s later; ` +
      `p99 of the event loop's delay, worst second: ${audited.lag.toFixed(1)} ms with, ${silent.lag.toFixed(1)} ms without`,
  );
  return [{ name: "requests with audit by those without", value: on / off, unit: "", limit: atLeast(0.9) }];
}

async function load(gateway, script) {
  const options = ["-t1", `-c${CONNECTIONS}`, `-d${SECONDS}s`, "-s", script, `${gateway.url}/graphql`];
  let running = true;
  const watching = (async () => {
    while (running) {
      await sleep(1000);
      const lag = await metric(gateway, /^nodejs_eventloop_lag_p99_seconds (\S+)/m);
      gateway.lag = Math.max(gateway.lag ?? 0, lag * 1000);
    }
  })();
  const told = await run("wrk", options, {}, "wrk");
  running = false;
  await watching;
  assert.doesNotMatch(told, /Non-2xx/, told);
  return Number(/Requests\/sec:\s+(\S+)/.exec(told)?.[1]);
}

async function metric(gateway, pattern) {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(pattern.exec(text)?.[1] ?? 0);
}

function luaText(text) {
  return `[==[${text}]==]`;
}
