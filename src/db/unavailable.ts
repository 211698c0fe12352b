import { Prisma } from "./client/client.js";

/** Prisma's codes for: cannot reach, timed out, connection closed, no connection to be had from the pool. */
const CODES = new Set(["P1001", "P1002", "P1008", "P1017", "P2024"]);
const CONNECTION =
  /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|terminat|timeout exceeded when trying to connect|closed|not queryable|not ?reachable|can't reach/i;
/** What the driver says itself where a connection breaks during a query: Prisma passes that on as it is. */
const DRIVER = /^(Connection terminated|timeout exceeded when trying to connect)/;

/** Whether the database is away, as opposed to having refused what it was asked. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientInitializationError) return true;
  if (error instanceof Prisma.PrismaClientKnownRequestError && CODES.has(error.code)) return true;
  if (!(error instanceof Error)) return false;
  if (DRIVER.test(error.message)) return true;
  if (!/^(PrismaClient|DriverAdapterError)/.test(error.name)) return false;
  return CONNECTION.test(error.message) || CONNECTION.test(JSON.stringify(error));
}
