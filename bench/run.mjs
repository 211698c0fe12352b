// npm run bench [-- cold swept warm stampede list peers] [--reps 3]
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cpuLoop, foreignLoad, machineReport, median, rowOf, show, table } from "./measure.mjs";
import { peers } from "./peers.mjs";
import { SCENARIOS } from "./scenarios.mjs";
import { ROOT } from "./stage.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { reps: { type: "string", default: "3" }, help: { type: "boolean", default: false } },
});
const known = [...Object.keys(SCENARIOS), "peers"];
const wanted = positionals.length > 0 ? positionals : Object.keys(SCENARIOS);
const repetitions = Number(options.reps);
const wrong = wanted.filter((name) => !known.includes(name));
if (options.help || wrong.length > 0 || !(Number.isInteger(repetitions) && repetitions > 0)) {
  if (wrong.length > 0) console.error(`There is no scenario ${wrong.join(", ")}.`);
  console.log(`npm run bench [-- ${known.join(" ")}] [--reps 3]`);
  process.exit(options.help ? 0 : 2);
}
if (!existsSync(join(ROOT, "dist/main.js"))) {
  console.error("There is no dist/main.js: run npm run build first.");
  process.exit(2);
}
if (newest(join(ROOT, "src")) > newest(join(ROOT, "dist"))) {
  console.error("Note: dist is older than src. What was built last is measured.");
}

let failed = false;
const scenarios = wanted.filter((name) => name !== "peers");
if (scenarios.length > 0) failed = !(await measureScenarios(scenarios));
if (wanted.includes("peers")) await peers(repetitions);
process.exit(failed ? 1 : 0);

async function measureScenarios(names) {
  const rows = [];
  const notes = { floors: [], calls: {}, remarks: [] };
  const loops = [];
  const loads = [];
  for (const name of names) {
    const figures = [];
    try {
      for (let repetition = 1; repetition <= repetitions; repetition++) {
        console.error(`${name} ${repetition}/${repetitions} …`);
        loads.push(await foreignLoad());
        loops.push(cpuLoop());
        figures.push(await SCENARIOS[name](notes));
        loops.push(cpuLoop());
      }
      const columns = [...figures[0].keys()].map((index) => figures.map((each) => each[index]));
      rows.push(...columns.map((column) => rowOf(name, column)));
    } catch (error) {
      // A wrong or incomplete answer is a failure, however fast it came.
      const broke = { scenario: name, figure: "broke off, see remarks", median: "", worst: "", limit: "" };
      rows.push({ ...broke, verdict: "FAIL", calls: "" });
      notes.remarks.push(`${name} broke off: ${error.message}`);
    }
  }
  report(rows, notes, loops, loads);
  return rows.every((row) => row.verdict !== "FAIL");
}

function report(rows, notes, loops, loads) {
  console.log(`\n${table(rows, ["scenario", "figure", "median", "worst", "limit", "verdict", "calls"])}`);
  console.log(`\n${repetitions} repetitions; a limit must hold in each. Calls: upstream calls until none followed.`);
  console.log("\nCalls by route");
  for (const [name, calls] of Object.entries(notes.calls)) {
    const routes = Object.entries(calls).sort(([, a], [, b]) => b - a);
    console.log(`  ${name}: ${routes.map(([route, count]) => `${count} ${route}`).join(", ")}`);
  }
  if (notes.remarks.length > 0) console.log(`\nRemarks\n${notes.remarks.map((remark) => `  ${remark}`).join("\n")}`);
  console.log(`\n${machineReport(loops, loads)}`);
  const floors =
    notes.floors.length > 0
      ? `median ${show(median(notes.floors), "ms")}, worst ${show(Math.max(...notes.floors), "ms")}`
      : "none";
  console.log(`  floor (GET /health/live round trip): ${floors}`);
}

/** Latest change of a file in the folder, epoch ms. */
function newest(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(0, ...files.map((file) => statSync(join(file.parentPath ?? file.path, file.name)).mtimeMs));
}
