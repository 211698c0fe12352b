import { compareText, groupBy } from "../../base/groups.js";
import { percent, round } from "../../base/numbers.js";
import { type Asking, selectionOf, typesOf } from "./asking.js";
import type { Condition, Field, FunnelPlan, FunnelStep, PlanRow, Step } from "./plan.js";
import type { LocalRange } from "./range.js";

/** Whether one event could be two steps: a step must then come strictly later than the one before. */
export function mayOverlap({ steps }: FunnelPlan): boolean {
  return steps.some(({ types }, i) =>
    steps.slice(i + 1).some((other) => !types || !other.types || types.some((type) => other.types?.includes(type))),
  );
}

/** The steps (from 0) that a step may follow on from: the one before, and past optional ones. */
export function predecessors({ steps }: FunnelPlan, step: number): number[] {
  const found = [step - 1];
  while (steps[found.at(-1) ?? 0]?.optional) found.push((found.at(-1) ?? 0) - 1);
  return found;
}

export interface FunnelQuestion {
  readonly steps: readonly (FunnelStep & { readonly name: string })[];
  readonly order: FunnelPlan["order"];
  readonly windowMs: number;
  readonly exclude: readonly Step[];
  readonly breakdown: Field | null;
  /** Whether the time to convert is asked for. */
  readonly times: boolean;
  readonly where: readonly Condition[];
}

export interface FunnelStepResult {
  readonly name: string;
  /** From 1. */
  readonly number: number;
  readonly users: number;
  /** Users for each hundred of the first step. */
  readonly conversionRate: number | null;
  /** Users that did not come from the step before, for each hundred that reached that one; null for the first. */
  readonly dropOffRate: number | null;
  /** From the start of the chain, milliseconds; null when nobody got here or when it was not asked for. */
  readonly averageTime: number | null;
  readonly medianTime: number | null;
}

export interface FunnelGroup {
  /** Value of the breakdown at the user's first first step; null: it has none, or there is no breakdown. */
  readonly value: string | null;
  readonly steps: readonly FunnelStepResult[];
}

/** All steps lie within the range. */
export function funnelPlan(asking: Asking, range: LocalRange, question: FunnelQuestion): FunnelPlan {
  const { where, steps, ...rest } = question;
  const selection = selectionOf(asking, range, typesOf(...steps, ...question.exclude), where);
  return { kind: "funnel", selection, steps: steps.map(({ name: _, ...step }) => step), ...rest };
}

/** One group for each value, most users first; without a breakdown exactly one. */
export function funnelGroups(
  { steps, breakdown }: Pick<FunnelQuestion, "steps" | "breakdown">,
  rows: readonly PlanRow[],
): FunnelGroup[] {
  const byValue = groupBy(rows, ({ value }) => (value === null || value === undefined ? null : String(value)));
  if (!breakdown && byValue.size === 0) byValue.set(null, []);
  return [...byValue]
    .map(([value, own]) => ({ value, steps: stepResults(steps, own) }))
    .sort((a, b) => (b.steps[0]?.users ?? 0) - (a.steps[0]?.users ?? 0) || compareText(a.value ?? "", b.value ?? ""));
}

function stepResults(steps: FunnelQuestion["steps"], rows: readonly PlanRow[]): FunnelStepResult[] {
  const users = steps.map((_, i) => Number(rows.find(({ step }) => step === i + 1)?.users ?? 0));
  return steps.map(({ name }, i) => {
    const row = rows.find(({ step }) => step === i + 1);
    const [own = 0, first = 0, before = 0] = [users[i], users[0], users[i - 1]];
    return {
      name,
      number: i + 1,
      users: own,
      conversionRate: percent(own, first),
      dropOffRate: i === 0 ? null : percent(before - own, before),
      averageTime: row && typeof row.total === "number" ? round(row.total / own, 0) : null,
      medianTime: row && typeof row.median === "number" ? row.median : null,
    };
  });
}
