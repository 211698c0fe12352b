import { setImmediate as nextTurn } from "node:timers/promises";
import { PublicError } from "../base/errors.js";
import { once, onceOf } from "../base/once.js";
import { contains, dayWider, type TimeRange } from "../base/time-range.js";
import { canSeeEverything, canSeeVehicle, seesJobsOnly } from "../domain/access/can.js";
import { ALL, fleetsName } from "../domain/access/scope.js";
import type { HealthTable } from "../domain/fleet/health-table.js";
import type { Histories } from "../domain/fleet/history-columns.js";
import type { Alert, Appointment, Claim, Technician, Vehicle } from "../domain/fleet/records.js";
import type { Entry, PerVehicle, Reader, ServiceName, Snapshot, SnapshotList } from "../upstream/index.js";
import { Ledger } from "./ledger.js";
import type { Viewer } from "./viewer.js";

/** The part of the fleet that a question is about; null means all. */
export interface FleetFilter {
  readonly fleetId: string | null;
  readonly vehicleId: string | null;
  readonly component: string | null;
}

export const WHOLE_FLEET: FleetFilter = { fleetId: null, vehicleId: null, component: null };

/** A large fleet's calls must not all wait in one line at a time. */
const LOADED_AT_ONCE = 1000;
const LANES = 3;

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
      const own =
        all && fleetId !== null
          ? once(all, `fleet|${fleetId}`, () => all.filter((vehicle) => vehicle.fleetId === fleetId))
          : all;
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
          const found: Vehicle[] = [];
          const take = (_: number, { value }: Entry<Vehicle | null>): void => {
            if (value && canSeeVehicle(scope, value)) found.push(value);
          };
          const failed = await this.#settled("ingestion", [...named], this.reader.vehicle, named.size, take);
          return named.size > 0 && failed === named.size ? null : found;
        }
        const all = this.#note(await this.reader.vehicles());
        if (canSeeEverything(scope)) return all;
        return once(all, `scope|${fleetsName(scope)}`, () => all.filter((vehicle) => canSeeVehicle(scope, vehicle)));
      });
    });
  }

  /** Health of the vehicles, in their order. */
  health(): Promise<HealthTable | null> {
    return this.#once("health", async () =>
      this.#table("health", this.reader.snapshot("health"), await this.vehicles(), this.reader.health),
    );
  }

  histories(): Promise<Histories | null> {
    return this.#once("histories", async () => {
      // One call per vehicle for one figure: it must not compete with what all other figures need.
      await this.#others("histories");
      const history = this.reader.snapshot("history");
      return this.#table("health", history, await this.vehicles(), this.reader.history);
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
      return this.#narrow(
        during(alerts, range, ({ createdAt }) => createdAt),
        (alert) => alert.component,
      );
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
      const ofVehicles = this.reader.snapshot("appointments");
      const vehicles = await this.scopeVehicles();
      return this.#table("scheduling", ofVehicles, vehicles, this.reader.appointmentsOf);
    });
  }

  /** Claims submitted in the range. */
  claims(range: TimeRange): Promise<Claim[] | null> {
    return this.#once(`claims|${range.start}|${range.end}`, async () => {
      const listed = await this.#try("warranty", async () => this.#noteList(await this.reader.claims(range)));
      const claims =
        listed === "none"
          ? await this.#table("warranty", this.reader.snapshot("claims"), await this.vehicles(), this.reader.claimsOf)
          : listed;
      return this.#narrow(
        during(claims, range, ({ submittedAt }) => submittedAt),
        (claim) => claim.component,
      );
    });
  }

  technicians(): Promise<Technician[] | null> {
    return this.#once("technicians", () =>
      this.#try("scheduling", async () => this.#note(await this.reader.technicians())),
    );
  }

  /**
   * Keeps what belongs to the filter, as the very same array for the same records. Null (unknown) when that takes the
   * vehicle list and there is none.
   */
  async #narrow<T extends { readonly vehicleId: string }>(
    records: T[] | null,
    componentOf: (record: T) => string | null,
  ): Promise<T[] | null> {
    const { fleetId, vehicleId, component } = this.filter;
    const ofComponent =
      records && component !== null
        ? once(records, `of|${component}`, () => records.filter((record) => componentOf(record) === component))
        : records;
    if (fleetId === null && vehicleId === null) return this.#inScope(ofComponent);
    return within(ofComponent, await this.vehicles());
  }

  async #inScope<T extends { readonly vehicleId: string }>(records: T[] | null): Promise<T[] | null> {
    return canSeeEverything(this.viewer.scope) ? records : within(records, await this.scopeVehicles());
  }

  /**
   * What is known of one kind about all these vehicles; what is not there, or too old, is fetched first. Null when
   * nothing can be had; a warning with the count when some cannot.
   */
  async #table<T, Table>(
    service: ServiceName,
    snapshot: Snapshot<T, Table>,
    vehicles: readonly Vehicle[] | null,
    ofVehicles: PerVehicle<T | null>,
  ): Promise<Table | null> {
    if (vehicles === null) return null;
    const known = snapshot.of(vehicles);
    const renew = () => this.#renew(service, known, ofVehicles);
    const isLong = known.outdated(this.reader.currentSince).length > LOADED_AT_ONCE;
    const isShared = isLong && this.reader.freshness !== "refresh";
    const instead = await (isShared ? this.#try(service, () => known.alone(service, renew)) : renew());
    if (instead === null) return null;
    const times = known.times(instead);
    if (times) for (const fetchedAt of times) this.ledger.note({ fetchedAt, value: null, bytes: 0 });
    return known.table(instead);
  }

  /** Fetches what is not there, or too old; what is to stand in place of what the snapshot has. Null when nothing can be had. */
  async #renew<T>(
    service: ServiceName,
    known: SnapshotList<T, unknown>,
    ofVehicles: PerVehicle<T | null>,
  ): Promise<Map<number, T | null> | null> {
    const { ids } = known.list;
    const places = known.outdated(this.reader.currentSince);
    const instead = new Map<number, T | null>(places.map((place) => [place, null]));
    const wanted = places.map((place) => ids[place] ?? "");
    const failed = await this.#settled(service, wanted, ofVehicles, ids.length, (i, entry) => {
      const place = places[i] ?? 0;
      // What the snapshot has by now is looked up there.
      if (entry.fetchedAt === known.fetchedAt(place)) instead.delete(place);
      else instead.set(place, entry.value);
    });
    return ids.length > 0 && failed === ids.length ? null : instead;
  }

  /**
   * Loads something for each id and hands on what could be had. A warning with the count when some fail; when the first
   * thousand do, the rest is not tried.
   * @returns how many failed
   */
  async #settled<T>(
    service: ServiceName,
    ids: readonly string[],
    ofVehicles: PerVehicle<T>,
    of: number,
    take: (place: number, entry: Entry<T>) => void,
  ): Promise<number> {
    const failed = new Set<number>();
    let failure: unknown;
    let found = 0;
    let next = 0;
    const loadParts = async (): Promise<void> => {
      for (let start = next; start < ids.length; start = next) {
        next += LOADED_AT_ONCE;
        const part = ids.slice(start, next);
        const isHopeless = found === 0 && failed.size >= LOADED_AT_ONCE;
        const results = isHopeless ? part.map(() => failure) : Array.from(await ofVehicles.batch(part));
        for (const [i, result] of results.entries()) {
          if (result instanceof Error) {
            failure ??= result;
            failed.add(start + i);
          } else {
            found += 1;
            this.ledger.note(result as Entry<T>);
            take(start + i, result as Entry<T>);
          }
        }
      }
    };
    // The service has work while what it answered is read.
    await Promise.all(Array.from({ length: LANES }, loadParts));
    for (const place of failed) this.unanswered.add(ids[place] ?? "");
    if (failure) this.ledger.fail(service, failure, `, for ${failed.size} of ${of} vehicles`);
    return failed.size;
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

/** The records of a period; the very same array for the same list and period. */
function during<T>(records: T[] | null, range: TimeRange, at: (record: T) => number | null): T[] | null {
  const name = `during|${range.start}|${range.end}`;
  return records && once(records, name, () => records.filter((record) => contains(range, at(record))));
}

/** The records about these vehicles; the very same array for the same two lists. */
function within<T extends { readonly vehicleId: string }>(
  records: T[] | null,
  vehicles: readonly Vehicle[] | null,
): T[] | null {
  if (!records || !vehicles) return null;
  const ids = once(vehicles, "ids", () => new Set(vehicles.map(({ id }) => id)));
  return onceOf([records, vehicles], "within", () => records.filter(({ vehicleId }) => ids.has(vehicleId)));
}
