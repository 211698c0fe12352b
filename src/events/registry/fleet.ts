import type { EventType } from "./event-type.js";
import { ALERT_TYPES } from "./fleet/alerts.js";
import { VEHICLE_TYPES } from "./fleet/vehicles.js";
import { WORKSHOP_TYPES } from "./fleet/workshop.js";

/** Events of the fleet's services, and the two that this gateway sends out itself. */
export const FLEET_TYPES: readonly EventType[] = [...VEHICLE_TYPES, ...ALERT_TYPES, ...WORKSHOP_TYPES];
