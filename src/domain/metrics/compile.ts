import { type Decimal, decimalNumber, decimalText, toDecimal } from "../../base/decimal.js";
import { round } from "../../base/numbers.js";
import type { Measure, PlanRow } from "../insights/plan.js";
import type { Formula, Metric } from "./metric.js";

type Leaf = Extract<Formula, { readonly figure: unknown }>;

/** A metric's value; a rate with what it is made of. */
export interface MetricValue {
  /** Null: nothing to work it out from. */
  readonly value: number | null;
  /** Exact where it is a sum: decimal text. */
  readonly decimal: string | null;
  readonly numerator: number | null;
  readonly denominator: number | null;
}

export interface CompiledMetrics {
  /** Figures to ask the store for. */
  readonly measures: readonly Measure[];
  /** Types of events that any of them looks at; null: all. */
  readonly types: readonly string[] | null;
  valueOf(metric: Pick<Metric, "formula" | "digits">, row: PlanRow): MetricValue;
}

/** Which figures a set of metrics needs, each once, and how their values follow from them. */
export function compileMetrics(metrics: readonly Pick<Metric, "formula">[]): CompiledMetrics {
  const names = new Map<string, Measure>();
  const keyOf = ({ figure, of }: Leaf): string => JSON.stringify([figure, of]);
  const collect = (formula: Formula): void => {
    if ("figure" in formula) {
      const key = keyOf(formula);
      if (!names.has(key))
        names.set(key, { ...formula.figure, name: `figure ${names.size}`, where: formula.of } as Measure);
    } else for (const part of partsOf(formula)) collect(part);
  };
  for (const { formula } of metrics) collect(formula);
  const measures = [...names.values()];
  const types = measures.map(({ where }) => where?.types ?? null);
  return {
    measures,
    types: types.includes(null) ? null : [...new Set(types.flatMap((each) => each ?? []))],
    valueOf: ({ formula, digits }, row) => {
      const figureOf = (leaf: Leaf): Figure => figure(row[names.get(keyOf(leaf))?.name ?? ""] ?? null);
      return worth(formula, digits, figureOf);
    },
  };
}

/** A figure as it came: whole numbers and decimals exactly, others as they are. */
type Figure = { readonly number: number; readonly exact: Decimal | null } | null;

function figure(value: string | number | null): Figure {
  if (value === null) return null;
  if (typeof value === "string") {
    const exact = toDecimal(value);
    return { number: decimalNumber(exact), exact };
  }
  return { number: value, exact: Number.isSafeInteger(value) ? toDecimal(String(value)) : null };
}

function partsOf(formula: Exclude<Formula, Leaf>): readonly Formula[] {
  if ("ratio" in formula) return formula.ratio;
  if ("add" in formula) return formula.add;
  if ("subtract" in formula) return formula.subtract;
  return "multiply" in formula ? formula.multiply : [];
}

function worth(formula: Formula, digits: number, figureOf: (leaf: Leaf) => Figure): MetricValue {
  const found = evaluate(formula, figureOf);
  const [numerator, denominator] =
    "ratio" in formula ? formula.ratio.map((part) => evaluate(part, figureOf)?.number ?? null) : [null, null];
  return {
    value: found && round(found.number, digits),
    decimal:
      found && (found.exact === null ? round(found.number, digits).toFixed(digits) : decimalText(found.exact, digits)),
    numerator: numerator ?? null,
    denominator: denominator ?? null,
  };
}

function evaluate(formula: Formula, figureOf: (leaf: Leaf) => Figure): Figure {
  if ("figure" in formula) return figureOf(formula);
  if ("constant" in formula) return { number: formula.constant, exact: null };
  const parts = partsOf(formula).map((part) => evaluate(part, figureOf));
  if ("ratio" in formula) {
    const [numerator, denominator] = parts;
    if (!denominator || denominator.number === 0) return null;
    const ratio = ((numerator?.number ?? 0) / denominator.number) * (formula.times ?? 1);
    return { number: Math.max(ratio, formula.atLeast ?? Number.NEGATIVE_INFINITY), exact: null };
  }
  if (parts.every((part) => part === null)) return null;
  if ("multiply" in formula) {
    const [a, b] = parts;
    return a && b ? { number: a.number * b.number, exact: null } : null;
  }
  const signs = "subtract" in formula ? [1, -1] : parts.map(() => 1);
  const isExact = parts.every((part) => part === null || part.exact !== null);
  const exact = isExact
    ? parts.reduce((total, part, i) => total + BigInt(signs[i] ?? 1) * (part?.exact ?? 0n), 0n)
    : null;
  const number =
    exact === null
      ? parts.reduce((total, part, i) => total + (signs[i] ?? 1) * (part?.number ?? 0), 0)
      : decimalNumber(exact);
  return { number, exact };
}
