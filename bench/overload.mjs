// More users than can be answered: five times as many connections as it takes to reach the peak, each asking again at
// once, also after a refusal; every answer is worked out. Health checks and sign-ins go on beside it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { atLeast, below } from "./measure.mjs";
import { requireTool, run } from "./peers.mjs";
import { residentBytes, STANDINS_DIR, startGateway, startUpstreams, temporaryFolder, token } from "./stage.mjs";

const PEAK_CONNECTIONS = 50;
const TIMES = 5;
const SECONDS = 10;

export async function overload(notes) {
  requireTool("wrk", "apt-get update && apt-get install -y wrk");
  const folder = await temporaryFolder("overload");
  const tokens = join(folder, "tokens");
  writeFileSync(tokens, `${Array.from({ length: 1000 }, (_, i) => token(`bench_${i}`)).join("\n")}\n`);
  const upstreams = await startUpstreams({ scale: 1, latency: 0 });
  try {
    const gateway = await startGateway(upstreams.ports, { SWEEP: "off", RESPONSE_CACHE_MAX_BYTES: "0" });
    try {
      await wrk(gateway, tokens, PEAK_CONNECTIONS, 5);
      const peak = await wrk(gateway, tokens, PEAK_CONNECTIONS, SECONDS);
      const before = residentBytes(gateway.pid);
      const vital = watchVital(gateway);
      const under = await wrk(gateway, tokens, PEAK_CONNECTIONS * TIMES, SECONDS);
      const waits = await vital.stop();
      const again = await wrk(gateway, tokens, PEAK_CONNECTIONS, SECONDS);
      notes.remarks.push(
        `overload: peak ${peak.goodput}/s before and ${again.goodput}/s after; meanwhile ${under.offered}/s asked for, ${under.goodput}/s answered, the rest refused`,
        `overload: ${Math.round(before / 2 ** 20)} MB resident before, ${Math.round(residentBytes(gateway.pid) / 2 ** 20)} MB after`,
      );
      const best = Math.max(peak.goodput, again.goodput);
      return [
        {
          name: "answered under five times the users, of the peak",
          value: (under.goodput / best) * 100,
          unit: "%",
          limit: atLeast(90),
        },
        { name: "slowest health check meanwhile", value: Math.max(...waits.health), unit: "ms", limit: below(1000) },
        { name: "slowest sign-in meanwhile", value: Math.max(...waits.signIn), unit: "ms", limit: below(2000) },
      ];
    } finally {
      await gateway.stop();
    }
  } finally {
    await upstreams.stop();
  }
}

/** Answers and requests a second. */
async function wrk(gateway, tokens, connections, seconds) {
  const script = join(STANDINS_DIR, "bench/gateway/wrk.lua");
  const query = readFileSync(join(import.meta.dirname, "fleet.graphql"), "utf8").replaceAll(/\s+/g, " ");
  const env = { ...process.env, TOKENS: tokens, QUERY: query };
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "20s", "-s", script, `${gateway.url}/graphql`];
  const output = await run("wrk", args, { env }, "wrk");
  const [, rate, , , errors] = /RES (\d+) ([\d.]+) ([\d.]+) (\d+)/.exec(output);
  return { offered: Number(rate), goodput: Math.round(Number(rate) - Number(errors) / seconds) };
}

/** Health checks four times a second and a sign-in every second, each on a connection of its own. */
function watchVital(gateway) {
  const waits = { health: [], signIn: [] };
  let running = true;
  const body = JSON.stringify({ username: "nobody", password: "not-the-password" });
  const headers = { "content-type": "application/json" };
  const timed = async (into, options, expected) => {
    const pool = new Pool(gateway.url, { connections: 1 });
    const began = performance.now();
    const { statusCode, body: answer } = await pool.request(options);
    await answer.text();
    into.push(performance.now() - began);
    await pool.close();
    if (statusCode !== expected) throw new Error(`${options.path} answered ${statusCode}`);
  };
  const every = async (ms, work) => {
    for (; running; await sleep(ms)) await work();
  };
  const both = Promise.all([
    every(250, () => timed(waits.health, { method: "GET", path: "/health/live" }, 200)),
    every(1000, () => timed(waits.signIn, { method: "POST", path: "/api/v1/auth/login", headers, body }, 401)),
  ]);
  return {
    async stop() {
      running = false;
      await both;
      return waits;
    },
  };
}
