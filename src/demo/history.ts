/** The records that come from one UTC day in the workshop and on the road. */
import { type Alert, makeAlert, makeStrayAlert, type Severity } from "./alerts.js";
import { type Appointment, calledOff, carriedOut } from "./appointments.js";
import { type Claim, makeClaim, workshopClaim } from "./claims.js";
import { COMPONENTS } from "./components.js";
import { type Decision, makeDecision } from "./decisions.js";
import { Random, STREAM } from "./random.js";
import { TECHNICIANS } from "./technicians.js";
import { DAY, HOUR, MINUTE, wholeSecond } from "./time.js";
import type { Vehicle } from "./vehicles.js";
import { isCovered } from "./warranty.js";
import { scoreAt } from "./wear.js";
import { type Job, type PlannedJob, planDay, type Yard } from "./workshop.js";

export interface DayRecords {
  readonly alerts: Alert[];
  readonly appointments: Appointment[];
  readonly decisions: Decision[];
  readonly claims: Claim[];
}

/** The longest time before its day that a record can come to be known; see `bookedAt`. */
export const LEAD_DAYS = 16;
const SHOWCASE_LEAD_DAYS = 15;

/** Vehicles with a loose contact: an alert or two every day, hence lists of several hundred. */
const CHATTY = [6, 10];
/** V0002 has a battery warning once a week that stays open until the next one: an owner with an active alert. */
const WEAK_BATTERY = 2;
const STRAYS_PER_VEHICLE = 0.008;
const STRAYS_AT_MOST = 60;

/** Writes one day's records; the parts of the story share its random draws and its numbering. */
class DayWriter implements DayRecords {
  readonly alerts: Alert[] = [];
  readonly appointments: Appointment[] = [];
  readonly decisions: Decision[] = [];
  readonly claims: Claim[] = [];
  private readonly random: Random;
  private serial = 0;

  constructor(
    private readonly yard: Yard,
    private readonly day: number,
  ) {
    this.random = new Random(yard.seed, STREAM.record, day);
  }

  private id(prefix: string): string {
    this.serial += 1;
    return `${prefix}_${(this.day * 10_000 + this.serial).toString(36)}`;
  }

  /** An alert about a job to come, with the agent's decision on it. */
  private warn(job: PlannedJob, severity: Severity, at: number, adopted: boolean): Alert {
    const { vehicle, component } = job;
    const decided = severity !== "INFO" && (severity !== "WARNING" || this.random.chance(0.5));
    const decisionId = decided ? this.id("dec") : null;
    const worn = job.purpose !== "defect" && job.purpose !== "breakdown" && vehicle.hasHealth;
    const healthScore = worn ? scoreAt(vehicle, component, at) : null;
    const plan = {
      id: this.id("alert"),
      vehicle,
      component,
      severity,
      at,
      resolvedAt: job.endsAt,
      healthScore,
      decisionId,
    };
    const alert = makeAlert(plan, this.random);
    this.alerts.push(alert);
    if (decisionId !== null) this.decisions.push(makeDecision(decisionId, alert, adopted, this.random));
    return alert;
  }

  private before(job: PlannedJob, low: number, high: number): number {
    return wholeSecond(job.startsAt - this.random.between(low, high));
  }

  /** The alerts that precede a job; returns the one that it was booked for. */
  private alertsFor(job: PlannedJob): Alert | undefined {
    switch (job.purpose) {
      case "emergency":
        // The warning that nobody acted on.
        if (this.random.chance(0.7)) this.warn(job, "WARNING", this.before(job, 5 * DAY, 12 * DAY), false);
        return this.warn(job, "EMERGENCY", this.before(job, HOUR, 3 * HOUR), true);
      case "breakdown":
        return this.warn(job, "EMERGENCY", this.before(job, HOUR, 3 * HOUR), true);
      case "repair":
        return this.warn(job, "CRITICAL", this.before(job, DAY, 5 * DAY), true);
      case "preventive": {
        const draw = this.random.next();
        if (draw < 0.35) this.warn(job, "WARNING", this.before(job, 2 * DAY, 10 * DAY), true);
        else if (draw < 0.6) this.warn(job, "INFO", this.before(job, 3 * DAY, 12 * DAY), true);
        return undefined;
      }
      default:
        return undefined;
    }
  }

  /** When a job enters the calendar: at once after its alert, else one day to two weeks ahead. */
  private bookedAt(job: PlannedJob, alert: Alert | undefined): number {
    if (alert !== undefined) return alert.at + this.random.integer(2, 25) * MINUTE;
    if (job.vehicle.number === 1 && job.purpose === "service") return job.scheduledAt - SHOWCASE_LEAD_DAYS * DAY;
    return this.before(job, DAY + HOUR, 14 * DAY);
  }

  private claimFor(job: PlannedJob, cost: number): void {
    const { vehicle, component, purpose, endsAt } = job;
    if (!["repair", "emergency", "breakdown", "defect"].includes(purpose)) return;
    const covered = isCovered(vehicle, component, endsAt);
    if (!covered && !this.random.chance(0.12)) return;
    // Defects under warranty are filed together when the day is closed, which is the first second of the next.
    const defect = purpose === "defect";
    const at = defect ? (this.day + 1) * DAY : wholeSecond(endsAt + this.random.between(0.2, 20) * HOUR);
    const request = workshopClaim(vehicle, component, endsAt - HOUR, cost);
    this.claims.push(makeClaim(this.id("claim"), request, at, this.random, defect));
  }

  workshop(): void {
    const jobs = planDay(this.yard, this.day);
    for (const job of jobs) {
      const alert = this.alertsFor(job);
      const booking = { id: this.id("appt"), bookedAt: this.bookedAt(job, alert), alertId: alert?.id ?? null };
      const appointment = carriedOut(job, booking, this.random);
      this.appointments.push(appointment);
      this.claimFor(job, appointment.cost ?? 0);
    }
    for (let i = this.random.integer(2, 6); i > 0; i -= 1) this.callOff();
  }

  /** A booking that falls through; the technician has other work in the meantime. */
  private callOff(): void {
    const technician = this.random.pick(TECHNICIANS);
    const vehicle = this.random.pick(this.yard.inUse);
    const at = this.day * DAY + this.random.integer(0, 95) * 15 * MINUTE;
    const work: Job = { vehicle, component: this.random.pick(technician.skills), purpose: "check" };
    const times = { startsAt: at, endsAt: at + 2 * HOUR, scheduledAt: at };
    const job: PlannedJob = { ...work, ...times, technician, place: 0, hours: 2, replacement: false };
    const booking = { id: this.id("appt"), bookedAt: this.bookedAt(job, undefined), alertId: null };
    this.appointments.push(calledOff(job, booking, this.random));
  }

  private stray(vehicle: Vehicle): void {
    const at = this.day * DAY + this.random.integer(0, DAY / 1_000 - 1) * 1_000;
    const component = this.random.pick(COMPONENTS);
    const plan = { id: this.id("alert"), vehicle, component, at, healthScore: null, decisionId: null };
    this.alerts.push(makeStrayAlert(plan, this.random));
  }

  road(): void {
    const strays = Math.min(STRAYS_AT_MOST, Math.ceil(this.yard.inUse.length * STRAYS_PER_VEHICLE));
    for (let i = 0; i < strays; i += 1) this.stray(this.random.pick(this.yard.inUse));
    for (const vehicle of this.yard.inUse.slice(0, Math.max(...CHATTY))) {
      if (CHATTY.includes(vehicle.number)) for (let i = this.random.integer(1, 2); i > 0; i -= 1) this.stray(vehicle);
      if (vehicle.number === WEAK_BATTERY && this.day % 7 === 0) this.weakBattery(vehicle);
    }
  }

  private weakBattery(vehicle: Vehicle): void {
    const at = this.day * DAY;
    const plan = { id: this.id("alert"), vehicle, component: "battery", severity: "WARNING", at } as const;
    const rest = { resolvedAt: at + 8 * DAY, healthScore: null, decisionId: null };
    const alert = makeAlert({ ...plan, ...rest }, this.random);
    alert.acknowledgedAt = at + 7 * DAY + 2 * HOUR;
    this.alerts.push(alert);
  }
}

/** All records that belong to UTC day `day`, with their whole future. */
export function recordDay(yard: Yard, day: number): DayRecords {
  const writer = new DayWriter(yard, day);
  writer.workshop();
  writer.road();
  return writer;
}
