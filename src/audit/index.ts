export { type AuditInput, AuditLog, NO_REQUEST } from "./audit-log.js";
export { Checkpointer, type CheckpointKey, checkpointKey } from "./checkpoints.js";
export { type AuditFault, type AuditVerdict, verifyTrail } from "./verify.js";
