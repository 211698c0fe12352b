export { type AggregateArgs, figuresFor } from "./aggregate.js";
export { FleetChanges, type Outcome, type UserError } from "./changes.js";
export { executiveDashboard, ownerDashboard, technicianDashboard } from "./dashboards.js";
export type { FleetFigures } from "./figures.js";
export { FleetView } from "./fleet-view.js";
export { alertMetrics, costMetrics, fleetHealth, uptimeMetrics, warrantyMetrics } from "./kpis.js";
export { pace, startSweep } from "./sweep.js";
export { findVehicles, type RankedVehicle } from "./vehicles.js";
export { type FleetSettings, Viewer } from "./viewer.js";
