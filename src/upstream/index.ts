export { Dependencies, type Entry, type Freshness, UpstreamCache } from "./cache.js";
export {
  type BulkSettings,
  createClients,
  createServices,
  pacedServices,
  type Services,
  type UpstreamClients,
} from "./clients.js";
export { SERVICE_NAMES, type ServiceName, sourceName, UpstreamError, UpstreamRefusal } from "./errors.js";
export { DEADLINE_HEADER, type ServiceOptions } from "./http.js";
export type { BulkSetting } from "./lists.js";
export { listTag, type PerVehicle, Reader, telemetryTag, vehicleTag } from "./reader.js";
export type { BookingRequest, SlotRequest } from "./scheduling/client.js";
export type { Snapshot, SnapshotList } from "./snapshot.js";
