import { DAY } from "../../base/clock.js";

/** Events of a type that were added or deleted: between these times, both included. */
export interface Touch {
  readonly tenant: string;
  readonly type: string;
  /** Epoch milliseconds UTC. */
  readonly first: number;
  readonly last: number;
}

/** What an answer rests on: its version changes when, and only when, anything of it was touched. */
export interface Basis {
  readonly tenant: string;
  /** Null: events of every type. */
  readonly types: readonly string[] | null;
  readonly from: number | null;
  readonly to: number | null;
}

/** Touches over more days than that are noted as if they were of any day. */
const MOST_DAYS = 400;

interface OfType {
  readonly byDay: Map<number, number>;
  /** When a touch last went over too many days to note each. */
  anyDay: number;
}

/** Counts changes by tenant, type and day, for a store that only this process changes. */
export class DataVersions {
  readonly #types = new Map<string, Map<string, OfType>>();
  readonly #tenants = new Map<string, number>();
  #count = 0;
  #everything = 0;

  /** Notes changes; without saying which, everything counts as touched. */
  touch(touches?: readonly Touch[]): void {
    this.#count++;
    if (!touches) this.#everything = this.#count;
    for (const { tenant, type, first, last } of touches ?? []) {
      const ofType = this.#ofType(tenant, type);
      const [from, to] = [Math.floor(first / DAY), Math.floor(last / DAY)];
      if (to - from > MOST_DAYS) ofType.anyDay = this.#count;
      else for (let day = from; day <= to; day++) ofType.byDay.set(day, this.#count);
    }
  }

  touchTenant(tenant: string): void {
    this.#tenants.set(tenant, ++this.#count);
  }

  version({ tenant, types, from, to }: Basis): string {
    let latest = Math.max(this.#everything, this.#tenants.get(tenant) ?? 0);
    const known = this.#types.get(tenant);
    const [first, last] = [
      Math.floor((from ?? Number.NEGATIVE_INFINITY) / DAY),
      Math.floor(((to ?? Number.POSITIVE_INFINITY) - 1) / DAY),
    ];
    for (const type of types ?? known?.keys() ?? []) {
      const ofType = known?.get(type);
      if (!ofType) continue;
      latest = Math.max(latest, ofType.anyDay);
      for (const [day, count] of ofType.byDay) if (day >= first && day <= last && count > latest) latest = count;
    }
    return String(latest);
  }

  #ofType(tenant: string, type: string): OfType {
    const types = this.#types.get(tenant) ?? new Map<string, OfType>();
    this.#types.set(tenant, types);
    const ofType = types.get(type) ?? { byDay: new Map(), anyDay: 0 };
    types.set(type, ofType);
    return ofType;
  }
}
