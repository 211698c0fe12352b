import { LRUCache } from "lru-cache";
import type { Clock } from "../base/clock.js";
import type { Plan, PlanRow, Selection } from "../domain/insights/plan.js";
import type { Basis, EventStore } from "../events/index.js";

/** The rows of a plan, and how old they are. */
export interface Answer {
  readonly rows: readonly PlanRow[];
  /** When they were worked out, epoch milliseconds. */
  readonly computedAt: number;
  /** Whether that was before they were asked for. */
  readonly cached: boolean;
}

interface Kept {
  readonly tenant: string;
  readonly version: string;
  readonly rows: readonly PlanRow[];
  readonly computedAt: number;
}

export interface AnswersOptions {
  readonly store: Pick<EventStore, "answer" | "version">;
  readonly clock: Clock;
  /** Rows that are kept in memory, of all answers together. */
  readonly maxRows: number;
  /** Answers are worked out anew when they are older than that, whatever their version. */
  readonly ttlMs: number;
}

/**
 * Asks the store, and keeps what it said for as long as nothing that the answer rests on has changed. Plans hold whose
 * events they are about and what of them may be seen: who asks the same with the same rights shares an answer.
 */
export class Answers {
  readonly #kept: LRUCache<string, Kept>;
  readonly #flights = new Map<string, Promise<Kept>>();

  constructor(readonly options: AnswersOptions) {
    this.#kept = new LRUCache({ maxSize: options.maxRows, sizeCalculation: ({ rows }) => rows.length + 1 });
  }

  async answer(plan: Plan, refresh = false): Promise<Answer> {
    const { store, clock, ttlMs } = this.options;
    const askedAt = clock();
    const key = JSON.stringify(plan);
    // Asked for before the rows: what is added meanwhile gives them a version that is already the one before.
    const version = await store.version(basisOf(plan));
    const kept = this.#kept.get(key);
    if (kept && !refresh && kept.version === version && askedAt - kept.computedAt <= ttlMs) {
      return { rows: kept.rows, computedAt: kept.computedAt, cached: true };
    }
    const flightKey = `${version} ${key}`;
    const flight = this.#flights.get(flightKey) ?? this.#ask(plan, key, version, flightKey);
    const { rows, computedAt } = await flight;
    return { rows, computedAt, cached: false };
  }

  /** Forgets the answers about a tenant's events. @returns how many */
  clear(tenant: string): number {
    const own = [...this.#kept.entries()].filter(([, { tenant: of }]) => of === tenant);
    for (const [key] of own) this.#kept.delete(key);
    return own.length;
  }

  #ask(plan: Plan, key: string, version: string, flightKey: string): Promise<Kept> {
    const { store, clock } = this.options;
    const flight = store
      .answer(plan)
      .then((rows) => {
        const kept = { tenant: basisOf(plan).tenant, version, rows, computedAt: clock() };
        this.#kept.set(key, kept);
        return kept;
      })
      .finally(() => this.#flights.delete(flightKey));
    this.#flights.set(flightKey, flight);
    return flight;
  }
}

/** The events that a plan's answer depends on. */
function basisOf(plan: Plan): Basis {
  const { tenant, types, from, to, only }: Selection = plan.kind === "drill" ? plan.into.selection : plan.selection;
  const visible = only ? (types ?? only.types).filter((type) => only.types.includes(type)) : types;
  return { tenant, types: visible, from, to };
}
