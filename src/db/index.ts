export { AccessRecords, type AccessSnapshot, accessChanges, membershipKey, type StoredApiKey } from "./access.js";
export { type ApiKeyRow, ApiKeys } from "./api-keys.js";
export { type EntryText, GENESIS, hashOfEntry, type Tail } from "./audit-chain.js";
export { AuditCheckpoints, type Checkpoint } from "./audit-checkpoints.js";
export { AuditEntries, type AuditQuery, type AuditRecord, type StoredAuditEntry } from "./audit-entries.js";
export { AuditSubjects } from "./audit-subjects.js";
export { type Database, type DatabaseOptions, openDatabase } from "./database.js";
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
export { type AccountChange, type Grant, Members, type StoredMember } from "./members.js";
export { Sessions, type StoredSession } from "./sessions.js";
export { type StoredFleet, type StoredRole, type StoredTenant, type TenantChange, Tenants } from "./tenants.js";
export { ensureTenants, inTransaction, type Transaction } from "./transaction.js";
export { isDatabaseUnavailable } from "./unavailable.js";
