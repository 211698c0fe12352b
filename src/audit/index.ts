export { type AuditInput, AuditLog, NO_REQUEST } from "./audit-log.js";
