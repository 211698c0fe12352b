import { randomUUID } from "node:crypto";
import { NO_REQUEST } from "../audit/index.js";
import type { AuditRecord } from "../db/index.js";

/** An audit entry of what the gateway did by itself, not within anybody's request. */
export function systemRecord(
  tenantId: string,
  timestamp: number,
  action: string,
  resource: string,
  details: AuditRecord["details"],
): AuditRecord {
  return {
    ...NO_REQUEST,
    id: randomUUID(),
    tenantId,
    timestamp,
    userId: null,
    role: null,
    action,
    resource,
    details,
    source: "user",
  };
}
