import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SERVICE_NAMES } from "../src/upstream/index.js";
import { type ClickHouseServer, HAS_CLICKHOUSE, startClickHouse } from "./support/chdb.js";
import { SECRET, tokenFor } from "./support/gateway.js";
import { newFolder } from "./support/loading.js";
import { type Ended, ended, type RunningGateway, run, startProcess } from "./support/processes.js";
import { STANDINS } from "./support/standins.js";

const WIKI = `${STANDINS}/data/wikiticker`;
const CHARGING = `${STANDINS}/data/ev_charging`;
const WIKI_ARGS = [
  ...[`${WIKI}/wikiticker-2015-09-12-sampled.json.gz`, "--type", "edit"],
  ...["--map", "time=time,user=user,subject=page,country=countryName,region=regionIsoCode,city=cityName"],
];
const CHARGING_ARGS = [
  ...[`${CHARGING}/ev_sessions.csv`, "--type", "charging_session", "--currency", "USD"],
  ...["--map", "time=created,user=userId,subject=stationId,id=sessionId,amount=dollars"],
  ...["--time-format", "00%y-%m-%d %H:%M:%S", "--numbers", "kwhTotal,chargeTimeHrs,distance", "--null", "NA"],
];

const NO_SERVICES = Object.fromEntries(
  SERVICE_NAMES.map((name) => [`${name.toUpperCase()}_SERVICE_URL`, "http://127.0.0.1:9"]),
);

const start = (DATA_DIR: string, others: Record<string, string> = {}): Promise<RunningGateway> =>
  startProcess({ ...NO_SERVICES, JWT_SECRET_KEY: SECRET, SWEEP: "off", LOG_LEVEL: "silent", DATA_DIR, ...others });

const load = (args: string[], values: Record<string, string> = {}): Promise<Ended> =>
  run("src/cli.ts", ["load", ...args], { DATA_DIR: newFolder(), ...values });

interface WikiTruth {
  readonly rows: number;
  readonly distinct_users: number;
  readonly edits_by_hour: Readonly<Record<string, number>>;
  readonly distinct_users_by_hour: Readonly<Record<string, number>>;
}

interface Count {
  readonly start: string | null;
  readonly events: number;
  readonly users: number;
  readonly amount: string | null;
}

async function graphql<T>(base: string, query: string): Promise<T> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${tokenFor("ADMIN")}` };
  const reply = await fetch(`${base}/graphql`, { method: "POST", headers, body: JSON.stringify({ query }) });
  const { data, errors } = (await reply.json()) as { data: T; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
}

const counts = async (base: string, type: string, granularity: "ALL" | "HOUR"): Promise<Count[]> =>
  (
    await graphql<{ eventCounts: Count[] }>(
      base,
      `{ eventCounts(filter: { types: ["${type}"] }, granularity: ${granularity}) { start events users amount } }`,
    )
  ).eventCounts;

/** Waits until so many events can be queried: they are stored shortly after they were acknowledged. */
async function stored(base: string, type: string, events: number): Promise<Count> {
  await expect
    .poll(async () => (await counts(base, type, "ALL"))[0]?.events ?? 0, { timeout: 30_000, interval: 100 })
    .toBe(events);
  return (await counts(base, type, "ALL"))[0] as Count;
}

async function rowsFile(rows: number): Promise<string> {
  const path = join(newFolder(), "rows.csv");
  const lines = Array.from({ length: rows }, (_, n) => `${new Date(1.7e12 + n).toISOString()},user${n},0.10`);
  await writeFile(path, `at,who,paid\n${lines.join("\n")}\n`);
  return path;
}
const MAP = ["--map", "time=at,user=who,amount=paid"];

const STORES = [
  { store: "DuckDB", server: null },
  ...(HAS_CLICKHOUSE ? [{ store: "ClickHouse", server: startClickHouse }] : []),
];

describe.each(STORES)("a running gateway over $store", ({ server }) => {
  let gateway: RunningGateway;
  let clickHouse: ClickHouseServer | undefined;
  let tokenFile: string;
  beforeAll(async () => {
    clickHouse = await server?.();
    gateway = await start(
      await mkdtemp(join(tmpdir(), "crowsnest-load-")),
      clickHouse ? { CLICKHOUSE_URL: `${clickHouse.url}/crowsnest` } : {},
    );
    tokenFile = join(newFolder(), "token");
    await writeFile(tokenFile, `${tokenFor("SUPPORT")}\n`);
  });
  afterAll(async () => {
    gateway?.child.kill("SIGKILL");
    if (gateway) await ended(gateway.child);
    await clickHouse?.stop();
  });

  it.skipIf(!existsSync(WIKI))(
    "has a day of Wikipedia's edits, hour by hour, however often they are loaded",
    async () => {
      const truth = JSON.parse(await readFile(`${WIKI}/truth.json`, "utf8")) as WikiTruth;
      const args = [...WIKI_ARGS, "--url", gateway.base, "--token-file", tokenFile];
      for (const _ of [1, 2]) {
        const { code, stdout, stderr } = await load(args);
        expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: "39,244 events taken in, 0 set aside\n" });
      }
      expect((await stored(gateway.base, "edit", truth.rows)).users).toBe(truth.distinct_users);
      const byHour = await counts(gateway.base, "edit", "HOUR");
      const hourly = (of: (count: Count) => number) =>
        Object.fromEntries(byHour.map((count) => [count.start?.slice(11, 13), of(count)]));
      expect(hourly(({ events }) => events)).toEqual(truth.edits_by_hour);
      expect(hourly(({ users }) => users)).toEqual(truth.distinct_users_by_hour);
    },
    60_000,
  );

  it.skipIf(!existsSync(CHARGING))("takes files through its data folder, with money to the cent", async () => {
    const truth = JSON.parse(readFileSync(`${CHARGING}/truth.json`, "utf8")) as Record<string, number>;
    const { code, stdout, stderr } = await load(CHARGING_ARGS, { DATA_DIR: gateway.folder });
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: "3,395 events taken in, 0 set aside\n" });
    const total = await stored(gateway.base, "charging_session", truth.rows as number);
    expect([total.users, Number(total.amount) * 100]).toEqual([truth.users, truth.cents]);
    expect((await load(CHARGING_ARGS, { DATA_DIR: gateway.folder })).stderr).toContain("is loaded already");
  });

  it("keeps faulty rows among its dead letters", async () => {
    const path = join(newFolder(), "faulty.csv");
    await writeFile(path, 'at,who\n2024-07-04,a\nsoon,b\n1,2,3\n2024-07-05,"c\n2024-07-06,d\n');
    const args = [path, "--type", "faulty", "--map", "time=at,user=who", "--url", gateway.base];
    const { code, stdout, stderr } = await load(args, { CROWSNEST_TOKEN: tokenFor("SUPPORT") });
    expect({ code, stdout, stderr }).toMatchObject({
      code: 0,
      stdout: "2 events taken in, 3 set aside (see: crowsnest dead-letters list)\n",
    });
    await stored(gateway.base, "faulty", 2);
    const letters = async () =>
      (
        await graphql<{ deadLetters: { nodes: { kind: string; text: string }[] } }>(
          gateway.base,
          "{ deadLetters { nodes { kind text } } }",
        )
      ).deadLetters.nodes;
    await expect.poll(async () => (await letters()).length, { timeout: 10_000 }).toBe(3);
    expect((await letters()).map(({ kind }) => kind).sort()).toEqual([
      "MISSING_EVENT_TYPE",
      "MISSING_EVENT_TYPE",
      "VALIDATION",
    ]);
    const told = (await letters()).map((letter) => letter.text).join("\n");
    for (const part of ['"time":"soon"', "expected 2 cells, found 3", "never closed"]) expect(told).toContain(part);
  });

  it("refuses a token that is none", async () => {
    const args = [await rowsFile(3), "--type", "t", ...MAP, "--url", gateway.base, "--token", "wrong"];
    const { code, stdout, stderr } = await load(args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("the gateway refuses the token");
  });
});

describe("no gateway", () => {
  let gateway: RunningGateway | undefined;
  afterEach(() => gateway?.child.kill("SIGKILL"));

  it("need run for a load: the next one that starts has the events", async () => {
    const folder = await mkdtemp(join(tmpdir(), "crowsnest-load-"));
    const { code, stdout, stderr } = await load([await rowsFile(5000), "--type", "offline", ...MAP], {
      DATA_DIR: folder,
    });
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: "5,000 events taken in, 0 set aside\n" });
    gateway = await start(folder);
    expect(await stored(gateway.base, "offline", 5000)).toMatchObject({ users: 5000, amount: "500" });
  });
});

describe("a gateway that is killed", () => {
  let gateway: RunningGateway | undefined;
  afterEach(() => gateway?.child.kill("SIGKILL"));

  it("in the middle of a load has every row exactly once after its restart", { timeout: 90_000 }, async () => {
    const rows = 200_000;
    const path = await rowsFile(rows);
    const folder = await mkdtemp(join(tmpdir(), "crowsnest-load-"));
    gateway = await start(folder);
    const state = join(newFolder(), "state.json");
    const args = ["load", path, "--type", "killed", ...MAP, "--url", gateway.base, "--state", state];
    const loader = spawn(process.execPath, ["--import", "tsx", "src/cli.ts", ...args], {
      env: { PATH: process.env.PATH, CROWSNEST_TOKEN: tokenFor("SUPPORT"), DATA_DIR: newFolder() },
    });
    const said = Promise.all([text(loader.stdout), text(loader.stderr), once(loader, "close")]);
    const done = () => (existsSync(state) ? JSON.parse(readFileSync(state, "utf8")).progress.rows : 0);
    while (done() < 20_000 && loader.exitCode === null) await sleep(5);
    gateway.child.kill("SIGKILL");
    await ended(gateway.child);
    expect(done()).toBeLessThan(rows);
    gateway = await start(folder, { PORT: new URL(gateway.base).port });
    const [stdout, stderr] = await said;
    expect({ code: loader.exitCode, stdout, stderr }).toMatchObject({
      code: 0,
      stdout: "200,000 events taken in, 0 set aside\n",
      stderr: expect.stringContaining("trying again"),
    });
    const base = `http://127.0.0.1:${new URL(args[args.indexOf("--url") + 1] as string).port}`;
    expect(await stored(base, "killed", rows)).toMatchObject({ users: rows, amount: "20000" });
  });
});
