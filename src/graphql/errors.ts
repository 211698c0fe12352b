import { GraphQLError } from "graphql";
import { type ErrorCode, PublicError } from "../base/errors.js";
import { isDatabaseUnavailable } from "../db/index.js";
import type { Logger } from "../ops/logs.js";

export function codeOf(error: GraphQLError): string {
  const code = error.extensions.code;
  return typeof code === "string" ? code : "INTERNAL_SERVER_ERROR";
}

/**
 * What a client is told of an error. Those meant for it keep message and code; anything else is a bug: logged in full,
 * masked outside.
 */
export function presentable(error: GraphQLError, log: Logger): GraphQLError {
  const cause = error.originalError;
  if (cause instanceof PublicError) return withCode(error, cause.message, cause.code, cause.details);
  // Raised by the executor itself: variables that do not fit, values that scalars refuse.
  if (!cause || cause instanceof GraphQLError) {
    return error.extensions?.code ? error : withCode(error, error.message, "BAD_USER_INPUT", {});
  }
  if (isDatabaseUnavailable(cause)) {
    log.warn({ error: cause.message }, "the database is not available");
    return withCode(error, "The database is not available; try again shortly", "SERVICE_UNAVAILABLE", {});
  }
  log.error({ err: cause, path: error.path?.join(".") }, "unexpected error while resolving a field");
  return withCode(error, "Something went wrong on our side; it has been logged", "INTERNAL_SERVER_ERROR", {});
}

function withCode(
  error: GraphQLError,
  message: string,
  code: ErrorCode,
  details: Record<string, unknown>,
): GraphQLError {
  // Apollo Server takes the HTTP status from here: only for failures of the request, not for those of single fields.
  const http = code === "UNAUTHENTICATED" ? { http: { status: 401 } } : {};
  const told = new GraphQLError(message, {
    nodes: error.nodes ?? null,
    path: error.path ?? null,
    extensions: { code, ...details, ...http },
  });
  // Compiled operations know places, and no nodes.
  if (!error.nodes && error.locations) {
    Object.defineProperty(told, "locations", { value: error.locations, enumerable: true });
  }
  return told;
}
