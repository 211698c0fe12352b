import { createHash } from "node:crypto";
import { NO_REQUEST } from "../audit/index.js";
import type { AuditRecord } from "../db/index.js";
import type { StoredEvent } from "./event.js";

/** The audit entry of an event. Its id follows from the event's: however often the event comes, there is one entry. */
export function auditRecordOf(event: StoredEvent): AuditRecord {
  // A line of the spool leaves out what is null.
  const { user = null, subject = null } = event;
  const properties = event.properties as unknown;
  return {
    ...NO_REQUEST,
    id: createHash("sha256").update(`event\0${event.tenant}\0${event.id}`).digest("hex").slice(0, 32),
    tenantId: event.tenant,
    timestamp: event.time,
    userId: user,
    role: null,
    action: event.type,
    resource: subject === null ? event.type : `${event.type}/${subject}`,
    details: { origin: event.origin, properties },
    source: "event",
    eventType: event.type,
    eventId: event.id,
  };
}
