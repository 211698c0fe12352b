import { AsyncLocalStorage } from "node:async_hooks";
import { type Logger, pino } from "pino";

export type { Logger } from "pino";

const requests = new AsyncLocalStorage<string>();

/** Runs `work` on behalf of a request: its correlation id goes into every log line and every upstream call. */
export function withCorrelationId<T>(id: string, work: () => T): T {
  return requests.run(id, work);
}

export function currentCorrelationId(): string | undefined {
  return requests.getStore();
}

/** JSON lines on standard output. Secrets never reach a log: authorization headers and passwords are redacted. */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ["req.headers.authorization", "req.headers.cookie", "*.password"],
    mixin: () => {
      const correlationId = currentCorrelationId();
      return correlationId ? { correlation_id: correlationId } : {};
    },
  });
}
