import type { FastifyError, FastifyInstance } from "fastify";
import { type ErrorCode, PublicError } from "../base/errors.js";

/** Every error outside GraphQL looks like this; `detail` is where clients of the replaced services look. */
export interface ErrorBody {
  readonly detail: string;
  readonly code: string;
}

export function errorBody(code: string, detail: string, more: Readonly<Record<string, unknown>> = {}): ErrorBody {
  return { ...more, detail, code };
}

const CODES: Readonly<Record<number, ErrorCode>> = { 400: "BAD_REQUEST", 404: "NOT_FOUND", 413: "PAYLOAD_TOO_LARGE" };

/** Errors are JSON whatever happens, and never show more than they should. */
export function registerErrors(server: FastifyInstance): void {
  server.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof PublicError) {
      if (error.httpStatus === 503 && !reply.hasHeader("retry-after")) reply.header("retry-after", "5");
      return reply.status(error.httpStatus).send(errorBody(error.code, error.message, error.details));
    }
    const status = error.statusCode ?? 500;
    if (status < 500) return reply.status(status).send(errorBody(CODES[status] ?? "BAD_REQUEST", error.message));
    request.log.error({ err: error }, "unexpected error");
    return reply
      .status(500)
      .send(errorBody("INTERNAL_SERVER_ERROR", "Something went wrong on our side; it has been logged"));
  });
  server.setNotFoundHandler((request, reply) =>
    reply
      .status(404)
      .send(
        errorBody(
          "NOT_FOUND",
          `There is no ${request.method} ${request.url.split("?")[0]}. See /docs for what there is`,
        ),
      ),
  );
}
