import { compareText } from "../../base/groups.js";
import { mean, percent, roundOrNull } from "../../base/numbers.js";
import { once } from "../../base/once.js";
import type { HealthTable } from "./health-table.js";
import { BANDS, type Band } from "./records.js";

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
export function distribution(scores: Iterable<number>): Distribution {
  const counts: Record<Band, number> = { EXCELLENT: 0, GOOD: 0, FAIR: 0, POOR: 0, CRITICAL: 0 };
  for (const score of scores) counts[bandOf(score)] += 1;
  const { EXCELLENT: excellent, GOOD: good, FAIR: fair, POOR: poor, CRITICAL: critical } = counts;
  return { excellent, good, fair, poor, critical };
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
export function averageScore(scores: Iterable<number>): number | null {
  return roundOrNull(mean(scores), 2);
}

/** The scores that a question is about, NaN where there is none: the vehicles', or those of one component where the question names it. */
export function scoresOf(table: HealthTable, component: string | null): Float64Array {
  if (component === null) return table.scores;
  return table.components.get(component)?.scores ?? new Float64Array(table.ids.length).fill(Number.NaN);
}

/** The scores that there are. */
export function known(scores: Float64Array): Float64Array {
  return once(scores, "known", () => scores.filter((score) => !Number.isNaN(score)));
}

export interface ComponentBreakdown {
  readonly component: string;
  readonly averageHealthScore: number | null;
  readonly distribution: Distribution;
}

/** Average and bands of each component type over a fleet, by name. */
export function componentBreakdown({ components }: HealthTable, only: string | null): ComponentBreakdown[] {
  return [...components]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([component, columns]) => {
      const scores = known(columns.scores);
      if (scores.length === 0 || (only !== null && component !== only)) return [];
      return { component, averageHealthScore: averageScore(scores), distribution: distribution(scores) };
    });
}

export function needsAttention(score: number): boolean {
  return score < ATTENTION_SCORE;
}
