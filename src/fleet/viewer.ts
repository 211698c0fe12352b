import { type Clock, DAY } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import { canNameFleet, canNameVehicle, canSeeEverything, canSeeVehicle, seesJobsOnly } from "../domain/access/can.js";
import { type Principal, type Scope, scopeOf, type TenantFleets } from "../domain/access/scope.js";
import type { Vehicle } from "../domain/fleet/records.js";
import { Dependencies, type Freshness, type Reader } from "../upstream/index.js";
import { Ledger } from "./ledger.js";

/** What the fleet's figures need to know besides the data. */
export interface FleetSettings {
  /** "Now" for figures: open periods, upcoming work, ages. Not the clock of tokens or caches. */
  readonly clock: Clock;
  /** ISO 4217 code of all amounts. */
  readonly currency: string;
  /** Cost of a breakdown per component, used where no emergency repair tells it. */
  readonly breakdownCosts: ReadonlyMap<string, number>;
  /** How long a first answer waits for the health trend, which needs one call per vehicle, before it goes without. */
  readonly trendPatienceMs: number;
  /** Age from which upstream data counts as stale. */
  readonly cacheTtlMs: number;
}

const ASSIGNED_MS = 365 * DAY;

/** One principal asking one thing: who it is, what may be seen, and the request's own loaders. */
export class Viewer {
  readonly scope: Scope;
  readonly ledger = new Ledger();
  readonly dependencies = new Dependencies();
  readonly #readers = new Map<Freshness, Reader>();
  #assigned: Promise<ReadonlySet<string>> | undefined;

  constructor(
    readonly principal: Principal,
    fleets: TenantFleets,
    readonly settings: FleetSettings,
    /** When the request began, epoch milliseconds of the cache's clock. */
    readonly startedAt: number,
    readonly newReader: (tenantId: string, freshness: Freshness, dependencies: Dependencies) => Reader,
    readonly freshness: Freshness = "cached",
  ) {
    this.scope = scopeOf(principal, fleets);
  }

  reader(refresh: boolean | null | undefined): Reader {
    const freshness = refresh ? "refresh" : this.freshness;
    const known = this.#readers.get(freshness);
    if (known) return known;
    const reader = this.newReader(this.scope.tenantId, freshness, this.dependencies);
    this.#readers.set(freshness, reader);
    return reader;
  }

  get bypassedCache(): boolean {
    return this.#readers.has("refresh");
  }

  /** How old an answer's parts are. */
  freshnessOf(ledger: Ledger) {
    return {
      asOf: ledger.asOf,
      generatedAt: this.startedAt,
      cached: ledger.cachedSince(this.startedAt),
      stale: ledger.staleSince(this.startedAt, this.settings.cacheTtlMs),
    };
  }

  now(): number {
    return this.settings.clock();
  }

  /**
   * A vehicle that exists and may be seen.
   * @throws PublicError FORBIDDEN outside the scope (told without looking), NOT_FOUND
   */
  async vehicle(id: string, refresh?: boolean | null): Promise<Vehicle> {
    if (!canNameVehicle(this.scope, id))
      throw new PublicError("FORBIDDEN", "This vehicle is outside your scope", { id });
    const entry = await this.reader(refresh).vehicle.load(id);
    this.ledger.note(entry);
    if (!entry.value || !canSeeVehicle(this.scope, entry.value) || !(await this.#isAssigned(id))) {
      throw new PublicError("NOT_FOUND", `There is no vehicle "${id}"`, { id });
    }
    return entry.value;
  }

  /** Whether a vehicle may be seen; what belongs to others is answered like what does not exist. */
  async sees(vehicleId: string): Promise<boolean> {
    try {
      await this.vehicle(vehicleId);
      return true;
    } catch (error) {
      if (error instanceof PublicError && (error.code === "NOT_FOUND" || error.code === "FORBIDDEN")) return false;
      throw error;
    }
  }

  /** Those of the records whose vehicles may be seen. */
  async visible<T extends { readonly vehicleId: string }>(records: readonly T[]): Promise<T[]> {
    if (canSeeEverything(this.scope)) return [...records];
    const seen = await Promise.all(records.map(({ vehicleId }) => this.sees(vehicleId)));
    return records.filter((_, i) => seen[i]);
  }

  /** Vehicles of the viewer's own jobs, a year back and a year ahead. */
  assignedVehicles(): Promise<ReadonlySet<string>> {
    this.#assigned ??= (async () => {
      const now = this.now();
      const range = { start: now - ASSIGNED_MS, end: now + ASSIGNED_MS };
      const jobs = await this.reader(false).schedule(this.principal.userId, range);
      this.ledger.note(jobs);
      return new Set(jobs.value?.map(({ vehicleId }) => vehicleId));
    })();
    return this.#assigned;
  }

  async #isAssigned(vehicleId: string): Promise<boolean> {
    return !seesJobsOnly(this.scope) || (await this.assignedVehicles()).has(vehicleId);
  }

  assertFleet(id: string | null): void {
    if (id !== null && !canNameFleet(this.scope, id)) {
      throw new PublicError("FORBIDDEN", "This fleet is outside your scope", { id });
    }
  }
}
