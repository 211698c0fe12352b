import type { FunnelPlan } from "./plan.js";

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
