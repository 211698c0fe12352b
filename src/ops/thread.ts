import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";

/**
 * Runs a compiled file in a thread of its own. Under a test runner, where nothing is compiled, the source runs as it is.
 * @param file the compiled file, beside the module that starts it
 */
export function startThread(file: URL, workerData: unknown): Worker {
  if (existsSync(file)) return new Worker(file, { workerData });
  const source = file.href.replace(/\.js$/, ".ts");
  const code = `import("tsx/esm/api").then(({ register }) => { register(); return import(${JSON.stringify(source)}); })`;
  return new Worker(code, { workerData, eval: true, execArgv: [] });
}
