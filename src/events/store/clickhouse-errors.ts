import { ClickHouseError } from "@clickhouse/client";
import { StoreUnavailable } from "./store.js";

/** The server's own codes for: not now, no room, or not allowed to write. The same request may succeed later. */
const UNAVAILABLE = new Map<string, string>([
  ["159", "TIMEOUT_EXCEEDED"],
  ["164", "READONLY"],
  ["198", "DNS_ERROR"],
  ["202", "TOO_MANY_SIMULTANEOUS_QUERIES"],
  ["209", "SOCKET_TIMEOUT"],
  ["210", "NETWORK_ERROR"],
  ["225", "NO_ZOOKEEPER"],
  ["236", "ABORTED"],
  ["241", "MEMORY_LIMIT_EXCEEDED"],
  ["242", "TABLE_IS_READ_ONLY"],
  ["243", "NOT_ENOUGH_SPACE"],
  ["252", "TOO_MANY_PARTS"],
  ["279", "ALL_CONNECTION_TRIES_FAILED"],
  ["285", "TOO_FEW_LIVE_REPLICAS"],
  ["286", "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE"],
  ["319", "UNKNOWN_STATUS_OF_INSERT"],
  ["341", "UNFINISHED"],
  ["394", "QUERY_WAS_CANCELLED"],
  ["425", "SYSTEM_ERROR"],
  ["497", "ACCESS_DENIED"],
  ["516", "AUTHENTICATION_FAILED"],
  ["999", "KEEPER_EXCEPTION"],
]);

export function hasCode(error: unknown, code: string): boolean {
  const answer = error instanceof Error && error.cause ? error.cause : error;
  return answer instanceof ClickHouseError && answer.code === code;
}

/**
 * What the caller gets to see. Whatever is no answer of the server (refused, reset, timed out, a proxy's page) leaves
 * open what happened and counts as unavailable; an answer does by its code.
 */
export function translated(error: unknown): Error {
  if (error instanceof StoreUnavailable) return error;
  if (error instanceof ClickHouseError) {
    const message = `ClickHouse: ${error.message} (${error.type ?? error.code})`;
    return UNAVAILABLE.has(error.code)
      ? new StoreUnavailable(message, { cause: error })
      : new Error(message, { cause: error });
  }
  const reason = error instanceof Error ? reasonOf(error) : String(error);
  return new StoreUnavailable(`ClickHouse cannot be reached: ${reason}`, { cause: error });
}

function reasonOf(error: Error): string {
  // A refused connection says so in its parts only.
  return error instanceof AggregateError ? error.errors.map(String).join(", ") : error.message;
}
