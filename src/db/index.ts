export { AuditEntries, type AuditQuery, type AuditRecord, type StoredAuditEntry } from "./audit-entries.js";
export { type Database, type DatabaseOptions, DEFAULT_TENANT, openDatabase } from "./database.js";
export {
  type DeadLetterCursor,
  type DeadLetterFilter,
  type DeadLetterState,
  DeadLetters,
  type FailedAgain,
  type StoredDeadLetter,
} from "./dead-letters.js";
export { type JobFilter, JobRecords, type JobState, type NewJob, type StoredJob, type Write } from "./jobs.js";
export { LeaseRecords } from "./leases.js";
export { lockFolder, lockHolder } from "./lock.js";
export { ensureTenants, inTransaction, type Transaction } from "./transaction.js";
export { isDatabaseUnavailable } from "./unavailable.js";
export { type NewUser, type StoredUser, Users } from "./users.js";
