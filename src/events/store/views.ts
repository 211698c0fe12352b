import { column, EVENT_TYPE, type EventView, first, property } from "./view.js";
import { RIDES } from "./views-rides.js";

const TICKETS: readonly EventView[] = [
  {
    name: "event_log",
    types: [
      ...["EventCreated", "EventUpdated", "EventDeleted"],
      ...["BookingCreated", "BookingConfirmed", "BookingCancelled", "BookingExpired", "BookingPaymentCompleted"],
      ...["WaitlistJoined", "WaitlistCancelled", "WaitlistNotificationsSent", "WaitlistAvailabilityUpdated"],
    ],
    columns: [
      column("id", "id"),
      EVENT_TYPE,
      first(
        "event_id",
        "integer",
        null,
        { property: ["event_id"] },
        { property: ["event_data", "id"] },
        { property: ["event_data", "event_id"] },
        { property: ["id"] },
      ),
      column("event_data", "properties"),
      { name: "processed", source: { always: true }, type: "boolean" },
      column("created_at", "received", "time"),
    ],
  },
];

const DOCUMENTS: readonly EventView[] = [
  {
    name: "analytics_events",
    types: null,
    columns: [
      column("id", "id"),
      EVENT_TYPE,
      column("event_data", "properties"),
      column("timestamp", "time", "time"),
      property("service_name", "text", "_service_name"),
      column("user_id", "user_id"),
    ],
  },
];

const PRODUCT: readonly EventView[] = [
  {
    name: "events",
    types: null,
    columns: [
      column("ts", "time", "time"),
      column("user_id", "user_id"),
      column("type", "type"),
      property("src", "text", "_src"),
      column("payload", "properties"),
    ],
  },
];

/** The contracts' tables that hold one row per event. */
export const EVENT_VIEWS: readonly EventView[] = [...RIDES, ...TICKETS, ...DOCUMENTS, ...PRODUCT];
