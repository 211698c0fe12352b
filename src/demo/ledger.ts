/** What all services keep: records with an id, a vehicle and a moment, some of which are not known yet. */
import type { Vehicle } from "./vehicles.js";

export interface Entry {
  readonly id: string;
  readonly vehicle: Vehicle;
  /** The moment (epoch ms) that the service's lists are ordered by and its from/to filters look at. */
  at: number;
  /** The record exists for clients from this moment (epoch ms) on. */
  readonly knownFrom: number;
}

/** All of time. */
export const EVER: Period = { from: -Infinity, to: Infinity };

export type Direction = "newest first" | "oldest first";

/** A half-open period [from, to) in epoch ms. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** Records of one kind, ordered, with indexes by id and by vehicle. */
export class Ledger<T extends Entry> {
  private readonly rows: readonly T[];
  /** `knownFrom` of each row, side by side: most requests scan all rows for it. */
  private readonly knownFrom: Float64Array;
  private readonly byId = new Map<string, T>();
  private readonly byVehicle = new Map<string, T[]>();

  constructor(
    rows: readonly T[],
    private readonly direction: Direction,
  ) {
    const sign = direction === "newest first" ? -1 : 1;
    this.rows = [...rows].sort((a, b) => sign * (a.at - b.at) || (a.id < b.id ? -1 : 1));
    this.knownFrom = Float64Array.from(this.rows, (row) => row.knownFrom);
    for (const row of this.rows) {
      this.byId.set(row.id, row);
      const own = this.byVehicle.get(row.vehicle.id);
      if (own === undefined) this.byVehicle.set(row.vehicle.id, [row]);
      else own.push(row);
    }
  }

  /** Records of a period known at `now` that satisfy the test, if there is one, in the ledger's order. */
  select(now: number, period: Period, test?: (row: T) => boolean): T[] {
    const { from, to } = period;
    const [first, end] =
      this.direction === "oldest first"
        ? [this.position((at) => at >= from), this.position((at) => at >= to)]
        : [this.position((at) => at < to), this.position((at) => at < from)];
    const selected: T[] = [];
    for (let i = first; i < end; i += 1) {
      const row = this.rows[i];
      if ((this.knownFrom[i] ?? Infinity) <= now && row !== undefined && (test === undefined || test(row)))
        selected.push(row);
    }
    return selected;
  }

  /** Records of one vehicle known at `now`. */
  ofVehicle(vehicleId: string, now: number): T[] {
    return (this.byVehicle.get(vehicleId) ?? []).filter((row) => row.knownFrom <= now);
  }

  /** One record, or undefined if there is none or it is not known yet. */
  find(id: string, now: number): T | undefined {
    const row = this.byId.get(id);
    return row !== undefined && row.knownFrom <= now ? row : undefined;
  }

  /** Index of the first row whose moment is past a boundary that the order crosses once. */
  private position(isPast: (at: number) => boolean): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = this.rows[middle];
      if (row !== undefined && isPast(row.at)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
