import DataLoader from "dataloader";
import { once } from "../base/once.js";
import { type TimeRange, wholeDays } from "../base/time-range.js";
import { tenantKey } from "../domain/access/scope.js";
import type {
  Alert,
  Appointment,
  Claim,
  Decision,
  Health,
  HealthHistoryPoint,
  Technician,
  Telemetry,
  Vehicle,
  WarrantyCoverage,
} from "../domain/fleet/records.js";
import { Dependencies, type Entry, type Freshness, type Loaded, type UpstreamCache } from "./cache.js";
import type { UpstreamClients } from "./clients.js";
import type { ServiceName } from "./errors.js";
import { batchHealth } from "./health/loader.js";
import { settle } from "./settle.js";
import { type SnapshotKind, type SnapshotOf, snapshotOf } from "./snapshot.js";

/** Tag of everything known about one vehicle. */
export function vehicleTag(tenantId: string, vehicleId: string): string {
  return tenantKey({ tenantId }, "vehicle", vehicleId);
}

/** Tag of a vehicle's telemetry alone, which comes far more often than anything else about it. */
export function telemetryTag(tenantId: string, vehicleId: string): string {
  return tenantKey({ tenantId }, "telemetry-of", vehicleId);
}

/** Tag of all lists of a service: any change there may show in them. */
export function listTag(tenantId: string, service: "alert" | "scheduling" | "warranty"): string {
  return tenantKey({ tenantId }, "lists", service);
}

/** Something of one vehicle, by its id. */
export class PerVehicle<T> {
  #loader: DataLoader<string, Entry<T>> | undefined;

  constructor(
    /** Loads what a request asks for at once. */
    readonly batch: DataLoader.BatchLoadFn<string, Entry<T>>,
    /** What the shared cache has and is young enough. */
    readonly kept: (id: string) => Entry<T> | undefined,
  ) {}

  load(id: string): Promise<Entry<T>> {
    this.#loader ??= new DataLoader(this.batch);
    return this.#loader.load(id);
  }

  /** As `load`, but at once when it is there: lists of many vehicles feel a promise for each. */
  take(id: string): Entry<T> | Promise<Entry<T>> {
    return this.kept(id) ?? this.load(id);
  }
}

/**
 * One request's view of the upstream services: loads within the request are batched and happen once; behind it stands
 * the cache that all requests share. Most requests read few kinds of things: the rest is not made.
 */
export class Reader {
  #vehicle: PerVehicle<Vehicle | null> | undefined;
  #telemetry: PerVehicle<Telemetry | null> | undefined;
  #health: PerVehicle<Health | null> | undefined;
  #history: PerVehicle<HealthHistoryPoint[]> | undefined;
  #alertsOf: PerVehicle<Alert[]> | undefined;
  #appointmentsOf: PerVehicle<Appointment[]> | undefined;
  #claimsOf: PerVehicle<Claim[]> | undefined;
  #coverageOf: PerVehicle<WarrantyCoverage | null> | undefined;
  #decisionsOf: PerVehicle<Decision[]> | undefined;
  readonly #memo = new Map<string, Promise<Entry<unknown>>>();

  constructor(
    readonly clients: UpstreamClients,
    readonly cache: UpstreamCache,
    readonly tenantId: string,
    readonly freshness: Freshness,
    readonly dependencies = new Dependencies(),
  ) {}

  get vehicle(): PerVehicle<Vehicle | null> {
    this.#vehicle ??= this.#vehicles();
    return this.#vehicle;
  }

  get telemetry(): PerVehicle<Telemetry | null> {
    this.#telemetry ??= this.#each("telemetry", ({ ingestion }, id) => ingestion.telemetry(id));
    return this.#telemetry;
  }

  get health(): PerVehicle<Health | null> {
    this.#health ??= this.#healths();
    return this.#health;
  }

  get history(): PerVehicle<HealthHistoryPoint[]> {
    this.#history ??= this.#each("history", ({ health }, id) => health.history(id));
    return this.#history;
  }

  get alertsOf(): PerVehicle<Alert[]> {
    this.#alertsOf ??= this.#each("alerts", ({ alert }, id) => alert.ofVehicle(id));
    return this.#alertsOf;
  }

  get appointmentsOf(): PerVehicle<Appointment[]> {
    this.#appointmentsOf ??= this.#each("appointments", ({ scheduling }, id) => scheduling.ofVehicle(id));
    return this.#appointmentsOf;
  }

  get claimsOf(): PerVehicle<Claim[]> {
    this.#claimsOf ??= this.#each("claims", ({ warranty }, id) => warranty.ofVehicle(id));
    return this.#claimsOf;
  }

  get coverageOf(): PerVehicle<WarrantyCoverage | null> {
    this.#coverageOf ??= this.#each("coverage", ({ warranty }, id) => warranty.coverage(id));
    return this.#coverageOf;
  }

  get decisionsOf(): PerVehicle<Decision[]> {
    this.#decisionsOf ??= this.#each("decisions", ({ agent }, id) => agent.decisions(id));
    return this.#decisionsOf;
  }

  vehicles(): Promise<Entry<Vehicle[]>> {
    return this.#list("vehicles", [], () => this.clients.ingestion.vehicles());
  }

  technicians(): Promise<Entry<Technician[]>> {
    return this.#list("technicians", [], () => this.clients.scheduling.technicians());
  }

  openAlerts(): Promise<Entry<Alert[]>> {
    return this.#list("alerts|open", [listTag(this.tenantId, "alert")], () => this.clients.alert.openAlerts());
  }

  /** Alerts created in the range or close to it. */
  alerts(range: TimeRange): Promise<Entry<Alert[]>> {
    const days = wholeDays(range);
    const tags = [listTag(this.tenantId, "alert")];
    return this.#list(`alerts|${days.start}|${days.end}`, tags, () => this.clients.alert.alerts(days));
  }

  /** Appointments scheduled in the range or close to it. Null: only single vehicles can be asked. */
  appointments(range: TimeRange): Promise<Entry<Appointment[] | null>> {
    const days = wholeDays(range);
    const tags = [listTag(this.tenantId, "scheduling")];
    return this.#list(
      `appointments|${days.start}|${days.end}`,
      tags,
      async () => (await this.clients.scheduling.appointments(days)) ?? NOTHING,
    );
  }

  /** One technician's appointments scheduled in the range or close to it. Null: unknown technician. */
  schedule(technicianId: string, range: TimeRange): Promise<Entry<Appointment[] | null>> {
    const days = wholeDays(range);
    const tags = [listTag(this.tenantId, "scheduling")];
    return this.#list(
      `schedule|${technicianId}|${days.start}|${days.end}`,
      tags,
      async () => (await this.clients.scheduling.schedule(technicianId, days)) ?? NOTHING,
    );
  }

  /** Claims submitted in the range or close to it. Null: only single vehicles can be asked. */
  claims(range: TimeRange): Promise<Entry<Claim[] | null>> {
    const days = wholeDays(range);
    const tags = [listTag(this.tenantId, "warranty")];
    return this.#list(
      `claims|${days.start}|${days.end}`,
      tags,
      async () => (await this.clients.warranty.claims(days)) ?? NOTHING,
    );
  }

  /** Something of all vehicles at once, as columns that follow the cache. */
  snapshot<Kind extends SnapshotKind>(kind: Kind): SnapshotOf<Kind> {
    this.dependencies.addEverything();
    return snapshotOf(this.cache, tenantKey(this, kind), kind);
  }

  /** What was fetched earlier is fetched again, epoch milliseconds. */
  get currentSince(): number {
    const { clock, ttlMs } = this.cache.options;
    if (this.freshness === "refresh") return Number.POSITIVE_INFINITY;
    return clock() - (this.freshness === "sweep" ? ttlMs / 2 : ttlMs);
  }

  #tagsOf(kind: string, id: string): string[] {
    const tags = [vehicleTag(this.tenantId, id)];
    if (kind === "telemetry") tags.push(telemetryTag(this.tenantId, id));
    return tags;
  }

  #findVehicle(id: string): Entry<Vehicle | null> | Promise<Entry<Vehicle | null>> {
    // The list is what users look at first and what a sweep keeps warm: mostly no call is needed.
    const key = tenantKey(this, "vehicles");
    const listed = this.freshness === "refresh" ? undefined : this.cache.peek<Vehicle[]>(key);
    const known = listed && byId(listed.value).get(id);
    this.dependencies.add(key);
    this.dependencies.add(vehicleTag(this.tenantId, id));
    if (listed && known) return { value: known, fetchedAt: listed.fetchedAt, bytes: 0 };
    return this.#entity("vehicle", id, async () => {
      const single = await this.clients.ingestion.vehicle(id);
      if (single.value) return single;
      // GET of one vehicle is undocumented: a 404 may mean that the route is missing, so the list has the last word.
      const list = await this.vehicles();
      return { value: list.value.find((vehicle) => vehicle.id === id) ?? null, bytes: 0 };
    });
  }

  #vehicles(): PerVehicle<Vehicle | null> {
    return this.#batched("vehicle", (ids) => Promise.all(ids.map((id) => settle(this.#findVehicle(id)))));
  }

  #healths(): PerVehicle<Health | null> {
    return this.#batched("health", (ids) =>
      batchHealth(this.clients.health, ids, (id, load) => this.#entity("health", id, load)),
    );
  }

  #each<T>(kind: string, load: (clients: UpstreamClients, id: string) => Promise<Loaded<T>>): PerVehicle<T> {
    return this.#batched(kind, (ids) =>
      Promise.all(ids.map((id) => settle(this.#entity(kind, id, () => load(this.clients, id))))),
    );
  }

  #batched<T>(kind: string, batch: DataLoader.BatchLoadFn<string, Entry<T>>): PerVehicle<T> {
    if (this.freshness !== "cached") return new PerVehicle<T>(batch, () => undefined);
    const fresh = this.cache.freshIn<T>(tenantKey(this, kind));
    return new PerVehicle<T>(batch, (id) => {
      const found = fresh(id);
      if (found && !this.dependencies.isEverything)
        for (const tag of this.#tagsOf(kind, id)) this.dependencies.add(tag);
      return found;
    });
  }

  #entity<T>(kind: string, id: string, load: () => Promise<Loaded<T>>): Entry<T> | Promise<Entry<T>> {
    const tags = this.#tagsOf(kind, id);
    for (const tag of tags) this.dependencies.add(tag);
    return this.cache.get(tenantKey(this, kind, id), tags, this.freshness, serviceOf(kind), load);
  }

  #list<T>(name: string, tags: readonly string[], load: () => Promise<Loaded<T>>): Promise<Entry<T>> {
    const found = this.#memo.get(name) as Promise<Entry<T>> | undefined;
    if (found) return found;
    const key = tenantKey(this, name);
    for (const dependency of [key, ...tags]) this.dependencies.add(dependency);
    const entry = Promise.resolve(this.cache.get(key, tags, this.freshness, serviceOf(name), load));
    this.#memo.set(name, entry);
    return entry;
  }
}

/** Which service has what, by the first part of its name. */
const SERVICES: Readonly<Record<string, ServiceName>> = {
  ...{ vehicle: "ingestion", vehicles: "ingestion", telemetry: "ingestion" },
  ...{ health: "health", history: "health" },
  ...{ alerts: "alert", decisions: "agent" },
  ...{ appointments: "scheduling", schedule: "scheduling", technicians: "scheduling" },
  ...{ claims: "warranty", coverage: "warranty" },
};

function serviceOf(name: string): ServiceName {
  const service = SERVICES[name.split("|", 1)[0] ?? name];
  if (!service) throw new Error(`no service is known to have "${name}"`);
  return service;
}

function byId(vehicles: readonly Vehicle[]): ReadonlyMap<string, Vehicle> {
  return once(vehicles, "byId", () => new Map(vehicles.map((vehicle) => [vehicle.id, vehicle])));
}

const NOTHING: Loaded<null> = { value: null, bytes: 0 };
