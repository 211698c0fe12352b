import type { Fault } from "../event.js";
import { nameOfType } from "../registry/values.js";
import { fault, idText, isObject, type Json, noObject, refused, typeName } from "./reading.js";
import type { Message, MessagePaths, RawMessage, Refused, Shape } from "./shape.js";

/** Under this name the stored properties hold the service that sent an event. */
export const SERVICE_NAME = "_service_name";

const IN_BODY: MessagePaths = { type: ["event_type"], time: ["timestamp"], user: ["user_id"], data: ["event_data"] };
const IN_QUERY: MessagePaths = { ...IN_BODY, data: [] };

/**
 * Tracked events. With `event_type` in the body, the body is an envelope whose `event_data` is the payload; otherwise
 * the hints (query parameters) are the envelope and the body is the payload. `service_name` is kept as `_service_name`.
 */
export const documentsShape: Shape = {
  name: "documents",
  read(raw) {
    // Without a body at all there is an event without data.
    const body = raw.value === null ? {} : raw.value;
    if (!isObject(body)) return noObject(raw);
    if ("event_type" in body) return ofEnvelope(body, body.event_data ?? {}, undefined, IN_BODY);
    return ofEnvelope(raw.hints ?? {}, body, raw, IN_QUERY);
  },
};

function ofEnvelope(
  envelope: Json,
  data: unknown,
  raw: RawMessage | undefined,
  paths: MessagePaths,
): Message | Refused {
  const type = typeName(envelope.event_type, "event_type");
  if (typeof type !== "string") return type;
  const faults: Fault[] = [];
  if (!isObject(data)) faults.push(fault(["event_data"], "dict_type", `must be an object, got ${nameOfType(data)}`));
  const service = optionalText(envelope, "service_name", faults);
  const user = optionalText(envelope, "user_id", faults);
  if (!isObject(data) || faults.length > 0) return refused("validation", faults, type);
  return {
    type,
    id: idText(envelope.event_id),
    time: envelope.timestamp ?? undefined,
    user,
    data,
    text: raw?.text,
    extras: service === null ? undefined : { [SERVICE_NAME]: service },
    paths,
  };
}

function optionalText(envelope: Json, name: string, faults: Fault[]): string | null {
  const value = envelope[name];
  if (value === undefined || value === null) return null;
  const text = idText(value);
  if (text === null && value !== "")
    faults.push(fault([name], "string_type", `must be text, got ${nameOfType(value)}`));
  return text;
}
