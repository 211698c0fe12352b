// Health records and thirty days of history, as the health service derives them from services and faults.
import { DAY, HOUR, instant } from "./numbers.js";
import {
  at,
  type Book,
  BY_DIGIT,
  COMPONENTS,
  type Component,
  type ComponentHealth,
  type Fleet,
  type Health,
  type Line,
  vehicleId,
} from "./records.js";

const LIFE: Record<Component, number> = { engine: 2711, brakes: 2252, transmission: 2064, battery: 2222 };

/** Copies of a machine wear alike, so each machine is worked out once; every 50th vehicle never reported. */
export function allHealth(book: Book, numbers: number[]): Pick<Fleet, "health" | "history"> {
  const perMachine = book.machines.map(({ number }) => {
    const serviced = book.maintenance.filter((line) => line.machine === number);
    const faults = book.errors.filter((line) => line.machine === number);
    return Array.from({ length: 30 }, (_, day) => healthAt(serviced, faults, book.now - (29 - day) * DAY));
  });
  const history = new Map<string, Health[]>();
  for (const number of numbers.filter((candidate) => candidate % 50 !== 0)) {
    const days = at(perMachine, (number - 1) % book.machines.length);
    const vehicle_id = vehicleId(number);
    history.set(
      vehicle_id,
      days.map((day) => ({ ...day, vehicle_id })),
    );
  }
  return { history, health: new Map([...history].map(([id, days]) => [id, at(days, days.length - 1)])) };
}

function healthAt(serviced: Line[], errors: Line[], moment: number): Health {
  const components = COMPONENTS.map((type): ComponentHealth => {
    const services = serviced.filter((line) => at(BY_DIGIT, line.digit - 1) === type && line.at <= moment);
    const newest = services.reduce((latest, line) => Math.max(latest, line.at), 0);
    const hours = newest === 0 ? LIFE[type] / 2 : (moment - newest) / HOUR;
    const faults = errors.filter(
      (line) => at(BY_DIGIT, line.digit - 1) === type && line.at <= moment && line.at > moment - 7 * DAY,
    ).length;
    const health_score = fourDecimals(Math.min(1, Math.max(0, 1 - hours / LIFE[type] - 0.05 * faults)));
    const rul_days = Math.round(Math.max(0, LIFE[type] - hours) / 24);
    const record = { type, health_score, status: bandOf(health_score), rul_km: rul_days * 120, rul_days };
    if (faults === 0) return record;
    return {
      ...record,
      confidence: 0.9,
      risk_factors: [`${faults} fault(s) in the last 7 days`],
      recommended_actions: [`Inspect ${type}`],
    };
  });
  const sum = components.reduce((total, component) => total + component.health_score, 0);
  const overall_health_score = fourDecimals(sum / components.length);
  return { vehicle_id: "", overall_health_score, components, last_computed_at: instant(moment) };
}

/** Scores are rounded by the health service itself, as it does it; figures have their own rule (numbers.ts). */
function fourDecimals(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

export function bandOf(score: number): "EXCELLENT" | "GOOD" | "FAIR" | "POOR" | "CRITICAL" {
  if (score >= 0.8) return "EXCELLENT";
  if (score >= 0.6) return "GOOD";
  if (score >= 0.4) return "FAIR";
  return score >= 0.2 ? "POOR" : "CRITICAL";
}
