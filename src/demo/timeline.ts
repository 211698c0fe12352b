/** A record's life as dated steps, known in full from the start and revealed as the clock passes them. */

export interface Step<S extends string> {
  /** Epoch ms from which the status holds. */
  readonly at: number;
  readonly status: S;
}

/** Steps in order of time; a record has at least the one that brings it into being. */
export type Timeline<S extends string> = readonly [Step<S>, ...Step<S>[]];

/** The step that holds at `now` (the first one, if even that has not come yet). */
export function stepAt<S extends string>(timeline: Timeline<S>, now: number): Step<S> {
  let current = timeline[0];
  for (const step of timeline) {
    if (step.at <= now) current = step;
  }
  return current;
}

/** When the first step with one of `statuses` came, or null if it has not come by `now`. */
export function reachedAt<S extends string>(timeline: Timeline<S>, statuses: readonly S[], now: number): number | null {
  const step = timeline.find((candidate) => statuses.includes(candidate.status));
  return step !== undefined && step.at <= now ? step.at : null;
}

/** The steps up to `now`, then `status` from now on: what a write does to a generated future. */
export function diverted<S extends string>(timeline: Timeline<S>, status: S, now: number): Timeline<S> {
  const [first, ...rest] = timeline;
  return [first, ...rest.filter((step) => step.at <= now), { at: now, status }];
}
