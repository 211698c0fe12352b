import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { onBehalf } from "../ops/on-behalf.js";

declare module "fastify" {
  interface FastifyRequest {
    /** The body as it came, where it was read before anything else; null otherwise. */
    early: Buffer | null;
  }
}

/** Longer bodies are read as usual. */
const MOST_BYTES = 64 * 1024;

/**
 * Reads small bodies before they are parsed: what was asked before is answered without understanding it again. And
 * Fastify's way of reading binds an AsyncResource for each body, which outlives the request in V8's young generation and
 * takes more time than a kept answer does (decision 13).
 */
export function registerEarlyBodies(server: FastifyInstance): void {
  server.decorateRequest("early", null);
  server.addHook("onRequest", (request, _reply, done) => {
    const { method, headers, raw } = request;
    const length = Number(headers["content-length"]);
    if (method !== "POST" || !(length > 0 && length <= MOST_BYTES) || headers["content-encoding"]) return done();
    const chunks: Buffer[] = [];
    raw.on("data", (chunk: Buffer) => chunks.push(chunk));
    raw.once("error", done);
    raw.once("end", () => {
      // A client that goes away later is no longer an error of reading.
      raw.off("error", done);
      request.early = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      // Events of the socket know nothing of the request that they belong to.
      onBehalf(request.onBehalf, done);
    });
  });
  server.addHook("preParsing", ({ early }, _reply, payload, done) => {
    done(null, early ? Readable.from([early], { objectMode: false }) : payload);
  });
}
