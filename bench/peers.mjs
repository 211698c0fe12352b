// This gateway beside what a user would pick instead, on the fleet query; see README.md. Informative, without limits.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { cpuLoop, foreignLoad, machineReport, table } from "./measure.mjs";
import {
  dropFolder,
  freePorts,
  STANDINS_DIR,
  start,
  startGateway,
  startUpstreams,
  stop,
  temporaryFolder,
} from "./stage.mjs";

const QUERY_FILE = join(import.meta.dirname, "fleet.graphql");
const PEERS = "limit apollo mercurius yoga";

export async function peers(repetitions) {
  const source = join(STANDINS_DIR, "bench/gateway");
  if (!existsSync(source)) throw new Error(`there is no ${source}: set STANDINS_DIR to the folder of bench/gateway`);
  requireTool("wrk", "apt-get update && apt-get install -y wrk");
  requireTool("curl", "apt-get update && apt-get install -y curl");
  const folder = await temporaryFolder("peers");
  // Without what an earlier installation may have left there.
  cpSync(source, folder, { recursive: true, filter: (path) => !path.includes("node_modules") });
  await run(
    "npm",
    ["install", "--no-audit", "--no-fund", "--engine-strict=false"],
    { cwd: folder },
    "npm install of the peers",
  );
  const loads = [await foreignLoad()];
  const loops = [cpuLoop()];
  // Peers and script know the services by their first port; they have 100 vehicles and no delay here.
  const base = await freePorts(6);
  const upstreams = await startUpstreams({ scale: 1, latency: 0, port: base });
  const environment = { ...process.env, UPSTREAM_PORT: String(base), REPS: String(repetitions), QUERY_FILE };
  /** All of `others` in turn with a gateway of these settings. */
  const beside = async (others, settings) => {
    const gateway = await startGateway(upstreams.ports, settings);
    const env = { ...environment, PEERS: others, URL: `${gateway.url}/graphql`, PIDS: String(gateway.pid) };
    try {
      return results(await run("bash", ["bench.sh"], { cwd: folder, env }, "bench.sh", true));
    } finally {
      await gateway.stop();
    }
  };
  try {
    const others = process.env.PEERS ?? PEERS;
    const kept = await beside(others, {});
    const made = await beside("limit", { RESPONSE_CACHE_MAX_BYTES: "0" });
    report([
      ...kept,
      ...made.filter(({ name }) => name === "this").map((each) => ({ ...each, name: "this, none kept" })),
    ]);
  } finally {
    await upstreams.stop();
    dropFolder(folder);
  }
  loads.push(await foreignLoad());
  loops.push(cpuLoop());
  console.log(`\n${machineReport(loops, loads)}`);
}

export function requireTool(name, advice) {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" });
  } catch {
    throw new Error(`${name} is not installed: ${advice}`);
  }
}

export async function run(command, args, options, what, aloud = false) {
  const child = start(command, args, options);
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
    if (aloud) process.stderr.write(chunk);
  });
  const code = await child.ended;
  // Whatever it left running goes with its group.
  await stop(child);
  if (code !== 0) throw new Error(`${what} failed (${code}):\n${child.told}`);
  return output;
}

/** The script's last block: name, users, requests/s, p50 ms, p99 ms, errors, bytes/answer, MB. */
function results(told) {
  const lines = told.slice(told.indexOf("median of ")).trim().split("\n").slice(1);
  return lines.map((line) => {
    const [name, users, perSecond, p50, p99, errors, bytes, mb] = line.split(" ");
    return { name, users, perSecond: Number(perSecond), p50, p99, errors, bytes, mb };
  });
}

function report(results) {
  const ratio = (result, name) => {
    const other = results.find((each) => each.name === name && each.users === result.users);
    return other ? (result.perSecond / other.perSecond).toFixed(2) : "";
  };
  const rows = results.map(({ perSecond, ...result }) => ({
    ...result,
    "requests/s": perSecond,
    "of limit": ratio({ ...result, perSecond }, "limit"),
    "of mercurius": ratio({ ...result, perSecond }, "mercurius"),
  }));
  console.log(
    `\n${table(rows, ["name", "users", "requests/s", "of limit", "of mercurius", "p50", "p99", "errors", "bytes", "mb"])}`,
  );
}
