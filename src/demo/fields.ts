/** Checked access to what a client sent: JSON bodies and query strings. Whatever is wrong is a 422 that names it. */
import { invalid } from "./problem.js";
import { parseDate, parseMoment } from "./time.js";

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The fields of a JSON object; null counts as absent. Methods without "optional" require the field. */
export class Fields {
  private readonly values: Record<string, unknown>;

  constructor(body: unknown) {
    if (!isRecord(body)) throw invalid("body: a JSON object is required");
    this.values = body;
  }

  private read<T>(name: string, what: string, parse: (value: unknown) => T | undefined): T | undefined {
    const value = this.values[name];
    if (value === undefined || value === null) return undefined;
    const parsed = parse(value);
    if (parsed === undefined) throw invalid(`${name}: must be ${what}`);
    return parsed;
  }

  private required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw invalid(`${name}: field required`);
    return value;
  }

  hasAny(names: readonly string[]): boolean {
    return names.some((name) => this.values[name] !== undefined && this.values[name] !== null);
  }

  optionalText(name: string): string | undefined {
    return this.read(name, "a text of 1 to 1000 characters", (value) =>
      typeof value === "string" && value.trim() !== "" && value.length <= 1_000 ? value : undefined,
    );
  }

  text(name: string): string {
    return this.required(name, this.optionalText(name));
  }

  optionalNumber(name: string, low: number, high: number): number | undefined {
    return this.read(name, `a number from ${low} to ${high}`, (value) =>
      typeof value === "number" && value >= low && value <= high ? value : undefined,
    );
  }

  number(name: string, low: number, high: number): number {
    return this.required(name, this.optionalNumber(name, low, high));
  }

  optionalChoice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    return this.read(name, `one of ${choices.join(", ")}`, (value) => choices.find((choice) => choice === value));
  }

  choice<T extends string>(name: string, choices: readonly T[]): T {
    return this.required(name, this.optionalChoice(name, choices));
  }

  /** Epoch ms of a date-time with zone, such as 2026-02-01T09:00:00Z. */
  optionalMoment(name: string): number | undefined {
    return this.read(name, "an RFC 3339 date-time with a zone", (value) =>
      typeof value === "string" && value.length > 10 ? parseMoment(value) : undefined,
    );
  }

  /** Epoch ms of midnight UTC on a date such as 2026-02-01. */
  optionalDate(name: string): number | undefined {
    return this.read(name, "a date, YYYY-MM-DD", (value) => (typeof value === "string" ? parseDate(value) : undefined));
  }

  date(name: string): number {
    return this.required(name, this.optionalDate(name));
  }

  optionalTexts(name: string): string[] | undefined {
    return this.read(name, "a list of texts", (value) => {
      if (!Array.isArray(value)) return undefined;
      const texts = value.filter((item: unknown) => typeof item === "string");
      return texts.length === value.length ? texts : undefined;
    });
  }
}

/** A whole number from the query string, cut to [low, high]; `fallback` when absent. */
export function queryInteger(
  query: URLSearchParams,
  name: string,
  fallback: number,
  low: number,
  high: number,
): number {
  const text = query.get(name);
  if (text === null || text === "") return fallback;
  if (!/^-?\d{1,15}$/.test(text)) throw invalid(`${name}: must be a whole number`);
  return Math.min(high, Math.max(low, Number(text)));
}

function queryMoment(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const at = parseMoment(text);
  if (at === undefined) throw invalid(`${name}: must be a date or an RFC 3339 date-time with a zone`);
  return at;
}

/** The half-open period [from, to) of a query in epoch ms; a bound that is not given is infinite. */
export function queryPeriod(query: URLSearchParams): { from: number; to: number } {
  return { from: queryMoment(query, "from") ?? -Infinity, to: queryMoment(query, "to") ?? Infinity };
}
