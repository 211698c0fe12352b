import { PublicError } from "../base/errors.js";
import { dimensionNamed } from "../domain/insights/filters.js";
import {
  COMMON_DIMENSIONS,
  type Dimension,
  dimensionsOf,
  ExpressionFault,
  METRICS,
  type Metric,
  metricOf,
  parseExpression,
} from "../domain/metrics/index.js";

export interface FormulaInput {
  readonly id: string;
  readonly expression: string;
  readonly digits?: number | null | undefined;
}

/** Which columns are asked for. */
export interface ColumnsQuestion {
  readonly ids?: readonly string[] | null | undefined;
  readonly formulas?: readonly FormulaInput[] | null | undefined;
}

/** A metric, or a formula that was asked for as one. */
export interface Column extends Omit<Metric, "area" | "dimensions"> {
  /** By what it may be split and filtered. */
  readonly dimensions: readonly Dimension[];
}

const MOST_COLUMNS = 50;

/** @throws PublicError BAD_USER_INPUT naming what is allowed */
export function columnsOf({ ids, formulas }: ColumnsQuestion): Column[] {
  const named = (ids ?? []).map((id, i) => columnOf(metricNamed(id, `ids.${i}`)));
  const made = (formulas ?? []).map((formula, i) => formulaColumn(formula, `formulas.${i}`));
  const columns = [...named, ...made];
  const fail = (message: string): never => {
    throw new PublicError("BAD_USER_INPUT", message, { field: "ids" });
  };
  if (columns.length === 0) fail("expected at least one metric or formula");
  if (columns.length > MOST_COLUMNS) fail(`expected at most ${MOST_COLUMNS} metrics, got ${columns.length}`);
  const twice = columns.find(({ id }, i) => columns.findIndex((other) => other.id === id) !== i);
  if (twice) fail(`${twice.id} is asked for twice`);
  return columns;
}

export function metricNamed(id: string, field: string): Metric {
  const found = metricOf(id);
  if (found) return found;
  const allowed = METRICS.map((metric) => metric.id);
  throw new PublicError("BAD_USER_INPUT", `There is no metric "${id}": expected one of ${allowed.join(", ")}`, {
    field,
    allowed,
  });
}

export function columnOf(metric: Metric): Column {
  return { ...metric, dimensions: dimensionsOf(metric) };
}

function formulaColumn({ id, expression, digits }: FormulaInput, field: string): Column {
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(id)) {
    throw new PublicError("BAD_USER_INPUT", `A formula's id is 1 to 64 of a-z, 0-9 and _, got "${id}"`, {
      field: `${field}.id`,
    });
  }
  const places = digits ?? 4;
  if (!(Number.isInteger(places) && places >= 0 && places <= 6)) {
    throw new PublicError("BAD_USER_INPUT", `digits must be from 0 to 6, got ${digits}`, { field: `${field}.digits` });
  }
  try {
    const used: Metric[] = [];
    const formula = parseExpression(expression, {
      metric: (name) => {
        const metric = metricNamed(name, `${field}.expression`);
        used.push(metric);
        return metric.formula;
      },
      field: (name) => (name === "amount" ? { column: name } : dimensionNamed(name, null, `${field}.expression`).field),
    });
    const text = { title: id, description: expression, formulaText: expression };
    return {
      id,
      ...text,
      unit: "RATIO",
      digits: places,
      formula,
      dimensions: used.length > 0 ? shared(used.map(dimensionsOf)) : COMMON_DIMENSIONS,
    };
  } catch (error) {
    if (error instanceof ExpressionFault)
      throw new PublicError("BAD_USER_INPUT", error.message, { field: `${field}.expression` });
    throw error;
  }
}

/** Dimensions that are in all of the lists. */
export function shared(lists: readonly (readonly Dimension[])[]): readonly Dimension[] {
  const [first = [], ...rest] = lists;
  return first.filter(({ id }) => rest.every((list) => list.some((other) => other.id === id)));
}
