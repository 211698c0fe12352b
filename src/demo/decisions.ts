import type { Alert, Severity } from "./alerts.js";
import { FACTS, type Range } from "./components.js";
import type { Entry } from "./ledger.js";
import { type Random, round } from "./random.js";
import { timestamp } from "./time.js";

/** What an agent concluded about an alert; `at` is the moment of the decision. */
export interface Decision extends Entry {
  readonly alert: Alert;
  readonly agent: string;
  readonly confidence: number;
  readonly tokens: number;
  /** True if somebody acted on it. */
  readonly adopted: boolean;
}

interface Advice {
  readonly severity: "LOW" | "MEDIUM" | "HIGH" | "CRITICAL";
  readonly decision: string;
  readonly urgency: string;
  readonly cost: "serviceCost" | "repairCost" | "emergencyCost";
}

const ADVICE: Readonly<Record<Severity, Advice>> = {
  INFO: { severity: "LOW", decision: "Monitor", urgency: "At the next service", cost: "serviceCost" },
  WARNING: { severity: "MEDIUM", decision: "Service recommended", urgency: "Within 2 weeks", cost: "serviceCost" },
  CRITICAL: { severity: "HIGH", decision: "Service required", urgency: "Within 48 hours", cost: "repairCost" },
  EMERGENCY: { severity: "CRITICAL", decision: "Immediate service required", urgency: "Now", cost: "emergencyCost" },
};

/** The decision that led to an alert or came with it. */
export function makeDecision(id: string, alert: Alert, adopted: boolean, random: Random): Decision {
  return {
    id,
    vehicle: alert.vehicle,
    at: alert.at,
    knownFrom: alert.at,
    alert,
    agent: FACTS[alert.component].agent,
    confidence: round(random.between(0.62, 0.98), 2),
    tokens: random.integer(600, 1_900),
    adopted,
  };
}

const costText = ([low, high]: Range): string => `$${low}-${high}`;

/** The decision as the agent service shows it. */
export function decisionJson({ id, vehicle, at, alert, agent, confidence }: Decision) {
  const { severity, decision, urgency, cost } = ADVICE[alert.severity];
  const facts = FACTS[alert.component];
  const health = alert.healthScore === null ? "unchanged" : alert.healthScore.toFixed(2);
  return {
    decision_id: id,
    vehicle_id: vehicle.id,
    component: alert.component,
    agent_used: agent,
    decision,
    severity,
    confidence,
    reasoning: `${alert.title}; ${facts.riskFactors.join("; ").toLowerCase()}. Health score ${health}.`,
    recommended_actions: [alert.recommendedAction],
    estimated_cost: costText(facts[cost]),
    urgency,
    created_at: timestamp(at),
    llm_model_used: "gemini-1.5-pro",
  };
}

/** The tracked numbers of each agent over the given decisions. */
export function agentStatusJson(decisions: readonly Decision[]) {
  const names = [...new Set(Object.values(FACTS).map((facts) => facts.agent))];
  const agents = names.map((name) => {
    const own = decisions.filter((decision) => decision.agent === name);
    const mean = (value: (decision: Decision) => number): number =>
      own.length === 0 ? 0 : round(own.reduce((sum, decision) => sum + value(decision), 0) / own.length, 3);
    return {
      name,
      invocation_count: own.length,
      average_confidence: mean((decision) => decision.confidence),
      llm_tokens_used: own.reduce((sum, decision) => sum + decision.tokens, 0),
      adoption_rate: mean((decision) => (decision.adopted ? 1 : 0)),
    };
  });
  return { agents };
}
