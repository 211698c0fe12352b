import type { FastifyRequest } from "fastify";

/** The public key that a request to send events shows: as a header, or in the query where no header can be set. */
export function writeKeyOf(request: FastifyRequest): string | null {
  const given = request.headers["x-write-key"] ?? (request.query as Record<string, unknown>).write_key;
  return typeof given === "string" ? given : null;
}
