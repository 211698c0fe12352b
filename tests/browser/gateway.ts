import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ended, type RunningGateway, startProcess } from "../support/processes.js";

export const WRITE_KEY = "wk_public_shop";

/** An event as GraphQL gives it. */
export interface Stored {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly userId: string | null;
  readonly session: string | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A gateway process that can be killed and started again at the same address over the same data. */
export class KillableGateway {
  #running: RunningGateway | undefined;
  #folder: string | undefined;
  #token: string | undefined;

  private constructor(
    readonly port: number,
    readonly origin: string,
  ) {}

  /** @param origin of the site that may call it */
  static async start(origin: string): Promise<KillableGateway> {
    const gateway = new KillableGateway(await freePort(), origin);
    await gateway.start();
    return gateway;
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#running = await startProcess({
      PORT: String(this.port),
      CORS_ORIGINS: this.origin,
      WRITE_KEYS: WRITE_KEY,
      DEMO_VEHICLES: "12",
      SWEEP: "off",
      ...(this.#folder !== undefined && { DATA_DIR: this.#folder }),
    });
    this.#folder = this.#running.folder;
  }

  async kill(): Promise<void> {
    if (!this.#running) return;
    this.#running.child.kill("SIGKILL");
    await ended(this.#running.child);
  }

  /** All stored events of this type, the first one first. */
  async events(type: string): Promise<Stored[]> {
    const found: Stored[] = [];
    for (let after: string | null = null; ; ) {
      const { nodes, pageInfo }: Page = (await this.#query(EVENTS, { type, after })).events;
      found.push(...nodes);
      if (!pageInfo.hasNextPage) return found.reverse();
      after = pageInfo.endCursor;
    }
  }

  async #query(query: string, variables: object): Promise<{ events: Page }> {
    this.#token ??= await this.#login();
    const headers = { "content-type": "application/json", authorization: `Bearer ${this.#token}` };
    const body = JSON.stringify({ query, variables });
    const reply = await fetch(`${this.base}/graphql`, { method: "POST", headers, body });
    const { data, errors } = (await reply.json()) as { data: { events: Page }; errors?: unknown };
    if (errors) throw new Error(`the gateway answered ${JSON.stringify(errors)}`);
    return data;
  }

  async #login(): Promise<string> {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ username: "admin", password: "password" });
    const reply = await fetch(`${this.base}/api/v1/auth/login`, { method: "POST", headers, body });
    return ((await reply.json()) as { access_token: string }).access_token;
  }
}

interface Page {
  readonly nodes: readonly Stored[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const EVENTS = `query ($type: String!, $after: String) {
  events(filter: { types: [$type] }, first: 100, after: $after) {
    nodes { id type time userId session properties }
    pageInfo { hasNextPage endCursor }
  }
}`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
