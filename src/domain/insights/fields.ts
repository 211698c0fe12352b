import type { Field, PropertyType } from "./plan.js";

/** The same, read as a number. */
export function numeric(field: Field): Field {
  const type: PropertyType = "number";
  if ("property" in field || "firstOf" in field) return { ...field, type };
  return "part" in field ? { firstOf: [field], type } : field;
}
