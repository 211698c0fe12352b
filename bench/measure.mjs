// Figures, limits, and what the machine was like meanwhile.
import { availableParallelism, cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuTime } from "./stage.mjs";

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The same work each time: what it takes longer than usual, others took from us. */
export function cpuLoop() {
  const started = performance.now();
  let x = 1;
  for (let i = 0; i < 40_000_000; i++) x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
  if (x === 0) throw new Error("this keeps the loop from being optimised away");
  return performance.now() - started;
}

/** Share of the machine's CPUs in use while nothing of ours runs: what others take from us, 0 to 1. */
export async function foreignLoad() {
  const times = () =>
    cpus().map((cpu) => ({ idle: cpu.times.idle, all: Object.values(cpu.times).reduce((sum, each) => sum + each, 0) }));
  const before = times();
  await sleep(500);
  const after = times();
  const spent = (key) => after.reduce((sum, cpu, i) => sum + cpu[key] - before[i][key], 0);
  return 1 - spent("idle") / Math.max(1, spent("all"));
}

/** Above this the machine was not ours, and what took long may have taken long because of others. */
const BUSY = { loopSpread: 1.25, foreignLoad: 0.1 };

export function machineReport(loops, loads) {
  const spread = Math.max(...loops) / Math.min(...loops);
  const percent = (share) => `${Math.round(share * 100)} %`;
  const lines = [
    `Machine: ${availableParallelism()} × ${cpus()[0]?.model ?? "CPU"}, Node ${process.version}`,
    `  CPU loop: median ${show(median(loops), "ms")}, worst ${show(Math.max(...loops), "ms")}, spread ${spread.toFixed(2)}`,
    `  CPUs taken by others: median ${percent(median(loads))}, worst ${percent(Math.max(...loads))}`,
  ];
  if (spread > BUSY.loopSpread || Math.max(...loads) > BUSY.foreignLoad) {
    lines.push(
      "  THE MACHINE WAS BUSY WITH OTHER THINGS: times and rates of this run prove nothing; counts of calls hold.",
    );
  }
  return lines.join("\n");
}

/** The round trip that no answer can undercut here, ms. */
export async function floor(gateway) {
  const trips = [];
  for (let i = 0; i < 60; i++) trips.push((await gateway.live()).ms);
  return median(trips.slice(10));
}

/** Runs the work and tells, next to its result, the CPU time that gateway and services spent on it. */
export async function withCpu(gateway, upstreams, work) {
  const before = [cpuTime(gateway.pid), cpuTime(upstreams.pid)];
  const result = await work();
  const after = [cpuTime(gateway.pid), cpuTime(upstreams.pid)];
  if (before.includes(null)) return { result, cpu: "CPU: unknown" };
  if (after.includes(null)) throw new Error("the gateway or the services ended while they were measured");
  const [own, services] = after.map((ms, i) => ms - before[i]);
  return { result, cpu: `CPU: gateway ${show(own, "ms")}, services ${show(services, "ms")}` };
}

export const below = (value) => ({ text: (unit) => `< ${show(value, unit)}`, holds: (seen) => seen < value });
export const atMost = (value) => ({ text: (unit) => `≤ ${show(value, unit)}`, holds: (seen) => seen <= value });
export const atLeast = (value) => ({
  text: (unit) => `≥ ${show(value, unit)}`,
  holds: (seen) => seen >= value,
  isFloor: true,
});
export const exactly = (value) => ({ text: (unit) => `= ${show(value, unit)}`, holds: (seen) => seen === value });

export function show(value, unit) {
  if (unit === "ms")
    return value < 10
      ? `${value.toFixed(1)} ms`
      : value < 1000
        ? `${value.toFixed(0)} ms`
        : `${(value / 1000).toFixed(2)} s`;
  return `${Number.isInteger(value) ? value : value.toFixed(2)}${unit ? ` ${unit}` : ""}`;
}

/** Repetitions of one figure as a row: judged by the worst of them. */
export function rowOf(scenario, figures) {
  const [{ name, unit, limit }] = figures;
  const values = figures.map((figure) => figure.value);
  return {
    scenario,
    figure: name,
    median: show(median(values), unit),
    worst: show(limit?.isFloor ? Math.min(...values) : Math.max(...values), unit),
    limit: limit?.text(unit) ?? "",
    verdict: !limit ? "" : values.every(limit.holds) ? "pass" : "FAIL",
    calls: [...new Set(figures.map((figure) => figure.calls).filter((calls) => calls !== undefined))].join(" / "),
  };
}

export function table(rows, columns = Object.keys(rows[0] ?? {})) {
  const width = (column) => Math.max(column.length, ...rows.map((row) => String(row[column]).length));
  const widths = columns.map(width);
  const line = (cells) =>
    cells
      .map((cell, i) => String(cell).padEnd(widths[i]))
      .join("  ")
      .trimEnd();
  return [
    line(columns),
    widths.map((w) => "-".repeat(w)).join("  "),
    ...rows.map((row) => line(columns.map((c) => row[c]))),
  ].join("\n");
}
