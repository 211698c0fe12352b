import type { Fault } from "../event.js";
import { nameOfType, readTime } from "../registry/values.js";
import { fault, type Json, missing } from "./reading.js";

/** Whether the text of an attribute is what the specification wants, and what that is. */
interface Rule {
  readonly required?: boolean;
  readonly holds: (text: string) => boolean;
  readonly expected: string;
}

const URI_REFERENCE = /^(?:[\w\-.~:/?#[\]@!$&'()*+,;=]|%[\dA-Fa-f]{2})+$/;
const SCHEME = /^[A-Za-z][A-Za-z\d+.-]*:/;
const MEDIA_TYPE = /^[\w!#$&^.+*'`|~%-]+\/[\w!#$&^.+*'`|~%-]+\s*(?:;.*)?$/;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

const anyText = (text: string): boolean => text !== "";

const RULES: Readonly<Record<string, Rule>> = {
  specversion: { required: true, holds: (text) => text === "1.0", expected: "1.0" },
  id: { required: true, holds: anyText, expected: "text that is not empty" },
  source: { required: true, holds: (text) => URI_REFERENCE.test(text), expected: "a URI reference" },
  type: { required: true, holds: anyText, expected: "text that is not empty" },
  datacontenttype: { holds: (text) => MEDIA_TYPE.test(text), expected: "a media type such as application/json" },
  dataschema: { holds: (text) => SCHEME.test(text) && URI_REFERENCE.test(text), expected: "an absolute URI" },
  subject: { holds: anyText, expected: "text that is not empty" },
  time: {
    holds: (text) => RFC3339.test(text) && readTime(text) !== null,
    expected: "a time as of RFC 3339, years 1900 to 2299",
  },
};

const EXTENSION_NAME = /^[a-z\d]+$/;
const DATA = ["data", "data_base64"];

/** What is wrong with the attributes of a CloudEvent. Null is as good as a missing one where that is allowed. */
export function checkAttributes(event: Json): Fault[] {
  const faults: Fault[] = [];
  for (const [name, rule] of Object.entries(RULES)) checkAttribute(name, rule, event[name], faults);
  for (const name in event) {
    if (!Object.hasOwn(RULES, name) && !DATA.includes(name)) checkExtension(name, event[name], faults);
  }
  return faults;
}

function checkAttribute(
  name: string,
  { required = false, holds, expected }: Rule,
  value: unknown,
  faults: Fault[],
): void {
  if (value === undefined || value === null) {
    if (required) faults.push(missing(name));
  } else if (typeof value !== "string") {
    faults.push(fault([name], "type", `must be ${expected}, got ${nameOfType(value)}`));
  } else if (!holds(value)) faults.push(fault([name], name, `must be ${expected}`));
}

function checkExtension(name: string, value: unknown, faults: Fault[]): void {
  if (!EXTENSION_NAME.test(name)) {
    faults.push(fault([name], "extension_name", "must consist of lower-case letters and digits"));
  } else if (!isAttributeValue(value)) {
    faults.push(fault([name], "type", "must be text, a boolean or an integer of 32 bits"));
  }
}

function isAttributeValue(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  return typeof value === "number" && Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31;
}
