#!/usr/bin/env node
/** Entry point of the demo fleet: a process of its own, started by hand or as a child of the gateway. */
import { Fleet } from "./fleet.js";
import { type DemoOptions, parseOptions, USAGE, UsageError } from "./options.js";
import { type RunningServers, startServers } from "./server.js";
import { SERVICES } from "./services.js";

function readOptions(): DemoOptions | undefined {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options !== "help") return options;
    console.log(USAGE);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\nSee --help for the options.`);
    process.exitCode = 2;
  }
  return undefined;
}

async function run({ vehicles, seed, clock, ...serving }: DemoOptions): Promise<void> {
  let servers: RunningServers | undefined;
  const stop = async (): Promise<void> => {
    await servers?.close();
    process.exit(0);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  // The channel closes whenever the parent ends, even when it is killed: the demo must not outlive the gateway.
  process.once("disconnect", stop);
  servers = await startServers({ fleet: new Fleet({ vehicles, seed, clock }), ...serving });
  for (const service of SERVICES) console.log(`${service} on ${servers.urls[service]}`);
  process.send?.({ type: "ready", urls: servers.urls }, (error: Error | null) => {
    if (error !== null) void stop();
  });
}

const options = readOptions();
if (options !== undefined) {
  run(options).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  });
} else if (process.connected) {
  process.disconnect();
}
