import { type ErrorCode, PublicError } from "../base/errors.js";
import { formatInstant } from "../base/time-range.js";
import type { Alert, Appointment, Slot } from "../domain/fleet/records.js";
import {
  type BookingRequest,
  listTag,
  type SlotRequest,
  type UpstreamCache,
  type UpstreamClients,
  UpstreamRefusal,
  vehicleTag,
} from "../upstream/index.js";
import type { Viewer } from "./viewer.js";

/** Something the caller can mend. */
export interface UserError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field: string | null;
}

export type Outcome<T> =
  | { readonly value: T; readonly errors: [] }
  | { readonly value: null; readonly errors: UserError[] };

export interface AppointmentBook {
  readonly vehicleId: string;
  readonly serviceType: string;
  readonly scheduledAt: number;
  readonly type?: string | null | undefined;
  readonly technicianId?: string | null | undefined;
  readonly estimatedDurationHours?: number | null | undefined;
  readonly alertId?: string | null | undefined;
  readonly notes?: string | null | undefined;
}

/** What the fleet's changes need: who to send them to, what they make stale, where they are written down first. */
export interface ChangeDeps {
  readonly clients: UpstreamClients;
  readonly cache: UpstreamCache;
  /** Commits an audit entry before the change is sent: no change without one. */
  readonly record: (
    viewer: Viewer,
    action: string,
    resource: string,
    details: Record<string, unknown>,
  ) => Promise<void>;
}

/**
 * Changes that are forwarded to an upstream service: checked against the caller's scope, written to the audit trail,
 * sent once, and the vehicle's cached data dropped whatever the outcome, since even a timeout may have changed it.
 */
export class FleetChanges {
  constructor(readonly deps: ChangeDeps) {}

  async bookAppointment(viewer: Viewer, input: AppointmentBook): Promise<Outcome<Appointment>> {
    return this.#forward(viewer, "appointment.book", input.vehicleId, "scheduling", { ...input }, () =>
      this.deps.clients.scheduling.book({
        vehicle_id: input.vehicleId,
        service_type: input.serviceType,
        scheduled_at: formatInstant(input.scheduledAt),
        ...optionalFields(input),
      }),
    );
  }

  async rescheduleAppointment(
    viewer: Viewer,
    input: { readonly id: string; readonly scheduledAt: number; readonly technicianId?: string | null | undefined },
  ): Promise<Outcome<Appointment>> {
    const { id, scheduledAt, technicianId } = input;
    return this.#changeAppointment(viewer, "appointment.reschedule", id, { ...input }, () =>
      this.deps.clients.scheduling.reschedule(id, {
        scheduled_at: formatInstant(scheduledAt),
        ...(technicianId ? { technician_id: technicianId } : {}),
      }),
    );
  }

  async cancelAppointment(viewer: Viewer, id: string): Promise<Outcome<Appointment>> {
    return this.#changeAppointment(viewer, "appointment.cancel", id, { id }, () =>
      this.deps.clients.scheduling.cancel(id),
    );
  }

  async changeAlert(viewer: Viewer, id: string, action: "acknowledge" | "resolve"): Promise<Outcome<Alert>> {
    const alert = await this.deps.clients.alert.alert(id);
    if (!alert || !(await viewer.sees(alert.vehicleId))) {
      return refused("NOT_FOUND", `There is no alert "${id}"`, "id");
    }
    return this.#forward(viewer, `alert.${action}`, alert.vehicleId, "alert", { id }, () =>
      this.deps.clients.alert.change(id, action, viewer.principal.userId),
    );
  }

  /** An appointment of a visible vehicle, as it is now. @throws PublicError NOT_FOUND, FORBIDDEN */
  async appointment(viewer: Viewer, id: string): Promise<Appointment> {
    const appointment = await this.deps.clients.scheduling.appointment(id);
    if (!appointment || !(await viewer.sees(appointment.vehicleId))) {
      throw new PublicError("NOT_FOUND", `There is no appointment "${id}"`, { id });
    }
    return appointment;
  }

  /** Free slots for a visible vehicle. */
  async slots(viewer: Viewer, request: SlotRequest): Promise<Slot[]> {
    await viewer.vehicle(request.vehicle_id);
    try {
      return await this.deps.clients.scheduling.slots(request);
    } catch (error) {
      if (!(error instanceof UpstreamRefusal)) throw error;
      throw new PublicError(refusalCode(error), error.reason, {}, { cause: error });
    }
  }

  async #changeAppointment(
    viewer: Viewer,
    action: string,
    id: string,
    details: Record<string, unknown>,
    send: () => Promise<Appointment | null>,
  ): Promise<Outcome<Appointment>> {
    const appointment = await this.deps.clients.scheduling.appointment(id);
    if (!appointment || !(await viewer.sees(appointment.vehicleId))) {
      return refused("NOT_FOUND", `There is no appointment "${id}"`, "id");
    }
    return this.#forward(viewer, action, appointment.vehicleId, "scheduling", details, send);
  }

  async #forward<T>(
    viewer: Viewer,
    action: string,
    vehicleId: string,
    service: "scheduling" | "alert",
    details: Record<string, unknown>,
    send: () => Promise<T | null>,
  ): Promise<Outcome<T>> {
    try {
      await viewer.vehicle(vehicleId);
    } catch (error) {
      if (error instanceof PublicError && error.code === "NOT_FOUND")
        return refused(error.code, error.message, "vehicleId");
      throw error;
    }
    await this.deps.record(viewer, action, `vehicle/${vehicleId}`, details);
    try {
      const value = await send();
      return value === null
        ? refused("NOT_FOUND", "It is gone: the service no longer knows it", "id")
        : { value, errors: [] };
    } catch (error) {
      if (error instanceof UpstreamRefusal) return refused(refusalCode(error), error.reason, null);
      throw error;
    } finally {
      const { tenantId } = viewer.scope;
      this.deps.cache.invalidate(vehicleTag(tenantId, vehicleId), listTag(tenantId, service));
    }
  }
}

function optionalFields(input: AppointmentBook): Partial<BookingRequest> {
  return {
    type: input.type ?? undefined,
    technician_id: input.technicianId ?? undefined,
    estimated_duration_hours: input.estimatedDurationHours ?? undefined,
    alert_id: input.alertId ?? undefined,
    notes: input.notes ?? undefined,
  };
}

function refused(code: ErrorCode, message: string, field: string | null): { value: null; errors: UserError[] } {
  return { value: null, errors: [{ code, message, field }] };
}

function refusalCode(refusal: UpstreamRefusal): ErrorCode {
  if (refusal.status === 404) return "NOT_FOUND";
  return refusal.status === 409 ? "CONFLICT" : "BAD_USER_INPUT";
}
