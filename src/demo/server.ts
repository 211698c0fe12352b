/** The services over HTTP, each on a port of its own on the loopback interface. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "./fleet.js";
import { invalid, Problem } from "./problem.js";
import type { Route } from "./routing.js";
import { ROUTES, SERVICES, type Service } from "./services.js";

export interface ServerOptions {
  readonly fleet: Fleet;
  /** First of six consecutive ports; 0 takes any free ones. */
  readonly basePort: number;
  /** Value that the header X-API-Key must have on every route but the probes. */
  readonly apiKey?: string;
  /** Delay before each answer in milliseconds. */
  readonly latency: number;
}

export interface RunningServers {
  /** Base URL of each service, without a slash at the end. */
  readonly urls: Readonly<Record<Service, string>>;
  /** Stops listening and drops all connections. */
  readonly close: () => Promise<void>;
}

const HOST = "127.0.0.1";
const MAX_BODY = 1024 * 1024;
const PROBES = ["/health", "/ready"];

interface CompiledRoute extends Route {
  readonly parts: readonly string[];
}

class MethodNotAllowed extends Problem {
  constructor(readonly allowed: readonly string[]) {
    super(405, "Method Not Allowed");
  }
}

const compile = (routes: readonly Route[]): CompiledRoute[] =>
  routes.map((route) => ({ ...route, parts: route.path.split("/") }));

const matches = ({ parts }: CompiledRoute, path: readonly string[]): boolean =>
  parts.length === path.length && parts.every((part, i) => part.startsWith(":") || part === path[i]);

/** The path's parameters, or undefined if one of them is not properly encoded. */
function parametersOf({ parts }: CompiledRoute, path: readonly string[]): string[] | undefined {
  try {
    return path.filter((_, i) => parts[i]?.startsWith(":")).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** The body's text. One that is too large is still read to its end, unkept, so that the client gets to see the 413. */
function readText(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY) chunks.push(chunk);
      else reject(new Problem(413, "body larger than 1 MB"));
    });
    request.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    request.on("error", reject);
  });
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const text = await readText(request);
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("body: not valid JSON");
  }
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** The answer to a request as status and body; whatever is wrong with it is thrown as a `Problem`. */
async function answer(routes: readonly CompiledRoute[], request: IncomingMessage, options: ServerOptions) {
  const base = `http://${HOST}`;
  const target = request.url ?? "/";
  if (!URL.canParse(target, base)) throw new Problem(404, "Not Found");
  const url = new URL(target, base);
  const { apiKey, fleet } = options;
  if (apiKey !== undefined && !PROBES.includes(url.pathname) && request.headers["x-api-key"] !== apiKey) {
    throw new Problem(401, "missing or wrong X-API-Key");
  }
  const path = url.pathname.split("/");
  const candidates = routes.filter((route) => matches(route, path));
  if (candidates.length === 0) throw new Problem(404, "Not Found");
  const route = candidates.find(({ method }) => method === request.method);
  if (route === undefined) throw new MethodNotAllowed(candidates.map(({ method }) => method));
  const parameters = parametersOf(route, path);
  if (parameters === undefined) throw new Problem(404, "Not Found");
  const [id = "", second = ""] = parameters;
  const body = route.method === "GET" ? undefined : await readBody(request);
  // The moment is taken last: a slow upload or the configured latency must not answer with the past.
  return {
    status: route.status,
    body: route.handle({ fleet, now: fleet.now(), query: url.searchParams, id, second, body }),
  };
}

async function serve(
  routes: readonly CompiledRoute[],
  request: IncomingMessage,
  response: ServerResponse,
  options: ServerOptions,
): Promise<void> {
  try {
    if (options.latency > 0) await sleep(options.latency, undefined, { ref: false });
    const { status, body } = await answer(routes, request, options);
    send(response, status, body);
  } catch (error) {
    // A client that went away needs no answer.
    if (response.destroyed || request.errored) return;
    if (!(error instanceof Problem)) {
      console.error(error);
      return send(response, 500, { detail: "Internal Server Error" });
    }
    const allow = error instanceof MethodNotAllowed ? { allow: [...new Set(error.allowed)].join(", ") } : {};
    // Nobody should go on sending a body that is too large.
    const close = error.status === 413 ? { connection: "close" } : {};
    send(response, error.status, { detail: error.message }, { ...allow, ...close });
  }
}

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(address !== null && typeof address === "object" ? address.port : port);
    });
  });

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Starts all six services; if one port is taken, none stays up. */
export async function startServers(options: ServerOptions): Promise<RunningServers> {
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(shut));
  };
  const start = async (service: Service, index: number): Promise<string> => {
    const routes = compile(ROUTES[service]);
    const server = createServer((request, response) => void serve(routes, request, response, options));
    // Longer than clients keep idle connections, so that none is closed under a request.
    server.keepAliveTimeout = 65_000;
    servers.push(server);
    return `http://${HOST}:${await listen(server, options.basePort === 0 ? 0 : options.basePort + index)}`;
  };
  const started = await Promise.allSettled(SERVICES.map(start));
  const failure = started.find((result) => result.status === "rejected");
  if (failure !== undefined) {
    await close();
    throw failure.reason;
  }
  const [ingestion = "", health = "", agent = "", alert = "", scheduling = "", warranty = ""] = started.map((result) =>
    result.status === "fulfilled" ? result.value : "",
  );
  return { urls: { ingestion, health, agent, alert, scheduling, warranty }, close };
}
