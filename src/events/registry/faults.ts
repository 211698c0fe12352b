import type { ErrorObject } from "ajv";
import type { Fault } from "../event.js";
import { nameOfType } from "./values.js";

/** So many faults of one message are told; the rest is counted. */
export const MAX_FAULTS = 20;

/** Names of faults where those of JSON Schema's keywords would say little. */
const TYPES: Readonly<Record<string, string>> = { required: "missing", "x-time": "time", "x-decimal": "decimal" };

/**
 * Faults of what a schema found. Messages say what was expected and never quote the value, which may be personal.
 * @param prefix path of the payload in the message
 */
export function faultsOf(errors: readonly ErrorObject[], payload: unknown, prefix: Fault["path"]): Fault[] {
  const faults = errors.slice(0, MAX_FAULTS).map((error) => faultOf(error, payload, prefix));
  const rest = errors.length - faults.length;
  if (rest > 0) faults.push({ path: prefix, message: `and ${rest} more`, type: "more" });
  return faults;
}

function faultOf(error: ErrorObject, payload: unknown, prefix: Fault["path"]): Fault {
  const { path, value } = locate(payload, error.instancePath);
  const within = [...prefix, ...path];
  const { missingProperty, additionalProperty, unevaluatedProperty, propertyName } = error.params;
  const field: unknown = missingProperty ?? additionalProperty ?? unevaluatedProperty ?? propertyName;
  return {
    path: typeof field === "string" ? [...within, field] : within,
    message: messageOf(error, value),
    type: TYPES[error.keyword] ?? error.keyword,
  };
}

function messageOf(error: ErrorObject, value: unknown): string {
  const expected = error.message ?? "is not valid";
  switch (error.keyword) {
    case "required":
      return `${error.params.missingProperty} is missing`;
    case "type":
      return `must be ${[error.params.type].flat().join(" or ")}, got ${nameOfType(value)}`;
    case "enum":
      return `must be one of ${JSON.stringify(error.params.allowedValues).slice(1, -1)}`;
    case "const":
      return `must be ${JSON.stringify(error.params.allowedValue)}`;
    default:
      return expected;
  }
}

/** Path and value that a JSON pointer leads to; indexes into arrays are numbers. */
function locate(payload: unknown, pointer: string): { path: (string | number)[]; value: unknown } {
  const path: (string | number)[] = [];
  let value = payload;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(value) ? Number(key) : key);
    value = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  }
  return { path, value };
}
