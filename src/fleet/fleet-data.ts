import { setImmediate as nextTurn } from "node:timers/promises";
import { PublicError } from "../base/errors.js";
import { once } from "../base/once.js";
import { contains, dayWider, type TimeRange } from "../base/time-range.js";
import { canSeeEverything, canSeeVehicle, seesJobsOnly } from "../domain/access/can.js";
import { ALL } from "../domain/access/scope.js";
import { scoreOf } from "../domain/fleet/health.js";
import type {
  Alert,
  Appointment,
  Claim,
  Health,
  HealthHistoryPoint,
  Technician,
  Vehicle,
} from "../domain/fleet/records.js";
import type { Entry, Reader, ServiceName } from "../upstream/index.js";
import { Ledger } from "./ledger.js";
import type { Viewer } from "./viewer.js";

/** The part of the fleet that a question is about; null means all. */
export interface FleetFilter {
  readonly fleetId: string | null;
  readonly vehicleId: string | null;
  readonly component: string | null;
}

export const WHOLE_FLEET: FleetFilter = { fleetId: null, vehicleId: null, component: null };

/** A per-vehicle load with fewer than all vehicles still counts, but says so. */
interface Collected<T> {
  readonly values: T[];
}

/**
 * The records one aggregate is computed from: what the viewer may see, narrowed to the filter. Each source is read at
 * most once. A source that fails gives null and a warning in the ledger; nothing here throws for it.
 */
export class FleetData {
  readonly ledger: Ledger;
  /** Vehicles for which some record that was asked for could not be had. */
  readonly unanswered = new Set<string>();
  readonly #memo = new Map<string, Promise<unknown>>();

  constructor(
    readonly viewer: Viewer,
    readonly reader: Reader,
    readonly filter: FleetFilter,
  ) {
    this.ledger = new Ledger(viewer.ledger);
    viewer.assertFleet(filter.fleetId);
  }

  /** Vehicles in scope and filter; null when the ingestion service does not tell. @throws PublicError NOT_FOUND */
  vehicles(): Promise<Vehicle[] | null> {
    return this.#once("vehicles", async () => {
      const { vehicleId, fleetId } = this.filter;
      if (vehicleId !== null) {
        const vehicle = await this.#try("ingestion", () =>
          this.viewer.vehicle(vehicleId, this.reader.freshness === "refresh"),
        );
        if (vehicle === null) return null;
        this.ledger.note(await this.reader.vehicle.load(vehicleId));
        return fleetId === null || vehicle.fleetId === fleetId ? [vehicle] : [];
      }
      const all = await this.scopeVehicles();
      const own = fleetId === null ? all : (all?.filter((vehicle) => vehicle.fleetId === fleetId) ?? null);
      if (fleetId !== null && own?.length === 0) {
        throw new PublicError("NOT_FOUND", `There is no fleet "${fleetId}"`, { id: fleetId });
      }
      return own;
    });
  }

  /** Every vehicle the viewer may see, whatever the filter. */
  scopeVehicles(): Promise<Vehicle[] | null> {
    return this.#once("scope", () => {
      const { scope } = this.viewer;
      return this.#try("ingestion", async () => {
        const named = seesJobsOnly(scope) ? await this.viewer.assignedVehicles() : scope.vehicleIds;
        if (named !== ALL) {
          const found = await this.#collect("ingestion", [...named], (id) => this.reader.vehicle.load(id));
          return found?.values.flatMap((v) => (v && canSeeVehicle(scope, v) ? [v] : [])) ?? null;
        }
        const all = this.#note(await this.reader.vehicles());
        return canSeeEverything(scope) ? all : all.filter((vehicle) => canSeeVehicle(scope, vehicle));
      });
    });
  }

  /** Health records of the vehicles that have one. */
  health(): Promise<Health[] | null> {
    return this.#once("health", async () => {
      const found = await this.#perVehicle("health", "health", (id) => this.reader.health.load(id));
      return found && once(found.values, "present", () => found.values.flatMap((health) => health ?? []));
    });
  }

  /** Score per vehicle: the overall one, or the filter's component's. */
  scores(): Promise<Map<string, number> | null> {
    return this.#once("scores", async () => {
      const healths = await this.health();
      return (
        healths && once(healths, `scores|${this.filter.component}`, () => scoresOf(healths, this.filter.component))
      );
    });
  }

  histories(): Promise<HealthHistoryPoint[][] | null> {
    return this.#once("histories", async () => {
      // One call per vehicle for one figure: it must not compete with what all other figures need.
      await this.#others("histories");
      const found = await this.#perVehicle("health", "history", (id) => this.reader.history.load(id));
      return found?.values ?? null;
    });
  }

  openAlerts(): Promise<Alert[] | null> {
    return this.#once("openAlerts", async () => {
      const alerts = await this.#try("alert", async () => this.#note(await this.reader.openAlerts()));
      return this.#narrow(alerts, (alert) => alert.component);
    });
  }

  /** Alerts created in the range. */
  alerts(range: TimeRange): Promise<Alert[] | null> {
    return this.#once(`alerts|${range.start}|${range.end}`, async () => {
      const alerts = await this.#try("alert", async () => this.#note(await this.reader.alerts(range)));
      const created = alerts?.filter((alert) => contains(range, alert.createdAt)) ?? null;
      return this.#narrow(created, (alert) => alert.component);
    });
  }

  /** Appointments of the filter's vehicles and component, scheduled in the range or a day around it. */
  async appointments(range: TimeRange): Promise<Appointment[] | null> {
    return this.#narrow(await this.scopeAppointments(range), (appointment) => appointment.component);
  }

  /** Appointments of every vehicle that the viewer may see. Upstream filters by schedule, figures by completion. */
  scopeAppointments(range: TimeRange): Promise<Appointment[] | null> {
    return this.#once(`appointments|${range.start}|${range.end}`, async () => {
      const wide = dayWider(range);
      const listed = await this.#try("scheduling", async () => this.#noteList(await this.reader.appointments(wide)));
      if (listed !== "none") return this.#inScope(listed);
      const ids = (await this.scopeVehicles())?.map((vehicle) => vehicle.id) ?? null;
      const found = ids && (await this.#collect("scheduling", ids, (id) => this.reader.appointmentsOf.load(id)));
      return found?.values.flat() ?? null;
    });
  }

  /** Claims submitted in the range. */
  claims(range: TimeRange): Promise<Claim[] | null> {
    return this.#once(`claims|${range.start}|${range.end}`, async () => {
      const listed = await this.#try("warranty", async () => this.#noteList(await this.reader.claims(range)));
      const claims =
        listed === "none"
          ? ((await this.#perVehicle("warranty", "claims", (id) => this.reader.claimsOf.load(id)))?.values.flat() ??
            null)
          : listed;
      const submitted = claims?.filter((claim) => contains(range, claim.submittedAt)) ?? null;
      return this.#narrow(submitted, (claim) => claim.component);
    });
  }

  technicians(): Promise<Technician[] | null> {
    return this.#once("technicians", () =>
      this.#try("scheduling", async () => this.#note(await this.reader.technicians())),
    );
  }

  /** Keeps what belongs to the filter. Null (unknown) when that takes the vehicle list and there is none. */
  async #narrow<T extends { readonly vehicleId: string }>(
    records: T[] | null,
    componentOf: (record: T) => string | null,
  ): Promise<T[] | null> {
    const { fleetId, vehicleId, component } = this.filter;
    const ofComponent = component === null ? records : (records?.filter((r) => componentOf(r) === component) ?? null);
    if (fleetId === null && vehicleId === null) return this.#inScope(ofComponent);
    const vehicles = await this.vehicles();
    const ids = vehicles && new Set(vehicles.map((vehicle) => vehicle.id));
    return ids && (ofComponent?.filter((record) => ids.has(record.vehicleId)) ?? null);
  }

  async #inScope<T extends { readonly vehicleId: string }>(records: T[] | null): Promise<T[] | null> {
    if (canSeeEverything(this.viewer.scope)) return records;
    const vehicles = await this.scopeVehicles();
    const ids = vehicles && new Set(vehicles.map((vehicle) => vehicle.id));
    return ids && (records?.filter((record) => ids.has(record.vehicleId)) ?? null);
  }

  async #perVehicle<T>(
    service: ServiceName,
    kind: string,
    load: (id: string) => Promise<Entry<T>>,
  ): Promise<Collected<T> | null> {
    const vehicles = await this.vehicles();
    const cached = vehicles && this.reader.collected<T>(kind, vehicles);
    if (cached) {
      this.ledger.note({ fetchedAt: cached.oldest, value: null, bytes: 0 });
      this.ledger.note({ fetchedAt: cached.newest, value: null, bytes: 0 });
      return { values: cached.values as T[] };
    }
    return (
      vehicles &&
      this.#collect(
        service,
        vehicles.map((vehicle) => vehicle.id),
        load,
      )
    );
  }

  /** Loads something for each id. Null when all fail; a warning with the count when some do. */
  async #collect<T>(
    service: ServiceName,
    ids: readonly string[],
    load: (id: string) => Promise<Entry<T>>,
  ): Promise<Collected<T> | null> {
    const results = await Promise.allSettled(ids.map(load));
    const values: T[] = [];
    const failures: unknown[] = [];
    results.forEach((result, index) => {
      if (result.status === "fulfilled") {
        values.push(this.#note(result.value));
      } else {
        failures.push(result.reason);
        this.unanswered.add(ids[index] ?? "");
      }
    });
    if (failures.length > 0)
      this.ledger.fail(service, failures[0], `, for ${failures.length} of ${ids.length} vehicles`);
    return failures.length > 0 && values.length === 0 ? null : { values };
  }

  async #try<T>(service: ServiceName, load: () => Promise<T>): Promise<T | null> {
    try {
      return await load();
    } catch (error) {
      if (error instanceof PublicError && (error.code === "NOT_FOUND" || error.code === "FORBIDDEN")) throw error;
      this.ledger.fail(service, error);
      return null;
    }
  }

  /** A list that the service does not have tells nothing: it must not count as data. */
  #noteList<T>(entry: Entry<T[] | null>): T[] | "none" {
    if (entry.value === null) return "none";
    this.ledger.note(entry);
    return entry.value;
  }

  #note<T>(entry: Entry<T>): T {
    this.ledger.note(entry);
    return entry.value;
  }

  /** Waits until all else that was asked for is there. */
  async #others(key: string): Promise<void> {
    await nextTurn();
    for (;;) {
      const waiting = [...this.#memo].filter(([name]) => name !== key).map(([, promise]) => promise);
      await Promise.allSettled(waiting);
      if (this.#memo.size <= waiting.length + 1) return;
    }
  }

  #once<T>(key: string, load: () => Promise<T>): Promise<T> {
    const running = this.#memo.get(key) as Promise<T> | undefined;
    if (running) return running;
    const promise = load();
    this.#memo.set(key, promise);
    return promise;
  }
}

function scoresOf(healths: readonly Health[], component: string | null): Map<string, number> {
  const scores = new Map<string, number>();
  for (const health of healths) {
    const score = scoreOf(health, component);
    if (score !== null) scores.set(health.vehicleId, score);
  }
  return scores;
}
