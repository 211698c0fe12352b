import { alertStatus } from "../../domain/fleet/alerts.js";
import { bandOf } from "../../domain/fleet/health.js";
import { type Alert, type Appointment, type Claim, SEVERITIES } from "../../domain/fleet/records.js";
import type { Entry } from "../../upstream/index.js";
import { connect, inOrder, type PageArgs } from "../connection.js";
import type { Context } from "../context.js";
import type { Resolvers } from "../generated.js";

/** Writes down what the answer rests on, and makes something of it: at once, where nothing has to be waited for. */
function read<T, Made = T>(
  context: Context,
  entry: Entry<T> | Promise<Entry<T>>,
  make?: (value: T) => Made,
): Made | Promise<Made> {
  return entry instanceof Promise ? whenThere(context, entry, make) : use(context, entry, make);
}

async function whenThere<T, Made>(
  context: Context,
  entry: Promise<Entry<T>>,
  make?: (value: T) => Made,
): Promise<Made> {
  return use(context, await entry, make);
}

function use<T, Made>({ viewer }: Context, found: Entry<T>, make?: (value: T) => Made): Made {
  viewer.ledger.note(found);
  return make ? make(found.value) : (found.value as unknown as Made);
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
  return connect(
    inOrder(matching, (alert) => [alert.createdAt, alert.id], "DESC"),
    args,
  );
}

function appointmentConnection(appointments: readonly Appointment[], args: PageArgs & { status?: string | null }) {
  const matching = appointments.filter((appointment) => !args.status || appointment.status === args.status);
  return connect(
    inOrder(matching, (appointment) => [appointment.scheduledAt, appointment.id], "DESC"),
    args,
  );
}

function claimConnection(claims: readonly Claim[], args: PageArgs & { status?: string | null }) {
  const matching = claims.filter((claim) => !args.status || claim.status === args.status);
  return connect(
    inOrder(matching, (claim) => [claim.submittedAt, claim.id], "DESC"),
    args,
  );
}

/** Records as the upstream services know them; each nested list is loaded for the vehicle once per request. */
export const recordResolvers = {
  Vehicle: {
    health: (vehicle, _, context) => read(context, reader(context).health.take(vehicle.id)),
    component: (vehicle, { type }, context) =>
      read(
        context,
        reader(context).health.take(vehicle.id),
        (health) => health?.components.find((component) => component.type === type) ?? null,
      ),
    telemetry: (vehicle, _, context) => read(context, reader(context).telemetry.take(vehicle.id)),
    alerts: (vehicle, args, context) =>
      read(context, reader(context).alertsOf.take(vehicle.id), (alerts) => alertConnection(alerts, args)),
    appointments: (vehicle, args, context) =>
      read(context, reader(context).appointmentsOf.take(vehicle.id), (own) => appointmentConnection(own, args)),
    claims: (vehicle, args, context) =>
      read(context, reader(context).claimsOf.take(vehicle.id), (claims) => claimConnection(claims, args)),
    warranty: (vehicle, _, context) => read(context, reader(context).coverageOf.take(vehicle.id)),
    decisions: (vehicle, args, context) =>
      read(context, reader(context).decisionsOf.take(vehicle.id), (decisions) =>
        connect(
          inOrder(decisions, (decision) => [decision.createdAt, decision.id], "DESC"),
          args,
        ),
      ),
  },
  VehicleHealth: { status: (health) => bandOf(health.score) },
  Component: {
    status: (component) => bandOf(component.score),
    alerts: (component, args, context) =>
      read(context, reader(context).alertsOf.take(component.vehicleId), (own) =>
        alertConnection(
          own.filter((alert) => alert.component === component.type),
          args,
        ),
      ),
    appointments: (component, args, context) =>
      read(context, reader(context).appointmentsOf.take(component.vehicleId), (own) =>
        appointmentConnection(
          own.filter((a) => a.component === component.type),
          args,
        ),
      ),
    claims: (component, args, context) =>
      read(context, reader(context).claimsOf.take(component.vehicleId), (own) =>
        claimConnection(
          own.filter((claim) => claim.component === component.type),
          args,
        ),
      ),
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
