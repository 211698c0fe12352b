import {
  type Asker,
  askMetrics,
  askTable,
  columnOf,
  type MetricsQuestion,
  usersOfMetric,
} from "../../analytics/index.js";
import { METRICS } from "../../domain/metrics/index.js";
import type { QueryMetricsArgs, QueryMetricTableArgs, Resolvers } from "../generated.js";
import { asker, freshnessOf, lowered, periodOf, userPage } from "./asking.js";

/** A metrics answer with what it takes to ask on. */
export interface AskedMetrics {
  readonly asker: Asker;
  readonly question: MetricsQuestion;
  readonly answer: Awaited<ReturnType<typeof askMetrics>>;
}
export type AskedSeries = AskedMetrics & { readonly series: AskedMetrics["answer"]["series"][number] };
export type AskedPoint = AskedSeries & {
  readonly point: AskedSeries["series"]["points"][number];
  readonly isPrevious: boolean;
};

const questionOf = (args: QueryMetricsArgs | QueryMetricTableArgs): MetricsQuestion => ({
  ...args,
  granularity: lowered(args.granularity),
});

export const metricResolvers = {
  Query: {
    metricCatalogue: (_, { area, ids }) =>
      METRICS.filter(
        (metric) => (!area || metric.area === area.toLowerCase()) && (!ids || ids.includes(metric.id)),
      ).map(columnOf),
    metrics: async (_, args, context) => {
      const asking = await asker(context, args);
      const question = questionOf(args);
      return { asker: asking, question, answer: await askMetrics(asking, question) };
    },
    metricTable: async (_, args, context) => {
      const asking = await asker(context, args);
      const { range, ...page } = await askTable(asking, questionOf(args), args.first, args.after);
      return { ...page, period: periodOf(range), freshness: freshnessOf(asking.freshness) };
    },
  },
  MetricDefinition: {
    formula: ({ formulaText }) => formulaText,
  },
  MetricsAnswer: {
    period: ({ answer }) => periodOf(answer.range),
    comparedPeriod: ({ answer }) => answer.compared && periodOf(answer.compared),
    metrics: ({ answer }) => answer.columns,
    series: (asked) => asked.answer.series.map((series) => ({ ...asked, series })),
    truncated: ({ answer }) => answer.isTruncated,
    freshness: ({ asker: asking, question }) => freshnessOf(asking.freshness, question.approximate ?? false),
  },
  MetricSeries: {
    metric: ({ series }) => series.column,
    group: ({ series }) => series.group,
    total: ({ series: { value, decimal, numerator, denominator } }) => ({ value, decimal, numerator, denominator }),
    points: (asked) => asked.series.points.map((point) => ({ ...asked, point, isPrevious: false })),
    previous: ({ series }) => series.previous,
    previousPoints: (asked) => asked.series.previousPoints.map((point) => ({ ...asked, point, isPrevious: true })),
    change: ({ series }) => series.change,
    changePercent: ({ series }) => series.changePercent,
    users: ({ asker: asking, answer, question, series }, args) =>
      userPage({ asking, args }, (limit, after) =>
        usersOfMetric(
          asking,
          { answer, question, column: series.column, group: series.storedGroup, bucket: null },
          limit,
          after,
        ),
      ),
  },
  MetricPoint: {
    start: ({ point }) => point.start,
    end: ({ point }) => point.end,
    name: ({ point }) => point.name,
    partial: ({ point }) => point.isPartial,
    value: ({ point }) => point.value,
    decimal: ({ point }) => point.decimal,
    numerator: ({ point }) => point.numerator,
    denominator: ({ point }) => point.denominator,
    users: ({ asker: asking, answer, question, series, point, isPrevious }, args) => {
      const range = isPrevious && answer.compared ? answer.compared : answer.range;
      const cell = {
        answer: { ...answer, range },
        question,
        column: series.column,
        group: series.storedGroup,
        bucket: point,
      };
      return userPage({ asking, args }, (limit, after) => usersOfMetric(asking, cell, limit, after));
    },
  },
} satisfies Resolvers;
