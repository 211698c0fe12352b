import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SERVICE_NAMES, type ServiceName } from "../../src/upstream/index.js";
import { NEEDS } from "../support/dashboard.js";
import { SECRET, tokenFor } from "../support/gateway.js";
import { moments } from "../support/moments.js";
import { ended, type RunningGateway, startProcess } from "../support/processes.js";
import { HAS_UPSTREAMS, PDM_DATA, PDM_NOW, startUpstreams, type Upstreams } from "../support/standins.js";
import { recompute } from "../truth/recompute.js";

const SECONDS = Number(process.env.SOAK_SECONDS ?? 600);
const SEED = Number(process.env.SEED ?? 1);
const USERS = 100;
const MODES = ["503", "500", "hang", "reset", "garbage", "slow:1500", "rate:0.2"];
const DASHBOARD = "/api/v1/dashboards/fleet?start_date=2015-01-01&end_date=2015-12-31";

/** A figure that differs from the recomputed one although no source that it rests on is said to be in trouble. */
interface Wrong {
  readonly block: string;
  readonly warnings: unknown;
}

describe.skipIf(!HAS_UPSTREAMS)(`${USERS} users for ${SECONDS} s over services that flap (SEED=${SEED})`, () => {
  let upstreams: Upstreams;
  let gateway: RunningGateway;
  const truth = recompute({
    data: PDM_DATA,
    now: PDM_NOW,
    start: "2015-01-01T00:00:00Z",
    end: "2016-01-01T00:00:00Z",
  }).fleetDashboard;

  beforeAll(async () => {
    upstreams = await startUpstreams();
    const urls = SERVICE_NAMES.map((name) => [`${name.toUpperCase()}_SERVICE_URL`, upstreams.urls[name]]);
    gateway = await startProcess(
      {
        ...Object.fromEntries(urls),
        JWT_SECRET_KEY: SECRET,
        FLEET_NOW: PDM_NOW,
        METRICS_CACHE_TTL_SECONDS: "5",
        STALE_ON_ERROR_SECONDS: "10",
        UPSTREAM_TIMEOUT_MS: "1000",
        UPSTREAM_BREAKER_SECONDS: "1",
        LOG_LEVEL: "error",
      },
      "dist/main.js",
    );
  }, 60_000);
  afterAll(async () => {
    gateway?.child.kill("SIGKILL");
    await upstreams?.stop();
  });

  function wrongIn(body: { warnings: { source: string }[] } & Record<string, unknown>): Wrong[] {
    const excused = new Set(
      body.warnings.flatMap(({ source }) => NEEDS[source.replace("-service", "") as keyof typeof NEEDS] ?? []),
    );
    return Object.entries(truth)
      .filter(([block, figures]) => !excused.has(block) && JSON.stringify(body[block]) !== JSON.stringify(figures))
      .map(([block]) => ({ block, warnings: body.warnings }));
  }

  async function memory(): Promise<number> {
    const text = await (await fetch(`${gateway.base}/metrics`)).text();
    return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]) / 2 ** 20;
  }

  it("shows no wrong number, rejects nothing unhandled, and its memory stays flat", async () => {
    const random = moments(SEED);
    const end = Date.now() + SECONDS * 1000;
    const dispatcher = new Agent({ connections: USERS });
    const wrong: Wrong[] = [];
    const statuses = new Map<number, number>();
    const reasons = new Map<string, number>();
    const user = async (i: number): Promise<void> => {
      const headers = { authorization: `Bearer ${tokenFor("FLEET_MANAGER", { user_id: `soak_${i}` })}` };
      while (Date.now() < end) {
        const answer = await fetch(gateway.base + DASHBOARD, { headers, dispatcher } as RequestInit);
        const body = await answer.json();
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (answer.status === 200) wrong.push(...wrongIn(body));
        else reasons.set(body.code, (reasons.get(body.code) ?? 0) + 1);
        await sleep(500 + random() * 1000);
      }
    };
    const flapping = (async () => {
      while (Date.now() < end) {
        const name = SERVICE_NAMES[Math.floor(random() * SERVICE_NAMES.length)] as ServiceName;
        // Every other time it recovers: with all of them in trouble for long there would be little to show.
        const mode = random() < 0.5 ? "" : MODES[Math.floor(random() * MODES.length)];
        await upstreams.fail(name, mode ?? "");
        await sleep(1000 + random() * 3000);
      }
      for (const name of SERVICE_NAMES) await upstreams.fail(name, "");
    })();
    const memories: number[] = [];
    const watching = (async () => {
      for (; Date.now() < end; await sleep(SECONDS * 10)) memories.push(await memory());
    })();
    await Promise.all([flapping, watching, ...Array.from({ length: USERS }, (_, i) => user(i))]);

    const settled = Math.max(...memories.slice(30, 50));
    const later = Math.max(...memories.slice(-20));
    console.log(
      `soak: ${JSON.stringify([...statuses])} answers, refused for ${JSON.stringify([...reasons])}; ${Math.round(settled)} MB at most half-way, ${Math.round(later)} MB at the end`,
    );
    expect(wrong.slice(0, 3)).toEqual([]);
    expect([...statuses.keys()].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(statuses.get(200)).toBeGreaterThan(USERS * 10);
    expect(later / settled).toBeLessThan(1.2);
    expect(gateway.printed()).not.toMatch(/unhandled|uncaught/i);
    const headers = { authorization: `Bearer ${tokenFor("ADMIN")}` };
    const healed = async () => (await fetch(gateway.base + DASHBOARD, { headers })).json();
    await expect.poll(healed, { timeout: 30_000, interval: 500 }).toMatchObject(truth);
    gateway.child.kill("SIGTERM");
    expect(await ended(gateway.child)).toBe(0);
  });
});
