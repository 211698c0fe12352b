import { bandOf, COMPONENTS, type Component, FACTS } from "./components.js";
import { hash, round, STREAM, unit } from "./random.js";
import { DAY, dayOf, HOUR, MINUTE, timestamp } from "./time.js";
import { lastSeenAt, type Vehicle } from "./vehicles.js";
import { remainingDays, scoreAt } from "./wear.js";

/** Days that the health service keeps: one entry a day, the newest of which is the current record. */
const HISTORY_DAYS = 30;

/** When a vehicle's health was last computed: hourly at the vehicle's own minute, for as long as it reports. */
function computedAt(vehicle: Vehicle, now: number): number {
  const minute = (hash(vehicle.seed, STREAM.health, vehicle.number) % 60) * MINUTE;
  return Math.floor((lastSeenAt(vehicle, now) - minute) / HOUR) * HOUR + minute;
}

/** Overall health: half the mean, half the weakest component, since a vehicle stops when one of them does. */
const overall = (scores: readonly number[]): number =>
  round((scores.reduce((sum, score) => sum + score, 0) / scores.length + Math.min(...scores)) / 2, 3);

function componentJson(vehicle: Vehicle, type: Component, at: number) {
  const score = scoreAt(vehicle, type, at);
  const days = remainingDays(vehicle, type, at);
  const draw = unit(vehicle.seed, STREAM.health, vehicle.number, COMPONENTS.indexOf(type), dayOf(at));
  const { riskFactors, action, urgentAction } = FACTS[type];
  return {
    type,
    health_score: score,
    status: bandOf(score),
    rul_km: days * vehicle.kmPerDay,
    rul_days: days,
    ...(score < 0.8 || draw < 0.5 ? { confidence: round(0.72 + 0.26 * draw, 2) } : {}),
    ...(score < 0.7
      ? {
          risk_factors: score < 0.5 ? riskFactors : riskFactors.slice(0, 1),
          recommended_actions: [score < 0.3 ? urgentAction : action],
        }
      : {}),
  };
}

/** The current health record, or undefined for a vehicle without one. */
export function healthJson(vehicle: Vehicle, now: number) {
  if (!vehicle.hasHealth) return undefined;
  const at = computedAt(vehicle, now);
  const components = COMPONENTS.map((type) => componentJson(vehicle, type, at));
  return {
    vehicle_id: vehicle.id,
    overall_health_score: overall(components.map((component) => component.health_score)),
    components,
    last_computed_at: timestamp(at),
  };
}

function historyEntry(vehicle: Vehicle, at: number) {
  const components = COMPONENTS.map((type) => {
    const score = scoreAt(vehicle, type, at);
    return { type, health_score: score, status: bandOf(score) };
  });
  const score = overall(components.map((component) => component.health_score));
  return { computed_at: timestamp(at), overall_health_score: score, components };
}

export interface HistoryFilter {
  /** Half-open period [from, to) in epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly component?: string;
  /** Keeps the newest entries. */
  readonly limit?: number;
}

/** Daily health of the last 30 days, oldest first, or undefined for a vehicle without a record. */
export function healthHistoryJson(vehicle: Vehicle, now: number, filter: HistoryFilter) {
  if (!vehicle.hasHealth) return undefined;
  const latest = computedAt(vehicle, now);
  const moments = Array.from({ length: HISTORY_DAYS }, (_, i) => latest - (HISTORY_DAYS - 1 - i) * DAY)
    .filter((at) => at >= filter.from && at < filter.to)
    .slice(-(filter.limit ?? HISTORY_DAYS));
  const history = moments.map((at) => {
    const entry = historyEntry(vehicle, at);
    if (filter.component === undefined) return entry;
    return { ...entry, components: entry.components.filter(({ type }) => type === filter.component) };
  });
  return { vehicle_id: vehicle.id, history };
}
