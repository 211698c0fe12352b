import { PublicError } from "../../base/errors.js";
import { once } from "../../base/once.js";
import { findVehicles, type Outcome } from "../../fleet/index.js";
import { connect, inOrder } from "../connection.js";
import type { Resolvers } from "../generated.js";

const appointmentPayload = <T>({ value, errors }: Outcome<T>) => ({ appointment: value, errors });
const alertPayload = <T>({ value, errors }: Outcome<T>) => ({ alert: value, errors });

/** Drilling down from the fleet to a vehicle and a component, and the changes that can be made there. */
export const vehicleResolvers = {
  Query: {
    vehicles: async (_, { filter, orderBy, refresh, ...page }, { viewer }) => {
      const ranked = await findVehicles(viewer, filter ?? {}, orderBy?.field ?? "ID", refresh);
      const direction = orderBy?.direction ?? "ASC";
      const ordered = once(ranked, direction, () =>
        inOrder(ranked, ({ vehicle, rank }) => [rank, vehicle.id], direction),
      );
      return connect(ordered, page, ({ vehicle }) => vehicle);
    },
    vehicle: (_, { id, refresh }, { viewer }) => viewer.vehicle(id, refresh),
    component: async (_, { vehicleId, type }, { viewer }) => {
      await viewer.vehicle(vehicleId);
      const entry = await viewer.reader(false).health.load(vehicleId);
      viewer.ledger.note(entry);
      const component = entry.value?.components.find((candidate) => candidate.type === type);
      if (component) return component;
      throw new PublicError("NOT_FOUND", `Vehicle "${vehicleId}" has no component "${type}"`, { id: vehicleId });
    },
    slots: (_, { input }, { viewer, services }) =>
      services.changes.slots(viewer, {
        vehicle_id: input.vehicleId,
        service_type: input.serviceType,
        urgency: input.urgency ?? undefined,
        preferred_date: input.preferredDate ?? undefined,
        estimated_duration_hours: input.estimatedDurationHours ?? undefined,
      }),
    appointment: (_, { id }, { viewer, services }) => services.changes.appointment(viewer, id),
  },
  Mutation: {
    appointmentBook: async (_, { input }, { viewer, services }) =>
      appointmentPayload(await services.changes.bookAppointment(viewer, input)),
    appointmentReschedule: async (_, { input }, { viewer, services }) =>
      appointmentPayload(await services.changes.rescheduleAppointment(viewer, input)),
    appointmentCancel: async (_, { input }, { viewer, services }) =>
      appointmentPayload(await services.changes.cancelAppointment(viewer, input.id)),
    alertAcknowledge: async (_, { input }, { viewer, services }) =>
      alertPayload(await services.changes.changeAlert(viewer, input.id, "acknowledge")),
    alertResolve: async (_, { input }, { viewer, services }) =>
      alertPayload(await services.changes.changeAlert(viewer, input.id, "resolve")),
  },
} satisfies Resolvers;
