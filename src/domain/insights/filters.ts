import { PublicError } from "../../base/errors.js";
import { dimensionOf } from "../metrics/dimensions.js";
import type { Dimension } from "../metrics/metric.js";
import { numeric } from "./fields.js";
import type { Condition, Step } from "./plan.js";

export const OPERATORS = [
  ...["EQUALS", "NOT_EQUALS", "IN", "NOT_IN", "CONTAINS", "STARTS_WITH"],
  ...["GREATER", "GREATER_OR_EQUAL", "LESS", "LESS_OR_EQUAL", "IS_SET", "IS_NOT_SET"],
] as const as readonly Operator[];
export type Operator =
  | "EQUALS"
  | "NOT_EQUALS"
  | "IN"
  | "NOT_IN"
  | "CONTAINS"
  | "STARTS_WITH"
  | "GREATER"
  | "GREATER_OR_EQUAL"
  | "LESS"
  | "LESS_OR_EQUAL"
  | "IS_SET"
  | "IS_NOT_SET";

/** A condition as callers write it. */
export interface Filter {
  readonly dimension: string;
  readonly operator?: Operator | null | undefined;
  readonly values?: readonly string[] | null | undefined;
}

/** A kind of event as callers write it. */
export interface EventQuestion {
  readonly types?: readonly string[] | null | undefined;
  readonly filters?: readonly Filter[] | null | undefined;
}

const COMPARISONS = { GREATER: ">", GREATER_OR_EQUAL: ">=", LESS: "<", LESS_OR_EQUAL: "<=" } as const;
const MOST_VALUES = 1000;

/** @throws PublicError BAD_USER_INPUT naming what is allowed */
export function dimensionNamed(id: string, allowed: readonly Dimension[] | null, field: string): Dimension {
  const found = dimensionOf(id);
  if (found && (!allowed || id.startsWith("properties.") || allowed.some((each) => each.id === id))) return found;
  const names = allowed?.map((each) => each.id) ?? [];
  throw new PublicError(
    "BAD_USER_INPUT",
    `There is no dimension "${id}" here: expected ${names.length > 0 ? `one of ${names.join(", ")}, or ` : ""}properties.<name>`,
    { field, allowed: names },
  );
}

/** @throws PublicError BAD_USER_INPUT */
export function conditionsOf(
  filters: readonly Filter[] | null | undefined,
  allowed: readonly Dimension[] | null,
): Condition[] {
  return (filters ?? []).map((filter, i) => conditionOf(filter, allowed, `filters.${i}`));
}

function conditionOf(
  { dimension, operator, values: given }: Filter,
  allowed: readonly Dimension[] | null,
  at: string,
): Condition {
  const { field } = dimensionNamed(dimension, allowed, `${at}.dimension`);
  const values = [...(given ?? [])];
  const kind = operator ?? "EQUALS";
  const fail = (message: string): never => {
    throw new PublicError("BAD_USER_INPUT", message, { field: `${at}.values` });
  };
  if (kind === "IS_SET") return { field, isSet: true };
  if (kind === "IS_NOT_SET") return { not: { field, isSet: true } };
  if (values.length === 0) fail(`${kind} needs a value`);
  if (values.length > MOST_VALUES) fail(`A filter has at most ${MOST_VALUES} values, got ${values.length}`);
  if (kind === "EQUALS" || kind === "IN") return { field, in: values };
  if (kind === "NOT_EQUALS" || kind === "NOT_IN") return { not: { field, in: values } };
  const [value = "", more] = values;
  if (more !== undefined) fail(`${kind} takes one value, got ${values.length}`);
  if (kind === "CONTAINS") return { field, matches: "contains", text: value };
  if (kind === "STARTS_WITH") return { field, matches: "startsWith", text: value };
  if (!/^-?\d{1,20}(\.\d{1,6})?$/.test(value)) fail(`${kind} takes a decimal number, got "${value}"`);
  return { field: numeric(field), is: COMPARISONS[kind], than: value };
}

/** @throws PublicError BAD_USER_INPUT */
export function stepOf({ types, filters }: EventQuestion): Step {
  const conditions = conditionsOf(filters, null);
  return {
    types: types && types.length > 0 ? [...types] : null,
    ...(conditions.length > 0 && { where: { all: conditions } }),
  };
}
