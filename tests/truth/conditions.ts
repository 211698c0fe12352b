// Health: scores, bands, the trend, and what deserves attention.
import { meanCost } from "./costs.js";
import { bandOf } from "./health.js";
import { byText, mean, money, percentage, round, roundedMean } from "./numbers.js";
import { COMPONENTS } from "./records.js";
import { isOpen, isSevere, type Scope, scoreOf, within } from "./scope.js";

export function fleetHealth(scope: Scope) {
  const scores = [...scope.scores.values()];
  const distribution = distributionOf(scores);
  const share = (count: number) => percentage(count, scores.length) ?? 0;
  const { excellent, good, fair, poor, critical } = distribution;
  const low = [...scope.scores].filter(([, score]) => score < 0.4).map(([id]) => id);
  const alarmed = scope.alerts.filter((alert) => isOpen(alert) && isSevere(alert)).map((alert) => alert.vehicle_id);
  const attention = [...new Set([...low, ...alarmed])].sort(byText);
  return {
    average_health_score: roundedMean(scores, 2),
    total_vehicles: scope.vehicles.length,
    vehicles_with_data: scores.length,
    distribution,
    distribution_pct: {
      excellent: share(excellent),
      good: share(good),
      fair: share(fair),
      poor: share(poor),
      critical: share(critical),
    },
    vehicles_requiring_attention: attention.length,
    attention_vehicle_ids: attention,
    trend: healthTrend(scope),
  };
}

function distributionOf(scores: readonly number[]) {
  const count = (band: ReturnType<typeof bandOf>) => scores.filter((score) => bandOf(score) === band).length;
  return {
    excellent: count("EXCELLENT"),
    good: count("GOOD"),
    fair: count("FAIR"),
    poor: count("POOR"),
    critical: count("CRITICAL"),
  };
}

function healthTrend(scope: Scope) {
  const perDate = dailyScores(scope);
  const dates = [...perDate.keys()].sort(byText).slice(-30);
  const averages = dates.map((date) => mean(perDate.get(date) ?? []) ?? 0);
  const half = Math.floor(averages.length / 2);
  const delta =
    half === 0 ? null : round((mean(averages.slice(-half)) ?? 0) - (mean(averages.slice(-2 * half, -half)) ?? 0), 4);
  return {
    direction: delta === null || Math.abs(delta) <= 0.01 ? "stable" : delta > 0 ? "improving" : "degrading",
    delta,
    points: dates.map((date, index) => ({ date, average_health_score: round(averages[index] ?? 0, 2) })),
  };
}

/** By UTC date, the last score of that date of each vehicle that has one. */
function dailyScores(scope: Scope): Map<string, number[]> {
  const perDate = new Map<string, number[]>();
  for (const { vehicle_id } of scope.vehicles) {
    const last = new Map<string, number>();
    // History runs oldest first, so that a later record of a date replaces an earlier one.
    for (const record of scope.fleet.history.get(vehicle_id) ?? []) {
      const score = scoreOf(record, scope.component);
      if (score === undefined || !within(record.last_computed_at, scope.start, scope.end)) continue;
      last.set(record.last_computed_at.slice(0, "2015-01-01".length), score);
    }
    for (const [date, score] of last) perDate.set(date, [...(perDate.get(date) ?? []), score]);
  }
  return perDate;
}

export function topIssues(scope: Scope) {
  const serious = scope.alerts.filter((alert) => isOpen(alert) && alert.severity !== "INFO");
  return selectedComponents(scope)
    .flatMap((component) => {
      const alarmed = new Set(serious.filter((a) => a.metadata.component === component).map((a) => a.vehicle_id));
      const remaining: number[] = [];
      let affected = 0;
      for (const { vehicle_id } of scope.vehicles) {
        const part = scope.fleet.health.get(vehicle_id)?.components.find((candidate) => candidate.type === component);
        if (!alarmed.has(vehicle_id) && !(part && part.health_score < 0.4)) continue;
        affected += 1;
        if (part) remaining.push(part.rul_km);
      }
      const cost = meanCost(scope, component, false);
      return affected === 0
        ? []
        : [
            {
              component,
              affected_vehicles: affected,
              average_rul_km: roundedMean(remaining, 2),
              estimated_total_cost: cost === null ? null : money(cost * affected),
            },
          ];
    })
    .sort((a, b) => b.affected_vehicles - a.affected_vehicles || byText(a.component, b.component));
}

export function componentHealth(scope: Scope) {
  return selectedComponents(scope)
    .flatMap((component) => {
      const scores = scope.vehicles.flatMap(({ vehicle_id }) => {
        const record = scope.fleet.health.get(vehicle_id);
        const score = record && scoreOf(record, component);
        return score === undefined ? [] : [score];
      });
      const average_health_score = roundedMean(scores, 2);
      return average_health_score === null
        ? []
        : [{ component, average_health_score, distribution: distributionOf(scores) }];
    })
    .sort((a, b) => byText(a.component, b.component));
}

function selectedComponents(scope: Scope) {
  return COMPONENTS.filter((component) => scope.component === undefined || scope.component === component);
}

export function heatmap(scope: Scope) {
  const regions = [...new Set(scope.vehicles.map((vehicle) => vehicle.location.region))];
  return regions
    .map((region) => {
      const here = scope.vehicles.filter((vehicle) => vehicle.location.region === region);
      const scores = here.flatMap(({ vehicle_id }) => scope.scores.get(vehicle_id) ?? []);
      return {
        lat: round(mean(here.map((vehicle) => vehicle.location.lat)) ?? 0, 4),
        lon: round(mean(here.map((vehicle) => vehicle.location.lon)) ?? 0, 4),
        region,
        vehicles: here.length,
        average_health_score: roundedMean(scores, 2),
      };
    })
    .sort((a, b) => b.vehicles - a.vehicles || byText(a.region, b.region));
}
