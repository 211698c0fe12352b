/** What the demo knows about the five monitored components: costs, parts, wording. Money is a plain number. */

export const COMPONENTS = ["engine", "brakes", "transmission", "battery", "suspension"] as const;
export type Component = (typeof COMPONENTS)[number];

export type Range = readonly [low: number, high: number];

interface ComponentFacts {
  /** Cost of a planned service, of a repair in time, and of a breakdown with recovery. */
  readonly serviceCost: Range;
  readonly repairCost: Range;
  readonly emergencyCost: Range;
  readonly parts: readonly string[];
  readonly specialist: string;
  readonly agent: string;
  readonly symptom: string;
  readonly failure: string;
  readonly riskFactors: readonly string[];
  readonly action: string;
  readonly urgentAction: string;
}

export const FACTS: Readonly<Record<Component, ComponentFacts>> = {
  engine: {
    serviceCost: [180, 320],
    repairCost: [700, 1_600],
    emergencyCost: [3_200, 6_500],
    parts: ["Thermostat", "Water pump", "Oil filter", "Spark plugs", "Timing belt", "Coolant hose"],
    specialist: "Engine Specialist",
    agent: "Engine Agent",
    symptom: "Engine temperature above normal",
    failure: "Engine overheating detected",
    riskFactors: ["High temperature operating conditions", "Oil pressure below the learned baseline"],
    action: "Schedule oil change and cooling system check",
    urgentAction: "Stop driving immediately and have the engine towed",
  },
  brakes: {
    serviceCost: [120, 220],
    repairCost: [300, 650],
    emergencyCost: [1_100, 2_200],
    parts: ["Brake pads", "Brake discs", "Brake fluid", "Caliper", "ABS sensor"],
    specialist: "Brake Specialist",
    agent: "Brake Safety Agent",
    symptom: "Brake pad wear near the limit",
    failure: "Brake pressure loss detected",
    riskFactors: ["Frequent hard braking", "Pad thickness below 4 mm"],
    action: "Replace brake pads at the next service",
    urgentAction: "Do not drive until the brakes have been repaired",
  },
  transmission: {
    serviceCost: [200, 380],
    repairCost: [900, 1_900],
    emergencyCost: [3_500, 7_000],
    parts: ["Transmission fluid", "Clutch kit", "Solenoid", "Gasket set", "Transmission filter"],
    specialist: "Transmission Specialist",
    agent: "Transmission Agent",
    symptom: "Gear shifts slower than normal",
    failure: "Transmission slipping under load",
    riskFactors: ["Fluid temperature above 110 °C", "Heavy stop-and-go use"],
    action: "Change transmission fluid and filter",
    urgentAction: "Avoid load and bring the vehicle in today",
  },
  battery: {
    serviceCost: [60, 140],
    repairCost: [180, 420],
    emergencyCost: [750, 1_500],
    parts: ["Battery", "Alternator", "Alternator belt", "Terminal set"],
    specialist: "Electrical Specialist",
    agent: "Generic Agent",
    symptom: "Battery voltage low at rest",
    failure: "Battery no longer holds charge",
    riskFactors: ["Many short trips", "Deep discharges at low temperature"],
    action: "Test the battery and the charging circuit",
    urgentAction: "Replace the battery before the next start",
  },
  suspension: {
    serviceCost: [110, 240],
    repairCost: [350, 800],
    emergencyCost: [1_400, 2_800],
    parts: ["Shock absorber", "Control arm", "Ball joint", "Stabilizer link", "Coil spring"],
    specialist: "Chassis Specialist",
    agent: "Generic Agent",
    symptom: "Vertical vibration above normal",
    failure: "Suspension strut failure detected",
    riskFactors: ["Rough roads", "Load near the permitted maximum"],
    action: "Inspect shock absorbers and bushings",
    urgentAction: "Reduce speed and drive to the nearest workshop",
  },
};

export type Band = "EXCELLENT" | "GOOD" | "FAIR" | "POOR" | "CRITICAL";

/** Band of a 0-1 health score; each lower bound belongs to the better band. */
export function bandOf(score: number): Band {
  if (score >= 0.8) return "EXCELLENT";
  if (score >= 0.6) return "GOOD";
  if (score >= 0.4) return "FAIR";
  return score >= 0.2 ? "POOR" : "CRITICAL";
}

/** The monitored component that a service type such as `engine_repair` is about, if any. */
export const componentOf = (serviceType: string): Component | undefined =>
  COMPONENTS.find((component) => serviceType === component || serviceType.startsWith(`${component}_`));
