import { type Logger, pino } from "pino";
import { currentCorrelationId } from "./on-behalf.js";

export type { Logger } from "pino";

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
