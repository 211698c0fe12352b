import type { Core } from "./core.js";
import type { Database } from "./db/index.js";
import type { EventSource } from "./events/index.js";
import type { ServerOptions } from "./http/server.js";
import { SERVICE_NAMES, type ServiceName, type UpstreamClients } from "./upstream/index.js";

type Dependencies = ServerOptions["dependencies"];
type State = Awaited<ReturnType<Dependencies[number]["check"]>>;

/** What `/health` looks at, and `/ready` where it is required. */
export function dependencies(core: Core, clients: UpstreamClients, sources: readonly EventSource[]): Dependencies {
  return [
    { name: "database", required: true, check: async () => checkDatabase(core.database) },
    { name: "event-store", required: false, check: async () => checkEvents(core) },
    ...sources.map((source) => ({ name: source.name, required: false, check: async () => checkSource(source) })),
    ...SERVICE_NAMES.map((name) => ({
      name: `${name}-service`,
      required: false,
      check: async () => checkService(clients, name),
    })),
  ];
}

async function checkDatabase(database: Database): Promise<State> {
  await database.prisma.$queryRaw`SELECT 1`;
  return { status: "ok", detail: database.description };
}

/** Without its store the gateway goes on taking events in, and queries of events fail. */
async function checkEvents({ events }: Core): Promise<State> {
  const waiting = `${events.store.description}, ${events.waitingBytes} bytes waiting`;
  return { status: events.isStoring ? "ok" : "degraded", detail: waiting };
}

async function checkSource(source: EventSource): Promise<State> {
  const { state, lag, detail } = source.status();
  return {
    status: state === "running" ? "ok" : "degraded",
    detail: `${detail}${lag === null ? "" : `, ${lag} waiting`}`,
  };
}

async function checkService(clients: UpstreamClients, name: ServiceName): Promise<State> {
  const state = clients[name].service.breaker();
  return { status: state === "closed" ? "ok" : "degraded", detail: `breaker ${state}` };
}
