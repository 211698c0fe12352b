import { ADMINISTRATORS, FIGURE_READERS, type Fields, fields, granted, SIGNED_IN } from "./rule.js";

/** Who may subscribe to events, and read what of events, dead letters and erasures below the root fields. */
export const EVENT_RULES: Readonly<Record<string, Fields>> = {
  Subscription: { eventAccepted: granted(ADMINISTRATORS, "view_events") },
  EventDefinition: {
    ...fields(SIGNED_IN, "name", "area", "description", "schema", "example", "personalFields", "retentionDays"),
  },
  EventPlace: fields(ADMINISTRATORS, "country", "region", "city", "latitude", "longitude"),
  EventAmount: fields(ADMINISTRATORS, "value", "currency"),
  Event: {
    ...fields(ADMINISTRATORS, "id", "type", "time", "receivedAt", "origin", "userId", "session", "subject", "place"),
    ...fields(ADMINISTRATORS, "amount", "properties"),
  },
  EventConnection: fields(ADMINISTRATORS, "edges", "nodes", "pageInfo"),
  EventEdge: fields(ADMINISTRATORS, "cursor", "node"),
  EventCount: fields(FIGURE_READERS, "start", "events", "users", "amount"),
  EventFault: fields(ADMINISTRATORS, "path", "message", "type"),
  DeadLetter: {
    ...fields(
      ADMINISTRATORS,
      "id",
      "kind",
      "error",
      "faults",
      "eventType",
      "eventId",
      "origin",
      "shape",
      "text",
      "raw",
    ),
    ...fields(ADMINISTRATORS, "attempts", "failedAt", "state"),
  },
  DeadLetterConnection: fields(ADMINISTRATORS, "edges", "nodes", "pageInfo", "totalCount"),
  DeadLetterEdge: fields(ADMINISTRATORS, "cursor", "node"),
  Erasure: fields(ADMINISTRATORS, "id", "state", "deleted", "error", "requestedAt", "finishedAt"),
  EventsIngestPayload: fields(SIGNED_IN, "accepted", "errors"),
  DeadLettersReplayPayload: fields(ADMINISTRATORS, "replayed", "failed", "errors"),
  DeadLettersPurgePayload: fields(ADMINISTRATORS, "purged", "errors"),
  SubjectErasePayload: fields(ADMINISTRATORS, "erasure", "errors"),
};
