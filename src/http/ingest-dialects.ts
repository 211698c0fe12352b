import { isUtf8 } from "node:buffer";
import { PublicError } from "../base/errors.js";
import { ADMINISTRATORS, type Rule } from "../domain/access/rule.js";
import {
  type BatchFault,
  EVENT_TYPES,
  ndjsonMessages,
  type RawMessage,
  type Receipt,
  type ShapeName,
} from "../events/index.js";
import type { ServiceArea } from "./areas.js";

export interface Body {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** How one family of clients wants to be answered. */
export interface Dialect {
  receipt(receipt: Receipt, body: Body): object;
  /** Status of a refusal; 422 when left out. */
  readonly refusalStatus?: number;
  /** Body of a 422, beside the general error fields. */
  refusal(faults: readonly BatchFault[], query: Body["query"]): object;
}

export interface IngestEndpoint {
  readonly path: string;
  /** Whose contract it is; none: everybody's. */
  readonly area?: ServiceArea;
  /** Who may send, where not everybody may who is signed in or has a write key. */
  readonly rule?: Rule;
  readonly summary: string;
  readonly dialect: Dialect;
  /** Whether `?faults=set-aside` may be asked for. */
  readonly maySetAside: boolean;
  /** @throws PublicError when the body is no such thing at all */
  readonly read: (body: Body) => { readonly shape: ShapeName; readonly messages: readonly RawMessage[] };
}

/** As clients of a FastAPI service know it. */
const validationDetail = (faults: readonly BatchFault[], prefix: (fault: BatchFault) => (string | number)[]) => ({
  detail: faults.flatMap((fault) =>
    fault.faults.map(({ path, message, type }) => ({ loc: [...prefix(fault), ...path], msg: message, type })),
  ),
});

const PRODUCT: Dialect = {
  receipt: ({ accepted }) => ({ ingested: accepted }),
  refusal: (faults) => validationDetail(faults, ({ index }) => ["body", index]),
};
const DOCUMENTS: Dialect = {
  receipt: () => ({ success: true, message: "Event tracked successfully" }),
  refusal: (faults) => validationDetail(faults, () => ["body"]),
};
const BOOKINGS: Dialect = {
  receipt: (_, { query }) => ({
    success: true,
    message: `Event ${query.event_type ?? ""} processed successfully`.replace("  ", " "),
  }),
  refusalStatus: 400,
  refusal: (faults, query) => ({
    ...validationDetail(faults, () => ["body"]),
    detail: `Failed to process event ${query.event_type ?? ""}`.trim(),
    success: false,
  }),
};
const GENERAL: Dialect = {
  receipt: ({ accepted, setAside }) => ({ accepted, set_aside: setAside.length }),
  refusal: (faults) => ({
    faults: faults.flatMap(({ index, faults: found }) =>
      found.map(({ path, message, type }) => ({ path: [index, ...path], message, type })),
    ),
  }),
};

/** Every door for events over HTTP. */
export const INGEST_ENDPOINTS: readonly IngestEndpoint[] = [
  {
    path: "/api/analytics/ingest",
    area: "product",
    summary: "Product events: a JSON array of at most 1,000, all or none",
    dialect: PRODUCT,
    maySetAside: false,
    read: (body) => {
      const value = parse(body.bytes);
      if (!Array.isArray(value)) throw notA("a JSON array of events", value);
      return { shape: "product", messages: value.map(message) };
    },
  },
  {
    path: "/api/analytics/track",
    area: "documents",
    summary: "One event of document processing",
    dialect: DOCUMENTS,
    maySetAside: false,
    read: ({ bytes, query }) => {
      const value = bytes.length === 0 ? {} : parse(bytes);
      return { shape: "documents", messages: [{ ...message(value), hints: query }] };
    },
  },
  {
    path: "/api/v1/analytics/events/process",
    area: "bookings",
    summary: "One message of the ticket platform; `event_type` says what it is where it does not say so itself",
    rule: ADMINISTRATORS,
    dialect: BOOKINGS,
    maySetAside: false,
    read: ({ bytes, query }) => ({
      shape: "bookings",
      messages: [message(bookingMessage(parse(bytes), query.event_type))],
    }),
  },
  {
    path: "/v1/events",
    summary: "Events of any type: plain or CloudEvents, one, an array or NDJSON",
    dialect: GENERAL,
    maySetAside: true,
    read: (body) => ({ shape: "auto", messages: readAny(body) }),
  },
];

const BOOKING_TYPES = new Set(EVENT_TYPES.filter(({ area }) => area === "bookings").map(({ name }) => name));

/** @throws PublicError BAD_REQUEST for a type that the ticket platform does not have */
function bookingMessage(value: unknown, type: string | undefined): unknown {
  const isMessage = typeof value === "object" && value !== null && !Array.isArray(value);
  const named = isMessage && type ? { ...value, type } : value;
  const found = isMessage ? String((named as Record<string, unknown>).type ?? "") : "";
  if (isMessage && !BOOKING_TYPES.has(found)) throw new PublicError("BAD_REQUEST", `Failed to process event ${found}`);
  return named;
}

function readAny({ bytes, headers }: Body): RawMessage[] {
  if (headers["ce-specversion"] !== undefined) return [binaryEvent(bytes, headers)];
  const type = String(headers["content-type"] ?? "")
    .split(";")[0]
    ?.trim();
  if (type === "application/x-ndjson" || type === "application/jsonl")
    return ndjsonMessages(bytes.toString("utf8"), "http");
  const value = parse(bytes);
  return Array.isArray(value) ? value.map(message) : [message(value)];
}

/** A CloudEvent whose attributes are headers and whose data is the body. */
function binaryEvent(bytes: Buffer, headers: Body["headers"]): RawMessage {
  const hints: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if ((name.startsWith("ce-") || name === "content-type") && typeof value === "string") hints[name] = value;
  }
  const isJson = /^[^;]*[/+]json\s*(?:;|$)/i.test(hints["content-type"] ?? "application/json");
  const origin = { fallbackId: null, origin: "http", hints };
  if (isJson && bytes.length > 0) return { ...origin, value: parse(bytes) };
  if (isUtf8(bytes)) return { ...origin, value: undefined, text: bytes.toString("utf8") };
  return { ...origin, value: { data_base64: bytes.toString("base64") } };
}

function message(value: unknown): RawMessage {
  return { value, fallbackId: null, origin: "http" };
}

/** @throws PublicError BAD_REQUEST */
function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new PublicError("BAD_REQUEST", `the body is no valid JSON: ${error instanceof Error ? error.message : ""}`);
  }
}

function notA(expected: string, value: unknown): PublicError {
  const got = value === null ? "null" : typeof value === "object" ? "an object" : `a ${typeof value}`;
  return new PublicError("BAD_USER_INPUT", `expected ${expected}, got ${got}`);
}
