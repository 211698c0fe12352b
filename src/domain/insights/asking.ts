import type { Condition, Selection, Step } from "./plan.js";
import { clockOf, type LocalRange } from "./range.js";

/** Whose events a question is about: what of the tenant's the asker may see, and how exactly it is to be answered. */
export interface Asking {
  readonly tenant: string;
  /** Only these types may be seen; null: all. */
  readonly types: readonly string[] | null;
  readonly only: Selection["only"] | null;
  /** Only events for which these hold. */
  readonly where: readonly Condition[];
  /** Share of the users that is looked at, when that was asked for. */
  readonly sample: number | null;
  /** Whether what was sealed of deleted events counts. */
  readonly sealed?: true;
}

/** The events that a plan looks at. `types`: those that it needs. */
export function selectionOf(
  { tenant, types: visible, only, where: own, sample, sealed }: Asking,
  range: LocalRange,
  types: readonly string[] | null,
  asked: readonly Condition[] = [],
): Selection {
  const where = [...own, ...asked];
  return {
    tenant,
    from: range.start,
    to: range.end,
    clock: clockOf(range),
    types: common(types, visible),
    ...(where.length > 0 && { where: where.length === 1 && where[0] ? where[0] : { all: where } }),
    ...(only && { only }),
    ...(sample !== null && { sample }),
    ...(sealed && { sealed }),
  };
}

function common(types: readonly string[] | null, visible: readonly string[] | null): readonly string[] | null {
  if (!visible) return types;
  return types ? types.filter((type) => visible.includes(type)) : visible;
}

/** The types that any of the steps looks at; null: all. */
export function typesOf(...steps: readonly Step[]): readonly string[] | null {
  return steps.some(({ types }) => types === null) ? null : [...new Set(steps.flatMap(({ types }) => types ?? []))];
}
