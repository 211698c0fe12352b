import { bucketOf, bucketsIn, bucketText, type Granularity, startOfBucket } from "../../base/calendar.js";
import { groupBy } from "../../base/groups.js";
import { percent } from "../../base/numbers.js";
import { type Asking, selectionOf, typesOf } from "./asking.js";
import type { CohortsPlan, Condition, PlanRow, Step } from "./plan.js";
import type { LocalRange } from "./range.js";

export interface CohortsQuestion {
  readonly start: Step;
  readonly returning: Step;
  readonly cohortBy: CohortsPlan["cohortBy"];
  readonly period: Granularity;
  readonly mode: CohortsPlan["mode"];
  readonly brackets: readonly number[];
  readonly maxPeriod: number;
  readonly where: readonly Condition[];
}

export interface CohortCell {
  /** Periods since the cohort's own; of a bracket the first. */
  readonly period: number;
  readonly users: number;
  /** Users for each hundred of the cohort. */
  readonly rate: number | null;
  /** Whether the period lies wholly in the past for all of the cohort: later events can no longer change the cell. */
  readonly isComplete: boolean;
}

export interface Cohort {
  readonly key: string | number | null;
  /** How people write it: `2026-W05`, a value, `all`. */
  readonly name: string;
  readonly size: number;
  readonly cells: readonly CohortCell[];
}

/** Users whose first event lies in the range, and what they do in up to `maxPeriod` periods after it. */
export function cohortsPlan(asking: Asking, range: LocalRange, question: CohortsQuestion): CohortsPlan {
  const { start, returning, where, ...rest } = question;
  const lastStart = bucketOf(range.end - 1, question.period, range.zone);
  const until = startOfBucket(lastStart + question.maxPeriod + 1, question.period, range.zone);
  const selection = selectionOf(asking, { ...range, end: until }, typesOf(start, returning), where);
  return {
    kind: "cohorts",
    selection: { ...selection, from: null },
    from: range.start,
    to: range.end,
    start,
    returning,
    whole: isWhole(range, question),
    ...rest,
  };
}

function isWhole({ start, end, zone }: LocalRange, question: CohortsQuestion): boolean {
  const { period, cohortBy } = question;
  const isBound = (instant: number): boolean =>
    startOfBucket(bucketOf(instant, period, zone), period, zone) === instant;
  const byPeriod = cohortBy === null || ("period" in cohortBy && cohortBy.period === period);
  return byPeriod && isBound(start) && isBound(end);
}

/** @param now to tell what has not come to its end yet */
export function cohortTable(plan: CohortsPlan, rows: readonly PlanRow[], zone: string, now: number): Cohort[] {
  const byKey = groupBy(rows, ({ cohort }) => cohort ?? null);
  return keysOf(plan, byKey, zone).map((key) => {
    const own = byKey.get(key) ?? [];
    const size = Number(own.find(({ period }) => period === 0)?.users ?? 0);
    const users = countsOf(plan, own);
    const last = lastStartOf(plan, key, zone);
    const cells = periodsOf(plan).map((period) => {
      const end =
        plan.mode === "brackets"
          ? (nextBracket(plan, period) ?? plan.maxPeriod + 1)
          : plan.mode === "exact"
            ? period + 1
            : plan.maxPeriod + 1;
      const count = period === 0 ? size : (users.get(period) ?? 0);
      return {
        period,
        users: count,
        rate: percent(count, size),
        isComplete: startOfBucket(bucketOf(last, plan.period, zone) + end, plan.period, zone) <= now,
      };
    });
    return { key, name: nameOf(plan, key, zone), size, cells };
  });
}

function periodsOf({ mode, brackets, maxPeriod }: CohortsPlan): number[] {
  if (mode === "brackets") return [0, ...brackets.filter((begin) => begin > 0 && begin <= maxPeriod)];
  return Array.from({ length: maxPeriod + 1 }, (_, i) => i);
}

function nextBracket({ brackets }: CohortsPlan, begin: number): number | undefined {
  return begin === 0 ? 1 : brackets.find((each) => each > begin);
}

function countsOf({ mode, maxPeriod }: CohortsPlan, rows: readonly PlanRow[]): ReadonlyMap<number, number> {
  const counts = new Map(rows.map(({ period, users }) => [Number(period), Number(users)]));
  if (mode !== "onOrAfter") return counts;
  // Rows tell the last period of each user: on or after a period are all whose last one is not before it.
  const summed = new Map<number, number>();
  let sum = 0;
  for (let period = maxPeriod; period > 0; period--) {
    sum += counts.get(period) ?? 0;
    summed.set(period, sum);
  }
  return summed;
}

/** Periods without a single user are cohorts too, of nobody. */
function keysOf(
  plan: CohortsPlan,
  found: ReadonlyMap<string | number | null, unknown>,
  zone: string,
): (string | number | null)[] {
  if (plan.cohortBy === null) return [0];
  if ("field" in plan.cohortBy) return [...found.keys()];
  return bucketsIn(plan.from, plan.to, plan.cohortBy.period, zone);
}

/** The latest that somebody of the cohort may have come first. */
function lastStartOf({ cohortBy, to }: CohortsPlan, key: string | number | null, zone: string): number {
  if (cohortBy === null || "field" in cohortBy) return to - 1;
  return Math.min(to, startOfBucket(Number(key) + 1, cohortBy.period, zone)) - 1;
}

function nameOf({ cohortBy }: CohortsPlan, key: string | number | null, zone: string): string {
  if (cohortBy === null) return "all";
  return "field" in cohortBy ? String(key ?? "") : bucketText(Number(key), cohortBy.period, zone);
}
