import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import helmet from "helmet";

/** What browsers are told to be strict about; the same for every answer, unless a page says otherwise. */
export function registerSecurityHeaders(server: FastifyInstance): void {
  const headers = securityHeaders();
  server.addHook("onRequest", (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}

/** Helmet's, worked out once: it knows what is strict, and works it out anew for every request otherwise. */
function securityHeaders(): Record<string, string> {
  const headers: Record<string, string> = {};
  const response = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => undefined,
  } as unknown as ServerResponse;
  helmet({
    // Served over plain HTTP as well (behind a proxy, on a laptop): asking browsers for HTTPS would break the pages.
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    crossOriginEmbedderPolicy: false,
  })({} as IncomingMessage, response, (error) => {
    if (error) throw error;
  });
  return headers;
}
