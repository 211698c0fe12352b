import { alertStatus } from "../../domain/fleet/alerts.js";
import { bandOf } from "../../domain/fleet/health.js";
import { type Alert, type Appointment, type Claim, SEVERITIES } from "../../domain/fleet/records.js";
import type { Entry } from "../../upstream/index.js";
import { connect, type PageArgs } from "../connection.js";
import type { Context } from "../context.js";
import type { Resolvers } from "../generated.js";

/** Loads and writes down what the answer rests on. */
async function read<T>(context: Context, entry: Promise<Entry<T>>): Promise<T> {
  const found = await entry;
  context.viewer.ledger.note(found);
  return found.value;
}

const reader = (context: Context) => context.viewer.reader(context.viewer.bypassedCache);

function alertConnection(
  alerts: readonly Alert[],
  args: PageArgs & { status?: string | null; minSeverity?: Alert["severity"] | null },
) {
  const least = args.minSeverity ? SEVERITIES.indexOf(args.minSeverity) : 0;
  const matching = alerts.filter(
    (alert) => (!args.status || alertStatus(alert) === args.status) && SEVERITIES.indexOf(alert.severity) >= least,
  );
  return connect(matching, args, (alert) => [alert.createdAt, alert.id], "DESC");
}

function appointmentConnection(appointments: readonly Appointment[], args: PageArgs & { status?: string | null }) {
  const matching = appointments.filter((appointment) => !args.status || appointment.status === args.status);
  return connect(matching, args, (appointment) => [appointment.scheduledAt, appointment.id], "DESC");
}

function claimConnection(claims: readonly Claim[], args: PageArgs & { status?: string | null }) {
  const matching = claims.filter((claim) => !args.status || claim.status === args.status);
  return connect(matching, args, (claim) => [claim.submittedAt, claim.id], "DESC");
}

/** Records as the upstream services know them; each nested list is loaded for the vehicle once per request. */
export const recordResolvers = {
  Vehicle: {
    health: (vehicle, _, context) => read(context, reader(context).health.load(vehicle.id)),
    component: async (vehicle, { type }, context) => {
      const health = await read(context, reader(context).health.load(vehicle.id));
      return health?.components.find((component) => component.type === type) ?? null;
    },
    telemetry: (vehicle, _, context) => read(context, reader(context).telemetry.load(vehicle.id)),
    alerts: async (vehicle, args, context) =>
      alertConnection(await read(context, reader(context).alertsOf.load(vehicle.id)), args),
    appointments: async (vehicle, args, context) =>
      appointmentConnection(await read(context, reader(context).appointmentsOf.load(vehicle.id)), args),
    claims: async (vehicle, args, context) =>
      claimConnection(await read(context, reader(context).claimsOf.load(vehicle.id)), args),
    warranty: (vehicle, _, context) => read(context, reader(context).coverageOf.load(vehicle.id)),
    decisions: async (vehicle, args, context) => {
      const decisions = await read(context, reader(context).decisionsOf.load(vehicle.id));
      return connect(decisions, args, (decision) => [decision.createdAt, decision.id], "DESC");
    },
  },
  VehicleHealth: { status: (health) => bandOf(health.score) },
  Component: {
    status: (component) => bandOf(component.score),
    alerts: async (component, args, context) => {
      const alerts = await read(context, reader(context).alertsOf.load(component.vehicleId));
      return alertConnection(
        alerts.filter((alert) => alert.component === component.type),
        args,
      );
    },
    appointments: async (component, args, context) => {
      const appointments = await read(context, reader(context).appointmentsOf.load(component.vehicleId));
      return appointmentConnection(
        appointments.filter((a) => a.component === component.type),
        args,
      );
    },
    claims: async (component, args, context) => {
      const claims = await read(context, reader(context).claimsOf.load(component.vehicleId));
      return claimConnection(
        claims.filter((claim) => claim.component === component.type),
        args,
      );
    },
  },
  Alert: {
    status: (alert) => alertStatus(alert),
    vehicle: (alert, _, context) => context.viewer.vehicle(alert.vehicleId),
  },
  Appointment: {
    vehicle: (appointment, _, context) => context.viewer.vehicle(appointment.vehicleId),
    technician: async (appointment, _, context) => {
      const technicians = await read(context, reader(context).technicians());
      return technicians.find((technician) => technician.id === appointment.technicianId) ?? null;
    },
  },
  Claim: { vehicle: (claim, _, context) => context.viewer.vehicle(claim.vehicleId) },
  CostRange: { midpoint: (range) => (range.minimum + range.maximum) / 2 },
} satisfies Resolvers;
