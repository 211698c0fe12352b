import { formatInstant, type TimeRange } from "../../base/time-range.js";
import type { Appointment, Slot, Technician } from "../../domain/fleet/records.js";
import type { Loaded } from "../cache.js";
import { UpstreamError, UpstreamRefusal } from "../errors.js";
import type { Service } from "../http.js";
import { BulkForm, type BulkSetting, fetchList, withQuery } from "../lists.js";
import { parseShape } from "../shapes.js";
import { appointmentShape, slotsShape, technicianShape } from "./shapes.js";

const APPOINTMENTS = "/api/v1/appointments";
const SLOTS = "/api/v1/slots/available";

/** What the service is asked to book; names as on the wire. */
export interface BookingRequest {
  readonly vehicle_id: string;
  readonly service_type: string;
  readonly type?: string | undefined;
  readonly scheduled_at: string;
  readonly technician_id?: string | undefined;
  readonly estimated_duration_hours?: number | undefined;
  readonly service_bay?: string | undefined;
  readonly alert_id?: string | undefined;
  readonly notes?: string | undefined;
}

export interface SlotRequest {
  readonly vehicle_id: string;
  readonly service_type: string;
  readonly urgency?: string | undefined;
  readonly preferred_date?: string | undefined;
  readonly estimated_duration_hours?: number | undefined;
}

/** The scheduling service: technicians, appointments, free slots. */
export class SchedulingClient {
  readonly bulk: BulkForm;
  #slotsByGet = false;
  constructor(
    readonly service: Service,
    bulk: BulkSetting,
  ) {
    this.bulk = new BulkForm("scheduling", bulk);
  }

  async technicians(): Promise<Loaded<Technician[]>> {
    const list = await fetchList(this.service, "/api/v1/technicians", {}, technicianShape, (t) => t.id);
    if (list) return list;
    throw new UpstreamError("UPSTREAM_UNAVAILABLE", "scheduling", "has no technician list");
  }

  /** Appointments scheduled in the range: from the list, else from all technicians' schedules. Null: neither exists. */
  async appointments(range: TimeRange): Promise<Loaded<Appointment[]> | null> {
    const query = { from: formatInstant(range.start), to: formatInstant(range.end) };
    const list = await this.bulk.attempt(() => this.#list(APPOINTMENTS, query));
    if (list) return list;
    const technicians = await fetchList(this.service, "/api/v1/technicians", {}, technicianShape, (t) => t.id);
    if (!technicians || technicians.value.length === 0) return null;
    const schedules = await Promise.all(technicians.value.map((t) => this.schedule(t.id, range)));
    if (schedules.every((schedule) => schedule === null)) return null;
    const byId = new Map(schedules.flatMap((schedule) => schedule?.value ?? []).map((a) => [a.id, a]));
    return { value: [...byId.values()], bytes: schedules.reduce((sum, s) => sum + (s?.bytes ?? 0), 0) };
  }

  schedule(technicianId: string, range: TimeRange): Promise<Loaded<Appointment[]> | null> {
    const query = { from: formatInstant(range.start), to: formatInstant(range.end) };
    return this.#list(`/api/v1/technicians/${encodeURIComponent(technicianId)}/schedule`, query);
  }

  async ofVehicle(vehicleId: string): Promise<Loaded<Appointment[]>> {
    const path = `${APPOINTMENTS}/vehicle/${encodeURIComponent(vehicleId)}`;
    return (await this.#list(path, {})) ?? { value: [], bytes: 0 };
  }

  async appointment(id: string): Promise<Appointment | null> {
    const { body } = await this.service.get(`${APPOINTMENTS}/${encodeURIComponent(id)}`);
    return body === undefined ? null : parseShape("scheduling", appointmentShape, body);
  }

  async book(request: BookingRequest): Promise<Appointment> {
    const { body, status } = await this.service.send("POST", APPOINTMENTS, request);
    if (status === 404) throw new UpstreamRefusal("scheduling", 404, "no such vehicle, technician or alert");
    return parseShape("scheduling", appointmentShape, body);
  }

  /** Null when there is no such appointment. */
  async reschedule(id: string, change: Partial<BookingRequest>): Promise<Appointment | null> {
    const { body } = await this.service.send("PUT", `${APPOINTMENTS}/${encodeURIComponent(id)}`, change);
    return body === undefined ? null : parseShape("scheduling", appointmentShape, body);
  }

  /** The cancelled appointment; null when there is none. A service that answers without a body is asked again. */
  async cancel(id: string): Promise<Appointment | null> {
    const { body, status } = await this.service.send("DELETE", `${APPOINTMENTS}/${encodeURIComponent(id)}`, undefined);
    if (status === 404) return null;
    return body === undefined ? this.appointment(id) : parseShape("scheduling", appointmentShape, body);
  }

  /** Documented both ways: POST with a body in the example, GET in the table. A 405 decides it, once. */
  async slots(request: SlotRequest): Promise<Slot[]> {
    if (!this.#slotsByGet) {
      try {
        const { body, status } = await this.service.send("POST", SLOTS, request);
        if (status !== 404) return parseShape("scheduling", slotsShape, body);
      } catch (error) {
        if (!(error instanceof UpstreamRefusal && error.status === 405)) throw error;
      }
    }
    const { body } = await this.service.get(withQuery(SLOTS, { ...request }));
    if (body === undefined) throw new UpstreamError("UPSTREAM_UNAVAILABLE", "scheduling", "offers no free slots");
    this.#slotsByGet = true;
    return parseShape("scheduling", slotsShape, body);
  }

  #list(path: string, query: Record<string, string>): Promise<Loaded<Appointment[]> | null> {
    return fetchList(this.service, path, query, appointmentShape, (a) => a.id);
  }
}
