/** The demo's command line. */
import { parseArgs } from "node:util";
import { type Clock, clockFrom, parseMoment } from "./time.js";

export interface DemoOptions {
  readonly vehicles: number;
  readonly seed: number;
  readonly basePort: number;
  readonly clock: Clock;
  readonly apiKey?: string;
  readonly latency: number;
}

export const USAGE = `demo fleet: six upstream services over generated data, on the loopback interface

  --vehicles N     number of vehicles, 12 to 100000 (default 1000)
  --seed N         another seed gives another fleet (default 1)
  --base-port P    ingestion; health, agent, alert, scheduling and warranty take the next five ports
                   (default 0: any free ports)
  --now ISO        the clock starts at this moment, such as 2026-02-01T08:00:00Z, and runs on
                   (default: the real time)
  --api-key KEY    require the header X-API-Key: KEY
  --latency MS     delay before each answer (default 0)
  --help           print this and exit`;

/** A mistake on the command line; the message tells what to change. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

function wholeNumber(name: string, text: string, low: number, high: number): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) throw new UsageError(`--${name} must be a whole number from ${low} to ${high}`);
  return value;
}

function clockAt(text: string): Clock {
  const start = parseMoment(text);
  if (start === undefined) {
    throw new UsageError("--now must be a date or a date-time with a zone, such as 2026-02-01T08:00:00Z");
  }
  // Model years of vehicle identification numbers repeat every 30 years, and the data is meant to look contemporary.
  const year = new Date(start).getUTCFullYear();
  if (year < 2010 || year > 2099) throw new UsageError("--now must lie between 2010 and 2099");
  return clockFrom(start);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        vehicles: { type: "string", default: "1000" },
        seed: { type: "string", default: "1" },
        "base-port": { type: "string", default: "0" },
        now: { type: "string" },
        "api-key": { type: "string" },
        latency: { type: "string", default: "0" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Reads the command line (without node and script); `help` if that was asked for. */
export function parseOptions(args: readonly string[]): DemoOptions | "help" {
  const values = parse(args);
  if (values.help) return "help";
  if (values["api-key"] === "") throw new UsageError("--api-key must not be empty");
  return {
    vehicles: wholeNumber("vehicles", values.vehicles, 12, 100_000),
    seed: wholeNumber("seed", values.seed, 0, 2 ** 32 - 1),
    basePort: wholeNumber("base-port", values["base-port"], 0, 65_530),
    clock: values.now === undefined ? Date.now : clockAt(values.now),
    latency: wholeNumber("latency", values.latency, 0, 60_000),
    ...(values["api-key"] === undefined ? {} : { apiKey: values["api-key"] }),
  };
}
