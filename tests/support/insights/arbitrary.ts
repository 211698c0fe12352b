import fc from "fast-check";
import { bucketOf, bucketsIn, GRANULARITIES, offsetPieces, startOfBucket } from "../../../src/base/calendar.js";
import { DAY, HOUR, MINUTE } from "../../../src/base/clock.js";
import type {
  CohortsPlan,
  Condition,
  Field,
  FunnelPlan,
  Measure,
  Plan,
  Selection,
  Step,
} from "../../../src/domain/insights/plan.js";
import type { StoredEvent } from "../../../src/events/event.js";

/** A stream of events, plans of every kind over it, and the zone that their local time is in. */
export interface Case {
  readonly zone: string;
  readonly events: readonly StoredEvent[];
  readonly plans: readonly Plan[];
}

const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "America/St_Johns",
  "Africa/Lagos",
];
/** Around here clocks change in half of these zones. */
const START = Date.UTC(2026, 2, 1);
const SPAN = 45 * DAY;
const TYPES = ["view", "cart", "pay", "leave"];
const CITIES = ["Lagos", "Abuja", "", 'it\'s\\ "here"'];

const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 4 });
const decimal = fc.integer({ min: -500_000, max: 5_000_000 }).map((n) => n / 100);

/** Coarse times, so that several events come at the same moment; some in bursts, some far apart. */
const time = fc.oneof(
  fc.integer({ min: 0, max: SPAN / (10 * MINUTE) - 1 }).map((n) => START + n * 10 * MINUTE),
  fc.integer({ min: 0, max: 2 * DAY }).map((n) => START + 27 * DAY + n),
  fc.integer({ min: 0, max: 40 }).map((n) => START + 28 * DAY + n * 5 * MINUTE),
);

const event = fc.record({
  type: fc.constantFrom(...TYPES),
  time,
  user: orNull(fc.constantFrom("ann", "bob", "cy", "dee", "eve", "fay")),
  subject: orNull(fc.constantFrom("/a", "/b", "/c")),
  country: orNull(fc.constantFrom("NG", "DE")),
  city: orNull(fc.constantFrom(...CITIES)),
  amount: orNull(decimal.map((value) => value.toFixed(2))),
  properties: fc.record(
    {
      n: fc.option(decimal, { nil: null }),
      plan: fc.constantFrom("free", "pro", ""),
      deep: fc.record({ x: fc.constantFrom("1", "2") }),
    },
    { requiredKeys: [] },
  ),
});

export const streamOf = (tenant: string) =>
  fc.array(event, { minLength: 1, maxLength: 80 }).map((events) =>
    events.map(
      ({ properties, ...fields }, i): StoredEvent => ({
        tenant,
        id: `e${String(i).padStart(3, "0")}`,
        received: fields.time + 1000,
        origin: "http",
        session: null,
        region: null,
        latitude: null,
        longitude: null,
        currency: null,
        ...fields,
        properties: JSON.stringify(properties),
      }),
    ),
  );

const FIELDS: readonly Field[] = [
  { column: "type" },
  { column: "country" },
  { column: "subject" },
  { property: ["plan"], type: "text" },
  { property: ["deep", "x"], type: "text" },
  { firstOf: [{ column: "city" }, { column: "country" }], otherwise: "nowhere" },
  { part: "hour" },
  { part: "weekday" },
  { part: "day" },
];
const NUMBERS: readonly Field[] = [{ column: "amount" }, { property: ["n"], type: "number" }];
const field = fc.constantFrom(...FIELDS);
const number = fc.constantFrom(...NUMBERS);

const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map((days) => ({ before: START + days * DAY })),
  fc.record({
    field: fc.constantFrom(...FIELDS.slice(0, 6)),
    in: fc.subarray(["view", "pay", "NG", "/a", "pro", "Lagos", "1"], { minLength: 1 }),
  }),
  fc.record({ field: fc.constantFrom(...FIELDS, ...NUMBERS), isSet: fc.constant(true as const) }),
  fc.record({
    field: fc.constantFrom(...FIELDS.slice(0, 6)),
    matches: fc.constantFrom("contains" as const, "startsWith" as const),
    text: fc.constantFrom("a", "/", '\\ "', "'", "p"),
  }),
  fc.record({
    field: number,
    is: fc.constantFrom(">" as const, ">=" as const, "<" as const, "<=" as const),
    than: decimal.map(String),
  }),
);
const condition: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 3, arbitrary: leaf },
  leaf.map((not) => ({ not })),
  fc.array(leaf, { maxLength: 2 }).map((all) => ({ all })),
  fc.array(leaf, { minLength: 1, maxLength: 2 }).map((any) => ({ any })),
);

const types = orNull(fc.subarray(TYPES, { minLength: 1, maxLength: 3 }));
const step: fc.Arbitrary<Step> = fc.record({ types, where: condition }, { requiredKeys: ["types"] });
const range = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 45 })).map(([from, days]) => ({
  from: START + from * DAY - 90 * MINUTE,
  to: START + (from + days) * DAY + 45 * MINUTE,
}));
const selectionOf = (
  tenant: string,
  clock: Selection["clock"],
): fc.Arbitrary<Selection & { from: number; to: number }> =>
  fc
    .record(
      {
        range,
        types,
        where: condition,
        only: fc.record({ types: fc.constant(["view", "pay"]), subjects: fc.subarray(["/a", "/b"]) }),
      },
      { requiredKeys: ["range", "types"] },
    )
    .map(({ range: { from, to }, ...rest }) => ({ tenant, from, to, clock, ...rest }));

const measure: fc.Arbitrary<Measure> = fc
  .record(
    {
      where: step,
      of: field,
      number,
      figure: fc.constantFrom(
        "count",
        "distinct",
        "user",
        "sum",
        "min",
        "max",
        "average",
        "percentile",
        "first",
        "last",
      ),
      at: fc.constantFrom(0.1, 0.5, 0.9, 0.99),
    },
    { requiredKeys: ["of", "number", "figure", "at"] },
  )
  .map(({ where, of, number: numeric, figure, at }): Measure => {
    const base = { name: "", ...(where && { where }) };
    switch (figure) {
      case "user":
        return { ...base, figure: "distinct", of: { column: "user" } };
      case "distinct":
        return { ...base, figure, of };
      case "sum":
      case "min":
      case "max":
      case "average":
        return { ...base, figure, of: numeric };
      case "percentile":
        return { ...base, figure, of: numeric, at };
      default:
        return { ...base, figure: figure as "count" | "first" | "last" };
    }
  });

const gapMs = fc.constantFrom(5 * MINUTE, 30 * MINUTE, DAY);

/** The same over whole periods. */
function wholeCohorts(plan: CohortsPlan, zone: string): CohortsPlan {
  const { period, cohortBy } = plan;
  const start = (bucket: number): number => startOfBucket(bucket, period, zone);
  const from = start(bucketOf(plan.from, period, zone));
  const to = start(bucketOf(plan.to - 1, period, zone) + 1);
  const selection = { ...plan.selection, to: Math.max(plan.selection.to ?? to, to) };
  return { ...plan, selection, from, to, cohortBy: cohortBy && { period } };
}

/** A plan of each kind. */
export function plansOf(tenant: string, zone: string): fc.Arbitrary<Plan[]> {
  const selection = selectionOf(tenant, offsetPieces(zone, START - 400 * DAY, START + 400 * DAY));
  const granularity = fc.constantFrom(...GRANULARITIES);
  const aggregate = fc
    .record({
      selection,
      granularity: orNull(granularity),
      fields: fc.uniqueArray(field, { maxLength: 3 }),
      measures: fc.array(measure, { minLength: 1, maxLength: 4 }),
    })
    .map(
      ({ selection: chosen, granularity: length, fields, measures }): Plan => ({
        kind: "aggregate",
        selection: chosen,
        bucket: length,
        by: fields.map((each, i) => ({ name: `by ${i}`, field: each })),
        measures: measures.map((each, i) => ({ ...each, name: `figure ${i}` })),
      }),
    );
  const activeUsers = fc
    .record({ selection, window: fc.constantFrom(1, 7, 30) })
    .map((made): Plan => ({ kind: "activeUsers", ...made }));
  const funnel: fc.Arbitrary<FunnelPlan> = fc
    .record({
      selection: selection.map((chosen) => ({ ...chosen, types: null })),
      steps: fc.array(
        fc.record(
          { types: fc.subarray(TYPES, { minLength: 1, maxLength: 2 }), where: condition, optional: fc.boolean() },
          { requiredKeys: ["types", "optional"] },
        ),
        { minLength: 1, maxLength: 5 },
      ),
      order: fc.constantFrom("ordered" as const, "strict" as const, "unordered" as const),
      windowMs: fc.constantFrom(30 * MINUTE, DAY, 14 * DAY),
      exclude: fc.array(step, { maxLength: 1 }),
      breakdown: orNull(field),
      times: fc.boolean(),
      single: fc.boolean(),
      plain: fc.boolean(),
      inTurn: fc.shuffledSubarray(TYPES, { minLength: TYPES.length, maxLength: TYPES.length }),
    })
    .map(({ steps, single, plain, inTurn, ...made }) => ({
      kind: "funnel",
      ...made,
      // What databases have functions of their own for.
      ...(plain && { order: "ordered" as const, exclude: [], times: false }),
      steps: steps.slice(0, plain ? TYPES.length : undefined).map((each, i) => ({
        ...each,
        types: plain ? inTurn.slice(i, i + 1) : single ? each.types.slice(0, 1) : each.types,
        optional: each.optional && i > 0 && made.order !== "strict" && !plain,
      })),
    }));
  const cohorts = fc
    .record({
      selection,
      start: step,
      returning: step,
      cohortBy: fc.oneof(
        fc.constant(null),
        granularity.map((period) => ({ period })),
        field.map((each) => ({ field: each })),
      ),
      period: granularity,
      mode: fc.constantFrom("exact" as const, "onOrAfter" as const, "brackets" as const),
      days: fc.integer({ min: 1, max: 20 }),
      maxPeriod: fc.constantFrom(1, 7, 30),
      whole: fc.boolean(),
    })
    .map(({ days, ...made }): Plan & { kind: "cohorts" } => ({
      kind: "cohorts",
      ...made,
      selection: { ...made.selection, from: null },
      from: made.selection.from,
      to: Math.min(made.selection.from + days * DAY, made.selection.to),
      brackets: [0, 1, 3, 7],
    }))
    .map((plan) => (plan.whole ? wholeCohorts(plan, zone) : plan))
    .chain((plan) => {
      const { start, returning } = plan;
      // Of users who do the same again, or anything, or something else.
      return fc.constantFrom(start, { types: null }, returning).map((again) => ({ ...plan, returning: again }));
    });
  const lifecycle = fc
    .record({
      selection: selection.map((chosen) => ({ ...chosen, from: null as null })),
      granularity: fc.constantFrom("day" as const, "week" as const, "month" as const),
    })
    .map(({ selection: chosen, granularity: length }): Plan & { kind: "lifecycle" } => ({
      kind: "lifecycle",
      selection: chosen,
      bucket: length,
      firstBucket: bucketOf(chosen.to - 20 * DAY, length, zone),
      lastBucket: bucketOf(chosen.to - 1, length, zone),
    }));
  const sessions = fc
    .record({ selection, bucket: orNull(granularity.map((length) => length)), gapMs })
    .map((made): Plan => ({ kind: "sessions", ...made }));
  const paths = fc
    .record({ selection, gapMs, node: field, steps: fc.integer({ min: 1, max: 4 }) })
    .map((made): Plan => ({ kind: "paths", limit: 10_000, ...made }));
  const concurrency = fc
    .record({
      selection,
      granularity: fc.constantFrom("day" as const, "week" as const),
      days: fc.integer({ min: 1, max: 15 }),
    })
    .map(({ selection: chosen, granularity: length, days }): Plan => {
      const start = startOfBucket(bucketOf(chosen.from, length, zone), length, zone);
      const buckets = bucketsIn(start, start + days * DAY, length, zone);
      const bounds = [...buckets, (buckets.at(-1) ?? 0) + 1].map((bucket) => startOfBucket(bucket, length, zone));
      return {
        kind: "concurrency",
        selection: { ...chosen, from: start - 3 * DAY, to: bounds.at(-1) ?? null },
        bucket: length,
        length: { property: ["n"], type: "number" },
        unitMs: HOUR / 100,
        bounds,
      };
    });
  const distribution = fc
    .record({ selection, of: number, width: fc.constantFrom("1", "250", "0.25") })
    .map((made): Plan => ({ kind: "distribution", ...made }));
  const drill = fc
    .record({
      into: fc.oneof(funnel, cohorts, lifecycle),
      number: fc.integer({ min: 0, max: 4 }),
      state: fc.constantFrom("new", "returning", "resurrecting", "dormant"),
      after: orNull(fc.constantFrom("ann", "cy")),
      limit: fc.constantFrom(2, 100),
    })
    .map(({ into, number: n, state, after, limit }): Plan => {
      const cell: Record<string, string | number | null> =
        into.kind === "funnel"
          ? { step: n + 1 }
          : into.kind === "cohorts"
            ? { period: n }
            : { bucket: into.lastBucket - n, state };
      return { kind: "drill", into, cell, after, limit };
    });
  return fc.tuple(
    aggregate,
    activeUsers,
    funnel,
    cohorts,
    lifecycle,
    sessions,
    paths,
    concurrency,
    distribution,
    drill,
  );
}

export const caseOf = (tenant: string): fc.Arbitrary<Case> =>
  fc
    .constantFrom(...ZONES)
    .chain((zone) => fc.record({ zone: fc.constant(zone), events: streamOf(tenant), plans: plansOf(tenant, zone) }));
