// The predictive-maintenance data set (CSV) as the records of the six fleet services at a given moment.
// Nothing here comes from the gateway: these records are what its figures are judged by.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { allHealth } from "./health.js";
import { DAY, HOUR, instant, MINUTE } from "./numbers.js";
import {
  type Alert,
  at,
  type Book,
  BY_DIGIT,
  copies,
  type Fleet,
  type Line,
  type Machine,
  machineOf,
  type Severity,
  type Vehicle,
  vehicleId,
} from "./records.js";
import { allTechnicians, claim, nextAppointment, pastAppointments } from "./workshop.js";

const SEVERITIES: readonly Severity[] = ["INFO", "WARNING", "WARNING", "CRITICAL", "EMERGENCY"];
const MAKES = ["Volvo FH", "Scania R450", "DAF XF", "MAN TGX"];
const REGIONS: readonly (readonly [string, number, number])[] = [
  ["Rotterdam", 51.92, 4.48],
  ["Hamburg", 53.55, 9.99],
  ["Lyon", 45.76, 4.84],
  ["Milan", 45.46, 9.19],
  ["Gothenburg", 57.71, 11.97],
  ["Gdansk", 54.35, 18.65],
  ["Zaragoza", 41.65, -0.89],
  ["Brno", 49.2, 16.61],
  ["Vienna", 48.21, 16.37],
  ["Leeds", 53.8, -1.55],
];

export function readFleet(data: string, now: number, scale = 1): Fleet {
  const upToNow = (file: string) => readLines(data, file).filter((line) => line.at <= now);
  const book: Book = {
    now,
    scale,
    machines: readMachines(data),
    maintenance: upToNow("PdM_maint.csv"),
    failures: upToNow("PdM_failures.csv"),
    errors: upToNow("PdM_errors.csv"),
  };
  const numbers = Array.from({ length: scale * book.machines.length }, (_, index) => index + 1);
  const vehicles = numbers.map((number) => vehicle(book, number));
  const { health, history } = allHealth(book, numbers);
  const technicians = allTechnicians();
  return {
    vehicles,
    health,
    history,
    alerts: book.errors.flatMap((line) => copies(book, line).map((number) => alert(line, number, now))),
    appointments: [...pastAppointments(book), ...numbers.flatMap((number) => nextAppointment(number, health, now))],
    claims: book.failures.flatMap((line) =>
      copies(book, line).map((number) => claim(line, at(vehicles, number - 1), machineOf(book, number), number, now)),
    ),
    technicians,
  };
}

function readMachines(data: string): Machine[] {
  return readCsv(data, "PdM_machines.csv", "machineID,model,age").map(([number, model, age]) => ({
    number: Number(number),
    model: Number(model?.slice("model".length)),
    age: Number(age),
  }));
}

function readLines(data: string, file: string): Line[] {
  return readCsv(data, file, "datetime,machineID,").map(([when, machine, label], row) => ({
    row,
    machine: Number(machine),
    at: Date.parse(`${when?.replace(" ", "T")}Z`),
    digit: Number(label?.at(-1)),
  }));
}

function readCsv(data: string, file: string, heading: string): string[][] {
  const lines = readFileSync(join(data, file), "utf8").split(/\r?\n/);
  if (!lines[0]?.startsWith(heading)) throw new Error(`${file} must begin with "${heading}", got "${lines[0]}"`);
  return lines.slice(1).flatMap((line) => (line === "" ? [] : [line.split(",")]));
}

function vehicle(book: Book, number: number): Vehicle {
  const machine = machineOf(book, number);
  const [make, model] = at(MAKES, machine.model - 1).split(" ");
  const [region, lat, lon] = at(REGIONS, number % REGIONS.length);
  const inShop = book.maintenance.some((line) => line.machine === machine.number && line.at > book.now - DAY);
  const built = 2015 - machine.age;
  return {
    vehicle_id: vehicleId(number),
    vin: `WMAPDM${String(number).padStart(11, "0")}`,
    make: make ?? "",
    model: model ?? "",
    year: built,
    fleet_id: `fleet_${machine.model}`,
    owner_id: `owner_${Math.ceil(number / 5)}`,
    status: inShop ? "IN_MAINTENANCE" : machine.age === 20 ? "INACTIVE" : "ACTIVE",
    odometer_km: 30_000 * machine.age + ((137 * number) % 20_000),
    in_service_since: `${built}-03-01`,
    last_seen_at: instant(book.now),
    location: { lat, lon, region },
  };
}

function alert(line: Line, number: number, now: number): Alert {
  const component = at(BY_DIGIT, line.digit - 1);
  const lastDigit = line.row % 10;
  const acknowledged = line.at + (15 + 30 * (line.row % 7)) * MINUTE;
  const resolved = line.at + DAY + 6 * HOUR * (line.row % 5);
  return {
    alert_id: `alert_${number}_${line.row}`,
    vehicle_id: vehicleId(number),
    severity: at(SEVERITIES, line.digit - 1),
    title: `error${line.digit}`,
    message: `Fault code error${line.digit}`,
    created_at: instant(line.at),
    acknowledged_at: lastDigit <= 7 && acknowledged <= now ? instant(acknowledged) : null,
    resolved_at: lastDigit <= 6 && resolved <= now ? instant(resolved) : null,
    recipients: [],
    metadata: { component, recommended_action: `Inspect ${component}` },
  };
}
