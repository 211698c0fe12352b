import { bucketsIn, bucketText, type Granularity, startOfBucket } from "../base/calendar.js";
import { DAY, HOUR, MINUTE, SECOND } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import { percent, round } from "../base/numbers.js";
import { type ActiveUsersDay, activeUsersByDay, activeUsersPlan } from "../domain/insights/active-users.js";
import { selectionOf } from "../domain/insights/asking.js";
import { type Cohort, cohortsPlan, cohortTable } from "../domain/insights/cohorts.js";
import { numeric } from "../domain/insights/fields.js";
import { conditionsOf, dimensionNamed, type EventQuestion, type Filter, stepOf } from "../domain/insights/filters.js";
import { type FunnelGroup, type FunnelQuestion, funnelGroups, funnelPlan } from "../domain/insights/funnel.js";
import { type LifecyclePeriod, lifecyclePeriods, lifecyclePlan } from "../domain/insights/lifecycle.js";
import type { CohortsPlan, ConcurrencyPlan, FunnelPlan, LifecyclePlan, Measure } from "../domain/insights/plan.js";
import { type LocalRange, localRange } from "../domain/insights/range.js";
import type { Asker } from "./analytics.js";
import type { RangeInput } from "./metrics.js";

interface Ranged {
  readonly range?: RangeInput | null | undefined;
  readonly filters?: readonly Filter[] | null | undefined;
}

/** What most insights begin with: the period, and the events looked at. */
function opened({ range: given, filters }: Ranged, asker: Asker) {
  return { range: localRange(given ?? {}, asker.now), where: conditionsOf(filters, null) };
}

function refuse(field: string, message: string): never {
  throw new PublicError("BAD_USER_INPUT", message, { field });
}

function between(
  value: number | null | undefined,
  fallback: number,
  minimum: number,
  maximum: number,
  field: string,
): number {
  const checked = value ?? fallback;
  if (checked >= minimum && checked <= maximum) return checked;
  return refuse(field, `${field} must be from ${minimum} to ${maximum}, got ${checked}`);
}

export interface ActiveUsersQuestion extends Ranged {
  readonly types?: readonly string[] | null | undefined;
  /** Whether anything but DAU is wanted. */
  readonly trailing: boolean;
}

export async function askActiveUsers(
  asker: Asker,
  question: ActiveUsersQuestion,
): Promise<{ range: LocalRange; days: ActiveUsersDay[] }> {
  const { range, where } = opened(question, asker);
  const { types } = stepOf(question);
  const { rows } = await asker.answer(activeUsersPlan(asker.asking, range, types, where, !question.trailing));
  const raised = rows.map((row) => ({ ...row, users: asker.raisedCount(Number(row.users)) }));
  return { range, days: activeUsersByDay(raised, range) };
}

export interface FunnelAsk extends Ranged {
  readonly steps: readonly (EventQuestion & {
    readonly name?: string | null | undefined;
    readonly optional?: boolean | null | undefined;
  })[];
  readonly order?: FunnelPlan["order"] | null | undefined;
  readonly windowSeconds?: number | null | undefined;
  readonly exclude?: readonly EventQuestion[] | null | undefined;
  readonly breakdown?: string | null | undefined;
  /** Whether the time to convert is wanted; it is, unless told otherwise. */
  readonly times?: boolean;
}

export interface FunnelAnswer {
  readonly range: LocalRange;
  readonly plan: FunnelPlan;
  readonly groups: readonly FunnelGroup[];
}

const MOST_STEPS = 20;
const DEFAULT_WINDOW = 14 * DAY;

export async function askFunnel(asker: Asker, ask: FunnelAsk): Promise<FunnelAnswer> {
  const { range, where } = opened(ask, asker);
  const order = ask.order ?? "ordered";
  const count = ask.steps.length;
  if (count < 1 || count > MOST_STEPS) refuse("steps", `A funnel has 1 to ${MOST_STEPS} steps, got ${count}`);
  const steps = ask.steps.map(({ name, optional, ...event }, i) => ({
    ...stepOf(event),
    optional: optional ?? false,
    name: name ?? (event.types?.join(", ") || `Step ${i + 1}`),
  }));
  if (steps[0]?.optional) refuse("steps.0.optional", "The first step cannot be optional: a funnel begins with it");
  if (order === "strict" && steps.some(({ optional }) => optional))
    refuse("steps", "No step can be optional where the order is STRICT");
  const windowMs =
    between(ask.windowSeconds, DEFAULT_WINDOW / SECOND, 1, (400 * DAY) / SECOND, "windowSeconds") * SECOND;
  const breakdown = ask.breakdown ? dimensionNamed(ask.breakdown, null, "breakdown") : null;
  const question: FunnelQuestion = {
    steps,
    order,
    windowMs,
    exclude: (ask.exclude ?? []).map(stepOf),
    breakdown: breakdown?.field ?? null,
    times: ask.times ?? true,
    where,
  };
  const plan = funnelPlan(asker.asking, range, question);
  const { rows } = await asker.answer(plan);
  const raised = rows.map((row) => ({
    ...row,
    users: asker.raisedCount(Number(row.users)),
    total: typeof row.total === "number" ? asker.raisedCount(row.total) : null,
  }));
  return { range, plan, groups: funnelGroups(question, raised) };
}

export interface CohortsAsk extends Ranged {
  readonly start?: EventQuestion | null | undefined;
  readonly returning?: EventQuestion | null | undefined;
  readonly cohortBy?: Granularity | null | undefined;
  readonly cohortProperty?: string | null | undefined;
  readonly period: Granularity;
  readonly periods: number;
  readonly mode?: CohortsPlan["mode"] | null | undefined;
  readonly brackets?: readonly number[] | null | undefined;
}

export interface CohortsAnswer {
  readonly range: LocalRange;
  readonly plan: CohortsPlan;
  readonly cohorts: readonly Cohort[];
}

const MOST_PERIODS = 400;

export async function askCohorts(asker: Asker, ask: CohortsAsk): Promise<CohortsAnswer> {
  const { range, where } = opened(ask, asker);
  const brackets = [...(ask.brackets ?? [])];
  const mode = ask.mode ?? "exact";
  if (
    mode === "brackets" &&
    (brackets.length === 0 || brackets.some((begin, i) => !(begin >= 0) || begin <= (brackets[i - 1] ?? -1)))
  ) {
    refuse("brackets", "Brackets are told by their first periods, ascending, for example [0, 1, 7, 30]");
  }
  const plan = cohortsPlan(asker.asking, range, {
    start: stepOf(ask.start ?? {}),
    returning: stepOf(ask.returning ?? ask.start ?? {}),
    cohortBy: cohortBy(ask),
    period: ask.period,
    mode,
    brackets,
    maxPeriod: between(ask.periods, 12, 1, MOST_PERIODS, "periods"),
    where,
  });
  const { rows } = await asker.answer(plan);
  const raised = rows.map((row) => ({ ...row, users: asker.raisedCount(Number(row.users)) }));
  return { range, plan, cohorts: cohortTable(plan, raised, range.zone, asker.now) };
}

function cohortBy({ cohortBy: period, cohortProperty }: CohortsAsk): CohortsPlan["cohortBy"] {
  if (cohortProperty) return { field: dimensionNamed(cohortProperty, null, "cohortProperty").field };
  return period ? { period } : null;
}

export interface LifecycleAsk extends Ranged {
  readonly types?: readonly string[] | null | undefined;
  readonly granularity: Granularity;
}

export interface LifecycleAnswer {
  readonly range: LocalRange;
  readonly plan: LifecyclePlan;
  readonly periods: readonly LifecyclePeriod[];
}

export async function askLifecycle(asker: Asker, ask: LifecycleAsk): Promise<LifecycleAnswer> {
  const { range, where } = opened(ask, asker);
  const plan = lifecyclePlan(asker.asking, range, ask.granularity, stepOf(ask).types, where);
  const { rows } = await asker.answer(plan);
  const raised = rows.map((row) => ({ ...row, users: asker.raisedCount(Number(row.users)) }));
  return { range, plan, periods: lifecyclePeriods(plan, raised, range.zone, asker.now) };
}

export interface SessionsAsk extends Ranged {
  readonly types?: readonly string[] | null | undefined;
  readonly granularity?: Granularity | null | undefined;
  readonly gapSeconds?: number | null | undefined;
}

/** Sessions of a period, or of the range as a whole. */
export interface SessionFigures {
  readonly bucket: number | null;
  readonly sessions: number;
  readonly users: number;
  readonly events: number;
  /** Sessions of a single event for each hundred. */
  readonly bounceRate: number | null;
  /** From the first event to the last, seconds. */
  readonly averageDurationSeconds: number | null;
  readonly eventsPerSession: number | null;
}

const DEFAULT_GAP = 30 * MINUTE;
const gapOf = (seconds: number | null | undefined): number =>
  between(seconds, DEFAULT_GAP / SECOND, 1, DAY / SECOND, "gapSeconds") * SECOND;

export async function askSessions(
  asker: Asker,
  ask: SessionsAsk,
): Promise<{ range: LocalRange; total: SessionFigures; periods: SessionFigures[] }> {
  const { range, where } = opened(ask, asker);
  const selection = selectionOf(asker.asking, range, stepOf(ask).types, where);
  const plan = { kind: "sessions", selection, gapMs: gapOf(ask.gapSeconds) } as const;
  const figuresOf = async (bucket: Granularity | null): Promise<SessionFigures[]> => {
    const { rows } = await asker.answer({ ...plan, bucket });
    return rows.map((row) => {
      const [sessions, users, events, bounces, duration] = ["sessions", "users", "events", "bounces", "duration"].map(
        (name) => asker.raisedCount(Number(row[name])),
      );
      return {
        bucket: bucket ? Number(row.bucket) : null,
        sessions: sessions ?? 0,
        users: users ?? 0,
        events: events ?? 0,
        bounceRate: percent(bounces ?? 0, sessions ?? 0),
        averageDurationSeconds: sessions ? round((duration ?? 0) / sessions / SECOND, 2) : null,
        eventsPerSession: sessions ? round((events ?? 0) / sessions, 2) : null,
      };
    });
  };
  const [total] = await figuresOf(null);
  return { range, total: total as SessionFigures, periods: ask.granularity ? await figuresOf(ask.granularity) : [] };
}

export interface PathsAsk extends Ranged {
  readonly types?: readonly string[] | null | undefined;
  readonly node?: string | null | undefined;
  readonly gapSeconds?: number | null | undefined;
  readonly steps?: number | null | undefined;
  readonly limit?: number | null | undefined;
}

/** How many sessions went from one thing to the next, as their nth step. */
export interface PathLink {
  readonly step: number;
  readonly source: string | null;
  readonly target: string | null;
  /** The session ended there. */
  readonly isEnd: boolean;
  readonly sessions: number;
}

export async function askPaths(asker: Asker, ask: PathsAsk): Promise<{ range: LocalRange; links: PathLink[] }> {
  const { range, where } = opened(ask, asker);
  const dimension = dimensionNamed(ask.node ?? "type", null, "node");
  const { rows } = await asker.answer({
    kind: "paths",
    selection: selectionOf(asker.asking, range, stepOf(ask).types, where),
    gapMs: gapOf(ask.gapSeconds),
    node: dimension.field,
    steps: between(ask.steps, 5, 1, 50, "steps"),
    limit: between(ask.limit, 100, 1, 10_000, "limit"),
  });
  const shown = (value: unknown): string | null =>
    dimension.personal ? asker.masked(value as string | null) : (value as string | null);
  return {
    range,
    links: rows.map(({ step, source, target, ended, sessions }) => ({
      step: Number(step),
      source: shown(source),
      target: shown(target),
      isEnd: ended === 1,
      sessions: asker.raisedCount(Number(sessions)),
    })),
  };
}

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

/** When a bucket of a range begins and what it is called. */
export function named(bucket: number, granularity: Granularity, zone: string) {
  return { start: startOfBucket(bucket, granularity, zone), name: bucketText(bucket, granularity, zone) };
}
