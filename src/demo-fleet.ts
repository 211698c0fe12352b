import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { NewAccount } from "./auth/index.js";
import type { Logger } from "./ops/logs.js";
import type { ServiceName } from "./upstream/index.js";

export const DEMO_PASSWORD = "password";

/** One user per role, made only when the demo fleet serves. */
export const DEMO_ACCOUNTS: readonly NewAccount[] = [
  { id: "demo_fleet_manager", username: "fleet_manager", password: DEMO_PASSWORD, roleId: "FLEET_MANAGER" },
  { id: "demo_admin", username: "admin", password: DEMO_PASSWORD, roleId: "ADMIN" },
  { id: "demo_executive", username: "executive", password: DEMO_PASSWORD, roleId: "EXECUTIVE" },
  { id: "demo_support", username: "support", password: DEMO_PASSWORD, roleId: "SUPPORT" },
  { id: "tech_001", username: "technician", password: DEMO_PASSWORD, roleId: "TECHNICIAN" },
  {
    id: "owner_001",
    username: "owner",
    password: DEMO_PASSWORD,
    roleId: "VEHICLE_OWNER",
    vehicleIds: ["V0001", "V0002", "V0003", "V0004"],
  },
];

export interface DemoFleet {
  readonly urls: Readonly<Record<ServiceName, string>>;
  close(): Promise<void>;
}

const START_TIMEOUT_MS = 20_000;

/** Starts the six demo services in a process of their own: the gateway reaches them over HTTP, as it would real ones. */
export function startDemo(options: { vehicles: number; seed: number; log: Logger }): Promise<DemoFleet> {
  const built = fileURLToPath(new URL("./demo/main.js", import.meta.url));
  // Under a test runner the sources run as they are, and so does the child.
  const [script, execArgv] = existsSync(built) ? [built, []] : [built.replace(/\.js$/, ".ts"), ["--import", "tsx"]];
  const child = fork(script, ["--vehicles", String(options.vehicles), "--seed", String(options.seed)], {
    execArgv: [...execArgv],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`The demo fleet was not ready after ${START_TIMEOUT_MS / 1000} s`));
    }, START_TIMEOUT_MS);
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`The demo fleet ended with ${code} before it was ready`));
    });
    child.once("message", (message: { urls: Record<ServiceName, string> }) => {
      clearTimeout(timer);
      child.removeAllListeners("exit");
      child.once("exit", (code) =>
        options.log.error({ code }, "the demo fleet has ended; restart the gateway to have it back"),
      );
      resolve({ urls: message.urls, close: () => stop(child) });
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  child.removeAllListeners("exit");
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}
