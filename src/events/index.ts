export { SpoolRefused } from "../spool/index.js";
export { anonymise, anonymiseUser } from "./anonymise.js";
export { auditRecordOf } from "./audit-trail.js";
export { type Replayed, replayDeadLetters } from "./dead-letters.js";
export { EventEngine } from "./engine.js";
export { ERASURE_JOB, ERASURE_JOB_OPTIONS, Erasure, type ErasureProgress } from "./erasure.js";
export { AREAS, type Area, type DeadLetter, type Fault, type FaultKind, type StoredEvent } from "./event.js";
export { type Batch, type BatchFault, BatchRefused, Intake, type Receipt } from "./intake.js";
export { SlowReader } from "./live.js";
export { ndjsonMessages } from "./ndjson.js";
export {
  EARLIEST_TIME,
  EVENT_TYPES,
  EventRegistry,
  type EventType,
  LATEST_TIME,
  loadOverrides,
  readAmount,
  readTime,
} from "./registry/index.js";
export { applyRetention, RETENTION_HOUR, RETENTION_JOB } from "./retention.js";
export { type RawMessage, SHAPES, type ShapeName } from "./shapes/index.js";
export { createSources, type EventSource, type SourcesOptions } from "./sources/index.js";
export {
  type Basis,
  type EventFilter,
  type EventRow,
  type EventStore,
  openClickHouseStore,
  openDuckDbStore,
  PatientStore,
  StoreUnavailable,
} from "./store/index.js";
