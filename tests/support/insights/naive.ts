import { DAY, HOUR, MINUTE } from "../../../src/base/clock.js";
import type {
  ActiveUsersPlan,
  AggregatePlan,
  CohortsPlan,
  ConcurrencyPlan,
  Condition,
  DistributionPlan,
  DrillPlan,
  Field,
  FunnelPlan,
  LifecyclePlan,
  Measure,
  PathsPlan,
  Plan,
  PlanRow,
  Selection,
  SessionsPlan,
  Step,
} from "../../../src/domain/insights/plan.js";
import type { StoredEvent } from "../../../src/events/event.js";

/**
 * What a plan's answer must be, worked out event by event in the plainest way. Shares nothing with what it checks but
 * the types of plans: local dates, for one, come from `Intl` for every single event.
 */
export function naive(plan: Plan, events: readonly StoredEvent[], zone: string): PlanRow[] {
  switch (plan.kind) {
    case "aggregate":
      return aggregate(plan, events, zone);
    case "activeUsers":
      return activeUsers(plan, events, zone);
    case "funnel":
      return funnel(plan, events, zone);
    case "cohorts":
      return cohorts(plan, events, zone);
    case "lifecycle":
      return lifecycle(plan, events, zone);
    case "sessions":
      return sessions(plan, events, zone);
    case "paths":
      return paths(plan, events, zone);
    case "concurrency":
      return concurrency(plan, events, zone);
    case "distribution":
      return distribution(plan, events, zone);
    case "drill":
      return drill(plan, events, zone);
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();
/** Local date and time of day, as a clock on the wall shows it. */
function wall(time: number, zone: string): { day: number; hour: number; minute: number } {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
    formats.set(zone, format);
  }
  const [date = "", clock = ""] = format.format(time).split(" ");
  const [hour = 0, minute = 0] = clock.split(":").map(Number);
  return { day: Date.parse(`${date}T00:00:00Z`) / DAY, hour, minute };
}

function bucketOf(time: number, granularity: string, zone: string): number {
  const { day, minute } = wall(time, zone);
  const date = new Date(day * DAY);
  const months = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
  switch (granularity) {
    case "hour": {
      const utcMinute = new Date(time).getUTCMinutes();
      return Math.floor((time + ((minute - utcMinute + 60) % 60) * MINUTE) / HOUR);
    }
    case "day":
      return day;
    case "week": {
      const monday = day - ((date.getUTCDay() + 6) % 7);
      return (monday + 3) / 7;
    }
    case "month":
      return months;
    case "quarter":
      return Math.floor(months / 3);
    default:
      return date.getUTCFullYear() - 1970;
  }
}

type Value = string | number | boolean | null;

function property(event: StoredEvent, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<string, unknown> | null)?.[key],
    JSON.parse(event.properties),
  );
}

function fieldOf(event: StoredEvent, field: Field, zone: string): Value {
  if ("column" in field) {
    const value = event[field.column];
    return field.column === "amount" && value !== null ? Number(value) : value;
  }
  if ("property" in field) {
    const value = property(event, field.property);
    if (value === undefined || value === null) return null;
    if (field.type === "text") return String(value);
    const number = Number(value);
    return Number.isFinite(number) && String(value).trim() !== "" ? number : null;
  }
  if ("firstOf" in field) {
    const found = field.firstOf.map((each) => textOf(event, each, zone)).find((text) => text !== null && text !== "");
    return found ?? field.otherwise ?? null;
  }
  const { day, hour } = wall(event.time, zone);
  if (field.part === "day") return day;
  return field.part === "hour" ? hour : ((new Date(day * DAY).getUTCDay() + 6) % 7) + 1;
}

function textOf(event: StoredEvent, field: Field, zone: string): string | null {
  const value = fieldOf(event, field, zone);
  return value === null ? null : String(value);
}

function holds(event: StoredEvent, condition: Condition, zone: string): boolean {
  if ("all" in condition) return condition.all.every((each) => holds(event, each, zone));
  if ("any" in condition) return condition.any.some((each) => holds(event, each, zone));
  if ("before" in condition) return event.time < condition.before;
  if ("not" in condition) return !holds(event, condition.not, zone);
  const value = fieldOf(event, condition.field, zone);
  if (value === null) return false;
  if ("isSet" in condition) return true;
  if ("in" in condition) return condition.in.includes(String(value));
  if ("matches" in condition) {
    return condition.matches === "contains"
      ? String(value).includes(condition.text)
      : String(value).startsWith(condition.text);
  }
  const than = Number(condition.than);
  switch (condition.is) {
    case ">":
      return Number(value) > than;
    case ">=":
      return Number(value) >= than;
    case "<":
      return Number(value) < than;
    case "<=":
      return Number(value) <= than;
  }
}

function isStep(event: StoredEvent, { types, where }: Step, zone: string): boolean {
  return (types === null || types.includes(event.type)) && (!where || holds(event, where, zone));
}

function selected(selection: Selection, events: readonly StoredEvent[], zone: string): StoredEvent[] {
  const { from, to, types, where, only } = selection;
  return events.filter(
    (event) =>
      (from === null || event.time >= from) &&
      (to === null || event.time < to) &&
      (types === null || types.includes(event.type)) &&
      (!only || (only.types.includes(event.type) && event.subject !== null && only.subjects.includes(event.subject))) &&
      (!where || holds(event, where, zone)),
  );
}

interface OfUser {
  readonly user: string;
  readonly events: readonly StoredEvent[];
}

function byUser(events: readonly StoredEvent[]): OfUser[] {
  const users = [
    ...grouped(
      events.filter(({ user }) => user !== null),
      ({ user }) => user as string,
    ),
  ];
  return users.map(([user, own]) => ({
    user,
    events: [...own].sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1)),
  }));
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
}

/** Rows that tell how many items there are of each key. */
function counted(rows: readonly PlanRow[], count = "users"): PlanRow[] {
  return [...grouped(rows, (row) => JSON.stringify(row))].map(([key, same]) => ({
    ...JSON.parse(key),
    [count]: same.length,
  }));
}

function aggregate(plan: AggregatePlan, events: readonly StoredEvent[], zone: string): PlanRow[] {
  const found = selected(plan.selection, events, zone);
  const keyOf = (event: StoredEvent): string =>
    JSON.stringify([
      plan.bucket ? bucketOf(event.time, plan.bucket, zone) : null,
      ...plan.by.map(({ field }) => textOf(event, field, zone)),
    ]);
  const groups = grouped(found, keyOf);
  if (!plan.bucket && plan.by.length === 0 && groups.size === 0) groups.set("[null]", []);
  return [...groups].map(([key, own]) => {
    const [bucket, ...dimensions] = JSON.parse(key) as (string | number | null)[];
    return {
      ...(plan.bucket && { bucket: bucket as number }),
      ...Object.fromEntries(plan.by.map(({ name }, i) => [name, dimensions[i] ?? null])),
      ...Object.fromEntries(plan.measures.map((measure) => [measure.name, figure(measure, own, zone)])),
    };
  });
}

function figure(measure: Measure, events: readonly StoredEvent[], zone: string): string | number | null {
  const own = measure.where ? events.filter((event) => isStep(event, measure.where as Step, zone)) : events;
  const times = own.map(({ time }) => time);
  switch (measure.figure) {
    case "count":
      return own.length;
    case "first":
      return times.length ? Math.min(...times) : null;
    case "last":
      return times.length ? Math.max(...times) : null;
    case "distinct":
      return new Set(own.map((event) => textOf(event, measure.of, zone)).filter((text) => text !== null)).size;
  }
  const values = own
    .map((event) => fieldOf(event, measure.of, zone))
    .filter((value) => value !== null)
    .map(Number);
  if (values.length === 0) return null;
  const sum = values.reduce((total, value) => total + Math.round(value * 10_000), 0) / 10_000;
  switch (measure.figure) {
    case "sum":
      return sum;
    case "min":
      return Math.min(...values);
    case "max":
      return Math.max(...values);
    case "average":
      return sum / values.length;
    case "percentile": {
      const sorted = [...values].sort((a, b) => a - b);
      return sorted[Math.max(1, Math.ceil(measure.at * sorted.length)) - 1] ?? null;
    }
  }
}

function activeUsers(plan: ActiveUsersPlan, events: readonly StoredEvent[], zone: string): PlanRow[] {
  return counted(
    byUser(selected(plan.selection, events, zone)).flatMap((user) => {
      const days = [...new Set(user.events.map(({ time }) => wall(time, zone).day))];
      return days.map((day, i) => ({ day, next: Math.min(days[i + 1] ?? day + plan.window, day + plan.window) }));
    }),
  );
}

/** For each user the steps (from 1) that were reached, and the time it took. */
function reached(
  plan: FunnelPlan,
  events: readonly StoredEvent[],
  zone: string,
): { user: string; step: number; took: number; value: string | null }[] {
  return byUser(selected(plan.selection, events, zone)).flatMap(({ user, events: own }) => {
    const steps = { ordered, strict, unordered }[plan.order](plan, own, zone);
    const first = own.find((event) => isStep(event, plan.steps[0] as Step, zone));
    const value = plan.breakdown && first ? textOf(first, plan.breakdown, zone) : null;
    if (plan.breakdown && !first) return [];
    return steps.map(({ step, took }) => ({ user, step, took, value }));
  });
}

type Reached = { step: number; took: number }[];

function isExcluded(plan: FunnelPlan, own: readonly StoredEvent[], from: number, to: number, zone: string): boolean {
  return own.some(
    ({ time }, i) => time > from && time < to && plan.exclude.some((step) => isStep(own[i] as StoredEvent, step, zone)),
  );
}

/** Every chain that there is, tried one by one: for each step the completion that comes first, and of those the latest start. */
function ordered(plan: FunnelPlan, own: readonly StoredEvent[], zone: string): Reached {
  const overlapping = plan.steps.some((a, i) =>
    plan.steps.slice(i + 1).some((b) => !a.types || !b.types || a.types.some((type) => b.types?.includes(type))),
  );
  /** `start,time` of chains that reach each step. */
  const chains: { start: number; time: number }[][] = [];
  plan.steps.forEach((step, i) => {
    const hits = own.filter((event) => isStep(event, step, zone));
    if (i === 0) {
      chains.push(hits.map(({ time }) => ({ start: time, time })));
      return;
    }
    let from = i - 1;
    const before = [...(chains[from] ?? [])];
    while (plan.steps[from]?.optional) before.push(...(chains[--from] ?? []));
    chains.push(
      hits.flatMap(({ time }) =>
        before
          .filter((chain) => (overlapping ? chain.time < time : chain.time <= time))
          .filter(({ start }) => time - start <= plan.windowMs && !isExcluded(plan, own, start, time, zone))
          .map(({ start }) => ({ start, time })),
      ),
    );
  });
  return chains.flatMap((found, i) => {
    if (found.length === 0) return [];
    const time = Math.min(...found.map((chain) => chain.time));
    const start = Math.max(...found.filter((chain) => chain.time === time).map((chain) => chain.start));
    return [{ step: i + 1, took: time - start }];
  });
}

function strict(plan: FunnelPlan, own: readonly StoredEvent[], zone: string): Reached {
  const marked = own
    .map((event) => {
      const step = plan.steps.findIndex((each) => isStep(event, each, zone)) + 1;
      const out = step === 0 && plan.exclude.some((each) => isStep(event, each, zone));
      return { time: event.time, step: out ? 99 : step };
    })
    .filter(({ step }) => step > 0)
    .sort((a, b) => a.time - b.time || a.step - b.step);
  const runs: { step: number; first: number; last: number }[] = [];
  for (const { time, step } of marked) {
    const run = runs.at(-1);
    if (run?.step === step) run.last = time;
    else runs.push({ step, first: time, last: time });
  }
  const best = new Map<number, { time: number; took: number }>();
  runs.forEach(({ step, last: start }, i) => {
    if (step !== 1) return;
    for (let k = 1; k <= plan.steps.length && runs[i + k - 1]?.step === k; k++) {
      const time = k === 1 ? start : (runs[i + k - 1]?.first ?? 0);
      if (time - start > plan.windowMs) break;
      const known = best.get(k);
      if (!known || time < known.time) best.set(k, { time, took: time - start });
    }
  });
  return [...best].map(([step, { took }]) => ({ step, took }));
}

function unordered(plan: FunnelPlan, own: readonly StoredEvent[], zone: string): Reached {
  return plan.steps.flatMap((_, i) => {
    const needed = plan.steps.filter((step, j) => j === i || (j < i && !step.optional));
    const times = own.flatMap(({ time: start }) => {
      const nexts = needed.map((step) => own.find((event) => event.time >= start && isStep(event, step, zone))?.time);
      if (nexts.some((time) => time === undefined)) return [];
      const done = Math.max(...(nexts as number[]));
      return done - start <= plan.windowMs && !isExcluded(plan, own, start, done, zone) ? [done - start] : [];
    });
    return times.length > 0 ? [{ step: i + 1, took: Math.min(...times) }] : [];
  });
}

function funnel(plan: FunnelPlan, events: readonly StoredEvent[], zone: string): PlanRow[] {
  const groups = grouped(reached(plan, events, zone), ({ step, value }) => JSON.stringify([step, value]));
  return [...groups].map(([key, own]) => {
    const [step, value] = JSON.parse(key) as [number, string | null];
    const took = own.map((each) => each.took).sort((a, b) => a - b);
    return {
      step,
      value,
      users: own.length,
      total: plan.times ? took.reduce((a, b) => a + b, 0) : null,
      median: plan.times ? (took[Math.max(1, Math.ceil(took.length / 2)) - 1] ?? null) : null,
    };
  });
}

function members(
  plan: CohortsPlan,
  events: readonly StoredEvent[],
  zone: string,
): { user: string; cohort: string | number | null; period: number }[] {
  return byUser(selected(plan.selection, events, zone)).flatMap(({ user, events: own }) => {
    const first = own.find((event) => event.time < plan.to && isStep(event, plan.start, zone));
    if (!first || first.time < plan.from) return [];
    const { cohortBy } = plan;
    const cohort =
      cohortBy === null
        ? 0
        : "field" in cohortBy
          ? textOf(first, cohortBy.field, zone)
          : bucketOf(first.time, cohortBy.period, zone);
    const start = bucketOf(first.time, plan.period, zone);
    const offsets = own
      .filter((event) => event.time >= plan.from && isStep(event, plan.returning, zone))
      .map((event) => bucketOf(event.time, plan.period, zone) - start)
      .filter((period) => period > 0 && period <= plan.maxPeriod);
    const last = Math.max(...offsets);
    const periods = {
      exact: offsets,
      onOrAfter: offsets.length > 0 ? [last] : [],
      brackets: offsets
        .map((period) => Math.max(0, ...plan.brackets.filter((begin) => begin <= period)))
        .filter((begin) => begin > 0),
    }[plan.mode];
    return [0, ...new Set(periods)].map((period) => ({ user, cohort, period }));
  });
}

function cohorts(plan: CohortsPlan, events: readonly StoredEvent[], zone: string): PlanRow[] {
  return counted(members(plan, events, zone).map(({ cohort, period }) => ({ cohort, period })));
}

function states(
  plan: LifecyclePlan,
  events: readonly StoredEvent[],
  zone: string,
): { user: string; bucket: number; state: string; gone: number }[] {
  return byUser(selected(plan.selection, events, zone)).flatMap(({ user, events: own }) => {
    const buckets = [...new Set(own.map(({ time }) => bucketOf(time, plan.bucket, zone)))];
    return buckets.map((bucket, i) => ({
      user,
      bucket,
      state: i === 0 ? "new" : buckets[i - 1] === bucket - 1 ? "returning" : "resurrecting",
      gone: buckets[i + 1] === bucket + 1 ? 0 : 1,
    }));
  });
}

function lifecycle(plan: LifecyclePlan, events: readonly StoredEvent[], zone: string): PlanRow[] {
  const found = states(plan, events, zone).filter(
    ({ bucket }) => bucket >= plan.firstBucket - 1 && bucket <= plan.lastBucket,
  );
  return counted(found.map(({ bucket, state, gone }) => ({ bucket, state, gone })));
}

function split({ selection, gapMs }: SessionsPlan | PathsPlan, events: readonly StoredEvent[], zone: string): OfUser[] {
  return byUser(selected(selection, events, zone)).flatMap(({ user, events: own }) => {
    const found: StoredEvent[][] = [];
    for (const event of own) {
      const session = found.at(-1);
      if (session && event.time - (session.at(-1)?.time ?? 0) <= gapMs) session.push(event);
      else found.push([event]);
    }
    return found.map((session) => ({ user, events: session }));
  });
}

function sessions(plan: SessionsPlan, events: readonly StoredEvent[], zone: string): PlanRow[] {
  const { bucket } = plan;
  const groups = grouped(split(plan, events, zone), ({ events: own }) =>
    bucket ? String(bucketOf(own[0]?.time ?? 0, bucket, zone)) : "",
  );
  if (!bucket && groups.size === 0) groups.set("", []);
  return [...groups].map(([key, own]) => ({
    ...(bucket && { bucket: Number(key) }),
    sessions: own.length,
    users: new Set(own.map(({ user }) => user)).size,
    events: own.reduce((sum, session) => sum + session.events.length, 0),
    bounces: own.filter((session) => session.events.length === 1).length,
    duration: own.reduce(
      (sum, session) => sum + (session.events.at(-1)?.time ?? 0) - (session.events[0]?.time ?? 0),
      0,
    ),
  }));
}

function paths(plan: PathsPlan, events: readonly StoredEvent[], zone: string): PlanRow[] {
  const moves = split(plan, events, zone).flatMap(({ events: own }) =>
    own.slice(0, plan.steps).map((event, i) => {
      const next = own[i + 1];
      return {
        step: i + 1,
        source: textOf(event, plan.node, zone),
        target: next ? textOf(next, plan.node, zone) : null,
        ended: next ? 0 : 1,
      };
    }),
  );
  return counted(moves, "sessions");
}

function concurrency(plan: ConcurrencyPlan, events: readonly StoredEvent[], zone: string): PlanRow[] {
  const intervals = selected(plan.selection, events, zone).flatMap((event) => {
    const length = Number(fieldOf(event, plan.length, zone) ?? 0);
    return length > 0 ? [{ from: event.time, to: event.time + Math.round(length * plan.unitMs) }] : [];
  });
  return plan.bounds.slice(0, -1).map((start, i) => {
    const end = plan.bounds[i + 1] ?? start;
    const moments = [start, ...intervals.map(({ from }) => from).filter((at) => at >= start && at < end)];
    return {
      bucket: bucketOf(start, plan.bucket, zone),
      peak: Math.max(...moments.map((at) => intervals.filter(({ from, to }) => from <= at && to > at).length)),
      busy: intervals.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, end) - Math.max(from, start)), 0),
      length: end - start,
      started: intervals.filter(({ from }) => from >= start && from < end).length,
    };
  });
}

function distribution(plan: DistributionPlan, events: readonly StoredEvent[], zone: string): PlanRow[] {
  const bins = selected(plan.selection, events, zone)
    .map((event) => fieldOf(event, plan.of, zone))
    .filter((value) => value !== null)
    .map((value) => ({ bin: Math.floor(Number(value) / Number(plan.width)) }));
  return counted(bins, "events");
}

function drill({ into, cell, after, limit }: DrillPlan, events: readonly StoredEvent[], zone: string): PlanRow[] {
  const found: (PlanRow & { user: string })[] =
    into.kind === "funnel"
      ? reached(into, events, zone)
      : into.kind === "cohorts"
        ? members(into, events, zone)
        : states(into, events, zone).flatMap((row) => [
            ...(row.bucket >= into.firstBucket && row.bucket <= into.lastBucket ? [row] : []),
            ...(row.gone === 1 && row.bucket + 1 >= into.firstBucket && row.bucket + 1 <= into.lastBucket
              ? [{ ...row, bucket: row.bucket + 1, state: "dormant" }]
              : []),
          ]);
  const isInCell = (row: PlanRow): boolean =>
    Object.entries(cell).every(([name, value]) =>
      into.kind === "cohorts" && into.mode === "onOrAfter" && name === "period"
        ? Number(row.period) >= Number(value)
        : row[name] === value,
    );
  const ids = [...new Set(found.filter(isInCell).map(({ user }) => user))].sort();
  return ids
    .filter((id) => after === null || id > after)
    .slice(0, limit)
    .map((id) => ({ id }));
}
