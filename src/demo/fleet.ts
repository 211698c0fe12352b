import type { Alert } from "./alerts.js";
import { type Appointment, appointmentStatus } from "./appointments.js";
import type { Claim } from "./claims.js";
import type { Decision } from "./decisions.js";
import { type DayRecords, LEAD_DAYS, recordDay } from "./history.js";
import { Ledger } from "./ledger.js";
import { TECHNICIANS, type Technician } from "./technicians.js";
import { type Clock, DAY, dayOf, HOUR, wholeSecond } from "./time.js";
import { makeVehicles, type Vehicle } from "./vehicles.js";
import { makeYard, type Yard } from "./workshop.js";

export interface FleetOptions {
  readonly vehicles: number;
  readonly seed: number;
  readonly clock: Clock;
}

/** Days of history: twelve months, and some to spare for records that come to be known before their day. */
const HISTORY_DAYS = 380;

/** True if two appointments claim the same time, by their estimates. */
const overlap = (a: Appointment, b: Appointment): boolean =>
  a.at < b.at + b.hours * HOUR && b.at < a.at + a.hours * HOUR;

/**
 * The demo's state: the vehicles, a window of generated days that rolls with the clock, and what clients wrote.
 *
 * A day is generated once and dropped when it is more than twelve months old. Writes change the records of those days
 * in place or add their own, so they last as long as a generated record does.
 */
export class Fleet {
  readonly vehicles: readonly Vehicle[];
  alerts: Ledger<Alert> = new Ledger([], "newest first");
  appointments: Ledger<Appointment> = new Ledger([], "oldest first");
  decisions: Ledger<Decision> = new Ledger([], "newest first");
  claims: Ledger<Claim> = new Ledger([], "newest first");
  private readonly byId: ReadonlyMap<string, Vehicle>;
  private readonly yard: Yard;
  private readonly clock: Clock;
  private readonly days = new Map<number, DayRecords>();
  private today: number | undefined;
  /** The vehicles being worked on at a moment, kept since a list asks for thousands at the same one. */
  private workshop: { at: number; vehicles: ReadonlySet<Vehicle> } = { at: Number.NaN, vehicles: new Set() };
  private bookings: Appointment[] = [];
  /** Appointments that clients placed, with the moment: later generated ones must not take their time. */
  private readonly placed = new Map<Appointment, number>();
  private filings: Claim[] = [];
  private serial = 0;

  constructor({ vehicles, seed, clock }: FleetOptions) {
    this.clock = clock;
    this.vehicles = makeVehicles(seed, vehicles, new Date(clock()).getUTCFullYear());
    this.byId = new Map(this.vehicles.map((vehicle) => [vehicle.id, vehicle]));
    this.yard = makeYard(seed, this.vehicles);
    this.now();
  }

  /** The current moment in epoch ms, cut to whole seconds; rolls the window when a new UTC day has begun. */
  now(): number {
    const now = wholeSecond(this.clock());
    if (dayOf(now) !== this.today) this.roll(dayOf(now));
    return now;
  }

  vehicle(id: string): Vehicle | undefined {
    return this.byId.get(id);
  }

  technician(id: string): Technician | undefined {
    return TECHNICIANS.find((technician) => technician.id === id);
  }

  /** True while an appointment of the vehicle is being worked on. */
  inWorkshop(vehicle: Vehicle, now: number): boolean {
    if (this.workshop.at !== now) {
      // Work lasts less than a day, and the night's jobs begin a little before their scheduled time.
      const period = { from: now - 2 * DAY, to: now + DAY };
      const inProgress = (appointment: Appointment) => appointmentStatus(appointment, now) === "IN_PROGRESS";
      const busy = this.appointments.select(now, period, inProgress).map((appointment) => appointment.vehicle);
      this.workshop = { at: now, vehicles: new Set(busy) };
    }
    return this.workshop.vehicles.has(vehicle);
  }

  /** An id for a record that a client creates; it cannot meet a generated one. */
  newId(prefix: string): string {
    this.serial += 1;
    return `${prefix}_new${this.serial}`;
  }

  /** Adds an appointment that a client booked at `now`. */
  book(appointment: Appointment, now: number): void {
    this.bookings.push(appointment);
    this.place(appointment, now);
  }

  /** Takes note that a client gave an appointment its time at `now`, or changed it. */
  place(appointment: Appointment, now: number): void {
    this.placed.set(appointment, now);
    this.indexAppointments();
  }

  /** Adds a claim that a client filed. */
  file(claim: Claim): void {
    this.filings.push(claim);
    this.indexClaims();
  }

  private roll(today: number): void {
    const first = today - HISTORY_DAYS;
    for (const day of this.days.keys()) if (day < first) this.days.delete(day);
    for (let day = first; day <= today + LEAD_DAYS; day += 1) {
      if (!this.days.has(day)) this.days.set(day, recordDay(this.yard, day));
    }
    this.bookings = this.bookings.filter((appointment) => dayOf(appointment.at) >= first);
    this.filings = this.filings.filter((claim) => dayOf(claim.at) >= first);
    for (const appointment of this.placed.keys()) if (dayOf(appointment.at) < today) this.placed.delete(appointment);
    this.today = today;
    const days = [...this.days.values()];
    this.alerts = new Ledger(
      days.flatMap((records) => records.alerts),
      "newest first",
    );
    this.decisions = new Ledger(
      days.flatMap((records) => records.decisions),
      "newest first",
    );
    this.indexAppointments();
    this.indexClaims();
  }

  private indexAppointments(): void {
    const generated = [...this.days.values()].flatMap((records) => records.appointments);
    const kept = this.placed.size === 0 ? generated : generated.filter((appointment) => !this.isDisplaced(appointment));
    this.workshop = { at: Number.NaN, vehicles: new Set() };
    this.appointments = new Ledger([...kept, ...this.bookings], "oldest first");
  }

  private indexClaims(): void {
    const generated = [...this.days.values()].flatMap((records) => records.claims);
    this.claims = new Ledger([...generated, ...this.filings], "newest first");
  }

  /** True for a generated appointment that was yet to be booked when a client took its time. */
  private isDisplaced(appointment: Appointment): boolean {
    for (const [other, since] of this.placed) {
      if (appointment === other || appointment.knownFrom <= since) continue;
      const held = appointmentStatus(other, Infinity) !== "CANCELLED";
      if (held && appointment.technician === other.technician && overlap(appointment, other)) return true;
    }
    return false;
  }
}
