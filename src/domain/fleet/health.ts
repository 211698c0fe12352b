import { mean, percent, roundOrNull } from "../../base/numbers.js";
import { BANDS, type Band, type Health } from "./records.js";

/** Below this a component or vehicle needs attention: the lower bound of FAIR. */
export const ATTENTION_SCORE = 0.4;

const LOWER_BOUNDS: Readonly<Record<Band, number>> = {
  EXCELLENT: 0.8,
  GOOD: 0.6,
  FAIR: 0.4,
  POOR: 0.2,
  CRITICAL: -Infinity,
};

/** The band of a score; a score on a boundary belongs to the better band. */
export function bandOf(score: number): Band {
  return BANDS.find((band) => score >= LOWER_BOUNDS[band]) ?? "CRITICAL";
}

/** Vehicles (or components) per band. */
export interface Distribution {
  readonly excellent: number;
  readonly good: number;
  readonly fair: number;
  readonly poor: number;
  readonly critical: number;
}

/** How many scores fall into each band. All zero when there are none. */
export function distribution(scores: readonly number[]): Distribution {
  const counts = { excellent: 0, good: 0, fair: 0, poor: 0, critical: 0 };
  for (const score of scores) counts[bandOf(score).toLowerCase() as Lowercase<Band>] += 1;
  return counts;
}

/** The same in percent of all scores, two decimals. All zero when there are none. */
export function distributionPercent(counts: Distribution): Distribution {
  const total = counts.excellent + counts.good + counts.fair + counts.poor + counts.critical;
  const share = (count: number): number => percent(count, total) ?? 0;
  return {
    excellent: share(counts.excellent),
    good: share(counts.good),
    fair: share(counts.fair),
    poor: share(counts.poor),
    critical: share(counts.critical),
  };
}

/** Mean score, two decimals; null without any score. */
export function averageScore(scores: readonly number[]): number | null {
  return roundOrNull(mean(scores), 2);
}

/** The score that a question is about: the vehicle's, or that of one component where the question names it. */
export function scoreOf(health: Health, component: string | null): number | null {
  if (component === null) return health.score;
  return health.components.find((c) => c.type === component)?.score ?? null;
}

export interface ComponentBreakdown {
  readonly component: string;
  readonly averageHealthScore: number | null;
  readonly distribution: Distribution;
}

/** Average and bands of each component type over a fleet, by name. */
export function componentBreakdown(healths: readonly Health[], only: string | null): ComponentBreakdown[] {
  const scores = new Map<string, number[]>();
  for (const health of healths) {
    for (const component of health.components) {
      if (only !== null && component.type !== only) continue;
      const list = scores.get(component.type);
      if (list) list.push(component.score);
      else scores.set(component.type, [component.score]);
    }
  }
  return [...scores.keys()].sort().map((component) => {
    const own = scores.get(component) ?? [];
    return { component, averageHealthScore: averageScore(own), distribution: distribution(own) };
  });
}

export function needsAttention(score: number): boolean {
  return score < ATTENTION_SCORE;
}
