/** The six services as tables of routes. */
import { type Alert, alertJson, alertStatsJson, alertStatus } from "./alerts.js";
import { type Appointment, appointmentJson, appointmentStatus } from "./appointments.js";
import { book, cancelAppointment, findSlots, reschedule } from "./booking.js";
import { type Claim, claimJson, claimStatsJson, claimStatus, evidenceJson, fraudJson } from "./claims.js";
import { agentStatusJson, decisionJson } from "./decisions.js";
import { Fields, queryInteger, queryPeriod } from "./fields.js";
import { acknowledge, fileClaim, resolve } from "./filing.js";
import { healthHistoryJson, healthJson } from "./health.js";
import { type Entry, EVER } from "./ledger.js";
import { invalid } from "./problem.js";
import {
  type Call,
  filterOf,
  found,
  get,
  MAX_LIMIT,
  page,
  post,
  put,
  type Route,
  remove,
  vehicleOf,
} from "./routing.js";
import { TECHNICIANS } from "./technicians.js";
import { telemetryJson, telemetryTicks } from "./telemetry.js";
import { lastSeenAt, vehicleJson, vehicleStatus } from "./vehicles.js";
import { eligibilityOf } from "./warranty.js";

/** In the order of their ports. */
export const SERVICES = ["ingestion", "health", "agent", "alert", "scheduling", "warranty"] as const;
export type Service = (typeof SERVICES)[number];

const ingestion: readonly Route[] = [
  get("/api/v1/vehicles", ({ fleet, query, now }) => {
    const [fleetId, ownerId, status] = [query.get("fleet_id"), query.get("owner_id"), query.get("status")];
    const rows = fleet.vehicles.filter(
      (vehicle) =>
        (!fleetId || vehicle.fleetId === fleetId) &&
        (!ownerId || vehicle.ownerId === ownerId) &&
        (!status || vehicleStatus(vehicle, fleet.inWorkshop(vehicle, now), now) === status),
    );
    return page(rows, query, (vehicle) => vehicleJson(vehicle, fleet.inWorkshop(vehicle, now), now));
  }),
  get("/api/v1/vehicles/:id", (call) => {
    const vehicle = vehicleOf(call);
    return vehicleJson(vehicle, call.fleet.inWorkshop(vehicle, call.now), call.now);
  }),
  get("/api/v1/vehicles/:id/latest", (call) => {
    const vehicle = vehicleOf(call);
    return telemetryJson(vehicle, lastSeenAt(vehicle, call.now));
  }),
  get("/api/v1/vehicles/:id/history", (call) => {
    const vehicle = vehicleOf(call);
    const { from, to } = queryPeriod(call.query);
    return page(telemetryTicks(vehicle, call.now, from, to), call.query, (at) => telemetryJson(vehicle, at));
  }),
];

const health: readonly Route[] = [
  get("/api/v1/health", ({ fleet, query, now }) => {
    const ids = (query.get("vehicle_ids") ?? "").split(",").filter(Boolean);
    if (ids.length > MAX_LIMIT) throw invalid(`vehicle_ids: at most ${MAX_LIMIT} at a time`);
    const items = ids.flatMap((id) => {
      const vehicle = fleet.vehicle(id);
      return (vehicle && healthJson(vehicle, now)) ?? [];
    });
    return { items, total: items.length, limit: MAX_LIMIT, offset: 0 };
  }),
  get("/api/v1/health/:id", (call) => found(healthJson(vehicleOf(call), call.now), "health record")),
  get("/api/v1/health/:id/component/:type", (call) => {
    const record = found(healthJson(vehicleOf(call), call.now), "health record");
    const component = record.components.find(({ type }) => type === call.second);
    return { vehicle_id: call.id, ...found(component, "component") };
  }),
  get("/api/v1/health/:id/history", (call) => {
    const component = call.query.get("component");
    const filter = {
      ...queryPeriod(call.query),
      limit: queryInteger(call.query, "limit", 100, 1, MAX_LIMIT),
      ...(component ? { component } : {}),
    };
    return found(healthHistoryJson(vehicleOf(call), call.now, filter), "health record");
  }),
];

const agent: readonly Route[] = [
  get("/api/v1/agents/status", ({ fleet, now }) => agentStatusJson(fleet.decisions.select(now, EVER))),
  get("/api/v1/agents/decisions", ({ fleet, query, now }) => {
    const filter = filterOf(query, { vehicle_id: (decision: Entry) => decision.vehicle.id });
    return page(fleet.decisions.select(now, queryPeriod(query), filter), query, decisionJson);
  }),
  get("/api/v1/agents/decisions/:id", (call) => {
    const vehicle = vehicleOf(call);
    return {
      vehicle_id: vehicle.id,
      decisions: call.fleet.decisions.ofVehicle(vehicle.id, call.now).map(decisionJson),
    };
  }),
  get("/api/v1/agents/decision/:id", ({ fleet, id, now }) =>
    decisionJson(found(fleet.decisions.find(id, now), "decision")),
  ),
];

const alert: readonly Route[] = [
  get("/api/v1/alerts", ({ fleet, query, now }) => {
    const filter = filterOf<Alert>(query, {
      vehicle_id: (row) => row.vehicle.id,
      severity: (row) => row.severity,
      component: (row) => row.component,
      status: (row) => alertStatus(row, now),
    });
    return page(fleet.alerts.select(now, queryPeriod(query), filter), query, (row) => alertJson(row, now));
  }),
  get("/api/v1/alerts/stats", ({ fleet, query, now }) => {
    const stats = alertStatsJson(fleet.alerts.select(now, queryPeriod(query)), now);
    return { ...stats, period: { from: query.get("from"), to: query.get("to") } };
  }),
  get("/api/v1/alerts/vehicle/:id", (call) => {
    const rows = call.fleet.alerts.ofVehicle(vehicleOf(call).id, call.now);
    return page(rows, call.query, (row) => alertJson(row, call.now));
  }),
  get("/api/v1/alerts/:id", ({ fleet, id, now }) => alertJson(found(fleet.alerts.find(id, now), "alert"), now)),
  post("/api/v1/alerts/:id/acknowledge", ({ fleet, id, now }) => alertJson(acknowledge(fleet, id, now), now)),
  post("/api/v1/alerts/:id/resolve", ({ fleet, id, now }) => alertJson(resolve(fleet, id, now), now)),
];

/** A slot request as query string instead of body: everything is text there. */
function slotQuery(query: URLSearchParams): Fields {
  const hours = query.get("estimated_duration_hours");
  const body = Object.fromEntries([...query].filter(([name]) => name !== "estimated_duration_hours"));
  return new Fields(hours === null ? body : { ...body, estimated_duration_hours: Number(hours) });
}

const appointmentFilter = (query: URLSearchParams, now: number) =>
  filterOf<Appointment>(query, {
    technician_id: (row) => row.technician.id,
    vehicle_id: (row) => row.vehicle.id,
    status: (row) => appointmentStatus(row, now),
  });

const scheduling: readonly Route[] = [
  get("/api/v1/technicians", ({ query }) => page(TECHNICIANS, query, (technician) => technician)),
  get("/api/v1/technicians/:id/schedule", ({ fleet, id, query, now }) => {
    const technician = found(fleet.technician(id), "technician");
    const filter = appointmentFilter(query, now);
    const isOwn = (row: Appointment): boolean => row.technician === technician && (filter?.(row) ?? true);
    const rows = fleet.appointments.select(now, queryPeriod(query), isOwn);
    return { technician_id: id, appointments: rows.map((row) => appointmentJson(row, now)) };
  }),
  get("/api/v1/appointments", ({ fleet, query, now }) =>
    page(fleet.appointments.select(now, queryPeriod(query), appointmentFilter(query, now)), query, (row) =>
      appointmentJson(row, now),
    ),
  ),
  get("/api/v1/appointments/vehicle/:id", (call) => {
    const rows = call.fleet.appointments.ofVehicle(vehicleOf(call).id, call.now);
    return page(rows, call.query, (row) => appointmentJson(row, call.now));
  }),
  get("/api/v1/appointments/:id", ({ fleet, id, now }) =>
    appointmentJson(found(fleet.appointments.find(id, now), "appointment"), now),
  ),
  post("/api/v1/appointments", ({ fleet, body, now }) => appointmentJson(book(fleet, new Fields(body), now), now), 201),
  put("/api/v1/appointments/:id", ({ fleet, id, body, now }) =>
    appointmentJson(reschedule(fleet, id, new Fields(body), now), now),
  ),
  remove("/api/v1/appointments/:id", ({ fleet, id, now }) => appointmentJson(cancelAppointment(fleet, id, now), now)),
  get("/api/v1/slots/available", ({ fleet, query, now }) => findSlots(fleet, slotQuery(query), now)),
  post("/api/v1/slots/available", ({ fleet, body, now }) => findSlots(fleet, new Fields(body), now)),
];

const claimOf = ({ fleet, id, now }: Call): Claim => found(fleet.claims.find(id, now), "claim");

const warranty: readonly Route[] = [
  get("/api/v1/claims", ({ fleet, query, now }) => {
    const filter = filterOf<Claim>(query, {
      vehicle_id: (row) => row.vehicle.id,
      component: (row) => row.component,
      status: (row) => claimStatus(row, now),
    });
    return page(fleet.claims.select(now, queryPeriod(query), filter), query, (row) => claimJson(row, now));
  }),
  get("/api/v1/claims/stats", ({ fleet, query, now }) => {
    const stats = claimStatsJson(fleet.claims.select(now, queryPeriod(query)), now);
    return { ...stats, period: { from: query.get("from"), to: query.get("to") } };
  }),
  get("/api/v1/claims/vehicle/:id", (call) => {
    const rows = call.fleet.claims.ofVehicle(vehicleOf(call).id, call.now);
    return page(rows, call.query, (row) => claimJson(row, call.now));
  }),
  get("/api/v1/claims/:id", (call) => claimJson(claimOf(call), call.now)),
  post("/api/v1/claims", ({ fleet, body, now }) => claimJson(fileClaim(fleet, new Fields(body), now), now), 201),
  post("/api/v1/claims/:id/evidence", (call) => evidenceJson(claimOf(call))),
  get("/api/v1/warranty/:id/check", (call) => eligibilityOf(vehicleOf(call), call.now)),
  get("/api/v1/fraud/analyze/:id", (call) => fraudJson(claimOf(call))),
];

const probes: readonly Route[] = ["/health", "/ready"].map((path) => get(path, () => ({ status: "ok" })));

/** The routes of each service, with the two probes that need no API key. */
export const ROUTES: Readonly<Record<Service, readonly Route[]>> = {
  ingestion: [...probes, ...ingestion],
  health: [...probes, ...health],
  agent: [...probes, ...agent],
  alert: [...probes, ...alert],
  scheduling: [...probes, ...scheduling],
  warranty: [...probes, ...warranty],
};
