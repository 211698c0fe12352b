import { fault, idText, isObject, type Json, noObject, refused, typeName } from "./reading.js";
import type { Message, MessagePaths, RawMessage, Refused, Shape } from "./shape.js";

const IN_PAYLOAD: MessagePaths = {
  type: ["event_type"],
  id: ["event_id"],
  time: ["timestamp"],
  data: ["payload"],
};
const FLAT: MessagePaths = { ...IN_PAYLOAD, data: [] };

/** A stream entry with one field alone holds the whole message there. */
const WRAPPERS = ["data", "payload", "event"];

/**
 * Stream entries with the fields `event_id, event_type, timestamp, source, version, payload`, the payload being JSON
 * text or an object; or with one field that holds all of it as JSON. Where the type is missing, the stream's name says
 * it. `source` and `version` are kept as `_source` and `_version`.
 */
export const fleetShape: Shape = {
  name: "fleet",
  read(raw) {
    if (!isObject(raw.value)) return noObject(raw);
    const wrapper = soleWrapper(raw.value);
    if (wrapper === null) return ofEnvelope(raw.value, raw);
    const { value, text } = unwrap(raw.value[wrapper]);
    if (value === undefined) return noJson(wrapper, raw.hints?.stream);
    if (!isObject(value)) return noObject({ ...raw, value }, wrapper);
    return "event_type" in value
      ? ofEnvelope(value, raw)
      : ofPayload(value, {}, text, raw, { ...FLAT, data: [wrapper] });
  },
};

function soleWrapper(entry: Json): string | null {
  const [name, ...others] = Object.keys(entry);
  return name !== undefined && others.length === 0 && WRAPPERS.includes(name) ? name : null;
}

function ofEnvelope(envelope: Json, raw: RawMessage): Message | Refused {
  if (envelope.payload === undefined || envelope.payload === null)
    return ofPayload(envelope, envelope, undefined, raw, FLAT);
  const { value, text } = unwrap(envelope.payload);
  if (value === undefined) return noJson("payload", envelope.event_type ?? raw.hints?.stream);
  if (!isObject(value)) return noObject({ ...raw, value }, "payload");
  return ofPayload(value, envelope, text, raw, IN_PAYLOAD);
}

function ofPayload(
  data: Json,
  envelope: Json,
  text: string | undefined,
  raw: RawMessage,
  paths: MessagePaths,
): Message | Refused {
  const type = typeName(envelope.event_type || typeOfStream(raw.hints?.stream), "event_type");
  if (typeof type !== "string") return type;
  return {
    type,
    id: idText(envelope.event_id),
    time: envelope.timestamp || undefined,
    data,
    text,
    extras: extrasOf(envelope, data),
    paths,
  };
}

/** Streams are called like the type that they carry, perhaps behind a prefix: `fleet:alert.created`. */
function typeOfStream(stream: string | undefined): string | undefined {
  return stream?.slice(stream.lastIndexOf(":") + 1);
}

function extrasOf(envelope: Json, data: Json): Json | undefined {
  if (envelope === data) return undefined;
  const source = idText(envelope.source);
  const version = idText(envelope.version);
  if (source === null) return version === null ? undefined : { _version: version };
  return version === null ? { _source: source } : { _source: source, _version: version };
}

/** JSON text or what it stands for; value undefined: text that is no JSON. */
function unwrap(field: unknown): { readonly value: unknown; readonly text?: string } {
  if (typeof field !== "string") return { value: field };
  try {
    return { value: JSON.parse(field), text: field };
  } catch {
    return { value: undefined };
  }
}

function noJson(field: string, eventType: unknown): Refused {
  return refused(
    "json_decode",
    [fault([field], "json_decode", "must be a JSON object, got text that is no JSON")],
    eventType,
  );
}
