import { type Component, FACTS } from "./components.js";

export interface Technician {
  readonly id: string;
  readonly name: string;
  readonly specialization: string;
  readonly rating: number;
  readonly skills: readonly Component[];
  readonly hours_per_day: number;
}

/**
 * Each technician leads a bay that is staffed in turns nearly round the clock: whoever opens the demo, in whatever time
 * zone, finds work in progress. The hours are those of the bay.
 */
const HOURS_PER_DAY = 20;
const STAFF: readonly (readonly [name: string, rating: number, skills: readonly [Component, ...Component[]]])[] = [
  ["Mike Johnson", 4.8, ["engine", "transmission"]],
  ["Priya Sharma", 4.9, ["brakes", "suspension"]],
  ["Lukas Weber", 4.6, ["transmission", "engine"]],
  ["Ana Souza", 4.7, ["battery", "engine"]],
  ["Kenji Tanaka", 4.9, ["suspension", "brakes"]],
  ["Claire Dubois", 4.5, ["engine", "battery"]],
  ["Omar Haddad", 4.4, ["brakes", "battery"]],
  ["Emily Carter", 4.7, ["transmission", "suspension"]],
  ["Rahul Verma", 4.6, ["battery", "transmission"]],
  ["Sofia Rossi", 4.8, ["suspension", "engine"]],
  ["Min-jun Park", 4.3, ["brakes", "transmission"]],
  ["Grace Nkosi", 4.5, ["battery", "suspension"]],
];

export const TECHNICIANS: readonly Technician[] = STAFF.map(([name, rating, skills], i) => ({
  id: `tech_${String(i + 1).padStart(3, "0")}`,
  name,
  specialization: FACTS[skills[0]].specialist,
  rating,
  skills,
  hours_per_day: HOURS_PER_DAY,
}));

/** Bookings that a technician takes on one UTC day. */
export const BOOKINGS_PER_DAY = 6;

/** The service bay that a technician leads. */
export const bayOf = (technician: Technician): string => `Bay ${TECHNICIANS.indexOf(technician) + 1}`;
