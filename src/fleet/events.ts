import { listTag, telemetryTag, type UpstreamCache, vehicleTag } from "../upstream/index.js";

/** What an event tells about: its type, tenant and the vehicle. */
export interface FleetEvent {
  readonly tenant: string;
  readonly type: string;
  /** Id of the vehicle. */
  readonly subject: string | null;
}

/** Lists that an event of this family makes stale, by the service that answers them. */
const LISTS: Readonly<Record<string, "alert" | "scheduling" | "warranty">> = {
  alert: "alert",
  appointment: "scheduling",
  technician: "scheduling",
  warranty: "warranty",
};

/** Drops what fleet events make stale, so that a cache of minutes never shows old news where events flow. */
export function invalidateByEvents(cache: UpstreamCache, events: readonly FleetEvent[]): void {
  const tags = new Set<string>();
  for (const { tenant, type, subject } of events) {
    // A vehicle that reports every few seconds would otherwise never be found in the cache.
    if (subject !== null)
      tags.add((type.startsWith("vehicle.telemetry.") ? telemetryTag : vehicleTag)(tenant, subject));
    const list = LISTS[type.slice(0, type.indexOf("."))];
    if (list) tags.add(listTag(tenant, list));
  }
  cache.invalidate(...tags);
}
