import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jwt from "jsonwebtoken";
import { type App, createApp } from "../../src/app.js";
import { readConfig } from "../../src/config.js";
import type { Role } from "../../src/domain/access/roles.js";
import { SERVICE_NAMES } from "../../src/upstream/index.js";
import { PDM_NOW, type Upstreams } from "./standins.js";

export const SECRET = "a-secret-for-tests-of-more-than-32-characters";

export interface Gateway {
  readonly app: App;
  /** `GET path` as this role. */
  get(path: string, role?: Role | null): Promise<Reply>;
  send(method: string, path: string, body: unknown, role?: Role | null): Promise<Reply>;
  graphql(query: string, variables?: Record<string, unknown>, role?: Role | null): Promise<Reply>;
  stop(): Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever the gateway answered; the test says what it expects.
  readonly body: any;
}

/** A token as another system with the same secret would mint it. */
export function tokenFor(role: Role, claims: Record<string, unknown> = {}): string {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  return jwt.sign({ user_id: `test_${role}`, role, vehicle_ids: ["*"], exp, ...claims }, SECRET, {
    algorithm: "HS256",
  });
}

/** A gateway in this process over the given services, with its own data folder. No sweep unless asked for. */
export async function startGateway(upstreams: Upstreams, environment: Record<string, string> = {}): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), "crowsnest-"));
  const urls = Object.fromEntries(
    SERVICE_NAMES.map((name) => [`${name.toUpperCase()}_SERVICE_URL`, upstreams.urls[name]]),
  );
  const app = await createApp(
    readConfig({
      NODE_ENV: "test",
      LOG_LEVEL: "silent",
      DATA_DIR: folder,
      JWT_SECRET_KEY: SECRET,
      RATE_LIMIT: "off",
      SWEEP: "off",
      FLEET_NOW: PDM_NOW,
      ...urls,
      ...environment,
    }),
  );
  await app.server.ready();
  const request = async (
    method: string,
    path: string,
    payload: unknown,
    authorization: string | null,
  ): Promise<Reply> => {
    const response = await app.server.inject({
      method: method as "GET",
      url: path,
      headers: { ...(authorization && { authorization }) },
      ...(payload !== undefined && { payload: payload as object }),
    });
    const isJson = /^application\/([\w.-]+\+)?json/.test(String(response.headers["content-type"]));
    return { status: response.statusCode, headers: response.headers, body: isJson ? response.json() : response.body };
  };
  const bearer = (role: Role | null): string | null => (role === null ? null : `Bearer ${tokenFor(role)}`);
  return {
    app,
    get: (path, role = "ADMIN") => request("GET", path, undefined, bearer(role)),
    send: (method, path, body, role = "ADMIN") => request(method, path, body, bearer(role)),
    graphql: (query, variables = {}, role = "ADMIN") => request("POST", "/graphql", { query, variables }, bearer(role)),
    async stop() {
      await app.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
