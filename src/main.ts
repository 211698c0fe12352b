#!/usr/bin/env node
import cluster from "node:cluster";
import closeWithGrace from "close-with-grace";
import { createApp } from "./app.js";
import { onStop, runWorkers, tellReady } from "./cluster.js";
import { type Config, ConfigError, readConfig } from "./config.js";
import { DEMO_ACCOUNTS, DEMO_PASSWORD } from "./demo-fleet.js";
import { createLogger } from "./ops/logs.js";

/** Beside the time to drain. */
const SHUTDOWN_MS = 9000;

try {
  const config = readConfig(process.env);
  if (config.WORKERS > 1 && cluster.isPrimary) {
    const log = createLogger(config.SERVICE_NAME, config.LOG_LEVEL);
    process.exit(await runWorkers(config, log, (port) => console.log(welcome(port, config.demo))));
  }
  await serve(config);
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : `Crowsnest cannot start: ${explain(error)}`);
  process.exit(1);
}

async function serve(config: Config): Promise<void> {
  // Told to stop while it starts, a worker has nothing to finish.
  let stop = (): void => process.exit(0);
  if (cluster.isWorker) onStop(() => stop());
  const app = await createApp(config);
  const signals = ["SIGTERM", "SIGINT", "SIGQUIT"] as const;
  const grace = closeWithGrace(
    {
      delay: config.DRAIN_SECONDS * 1000 + SHUTDOWN_MS,
      skip: ["SIGHUP", ...(cluster.isWorker ? signals : [])],
      logger: { error: (message) => app.log.error(message) },
    },
    async ({ err, signal }) => {
      if (err) app.log.fatal({ err }, "stopping after an unexpected error");
      else app.log.info({ signal }, "stopping");
      if (!err && signal !== "SIGINT") await app.drain();
      await app.close();
    },
  );
  stop = grace.close;
  process.on("SIGHUP", () => {
    Promise.resolve()
      .then(() => app.replaceKeys(readConfig(process.env)))
      .then(() => app.log.info("keys of tokens read again"))
      .catch((error: unknown) => app.log.error({ error: String(error) }, "keys of tokens stay as they were"));
  });
  await app.listen();
  if (cluster.isWorker) tellReady(app.port());
  else console.log(welcome(app.port(), config.demo));
}

function welcome(port: number, demo: boolean): string {
  const base = `http://localhost:${port}`;
  const lines = [
    "",
    `Crowsnest is ready at ${base}`,
    `  GraphQL explorer  ${base}/graphiql`,
    `  REST docs         ${base}/docs`,
  ];
  if (demo) {
    lines.push(
      "",
      "No upstream service is configured: the built-in demo fleet serves. Sign in with one of",
      ...DEMO_ACCOUNTS.map(({ username, roleId }) => `  ${username.padEnd(14)} / ${DEMO_PASSWORD}   ${roleId}`),
    );
  }
  return `${lines.join("\n")}\n`;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && error.code === "EADDRINUSE"
    ? `${error.message}. Choose another PORT`
    : (error.stack ?? error.message);
}
