import { bucketOf, type Granularity, startOfBucket } from "../../base/calendar.js";
import { type Asking, selectionOf } from "./asking.js";
import type { Condition, LifecyclePlan, PlanRow } from "./plan.js";
import type { LocalRange } from "./range.js";

export const LIFECYCLE_STATES = ["new", "returning", "resurrecting", "dormant"] as const;
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

/** Users of one period by what the period before was to them. */
export interface LifecyclePeriod extends Readonly<Record<LifecycleState, number>> {
  readonly bucket: number;
  readonly isComplete: boolean;
}

export function lifecyclePlan(
  asking: Asking,
  range: LocalRange,
  granularity: Granularity,
  types: readonly string[] | null,
  where: readonly Condition[],
): LifecyclePlan {
  const [firstBucket, lastBucket] = [range.start, range.end - 1].map((at) => bucketOf(at, granularity, range.zone)) as [
    number,
    number,
  ];
  const end = startOfBucket(lastBucket + 1, granularity, range.zone);
  // Who is new is known from all that was before.
  const selection = { ...selectionOf(asking, { ...range, end }, types, where), from: null };
  return { kind: "lifecycle", selection, bucket: granularity, firstBucket, lastBucket };
}

export function lifecyclePeriods(
  { firstBucket, lastBucket, bucket: granularity }: LifecyclePlan,
  rows: readonly PlanRow[],
  zone: string,
  now: number,
): LifecyclePeriod[] {
  const count = (is: (row: PlanRow) => boolean): number =>
    rows.filter(is).reduce((sum, { users }) => sum + Number(users), 0);
  return Array.from({ length: lastBucket - firstBucket + 1 }, (_, i) => {
    const bucket = firstBucket + i;
    const present = (state: LifecycleState): number => count((row) => row.bucket === bucket && row.state === state);
    return {
      bucket,
      new: present("new"),
      returning: present("returning"),
      resurrecting: present("resurrecting"),
      dormant: count((row) => row.bucket === bucket - 1 && row.gone === 1),
      isComplete: startOfBucket(bucket + 1, granularity, zone) <= now,
    };
  });
}
