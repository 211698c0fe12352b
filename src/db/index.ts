export { AuditEntries, type AuditQuery, type AuditRecord, type StoredAuditEntry } from "./audit-entries.js";
export { type Database, type DatabaseOptions, DEFAULT_TENANT, openDatabase } from "./database.js";
export { lockHolder } from "./lock.js";
export { isDatabaseUnavailable } from "./unavailable.js";
export { type NewUser, type StoredUser, Users } from "./users.js";
