// What the six services answer, and the lines of the data set from which they answer it.
export const COMPONENTS = ["engine", "brakes", "transmission", "battery"] as const;
export type Component = (typeof COMPONENTS)[number];
export type Severity = "INFO" | "WARNING" | "CRITICAL" | "EMERGENCY";

export interface Vehicle {
  vehicle_id: string;
  vin: string;
  make: string;
  model: string;
  year: number;
  fleet_id: string;
  owner_id: string;
  status: "ACTIVE" | "IN_MAINTENANCE" | "INACTIVE";
  odometer_km: number;
  in_service_since: string;
  last_seen_at: string;
  location: { lat: number; lon: number; region: string };
}

export interface ComponentHealth {
  type: Component;
  health_score: number;
  status: string;
  rul_km: number;
  rul_days: number;
  confidence?: number;
  risk_factors?: string[];
  recommended_actions?: string[];
}

export interface Health {
  vehicle_id: string;
  overall_health_score: number;
  components: ComponentHealth[];
  last_computed_at: string;
}

export interface Alert {
  alert_id: string;
  vehicle_id: string;
  severity: Severity;
  title: string;
  message: string;
  created_at: string;
  acknowledged_at: string | null;
  resolved_at: string | null;
  recipients: string[];
  metadata: { component: Component; recommended_action: string };
}

export interface Appointment {
  appointment_id: string;
  vehicle_id: string;
  technician_id: string;
  type: "EMERGENCY" | "COMPONENT_REPAIR";
  service_type: string;
  component: Component;
  status: "COMPLETED" | "SCHEDULED";
  scheduled_at: string;
  estimated_completion: string;
  started_at: string | null;
  completed_at: string | null;
  service_bay: string;
  estimated_duration_hours: number;
  parts: { name: string; in_stock: boolean }[];
  cost: number | null;
  auto_booked: boolean;
  alert_id: string | null;
}

export interface Eligibility {
  is_eligible: boolean;
  coverage_type: "Basic" | "Powertrain" | null;
  expiry_date: string | null;
  mileage_limit: number | null;
  current_mileage: number;
  days_remaining: number;
}

export interface Claim {
  claim_id: string;
  vehicle_id: string;
  vin: string;
  component: Component;
  failure_description: string;
  failure_date: string;
  mileage_at_failure: number;
  repair_cost_estimate: number;
  status: "UNDER_REVIEW" | "REJECTED" | "FLAGGED" | "APPROVED" | "PAID";
  preliminary_decision: string;
  confidence: number;
  eligibility: Eligibility;
  fraud_score: number;
  estimated_coverage: number;
  estimated_deductible: number;
  submitted_at: string;
  decided_at: string | null;
  payout_amount: number | null;
}

export interface Technician {
  id: string;
  name: string;
  specialization: Component;
  rating: number;
  hours_per_day: number;
}

export interface Fleet {
  vehicles: Vehicle[];
  /** By vehicle id; a vehicle that never reported is absent. */
  health: Map<string, Health>;
  /** By vehicle id, oldest first: one record a day, the last at the services' moment. */
  history: Map<string, Health[]>;
  alerts: Alert[];
  appointments: Appointment[];
  claims: Claim[];
  technicians: Technician[];
}

export interface Machine {
  number: number;
  model: number;
  age: number;
}

/** One line of an event file; `row` counts from 0 under the heading and is part of the ids. */
export interface Line {
  row: number;
  machine: number;
  at: number;
  /** The digit that ends the label: 4 in "comp4" or "error4". */
  digit: number;
}

export interface Book {
  now: number;
  scale: number;
  machines: Machine[];
  maintenance: Line[];
  failures: Line[];
  errors: Line[];
}

/** The component of comp1 … comp4 and of error1 … error5. */
export const BY_DIGIT: readonly Component[] = ["engine", "brakes", "transmission", "battery", "engine"];

/** The vehicles that stand for a machine: with scale 2, machine 7 is V007 and V107. */
export function copies(book: Book, line: Line): number[] {
  return Array.from({ length: book.scale }, (_, copy) => line.machine + copy * book.machines.length);
}

export function machineOf(book: Book, number: number): Machine {
  return at(book.machines, (number - 1) % book.machines.length);
}

export function vehicleId(number: number): string {
  return `V${String(number).padStart(3, "0")}`;
}

export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`expected an item at ${index} of a list of ${list.length}`);
  return item;
}
