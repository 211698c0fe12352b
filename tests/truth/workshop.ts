// Technicians, appointments and warranty claims of the data set.
import { DAY, HOUR, instant } from "./numbers.js";
import {
  type Appointment,
  at,
  type Book,
  BY_DIGIT,
  type Claim,
  type Component,
  copies,
  type Eligibility,
  type Fleet,
  type Line,
  type Machine,
  type Technician,
  type Vehicle,
  vehicleId,
} from "./records.js";

export function allTechnicians(): Technician[] {
  return Array.from({ length: 8 }, (_, index) => ({
    id: technicianId(index),
    name: `Technician ${index + 1}`,
    // The service takes specialisations from its table of five fault codes, of which it uses the first four.
    specialization: at(BY_DIGIT, index % 4),
    rating: Math.round((4 + (index % 5) / 5) * 10) / 10,
    hours_per_day: 8,
  }));
}

function technicianId(index: number): string {
  return `tech_00${(index % 8) + 1}`;
}

/** A maintenance line is an emergency if the same machine's same component failed at that very moment. */
export function pastAppointments(book: Book): Appointment[] {
  const key = (line: Line) => `${line.machine} ${line.digit} ${line.at}`;
  const failed = new Set(book.failures.map(key));
  return book.maintenance.flatMap((line) => {
    const emergency = failed.has(key(line));
    const hours = emergency ? 2 : 3;
    const done = instant(line.at + hours * HOUR);
    return copies(book, line).map((number): Appointment => {
      const type = emergency ? "EMERGENCY" : "COMPONENT_REPAIR";
      const common = appointment(`appt_${number}_${line.row}`, number, line.row, at(BY_DIGIT, line.digit - 1), type);
      return {
        ...common,
        status: "COMPLETED",
        scheduled_at: instant(line.at),
        estimated_completion: done,
        started_at: instant(line.at),
        completed_at: done,
        estimated_duration_hours: hours,
        cost: emergency ? 5000 : 1000,
        auto_booked: emergency,
      };
    });
  });
}

/** A vehicle with a component below 0.3 has its worst one booked, within the next two weeks at 09:00 UTC. */
export function nextAppointment(number: number, health: Fleet["health"], now: number): Appointment[] {
  const components = health.get(vehicleId(number))?.components ?? [];
  const lowest = Math.min(...components.map((component) => component.health_score));
  const worst = components.find((component) => component.health_score === lowest);
  if (worst === undefined || lowest >= 0.3) return [];
  const when = now - (((now % DAY) + DAY) % DAY) + (1 + (number % 14)) * DAY + 9 * HOUR;
  const booked = appointment(`appt_${number}_next`, number, number, worst.type, "COMPONENT_REPAIR");
  return [
    {
      ...booked,
      status: "SCHEDULED",
      scheduled_at: instant(when),
      estimated_completion: instant(when + 3 * HOUR),
      parts: [{ name: worst.type, in_stock: number % 3 !== 0 }],
    },
  ];
}

function appointment(id: string, number: number, turn: number, component: Component, type: Appointment["type"]) {
  return {
    appointment_id: id,
    vehicle_id: vehicleId(number),
    technician_id: technicianId(turn),
    type,
    service_type: `${component}_replacement`,
    component,
    started_at: null,
    completed_at: null,
    service_bay: `Bay ${(turn % 8) + 1}`,
    estimated_duration_hours: 3,
    parts: [{ name: component as string, in_stock: true }],
    cost: null,
    auto_booked: false,
    alert_id: null,
  };
}

export function claim(line: Line, owner: Vehicle, machine: Machine, number: number, now: number): Claim {
  const component = at(BY_DIGIT, line.digit - 1);
  const eligibility = eligibilityOf(owner, machine, line.at);
  const powertrain = component === "engine" || component === "transmission";
  const covered = eligibility.coverage_type === "Basic" || (eligibility.coverage_type === "Powertrain" && powertrain);
  const submitted = line.at + 2 * HOUR;
  const decided = submitted + (48 + (line.row % 24)) * HOUR;
  const fraud_score = ((37 * line.row) % 100) / 100;
  const status = claimStatus({ undecided: decided > now, covered, fraud_score, row: line.row });
  return {
    claim_id: `claim_${number}_${line.row}`,
    vehicle_id: owner.vehicle_id,
    vin: owner.vin,
    component,
    failure_description: `${component} failed`,
    failure_date: instant(line.at).slice(0, "2015-01-01".length),
    mileage_at_failure: owner.odometer_km,
    repair_cost_estimate: 5000,
    status,
    preliminary_decision: covered ? "LIKELY_APPROVED" : "LIKELY_REJECTED",
    confidence: 0.87,
    eligibility,
    fraud_score,
    estimated_coverage: 4500,
    estimated_deductible: 500,
    submitted_at: instant(submitted),
    decided_at: status === "APPROVED" || status === "REJECTED" ? instant(decided) : null,
    payout_amount: status === "APPROVED" ? 4500 : null,
  };
}

function claimStatus(facts: { undecided: boolean; covered: boolean; fraud_score: number; row: number }) {
  if (facts.undecided) return "UNDER_REVIEW";
  if (!facts.covered) return "REJECTED";
  if (facts.fraud_score > 0.7) return "FLAGGED";
  return facts.row % 10 === 9 ? "UNDER_REVIEW" : "APPROVED";
}

function eligibilityOf(owner: Vehicle, machine: Machine, moment: number): Eligibility {
  const coverage_type = machine.age < 3 ? "Basic" : machine.age < 5 ? "Powertrain" : null;
  if (coverage_type === null) {
    const none = { is_eligible: false, coverage_type, expiry_date: null, mileage_limit: null };
    return { ...none, current_mileage: owner.odometer_km, days_remaining: 0 };
  }
  const expiry_date = `${owner.year + (coverage_type === "Basic" ? 3 : 5)}-03-01`;
  return {
    is_eligible: true,
    coverage_type,
    expiry_date,
    mileage_limit: coverage_type === "Basic" ? 36_000 : 100_000,
    current_mileage: owner.odometer_km,
    days_remaining: Math.max(0, Math.round((Date.parse(expiry_date) - moment) / DAY)),
  };
}
