import type { EventStore } from "./store.js";
export async function openClickHouseStore(_options: {
  url: string;
  cluster?: string;
  retentionDays?: number;
}): Promise<EventStore> {
  throw new Error("not yet");
}
