import type { Granularity } from "../base/calendar.js";
import { DAY, SECOND } from "../base/clock.js";
import { type ActiveUsersDay, activeUsersByDay, activeUsersPlan } from "../domain/insights/active-users.js";
import { type Cohort, cohortsPlan, cohortTable } from "../domain/insights/cohorts.js";
import { dimensionNamed, type EventQuestion, stepOf } from "../domain/insights/filters.js";
import { type FunnelGroup, type FunnelQuestion, funnelGroups, funnelPlan } from "../domain/insights/funnel.js";
import { type LifecyclePeriod, lifecyclePeriods, lifecyclePlan } from "../domain/insights/lifecycle.js";
import type { CohortsPlan, FunnelPlan, LifecyclePlan, PlanRow } from "../domain/insights/plan.js";
import type { LocalRange } from "../domain/insights/range.js";
import type { Asker } from "./analytics.js";
import { between, opened, type Ranged, refuse } from "./asked.js";

const raisedUsers = (asker: Asker, rows: readonly PlanRow[]): PlanRow[] =>
  rows.map((row) => ({ ...row, users: asker.raisedCount(Number(row.users)) }));

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
  return { range, days: activeUsersByDay(raisedUsers(asker, rows), range) };
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
  const raised = raisedUsers(asker, rows).map((row) => ({
    ...row,
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
  return { range, plan, cohorts: cohortTable(plan, raisedUsers(asker, rows), range.zone, asker.now) };
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
  return { range, plan, periods: lifecyclePeriods(plan, raisedUsers(asker, rows), range.zone, asker.now) };
}
