import type { Fault } from "../event.js";
import { checkAttributes } from "./cloudevents-attributes.js";
import { attributesOfHeaders, isBinary } from "./cloudevents-headers.js";
import { fault, isObject, type Json, noObject, refused } from "./reading.js";
import type { Message, MessagePaths, RawMessage, Refused, Shape } from "./shape.js";

/** Under this name the stored properties hold what an envelope says beyond the columns: source, extensions … */
export const CLOUDEVENTS = "_cloudevents";

const PATHS: MessagePaths = { data: ["data"] };
/** Data that is no object is wrapped into one: its place in the message is then the same as in the payload. */
const WRAPPED: MessagePaths = { data: [] };
const IN_BASE64: MessagePaths = { data: ["data_base64"] };

/** What the columns hold, or what the payload is: everything else of an envelope is kept beside the payload. */
const NOT_KEPT: ReadonlySet<string> = new Set(["specversion", "id", "type", "time", "subject", "data", "data_base64"]);

/**
 * CloudEvents 1.0: structured (one JSON object, also out of a batch) or binary (attributes in `ce-*` headers of HTTP or
 * `ce_*` headers of Kafka, which come as hints; the message is the data). An event is identified by source and id
 * together. Data that is no object becomes the field `data` of the payload, bytes that are no JSON `data_base64`.
 */
export const cloudeventsShape: Shape = {
  name: "cloudevents",
  read(raw) {
    return isBinary(raw.hints ?? {}) ? ofBinary(raw) : ofStructured(raw);
  },
};

function ofStructured(raw: RawMessage): Message | Refused {
  if (!isObject(raw.value)) return noObject(raw);
  const event = raw.value;
  const faults = checkAttributes(event);
  if (given(event.data) && given(event.data_base64)) {
    faults.push(fault(["data_base64"], "conflict", "must not stand beside data: an event has one or the other"));
  } else if (given(event.data_base64) && !isBase64(event.data_base64)) {
    faults.push(fault(["data_base64"], "base64", "must be text in base64"));
  }
  if (faults.length > 0) return refusal(faults, event);
  if (!given(event.data_base64)) return message(event, event.data, undefined, PATHS);
  const json = isJson(event.datacontenttype)
    ? parse(Buffer.from(String(event.data_base64), "base64").toString())
    : undefined;
  const unread = { data_base64: event.data_base64 };
  return json === undefined
    ? message(event, unread, undefined, WRAPPED)
    : message(event, json.value, undefined, IN_BASE64);
}

function ofBinary(raw: RawMessage): Message | Refused {
  const { attributes, faults } = attributesOfHeaders(raw.hints ?? {});
  faults.push(...checkAttributes(attributes));
  if (faults.length > 0) return refusal(faults, attributes);
  if (raw.value !== undefined) return message(attributes, raw.value, raw.text, { data: [] });
  const { text = "", bytes } = raw;
  const isEmpty = text === "" && (bytes === undefined || bytes.length === 0);
  if (isEmpty) return message(attributes, undefined, undefined, WRAPPED);
  if (isJson(attributes.datacontenttype)) return noObject(raw);
  if (text !== "" || bytes === undefined) return message(attributes, text, undefined, WRAPPED);
  return message(attributes, { data_base64: Buffer.from(bytes).toString("base64") }, undefined, WRAPPED);
}

function refusal(faults: readonly Fault[], event: Json): Refused {
  return refused(given(event.type) && event.type !== "" ? "validation" : "missing_event_type", faults, event.type);
}

/** Of an event whose attributes have been checked. */
function message(event: Json, data: unknown, text: string | undefined, paths: MessagePaths): Message {
  const payload = isObject(data) ? data : given(data) ? { data } : {};
  return {
    type: String(event.type),
    id: `${event.source} ${event.id}`,
    time: event.time ?? undefined,
    subject: given(event.subject) ? String(event.subject) : null,
    data: payload,
    text: payload === data ? text : undefined,
    extras: {
      [CLOUDEVENTS]: Object.fromEntries(
        Object.entries(event).filter(([name, value]) => !NOT_KEPT.has(name) && given(value)),
      ),
    },
    paths: payload === data ? paths : WRAPPED,
  };
}

function given(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Without a content type data is JSON. */
function isJson(contentType: unknown): boolean {
  return !given(contentType) || /^[^;]*[/+]json\s*(?:;|$)/i.test(String(contentType));
}

function isBase64(value: unknown): boolean {
  return typeof value === "string" && value.length % 4 === 0 && /^[A-Za-z\d+/]*={0,2}$/.test(value);
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
