import type { IngestEndpoint } from "./ingest-dialects.js";

type Schema = Readonly<Record<string, unknown>>;

const object = (properties: Schema, required = Object.keys(properties)): Schema => ({
  type: "object",
  properties,
  required,
});
const text = (description: string): Schema => ({ type: "string", description });
const time = (description: string): Schema => ({ type: "string", format: "date-time", description });
const anything: Schema = { type: "object", additionalProperties: true };
const list = (items: Schema): Schema => ({ type: "array", maxItems: 1000, items });

const PRODUCT_EVENT = object(
  {
    ts: time("When it happened; without a zone it is UTC."),
    user_id: { type: "string", maxLength: 36 },
    type: { type: "string", maxLength: 50 },
    src: { type: ["string", "null"], maxLength: 100 },
    payload: anything,
    event_id: text("Makes the event unique: sent again with the same id it is stored once."),
  },
  ["ts", "user_id", "type", "payload"],
);
const TRACKED_EVENT = object(
  {
    event_type: text("Here or in the query."),
    event_data: anything,
    service_name: text("Which service reports it."),
    user_id: text("Whom it is about."),
    timestamp: time("When it happened; now when left out."),
  },
  [],
);
const PLAIN_EVENT = object(
  {
    type: text("What happened."),
    id: text("Makes the event unique: sent again with the same id it is stored once."),
    time: time("When it happened; now when left out."),
    user: text("Whom it is about."),
    session: text("The session it happened in."),
    subject: text("What it is about."),
    properties: anything,
  },
  ["type"],
);

const BODIES: Readonly<Record<string, Schema>> = {
  "/api/analytics/ingest": { "application/json": { schema: list(PRODUCT_EVENT) } },
  "/api/v1/analytics/events/process": { "application/json": { schema: anything } },
  "/api/analytics/track": { "application/json": { schema: TRACKED_EVENT } },
  "/v1/events": {
    "application/json": { schema: { oneOf: [PLAIN_EVENT, list(PLAIN_EVENT)] } },
    "application/x-ndjson": { schema: { type: "string", description: "One event a line." } },
    "application/cloudevents+json": { schema: { ...anything, description: "A CloudEvent 1.0." } },
    "application/cloudevents-batch+json": { schema: list({ ...anything, description: "A CloudEvent 1.0." }) },
  },
};
const ANSWERS: Readonly<Record<string, Schema>> = {
  "/api/v1/analytics/events/process": object({ success: { const: true }, message: { type: "string" } }),
  "/api/analytics/ingest": object({ ingested: { type: "integer" } }),
  "/api/analytics/track": object({ success: { type: "boolean" }, message: { type: "string" } }),
  "/v1/events": object({ accepted: { type: "integer" }, set_aside: { type: "integer" } }),
};
const REFUSALS: Readonly<Record<string, string>> = {
  "400": "The body is no such thing at all",
  "401": "No token or write key, or one that is not valid",
  "413": "More than 1,000 events, or more than 10 MB uncompressed: nothing was taken in",
  "415": "A Content-Encoding other than gzip",
  "422": "At least one event is at fault, or the Idempotency-Key came with another body before: nothing was taken in",
  "503": "Too much waits for the store; see Retry-After",
  "507": "The disk is full; see Retry-After",
};

/** The doors for events in the OpenAPI document: they are no stored documents, and so described by hand. */
export function ingestPaths(endpoints: readonly IngestEndpoint[]): Record<string, Record<string, Schema>> {
  return Object.fromEntries(endpoints.map((endpoint) => [endpoint.path, { post: describe(endpoint) }]));
}

function describe({ path, summary, maySetAside }: IngestEndpoint): Schema {
  const query = path.endsWith("/track") ? ["event_type", "service_name", "user_id"] : [];
  const parameter = (name: string, place: string, schema: Schema) => ({ name, in: place, required: false, schema });
  return {
    operationId: path.replaceAll(/\W+/g, "_").slice(1),
    tags: ["events"],
    summary,
    security: [{ bearer: [] }, { writeKey: [] }],
    parameters: [
      parameter("Idempotency-Key", "header", text("The same key with the same body is taken in once.")),
      ...query.map((name) => parameter(name, "query", { type: "string" })),
      ...(maySetAside
        ? [
            parameter("faults", "query", {
              type: "string",
              enum: ["set-aside"],
              description: "What is at fault goes to the dead letters; the rest is taken in.",
            }),
          ]
        : []),
    ],
    requestBody: { required: true, content: BODIES[path] },
    responses: {
      "200": {
        description: "All of it is on disk",
        content: { "application/json": { schema: ANSWERS[path] } },
      },
      ...Object.fromEntries(
        Object.entries(REFUSALS).map(([status, description]) => [
          status,
          { description, content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } },
        ]),
      ),
    },
  };
}
