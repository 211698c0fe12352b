import { bucketsIn, type Granularity, startOfBucket } from "../base/calendar.js";
import { DAY, HOUR, MINUTE, SECOND } from "../base/clock.js";
import { round } from "../base/numbers.js";
import { selectionOf } from "../domain/insights/asking.js";
import { numeric } from "../domain/insights/fields.js";
import { dimensionNamed, stepOf } from "../domain/insights/filters.js";
import type { ConcurrencyPlan, Measure } from "../domain/insights/plan.js";
import type { LocalRange } from "../domain/insights/range.js";
import type { Asker } from "./analytics.js";
import { between, opened, type Ranged, refuse } from "./asked.js";

export const UNITS_OF_TIME = { SECOND, MINUTE, HOUR } as const;

export interface UtilisationAsk extends Ranged {
  readonly types?: readonly string[] | null | undefined;
  readonly granularity: Granularity;
  /** Dimension that says how long something takes. */
  readonly length: string;
  readonly unit: keyof typeof UNITS_OF_TIME;
  /** How many can run at the same time; null: it is not known. */
  readonly capacity?: number | null | undefined;
}

export interface UtilisationPeriod {
  readonly bucket: number;
  readonly started: number;
  /** Most at the same time. */
  readonly peak: number;
  /** How many ran at the same time on average. */
  readonly average: number;
  /** Average for each hundred of the capacity. */
  readonly utilisation: number | null;
}

/** Longer than that nothing runs: how far back intervals are looked for that reach into the range. */
const LONGEST_INTERVAL = 31 * DAY;

export async function askUtilisation(
  asker: Asker,
  ask: UtilisationAsk,
): Promise<{ range: LocalRange; peak: number; periods: UtilisationPeriod[] }> {
  const { range, where } = opened(ask, asker);
  const buckets = bucketsIn(range.start, range.end, ask.granularity, range.zone);
  if (buckets.length > 10_000)
    refuse("granularity", `${buckets.length} periods are too many: expected a shorter range or a coarser granularity`);
  const bounds = [...buckets, (buckets.at(-1) ?? 0) + 1].map((bucket) =>
    startOfBucket(bucket, ask.granularity, range.zone),
  );
  const [start = 0, end = 0] = [bounds[0], bounds.at(-1)];
  const selection = selectionOf(
    asker.asking,
    { ...range, start: start - LONGEST_INTERVAL, end },
    stepOf(ask).types,
    where,
  );
  const length = numeric(dimensionNamed(ask.length, null, "length").field);
  const plan: ConcurrencyPlan = {
    kind: "concurrency",
    selection,
    bucket: ask.granularity,
    length,
    unitMs: UNITS_OF_TIME[ask.unit],
    bounds,
  };
  const { rows } = await asker.answer(plan);
  const periods = rows.map((row) => {
    const average = Number(row.busy) / Number(row.length);
    return {
      bucket: Number(row.bucket),
      started: Number(row.started),
      peak: Number(row.peak),
      average: round(average, 4),
      utilisation: ask.capacity ? round((average / ask.capacity) * 100, 2) : null,
    };
  });
  return { range, peak: Math.max(0, ...periods.map(({ peak }) => peak)), periods };
}

export interface DistributionAsk extends Ranged {
  readonly types?: readonly string[] | null | undefined;
  readonly of: string;
  /** Width of the bins, decimal text. */
  readonly width: string;
  readonly percentiles?: readonly number[] | null | undefined;
}

export interface DistributionAnswer {
  readonly range: LocalRange;
  readonly events: number;
  readonly minimum: string | null;
  readonly maximum: string | null;
  readonly sum: string | null;
  readonly average: number | null;
  readonly percentiles: readonly { readonly percentile: number; readonly value: string | null }[];
  readonly bins: readonly { readonly from: number; readonly to: number; readonly events: number }[];
}

export async function askDistribution(asker: Asker, ask: DistributionAsk): Promise<DistributionAnswer> {
  const { range, where } = opened(ask, asker);
  if (!/^\d{1,12}(\.\d{1,6})?$/.test(ask.width) || Number(ask.width) <= 0)
    refuse("width", `width must be a positive decimal number, got "${ask.width}"`);
  const percentiles = [...(ask.percentiles ?? [50, 90, 99])];
  if (percentiles.length > 20) refuse("percentiles", "expected at most 20 percentiles");
  for (const each of percentiles) between(each, 50, 0, 100, "percentiles");
  const of = numeric(ask.of === "amount" ? { column: "amount" } : dimensionNamed(ask.of, null, "of").field);
  const selection = selectionOf(asker.asking, range, stepOf(ask).types, where);
  const isThere = { types: null, where: { field: of, isSet: true as const } };
  const measures: Measure[] = [
    { name: "events", figure: "count", where: isThere },
    ...(["min", "max", "sum", "average"] as const).map((figure): Measure => ({ name: figure, figure, of })),
    ...percentiles.map((each): Measure => ({ name: `p${each}`, figure: "percentile", of, at: each / 100 })),
  ];
  const [summary, bins] = await Promise.all([
    asker.answer({ kind: "aggregate", selection, bucket: null, by: [], measures }),
    asker.answer({ kind: "distribution", selection, of, width: ask.width }),
  ]);
  const row = summary.rows[0] ?? {};
  const text = (name: string): string | null =>
    row[name] === null || row[name] === undefined ? null : String(row[name]);
  const width = Number(ask.width);
  return {
    range,
    events: asker.raisedCount(Number(row.events ?? 0)),
    minimum: text("min"),
    maximum: text("max"),
    sum: text("sum"),
    average: row.average === null ? null : round(Number(row.average), 6),
    percentiles: percentiles.map((percentile) => ({ percentile, value: text(`p${percentile}`) })),
    bins: bins.rows.map(({ bin, events }) => ({
      from: round(Number(bin) * width, 6),
      to: round((Number(bin) + 1) * width, 6),
      events: asker.raisedCount(Number(events)),
    })),
  };
}

export interface GeographyAsk extends Ranged {
  readonly types?: readonly string[] | null | undefined;
  readonly level: "COUNTRY" | "REGION" | "CITY";
  readonly limit?: number | null | undefined;
}

export interface Place {
  readonly country: string | null;
  readonly region: string | null;
  readonly city: string | null;
  readonly events: number;
  readonly users: number;
  readonly amount: string | null;
  /** Mean of the events' own coordinates, degrees, WGS 84. */
  readonly latitude: number | null;
  readonly longitude: number | null;
}

const LEVELS = { COUNTRY: ["country"], REGION: ["country", "region"], CITY: ["country", "region", "city"] } as const;

/** Events that say where they took place, by how many there were. */
export async function askGeography(asker: Asker, ask: GeographyAsk): Promise<{ range: LocalRange; places: Place[] }> {
  const { range, where } = opened(ask, asker);
  const columns = LEVELS[ask.level];
  const level = columns.at(-1) ?? "country";
  const { rows } = await asker.answer({
    kind: "aggregate",
    selection: selectionOf(asker.asking, range, stepOf(ask).types, [
      ...where,
      { field: { column: level }, isSet: true },
    ]),
    bucket: null,
    by: columns.map((column) => ({ name: column, field: { column } })),
    measures: [
      { name: "events", figure: "count" },
      { name: "users", figure: "distinct", of: { column: "user" } },
      { name: "amount", figure: "sum", of: { column: "amount" } },
      { name: "latitude", figure: "average", of: { column: "latitude" } },
      { name: "longitude", figure: "average", of: { column: "longitude" } },
    ],
    order: { by: "events", descending: true },
    limit: between(ask.limit, 100, 1, 10_000, "limit"),
  });
  const degrees = (value: string | number | null | undefined): number | null =>
    value === null || value === undefined ? null : round(Number(value), 5);
  return {
    range,
    places: rows.map((row) => ({
      country: (row.country ?? null) as string | null,
      region: (row.region ?? null) as string | null,
      city: (row.city ?? null) as string | null,
      events: asker.raisedCount(Number(row.events)),
      users: asker.raisedCount(Number(row.users)),
      amount: row.amount === null ? null : String(row.amount),
      latitude: degrees(row.latitude),
      longitude: degrees(row.longitude),
    })),
  };
}
