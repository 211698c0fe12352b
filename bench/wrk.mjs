// wrk, with the script and the query of the peers' benchmark.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./peers.mjs";
import { STANDINS_DIR, temporaryFolder, token } from "./stage.mjs";

/** A file with the tokens of so many users, one a line. */
export async function tokensOf(users) {
  const file = join(await temporaryFolder("tokens"), "tokens");
  writeFileSync(file, `${Array.from({ length: users }, (_, i) => token(`bench_${i}`)).join("\n")}\n`);
  return file;
}

/** Requests a second, and how many of them were answered. */
export async function wrk(gateway, tokens, connections, seconds) {
  const script = join(STANDINS_DIR, "bench/gateway/wrk.lua");
  const query = readFileSync(join(import.meta.dirname, "fleet.graphql"), "utf8").replaceAll(/\s+/g, " ");
  const env = { ...process.env, TOKENS: tokens, QUERY: query };
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "20s", "-s", script, `${gateway.url}/graphql`];
  const output = await run("wrk", args, { env }, "wrk");
  const [, rate, p50, p99, errors] = /RES (\d+) ([\d.]+) ([\d.]+) (\d+)/.exec(output);
  return {
    offered: Number(rate),
    goodput: Math.round(Number(rate) - Number(errors) / seconds),
    p50: Number(p50),
    p99: Number(p99),
  };
}
