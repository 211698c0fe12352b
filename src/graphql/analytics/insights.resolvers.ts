import {
  type Asker,
  askActiveUsers,
  askCohorts,
  askDistribution,
  askFunnel,
  askGeography,
  askLifecycle,
  askPaths,
  askSessions,
  askUtilisation,
  type CohortsAnswer,
  type CohortsAsk,
  type FunnelAnswer,
  type LifecycleAnswer,
  named,
  type Place,
  type SessionFigures,
  usersOfCell,
} from "../../analytics/index.js";
import { dayText, type Granularity, startOfLocalDay } from "../../base/calendar.js";
import { percent } from "../../base/numbers.js";
import type { LocalRange } from "../../domain/insights/range.js";
import type { FunnelOrder, Resolvers, RetentionMode } from "../generated.js";
import { asker, freshnessOf, lowered, periodOf, userPage } from "./asking.js";
import { fieldsAsked } from "./fields-asked.js";

type Asked<Answer> = { readonly asker: Asker; readonly answer: Answer };
export type AskedFunnel = Asked<FunnelAnswer>;
export type AskedFunnelGroup = AskedFunnel & { readonly group: FunnelAnswer["groups"][number] };
export type AskedFunnelStep = AskedFunnelGroup & { readonly step: FunnelAnswer["groups"][number]["steps"][number] };
export type AskedCohorts = Asked<CohortsAnswer>;
export type AskedCohort = AskedCohorts & { readonly cohort: CohortsAnswer["cohorts"][number] };
export type AskedCohortCell = AskedCohort & { readonly cell: CohortsAnswer["cohorts"][number]["cells"][number] };
export type AskedPlaces = ReturnType<typeof ended> & { readonly places: readonly Place[] };
export type AskedLifecycle = Asked<LifecycleAnswer>;
export type AskedLifecyclePeriod = AskedLifecycle & { readonly lifecycle: LifecycleAnswer["periods"][number] };

const ORDERS: Record<FunnelOrder, "ordered" | "strict" | "unordered"> = {
  ORDERED: "ordered",
  STRICT: "strict",
  UNORDERED: "unordered",
};
const MODES: Record<RetentionMode, NonNullable<CohortsAsk["mode"]>> = {
  EXACT: "exact",
  ON_OR_AFTER: "onOrAfter",
  BRACKETS: "brackets",
};

const ended = (range: LocalRange, asking: Asker) => ({
  period: periodOf(range),
  freshness: freshnessOf(asking.freshness),
});

export const insightResolvers = {
  Query: { insights: () => ({}) },
  Insights: {
    activeUsers: async (_, args, context, info) => {
      const asking = await asker(context, args);
      const wanted = fieldsAsked(info, "days");
      const trailing = ["wau", "mau", "stickiness"].some((name) => wanted.has(name));
      const { range, days } = await askActiveUsers(asking, { ...args, trailing });
      return {
        ...ended(range, asking),
        days: days.map(({ day, ...figures }) => {
          const [start, end] = [startOfLocalDay(day, range.zone), startOfLocalDay(day + 1, range.zone)];
          return {
            ...figures,
            date: dayText(day),
            partial: start < range.start || end > range.end || end > asking.now,
          };
        }),
      };
    },
    funnel: async (_, args, context, info) => {
      const asking = await asker(context, args);
      const wanted = fieldsAsked(info, "groups", "steps");
      const times = wanted.has("averageSeconds") || wanted.has("medianSeconds");
      const order = args.order ? ORDERS[args.order] : null;
      return { asker: asking, answer: await askFunnel(asking, { ...args, order, times }) };
    },
    retention: async (_, args, context) => {
      const asking = await asker(context, args);
      return { asker: asking, answer: await askCohorts(asking, cohortsAsk(args, null)) };
    },
    cohorts: async (_, args, context) => {
      const asking = await asker(context, args);
      return { asker: asking, answer: await askCohorts(asking, cohortsAsk(args, lowered(args.cohortBy) ?? "week")) };
    },
    lifecycle: async (_, args, context) => {
      const asking = await asker(context, args);
      return {
        asker: asking,
        answer: await askLifecycle(asking, { ...args, granularity: lowered(args.granularity) ?? "week" }),
      };
    },
    sessions: async (_, args, context) => {
      const asking = await asker(context, args);
      const granularity = lowered(args.granularity);
      const { range, total, periods } = await askSessions(asking, { ...args, granularity });
      const figures = ({ bucket, ...rest }: SessionFigures) => ({ ...rest, ...placed(bucket, granularity, range) });
      return { ...ended(range, asking), total: figures(total), periods: periods.map(figures) };
    },
    paths: async (_, args, context) => {
      const asking = await asker(context, args);
      const { range, links } = await askPaths(asking, args);
      return { ...ended(range, asking), links: links.map(({ isEnd, ...link }) => ({ ...link, end: isEnd })) };
    },
    geography: async (_, args, context) => {
      const asking = await asker(context, args);
      const { range, places } = await askGeography(asking, { ...args, level: args.level ?? "COUNTRY" });
      return { ...ended(range, asking), places };
    },
    utilisation: async (_, args, context) => {
      const asking = await asker(context, args);
      const granularity = lowered(args.granularity) ?? "day";
      const { range, peak, periods } = await askUtilisation(asking, {
        ...args,
        unit: args.unit ?? "MINUTE",
        granularity,
      });
      const figures = periods.map(({ bucket, ...rest }) => ({ ...rest, ...named(bucket, granularity, range.zone) }));
      return { ...ended(range, asking), peak, periods: figures };
    },
    distribution: async (_, args, context) => {
      const asking = await asker(context, args);
      const { range, percentiles, bins, ...rest } = await askDistribution(asking, args);
      return { ...ended(range, asking), ...rest, percentiles: [...percentiles], bins: [...bins] };
    },
  },
  Funnel: {
    period: ({ answer }) => periodOf(answer.range),
    groups: (asked) => asked.answer.groups.map((group) => ({ ...asked, group })),
    freshness: ({ asker: asking }) => freshnessOf(asking.freshness),
  },
  FunnelGroup: {
    value: ({ group }) => group.value,
    steps: (asked) => asked.group.steps.map((step) => ({ ...asked, step })),
    conversionRate: ({ group: { steps } }) => percent(steps.at(-1)?.users ?? 0, steps[0]?.users ?? 0),
  },
  FunnelStep: {
    name: ({ step }) => step.name,
    number: ({ step }) => step.number,
    users: ({ step }) => step.users,
    conversionRate: ({ step }) => step.conversionRate,
    dropOffRate: ({ step }) => step.dropOffRate,
    averageSeconds: ({ step }) => inSeconds(step.averageTime),
    medianSeconds: ({ step }) => inSeconds(step.medianTime),
    reachedBy: ({ asker: asking, answer: { plan }, group, step }, args) =>
      userPage({ asking, args }, (limit, after) =>
        usersOfCell(asking, plan, { step: step.number, ...(plan.breakdown && { value: group.value }) }, limit, after),
      ),
  },
  Cohorts: {
    period: ({ answer }) => periodOf(answer.range),
    cohorts: (asked) => asked.answer.cohorts.map((cohort) => ({ ...asked, cohort })),
    freshness: ({ asker: asking }) => freshnessOf(asking.freshness),
  },
  Cohort: {
    name: ({ cohort }) => cohort.name,
    size: ({ cohort }) => cohort.size,
    cells: (asked) => asked.cohort.cells.map((cell) => ({ ...asked, cell })),
    at: (asked, { periods }) =>
      periods.map((wanted) => {
        const cell = asked.cohort.cells.find(({ period }) => period === wanted);
        return cell ? { ...asked, cell } : null;
      }),
  },
  CohortCell: {
    period: ({ cell }) => cell.period,
    users: ({ cell }) => cell.users,
    rate: ({ cell }) => cell.rate,
    complete: ({ cell }) => cell.isComplete,
    retained: ({ asker: asking, answer: { plan }, cohort, cell }, args) =>
      userPage({ asking, args }, (limit, after) =>
        usersOfCell(asking, plan, { period: cell.period, ...(plan.cohortBy && { cohort: cohort.key }) }, limit, after),
      ),
  },
  Lifecycle: {
    period: ({ answer }) => periodOf(answer.range),
    periods: (asked) => asked.answer.periods.map((lifecycle) => ({ ...asked, lifecycle })),
    freshness: ({ asker: asking }) => freshnessOf(asking.freshness),
  },
  LifecyclePeriod: {
    start: ({ lifecycle, answer }) => named(lifecycle.bucket, answer.plan.bucket, answer.range.zone).start,
    name: ({ lifecycle, answer }) => named(lifecycle.bucket, answer.plan.bucket, answer.range.zone).name,
    new: ({ lifecycle }) => lifecycle.new,
    returning: ({ lifecycle }) => lifecycle.returning,
    resurrecting: ({ lifecycle }) => lifecycle.resurrecting,
    dormant: ({ lifecycle }) => lifecycle.dormant,
    partial: ({ lifecycle }) => !lifecycle.isComplete,
    users: ({ asker: asking, answer: { plan }, lifecycle }, { state, ...args }) =>
      userPage({ asking, args }, (limit, after) =>
        usersOfCell(asking, plan, { bucket: lifecycle.bucket, state: state.toLowerCase() }, limit, after),
      ),
  },
} satisfies Resolvers;

function cohortsAsk(
  {
    mode,
    period,
    ...args
  }: Omit<CohortsAsk, "mode" | "period" | "periods" | "cohortBy"> & {
    mode?: RetentionMode | null | undefined;
    period?: Parameters<typeof lowered>[0];
    periods?: number | null | undefined;
  },
  cohortBy: Granularity | null,
): CohortsAsk {
  return {
    ...args,
    cohortBy,
    period: lowered(period) ?? cohortBy ?? "day",
    periods: args.periods ?? 12,
    mode: mode ? MODES[mode] : null,
  };
}

function placed(bucket: number | null, granularity: Granularity | null, { zone }: LocalRange) {
  return bucket === null || !granularity ? { start: null, name: null } : named(bucket, granularity, zone);
}

function inSeconds(milliseconds: number | null): number | null {
  return milliseconds === null ? null : milliseconds / 1000;
}
