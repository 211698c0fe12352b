// More users than can be answered: five times as many connections as it takes to reach the peak, each asking again at
// once, also after a refusal; every answer is worked out. Health checks and sign-ins go on beside it.

import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { atLeast, below, median } from "./measure.mjs";
import { requireTool } from "./peers.mjs";
import { residentBytes, startGateway, startUpstreams } from "./stage.mjs";
import { tokensOf, wrk } from "./wrk.mjs";

const PEAK_CONNECTIONS = 50;
const TIMES = 5;
const SECONDS = 5;
const ROUNDS = 4;

export async function overload(notes) {
  requireTool("wrk", "apt-get update && apt-get install -y wrk");
  const tokens = await tokensOf(1000);
  const upstreams = await startUpstreams({ scale: 1, latency: 0 });
  try {
    const gateway = await startGateway(upstreams.ports, { SWEEP: "off", RESPONSE_CACHE_MAX_BYTES: "0" });
    try {
      await wrk(gateway, tokens, PEAK_CONNECTIONS, SECONDS);
      const before = residentBytes(gateway.pid);
      const waits = { health: [], signIn: [] };
      const [peaks, unders] = [[], []];
      // In turn: the machine is not always equally fast.
      for (let round = 0; round < ROUNDS; round++) {
        peaks.push(await wrk(gateway, tokens, PEAK_CONNECTIONS, SECONDS));
        const vital = watchVital(gateway, waits);
        unders.push(await wrk(gateway, tokens, PEAK_CONNECTIONS * TIMES, SECONDS));
        await vital.stop();
      }
      const goodput = (runs) => median(runs.map((each) => each.goodput));
      notes.remarks.push(
        `overload: ${goodput(peaks)}/s answered at the peak; with ${TIMES} times the users ${goodput(unders)}/s answered of ${median(unders.map(({ offered }) => offered))}/s asked for`,
        `overload: ${Math.round(before / 2 ** 20)} MB resident before, ${Math.round(residentBytes(gateway.pid) / 2 ** 20)} MB after`,
      );
      const share = (goodput(unders) / goodput(peaks)) * 100;
      return [
        { name: `answered under ${TIMES} times the users, of the peak`, value: share, unit: "%", limit: atLeast(90) },
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

/** Health checks four times a second and a sign-in every second, each on a connection of its own. */
function watchVital(gateway, waits) {
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
    stop() {
      running = false;
      return both;
    },
  };
}
