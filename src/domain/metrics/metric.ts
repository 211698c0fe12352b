import type { Field, Measure, Step } from "../insights/plan.js";

/** What a metric's numbers are. Percentages run from 0 to 100. */
export const UNITS = [
  "COUNT",
  "PERCENT",
  "MONEY",
  "MILLISECONDS",
  "SECONDS",
  "MINUTES",
  "KILOMETRES",
  "MEGABYTES",
  "RATIO",
] as const;
export type Unit = (typeof UNITS)[number];

export const METRIC_AREAS = ["events", "fleet", "rides", "documents", "bookings", "product"] as const;
export type MetricArea = (typeof METRIC_AREAS)[number];

/** A figure over events; its conditions stand in `of what`. */
type Figure = Measure extends infer Each ? (Each extends unknown ? Omit<Each, "name" | "where"> : never) : never;

/** How a metric is worked out. Formulas over nothing are null, counts 0. */
export type Formula =
  | { readonly figure: Figure; readonly of: Step }
  /** Null when the denominator is 0 or null. */
  | {
      readonly ratio: readonly [numerator: Formula, denominator: Formula];
      readonly times?: number;
      readonly atLeast?: number;
    }
  | { readonly add: readonly Formula[] }
  /** What is missing counts as 0, unless both are. */
  | { readonly subtract: readonly [Formula, Formula] }
  | { readonly multiply: readonly [Formula, Formula] }
  | { readonly constant: number };

/** One metric, described once: GraphQL, REST, docs, console and exports read it. */
export interface Metric {
  /** `area.name`, in the snake case that contracts have. */
  readonly id: string;
  readonly area: MetricArea;
  readonly title: string;
  readonly description: string;
  readonly unit: Unit;
  /** Decimals that it is rounded to, half away from zero. */
  readonly digits: number;
  readonly formula: Formula;
  /** The formula as people write it. */
  readonly formulaText: string;
  /** By what it may be split and filtered, beside what all events have. */
  readonly dimensions: readonly string[];
}

/** Something that metrics are split by and filtered on. */
export interface Dimension {
  readonly id: string;
  readonly description: string;
  readonly field: Field;
  /** Tells who somebody is. */
  readonly personal: boolean;
}

export const count = (of: Step): Formula => ({ figure: { figure: "count" }, of });
export const sum = (field: Field, of: Step): Formula => ({ figure: { figure: "sum", of: field }, of });
export const distinct = (field: Field, of: Step): Formula => ({ figure: { figure: "distinct", of: field }, of });
export const percent = (numerator: Formula, denominator: Formula): Formula => ({
  ratio: [numerator, denominator],
  times: 100,
});
export const mean = (total: Formula, number: Formula): Formula => ({ ratio: [total, number] });

export const USER: Field = { column: "user" };
export const AMOUNT: Field = { column: "amount" };
export const numberAt = (...property: string[]): Field => ({ property, type: "number" });
export const textAt = (...property: string[]): Field => ({ property, type: "text" });
export const ofTypes = (...types: string[]): Step => ({ types });

export interface Entry {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly unit?: Unit;
  readonly digits?: number;
  readonly formula: Formula;
  readonly formulaText: string;
  readonly dimensions?: readonly string[];
}

const DIGITS: Readonly<Record<Unit, number>> = {
  ...{ COUNT: 0, PERCENT: 2, MONEY: 2, MILLISECONDS: 2, SECONDS: 2, MINUTES: 2, KILOMETRES: 2, MEGABYTES: 2, RATIO: 4 },
};

/** Metrics of an area; `dimensions` are those that all of them have. */
export function metricsOf(
  area: MetricArea,
  dimensions: readonly string[],
  entries: readonly Entry[],
): readonly Metric[] {
  return entries.map((entry) => {
    const unit = entry.unit ?? "COUNT";
    return {
      ...entry,
      id: `${area}.${entry.id}`,
      area,
      unit,
      digits: entry.digits ?? DIGITS[unit],
      dimensions: [...dimensions, ...(entry.dimensions ?? [])],
    };
  });
}
