import type { Metrics } from "../ops/metrics.js";
import { AgentClient } from "./agent/client.js";
import { AlertClient } from "./alert/client.js";
import { SERVICE_NAMES, type ServiceName } from "./errors.js";
import { HealthClient } from "./health/client.js";
import { createService, type Service, type ServiceOptions } from "./http.js";
import { IngestionClient } from "./ingestion/client.js";
import type { BulkSetting } from "./lists.js";
import { SchedulingClient } from "./scheduling/client.js";
import { WarrantyClient } from "./warranty/client.js";

export type Services = Readonly<Record<ServiceName, Service>>;

export interface UpstreamClients {
  readonly ingestion: IngestionClient;
  readonly health: HealthClient;
  readonly agent: AgentClient;
  readonly alert: AlertClient;
  readonly scheduling: SchedulingClient;
  readonly warranty: WarrantyClient;
}

export type BulkSettings = Readonly<Record<"health" | "scheduling" | "warranty", BulkSetting>>;

export function createServices(options: Readonly<Record<ServiceName, ServiceOptions>>, metrics: Metrics): Services {
  const entries = SERVICE_NAMES.map((name) => [name, createService(options[name], metrics)] as const);
  return Object.fromEntries(entries) as unknown as Services;
}

export function createClients(services: Services, bulk: BulkSettings): UpstreamClients {
  return {
    ingestion: new IngestionClient(services.ingestion),
    health: new HealthClient(services.health, bulk.health),
    agent: new AgentClient(services.agent),
    alert: new AlertClient(services.alert),
    scheduling: new SchedulingClient(services.scheduling, bulk.scheduling),
    warranty: new WarrantyClient(services.warranty, bulk.warranty),
  };
}

/** The same services, with every read waiting for `pace` first: for work that must not crowd out users. */
export function pacedServices(services: Services, pace: () => Promise<void>): Services {
  const paced = SERVICE_NAMES.map((name) => {
    const service = services[name];
    const get: Service["get"] = async (path) => {
      await pace();
      return service.get(path);
    };
    return [name, { ...service, get }] as const;
  });
  return Object.fromEntries(paced) as unknown as Services;
}
