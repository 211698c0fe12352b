import type { FastifyInstance } from "fastify";
import type { Metrics } from "../ops/metrics.js";

export interface Dependency {
  readonly name: string;
  /** Without it the gateway is not ready; others only degrade it. */
  readonly required: boolean;
  readonly check: () => Promise<{ readonly status: "ok" | "degraded" | "down"; readonly detail?: string }>;
}

export interface OpsOptions {
  readonly name: string;
  readonly version: string;
  readonly metrics: Metrics;
  readonly dependencies: readonly Dependency[];
  readonly isStopping: () => boolean;
}

/** Health for people and orchestrators, metrics for Prometheus. Open, unaudited, and without secrets. */
export function registerOps(server: FastifyInstance, options: OpsOptions): void {
  const config = { audit: false, operation: "ops" } as const;
  const startedAt = Date.now();

  server.get("/health/live", { config }, async () => ({ status: "ok" }));

  server.get("/health/ready", { config }, async (_request, reply) => {
    const { ready, ...body } = await report();
    return reply.status(ready ? 200 : 503).send(body);
  });

  server.get("/health", { config }, async () => {
    const { ready: _ready, ...body } = await report();
    const uptime = Math.round((Date.now() - startedAt) / 1000);
    return { service: options.name, version: options.version, uptime_seconds: uptime, ...body };
  });

  server.get("/metrics", { config }, async (_request, reply) => {
    const { contentType, text } = await options.metrics.expose();
    return reply.header("content-type", contentType).send(text);
  });

  async function report() {
    const checks = await Promise.all(
      options.dependencies.map(async ({ name, required, check }) => {
        const result = await check().catch((error: unknown) => ({ status: "down" as const, detail: String(error) }));
        return { name, required, ...result };
      }),
    );
    const ready = !options.isStopping() && checks.every((check) => !check.required || check.status !== "down");
    const status = options.isStopping()
      ? "stopping"
      : !ready
        ? "down"
        : checks.every((c) => c.status === "ok")
          ? "ok"
          : "degraded";
    const dependencies = Object.fromEntries(checks.map(({ name, ...check }) => [name, check]));
    return { ready, status, dependencies };
  }
}
