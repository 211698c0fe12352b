import { setTimeout as delay } from "node:timers/promises";
import { PublicError } from "../base/errors.js";
import { MASKS } from "../domain/access/masks.js";
import { seesPersonalData } from "../domain/access/rule.js";
import type { Asking } from "../domain/insights/asking.js";
import type { AggregatePlan, Measure, Plan, PlanRow } from "../domain/insights/plan.js";
import { type EventEngine, type EventType, StoreUnavailable } from "../events/index.js";
import { limitedTo, type Viewer } from "../fleet/index.js";
import type { Answer, Answers } from "./answers.js";

const PATIENCE_MS = 2000;

export interface AnalyticsOptions {
  readonly events: EventEngine;
  readonly answers: Answers;
}

/** How a question is to be answered, whatever it is. */
export interface Manner {
  /** Works it out anew. */
  readonly refresh?: boolean | null | undefined;
  /** Share of the users to look at, above 0 up to 1. */
  readonly sample?: number | null | undefined;
}

/** Answers questions over events: to each asker over those events only that he or she may see. */
export class Analytics {
  constructor(readonly options: AnalyticsOptions) {}

  /** Waits until what has been acknowledged can be asked for: not longer than a moment, should the store be behind. */
  async current(): Promise<void> {
    const gone = new AbortController();
    const patience = delay(PATIENCE_MS, undefined, { signal: gone.signal, ref: false }).catch(() => undefined);
    await Promise.race([this.options.events.stored(), patience]);
    gone.abort();
  }

  /** Forgets what has been worked out about a tenant's events. @returns how many answers */
  clear(tenant: string): number {
    return this.options.answers.clear(tenant);
  }

  /** One asker with one manner of asking. @throws PublicError BAD_USER_INPUT for a sample that is no share */
  async asker(viewer: Viewer, { refresh, sample }: Manner = {}): Promise<Asker> {
    if (sample !== null && sample !== undefined && !(sample > 0 && sample <= 1)) {
      throw new PublicError("BAD_USER_INPUT", `sample must be above 0 and at most 1, got ${sample}`, {
        field: "sample",
      });
    }
    const { registry } = this.options.events;
    const subjects = await limitedTo(viewer);
    const asking: Asking = {
      tenant: viewer.scope.tenantId,
      ...visibleTo(viewer.principal.areas ?? null, registry.types()),
      only: subjects ? { types: registry.typesAboutVehicles(), subjects } : null,
      sample: sample === 1 ? null : (sample ?? null),
    };
    return new Asker(this.options, asking, viewer, refresh ?? false);
  }
}

/** Puts plans to the store for one asker, and remembers how old the answers were. */
export class Asker {
  #answers: Answer[] = [];

  constructor(
    readonly options: AnalyticsOptions,
    readonly asking: Asking,
    readonly viewer: Viewer,
    readonly refresh: boolean,
  ) {}

  /** Epoch milliseconds: the moment that "now" means for figures over events. */
  get now(): number {
    return this.options.answers.options.clock();
  }

  /** @throws PublicError SERVICE_UNAVAILABLE while the store is away */
  async answer(plan: Plan): Promise<Answer> {
    try {
      const answer = await this.options.answers.answer(plan, this.refresh);
      this.#answers.push(answer);
      return answer;
    } catch (error) {
      throw presented(error);
    }
  }

  /** Rows of an answer of any length, batch by batch, never kept. @throws PublicError SERVICE_UNAVAILABLE */
  async *stream(plan: AggregatePlan): AsyncGenerator<readonly PlanRow[]> {
    try {
      yield* this.options.events.store.stream(plan);
    } catch (error) {
      throw presented(error);
    }
  }

  /** How old what was answered so far is: the oldest part counts. */
  get freshness(): Freshness {
    const computedAt = Math.min(this.now, ...this.#answers.map((answer) => answer.computedAt));
    return {
      computedAt,
      ageSeconds: Math.max(0, Math.round((this.now - computedAt) / 1000)),
      cached: this.#answers.some(({ cached }) => cached),
      sample: this.asking.sample,
    };
  }

  /** Counts and sums of a sample, raised to what they would be for all users; what is no sum stays as it is. */
  raised(row: PlanRow, measures: readonly Measure[]): PlanRow {
    const { sample } = this.asking;
    if (sample === null) return row;
    const sums = new Set(measures.filter(({ figure }) => SUMS.has(figure)).map(({ name }) => name));
    const raise = (value: string | number): string | number =>
      typeof value === "number" ? this.raisedCount(value) : (Number(value) / sample).toFixed(6);
    return Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, value !== null && sums.has(name) ? raise(value) : value]),
    );
  }

  raisedCount(count: number): number {
    return this.asking.sample === null ? count : Math.round(count / this.asking.sample);
  }

  get seesPeople(): boolean {
    return seesPersonalData(this.viewer.principal.role);
  }

  /** What this asker sees of a value that tells who somebody is. */
  masked<T extends string | null>(value: T): T | string {
    return value === null || this.seesPeople ? value : MASKS.id(value);
  }
}

function presented(error: unknown): unknown {
  if (!(error instanceof StoreUnavailable)) return error;
  return new PublicError("SERVICE_UNAVAILABLE", "The event store is not available; try again shortly");
}

export interface Freshness {
  /** When the oldest part of the answer was worked out, epoch milliseconds. */
  readonly computedAt: number;
  readonly ageSeconds: number;
  readonly cached: boolean;
  /** Share of the users that it rests on; null: all. */
  readonly sample: number | null;
}

/** Areas that take events of any type in: those of no other area may be theirs. */
const OPEN_AREAS: ReadonlySet<string> = new Set(["documents", "product"]);

function visibleTo(
  areas: readonly string[] | null,
  types: readonly Pick<EventType, "name" | "area">[],
): Pick<Asking, "types" | "where"> {
  if (!areas) return { types: null, where: [] };
  const own = types.filter(({ area }) => areas.includes(area)).map(({ name }) => name);
  if (!areas.some((area) => OPEN_AREAS.has(area))) return { types: own, where: [] };
  const others = types.filter(({ area }) => !areas.includes(area) && area !== "custom").map(({ name }) => name);
  return { types: null, where: [{ not: { field: { column: "type" }, in: others } }] };
}

const SUMS: ReadonlySet<Measure["figure"]> = new Set(["count", "distinct", "sum"]);
